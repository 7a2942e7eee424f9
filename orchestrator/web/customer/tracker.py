"""``/order/{token}``: how an order stands, in the words and the language of whoever waits for it."""

from fastapi import APIRouter, Response

from orchestrator.ledger import Transaction
from orchestrator.links import Use
from orchestrator.views.tracker import tracker
from orchestrator.web.customer.entrance import Entrance, Visitor

SPOKEN_OF = frozenset({"reached", "missed", "moved", "upcoming", "retracted", "wrote", "spoke"})
CHANNELS = frozenset({"email", "sms", "push", "inbox"})


def tracker_router(entrance: Entrance) -> APIRouter:
    """Return the route of the page that shows an order."""
    router = APIRouter()

    @router.get(f"/{Use.ORDER}/{{token}}")
    async def show(token: str) -> Response:
        """Show the orders of the message that the link stood in; nothing is changed."""
        return await entrance.open(Use.ORDER, token, lambda tx, visitor: _page(entrance, tx, visitor))

    return router


def _page(entrance: Entrance, tx: Transaction, visitor: Visitor) -> Response:
    found, sight = visitor.reader, visitor.reader.sight
    entries = tx.entries_of([one.order.id for one in found.seen])
    locale = visitor.say.locale
    trackers = [
        tracker(one, sight.decisions[one.order.id], entries[one.order.id], sight.book, visitor.at, locale)
        for one in found.seen
    ]
    return entrance.house.page(
        "customer/tracker.html",
        visitor.say,
        visitor.brand,
        trackers=trackers,
        sender=visitor.sender,
        who=visitor.who,
        place=visitor.place,
        phone=visitor.phone,
        reply=entrance.path(Use.REPLY, visitor),
        preferences=entrance.path(Use.PREFERENCES, visitor) if found.role == "customer" else "",
        spoken_of=SPOKEN_OF,
        channels=CHANNELS,
    )
