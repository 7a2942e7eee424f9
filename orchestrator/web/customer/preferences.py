"""``/preferences/{token}``: by which ways, on which days, at what hours, about what, in which language."""

from collections.abc import Collection, Mapping
from datetime import time
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from orchestrator.ledger import Transaction
from orchestrator.links import Use
from orchestrator.model import Purpose
from orchestrator.persons.consents import GIVEN, WITHDRAWN
from orchestrator.render.local_dates import time_text, weekday_names
from orchestrator.render.page_words import languages
from orchestrator.views.preferences import (
    ANY,
    BAND,
    BANDS,
    NEVER,
    OPTIONAL,
    RANKS,
    Choice,
    Preferences,
    changes,
    name_of,
    preferences,
)
from orchestrator.web.customer.entrance import Entrance, Visitor
from orchestrator.web.customer.saying import digest, event
from orchestrator.web.frame import see
from orchestrator.web.signed_in import fields_of, form_of

PAGE = "customer/preferences.html"


def preferences_router(entrance: Entrance) -> APIRouter:
    """Return the routes of the page on which a customer chooses."""
    router = APIRouter()

    @router.get(f"/{Use.PREFERENCES}/{{token}}")
    async def ask(token: str, saved: str = "") -> Response:
        """Show what is chosen; nothing is changed."""
        return await entrance.open(
            Use.PREFERENCES, token, lambda _, who: _form(entrance, who, saved=bool(saved))
        )

    @router.post(f"/{Use.PREFERENCES}/{{token}}")
    async def choose(request: Request, token: str) -> Response:
        """Keep what was chosen, with evidence of how."""
        sent = await form_of(request)
        ticked = {name: await fields_of(request, name) for name in ("at", "keep", "topic", "about")}

        def keep(tx: Transaction, who: Visitor) -> Response:
            shown = _shown(who)
            chosen = _chosen(sent, ticked, shown, _offered(who), entrance.house.languages)
            if "only" in sent:
                chosen = _only_the_order(shown)
            if shown.ways and all(chosen.ways.get(kind) == NEVER for kind in shown.ways):
                return _form(entrance, who, wrong="one_way")
            _keep(entrance, tx, who, shown, chosen)
            return see(f"{entrance.path(Use.PREFERENCES, who)}?saved=1")

        return await entrance.act(Use.PREFERENCES, token, keep)

    return router


def _shown(who: Visitor) -> Preferences:
    book = who.reader.sight.book
    return preferences(who.reader.first.customer, [one.journey for one in who.reader.seen], book.policy)


def _chosen(
    sent: Mapping[str, str],
    ticked: Mapping[str, list[str]],
    shown: Preferences,
    offered: frozenset[Purpose],
    languages: Collection[str],
) -> Choice:
    """What was sent, as far as the form offers it; nothing else is ever taken from a request."""
    ranks = {*RANKS, ANY, NEVER}
    known = {f"{day}-{hour}": (day, hour) for day in range(7) for hour in BANDS}
    language = sent.get("language", "")
    return Choice(
        ways={
            kind: said if (said := sent.get(f"way-{kind}", "")) in ranks else old
            for kind, old in shown.ways.items()
        },
        cells=frozenset(known[name] for name in ticked["at"] if name in known),
        keep=frozenset(ticked["keep"]),
        topics=frozenset(ticked["topic"]),
        wanted=(shown.wanted - offered) | {one for one in offered if one.value in ticked["about"]},
        language=language if language in languages else "",
    )


def _only_the_order(shown: Preferences) -> Choice:
    """Everything stays but what the contract does not need."""
    keep = frozenset(map(name_of, shown.others))
    return Choice(shown.ways, shown.cells, keep, frozenset(shown.topics), frozenset(), "")


def _keep(entrance: Entrance, tx: Transaction, who: Visitor, shown: Preferences, chosen: Choice) -> None:
    seen, heard = who.reader.first, []
    for number, change in enumerate(changes(seen.customer, shown, chosen)):
        data: dict[str, Any] = dict(change.data)
        if change.type in (GIVEN, WITHDRAWN):
            about = data.get("purpose") or "service"
            data["evidence"] = {
                "how": "chosen on the preferences page",
                "wording": f"{who.say('preferences.title')}: {who.say(f'preferences.{about}')}",
                "message": seen.entry.key,
            }
        once = digest(change.type, str(data), f"{who.at.timestamp():.6f}")
        name = f"{who.message_id.strip('<>')}/{once}:{number}"
        heard.append(event(name, change.type, seen.order.customer, who.at, data))
    if heard:
        entrance.desk.engine.take(tx, heard, who.at)


def _form(entrance: Entrance, who: Visitor, *, saved: bool = False, wrong: str = "") -> Response:
    shown, say = _shown(who), who.say
    named = languages()
    offered = {one: named[one] for one in entrance.house.languages if one in named}
    days = weekday_names(say.locale)
    return entrance.house.page(
        PAGE,
        say,
        who.brand,
        shown=shown,
        saved=saved,
        wrong=say(f"preferences.{wrong}") if wrong else "",
        ranks=[*RANKS[: len(shown.ways)], ANY, NEVER],
        bands=[(hour, f"{hour}–{hour + BAND}", _hours(hour, say.locale)) for hour in BANDS],
        days=days,
        others=[
            (
                name_of(one),
                say.comma.join(days[day][1] for day in sorted(one.days)),
                f"{one.start:%H:%M}–{one.end:%H:%M}",
                one.channel,
            )
            for one in shown.others
        ],
        purposes=[purpose.value for purpose in OPTIONAL if purpose in _offered(who)],
        wanted={purpose.value for purpose in shown.wanted & _offered(who)},
        languages=offered if len(offered) > 1 else {},
        back=entrance.path(Use.ORDER, who),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
    )


def _hours(hour: int, locale: str) -> str:
    return "–".join(time_text(time(at), locale) for at in (hour, hour + BAND))


def _offered(who: Visitor) -> frozenset[Purpose]:
    """The purposes of which any rule or line says something, or about which they ever said a word."""
    book, consents = who.reader.sight.book, who.reader.first.customer.consents
    said = {rule.purpose for journey in book.journeys.values() for rule in journey.rules}
    said |= {rider.purpose for journey in book.journeys.values() for rider in journey.riders}
    return frozenset(
        one for one in OPTIONAL if one in said or any(about == one.value for about, _ in consents)
    )
