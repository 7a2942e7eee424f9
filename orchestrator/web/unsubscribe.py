"""``/unsubscribe/{token}``: GET asks, for scanners follow links; POST does it at once (RFC 8058)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from string import Template

from fastapi import APIRouter, Response

from orchestrator.errors import LedgerError
from orchestrator.links import BadLink, Links, Use
from orchestrator.web.body import RETRY_AFTER

Withdraw = Callable[[str], Awaitable[bool]]
"""Withdraw the consent under which the mail of that Message-ID was sent; False if there is no such mail."""

LocaleOf = Callable[[str], Awaitable[str]]
"""The language of whoever got the mail of that Message-ID, or ""."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says in one language."""

    title: str
    ask: str
    button: str
    done: str
    bad: str


WORDS: Mapping[str, Words] = {
    "en": Words(
        "Unsubscribe",
        "Do you want no more mail of this kind?",
        "Unsubscribe",
        "Done: you get no more mail of this kind. You still hear what concerns your order.",
        "This link is not whole. Please answer the mail instead, and we will see to it.",
    ),
    "de": Words(
        "Abbestellen",
        "Möchten Sie keine solchen E-Mails mehr?",
        "Abbestellen",
        "Erledigt: Sie bekommen keine solchen E-Mails mehr. Zu Ihrem Auftrag hören Sie weiterhin von uns.",
        "Dieser Link ist nicht vollständig. Antworten Sie bitte auf die E-Mail, und wir kümmern uns darum.",
    ),
    "fr": Words(
        "Se désabonner",
        "Ne plus recevoir ce type d’e-mails ?",
        "Se désabonner",
        "C’est fait : vous ne recevrez plus ce type d’e-mails, mais toujours celles sur votre commande.",
        "Ce lien est incomplet. Répondez à l’e-mail, et nous nous en occuperons.",
    ),
    "es": Words(
        "Darse de baja",
        "¿No desea recibir más correos de este tipo?",
        "Darse de baja",
        "Hecho: no recibirá más correos de este tipo. Seguiremos informándole sobre su pedido.",
        "Este enlace está incompleto. Responda al correo y nos ocuparemos de ello.",
    ),
    "it": Words(
        "Annulla l’iscrizione",
        "Non vuole più ricevere e-mail di questo tipo?",
        "Annulla l’iscrizione",
        "Fatto: non riceverà più e-mail di questo tipo. La informeremo sempre sul suo ordine.",
        "Questo link è incompleto. Risponda all’e-mail e ce ne occuperemo.",
    ),
    "nl": Words(
        "Afmelden",
        "Wilt u dit soort e-mails niet meer ontvangen?",
        "Afmelden",
        "Gedaan: u krijgt dit soort e-mails niet meer. Over uw bestelling blijven wij u informeren.",
        "Deze link is niet volledig. Beantwoord de e-mail, dan zorgen wij ervoor.",
    ),
}
"""The languages the page knows; whoever reads another one gets the company's, or English."""

PAGE = Template("""<!doctype html>
<html lang="$language">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<body>
<main>
<h1>$title</h1>
<p>$text</p>
$form</main>
</body>
</html>
""")
FORM = Template('<form method="post"><button type="submit">$button</button></form>\n')
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def unsubscribe_router(links: Links, withdraw: Withdraw, locale_of: LocaleOf, *, locale: str) -> APIRouter:
    """Return the routes behind the links of mail that nobody had to get; *locale* is the company's."""
    router = APIRouter()

    @router.get(f"/{Use.UNSUBSCRIBE}/{{token}}")
    async def ask(token: str) -> Response:
        """Ask whether they mean it; nothing is changed."""
        try:
            language, words = _words(await locale_of(links.message_id(Use.UNSUBSCRIBE, token)), locale)
        except BadLink:
            return _bad(locale)
        except LedgerError:
            return _away()
        form = FORM.substitute(button=escape(words.button))
        return _page(HTTPStatus.OK, language, words, words.ask, form)

    @router.post(f"/{Use.UNSUBSCRIBE}/{{token}}")
    async def act(token: str) -> Response:
        """Withdraw the consent, without asking who they are: the link says so."""
        try:
            message_id = links.message_id(Use.UNSUBSCRIBE, token)
            known = await withdraw(message_id)
            language, words = _words(await locale_of(message_id), locale)
        except BadLink:
            return _bad(locale)
        except LedgerError:
            return _away()
        if not known:
            return _page(HTTPStatus.NOT_FOUND, language, words, words.bad)
        return _page(HTTPStatus.OK, language, words, words.done)

    return router


def _words(*locales: str) -> tuple[str, Words]:
    """The first of these languages that there are words in."""
    for locale in (*locales, "en"):
        language = locale.replace("_", "-").partition("-")[0].lower()
        if language in WORDS:
            return language, WORDS[language]
    raise AssertionError("there are words in English")


def _bad(locale: str) -> Response:
    language, words = _words(locale)
    return _page(HTTPStatus.BAD_REQUEST, language, words, words.bad)


def _away() -> Response:
    return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER)})


def _page(status: HTTPStatus, language: str, words: Words, text: str, form: str = "") -> Response:
    content = PAGE.substitute(language=language, title=escape(words.title), text=escape(text), form=form)
    return Response(content, status, HEADERS, media_type="text/html")
