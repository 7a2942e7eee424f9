"""``/order/{token}``: how an order stands, in the words and the language of whoever waits for it.

They take one of the times that were offered there, and say how it was once everything is done.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from orchestrator.ledger import Transaction
from orchestrator.links import Use
from orchestrator.plain_text import lines
from orchestrator.views.reader import Seen
from orchestrator.views.tracker import FEEDBACK, Tracker, tracker
from orchestrator.web.customer.entrance import Entrance, Visitor
from orchestrator.web.customer.saying import digest, event
from orchestrator.web.frame import see
from orchestrator.web.signed_in import form_of

SPOKEN_OF = frozenset({"reached", "missed", "moved", "upcoming", "retracted", "wrote", "spoke"})
CHANNELS = frozenset({"email", "sms", "push", "inbox"})
SCORES = range(1, 11)
COMMENT = 2_000  # characters of what they say beside the number


def tracker_router(entrance: Entrance) -> APIRouter:
    """Return the routes of the page that shows an order."""
    router = APIRouter()

    @router.get(f"/{Use.ORDER}/{{token}}")
    async def show(token: str, saved: str = "") -> Response:
        """Show the orders of the message that the link stood in; nothing is changed."""
        return await entrance.open(
            Use.ORDER, token, lambda tx, who: _page(entrance, tx, who, saved=bool(saved))
        )

    @router.post(f"/{Use.ORDER}/{{token}}")
    async def say(request: Request, token: str) -> Response:
        """Take an offered time, or say how it was; only what the page offers is heard."""
        sent = await form_of(request)

        def keep(tx: Transaction, who: Visitor) -> Response:
            about = next((one for one in who.reader.seen if one.order.id == sent.get("order")), None)
            if about is None:
                return _page(entrance, tx, who, wrong="unclear")
            shown = next(one for one in _trackers(tx, who) if one.order == about.order.id)
            if "slot" in sent:
                return _take(entrance, tx, who, about, shown, sent["slot"])
            return _rate(entrance, tx, who, about, shown, sent)

        return await entrance.act(Use.ORDER, token, keep)

    return router


def _take(
    entrance: Entrance, tx: Transaction, who: Visitor, about: Seen, shown: Tracker, slot: str
) -> Response:
    if not slot or slot not in {one.id for one in shown.slots}:
        return _page(entrance, tx, who, wrong="unclear")
    _hear(entrance, tx, who, about, "slot.chosen", {"slot": {"id": slot}})
    return see(f"{entrance.path(Use.ORDER, who)}?saved=1")


def _rate(
    entrance: Entrance, tx: Transaction, who: Visitor, about: Seen, shown: Tracker, sent: Mapping[str, str]
) -> Response:
    if shown.feedback != "ask":
        return _page(entrance, tx, who, wrong="unclear")
    score = sent.get("score", "")
    if score not in {str(one) for one in SCORES}:
        return _page(entrance, tx, who, wrong="feedback_empty", comment=sent.get("comment", ""))
    comment = lines(sent.get("comment", ""), COMMENT)
    phase = about.journey.phase_of(about.journey.last)
    data = {"phase": phase, "score": int(score), "message": about.entry.key}
    _hear(entrance, tx, who, about, FEEDBACK, data | ({"comment": comment} if comment else {}))
    return see(f"{entrance.path(Use.ORDER, who)}?saved=1")


def _hear(
    entrance: Entrance, tx: Transaction, who: Visitor, about: Seen, kind: str, data: Mapping[str, Any]
) -> None:
    """Once for each thing that was offered: a button is soon pressed twice."""
    offers = sum(1 for fact in about.order.events if fact.type == "slot.offered")
    name = f"{who.message_id.strip('<>')}/{digest(kind, about.order.id, str(offers))}"
    entrance.desk.engine.take(tx, [event(name, kind, about.order.id, who.at, data)], who.at)


def _trackers(tx: Transaction, who: Visitor) -> list[Tracker]:
    found, sight = who.reader, who.reader.sight
    entries = tx.entries_of([one.order.id for one in found.seen])
    return [
        tracker(one, sight.decisions[one.order.id], entries[one.order.id], sight.book, who.at, who.say.locale)
        for one in found.seen
    ]


def _page(
    entrance: Entrance,
    tx: Transaction,
    who: Visitor,
    *,
    saved: bool = False,
    wrong: str = "",
    comment: str = "",
) -> Response:
    return entrance.house.page(
        "customer/tracker.html",
        who.say,
        who.brand,
        trackers=_trackers(tx, who),
        sender=who.sender,
        who=who.who,
        place=who.place,
        phone=who.phone,
        reply=entrance.path(Use.REPLY, who),
        preferences=entrance.path(Use.PREFERENCES, who) if who.reader.role == "customer" else "",
        spoken_of=SPOKEN_OF,
        channels=CHANNELS,
        scores=SCORES,
        most=COMMENT,
        saved=saved,
        comment=comment[:COMMENT],
        wrong=who.say(f"tracker.{wrong}") if wrong else "",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
    )
