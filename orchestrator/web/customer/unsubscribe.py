"""``/unsubscribe/{token}``: GET asks, for scanners follow links; POST does it at once (RFC 8058)."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from orchestrator.errors import LedgerError
from orchestrator.links import BadLink, Links, Use
from orchestrator.render.page_words import PageWords, words
from orchestrator.web.customer.paper import House
from orchestrator.web.hearing import LocaleOf, Withdraw


def unsubscribe_router(links: Links, withdraw: Withdraw, locale_of: LocaleOf, house: House) -> APIRouter:
    """Return the routes behind the links of mail that nobody had to get."""
    router = APIRouter()

    @router.get(f"/{Use.UNSUBSCRIBE}/{{token}}")
    async def ask(token: str) -> Response:
        """Ask whether they mean it; nothing is changed."""
        try:
            say = words(await locale_of(links.message_id(Use.UNSUBSCRIBE, token)), house.locale)
        except BadLink:
            return _bad(house)
        except LedgerError:
            return house.away(words(house.locale))
        return house.page("customer/unsubscribe.html", say)

    @router.post(f"/{Use.UNSUBSCRIBE}/{{token}}")
    async def act(token: str) -> Response:
        """Withdraw the consent, without asking who they are: the link says so."""
        try:
            message_id = links.message_id(Use.UNSUBSCRIBE, token)
            known = await withdraw(message_id)
            say = words(await locale_of(message_id), house.locale)
        except BadLink:
            return _bad(house)
        except LedgerError:
            return house.away(words(house.locale))
        return _said(house, say, "done") if known else _said(house, say, "bad", HTTPStatus.NOT_FOUND)

    return router


def _bad(house: House) -> Response:
    return _said(house, words(house.locale), "bad", HTTPStatus.BAD_REQUEST)


def _said(house: House, say: PageWords, what: str, status: int = HTTPStatus.OK) -> Response:
    title, lines = say("unsubscribe.title"), [say(f"unsubscribe.{what}")]
    return house.page("customer/note.html", say, title=title, lines=lines, link=None, status=status)
