"""``/task/{token}``: a task, its order, and what is one tap away; by the link in the task's message."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from orchestrator.intake.values import OWN_LINE
from orchestrator.ledger import Transaction
from orchestrator.links import Use
from orchestrator.model import Entry, Person
from orchestrator.render.telephones import as_dialled
from orchestrator.timing.send_time import recipient
from orchestrator.views.owner import OwnerView, owner_view
from orchestrator.views.reader import Seen, is_bound
from orchestrator.web.customer.entrance import Entrance, Visitor
from orchestrator.web.customer.saying import SOURCE
from orchestrator.web.frame import see
from orchestrator.web.owner.tapping import FARTHEST, Tap, Unclear, events
from orchestrator.web.signed_in import form_of

PAGE = "owner/task.html"
CHANNELS = frozenset({"email", "sms", "push", "inbox"})


def task_router(entrance: Entrance) -> APIRouter:
    """Return the routes of the owner's page."""
    router = APIRouter()

    @router.get(f"/{Use.TASK}/{{token}}")
    async def show(token: str, saved: str = "") -> Response:
        """Show the task and its order; nothing is changed."""
        return await entrance.open(
            Use.TASK, token, lambda tx, who: _page(entrance, tx, who, saved=bool(saved))
        )

    @router.post(f"/{Use.TASK}/{{token}}")
    async def tap(request: Request, token: str) -> Response:
        """Do what the pressed button says, and come back to the page."""
        sent = await form_of(request)

        def act(tx: Transaction, who: Visitor) -> Response:
            if not (theirs := _theirs(tx, who)):
                return _moved(entrance, who)
            try:
                _tapped(entrance, tx, who, theirs, sent)
            except Unclear as why:
                return _page(entrance, tx, who, wrong=str(why))
            return see(f"{entrance.path(Use.TASK, who)}?saved=1")

        return await entrance.act(Use.TASK, token, act)

    return router


def _tapped(
    entrance: Entrance, tx: Transaction, who: Visitor, theirs: Sequence[Seen], sent: Mapping[str, str]
) -> None:
    seen = next((one for one in theirs if one.order.id == sent.get("order")), None)
    if seen is None:
        raise Unclear("unclear")
    entries = tx.entries_of([seen.order.id])[seen.order.id]
    tap = Tap(_person(seen).name or seen.entry.wanted.role, who.at, who.message_id.strip("<>"), SOURCE)
    heard = events(tap, sent, _view(who, seen, entries), seen.order, entries)
    entrance.desk.engine.take(tx, heard, who.at)


def _view(who: Visitor, seen: Seen, entries: list[Entry]) -> OwnerView:
    wanted = seen.entry.wanted
    return owner_view(
        seen.order, seen.customer, seen.journey, entries, who.reader.sight.book, who.at, who.say.locale,
        role=wanted.role, about=wanted.milestone,
    )  # fmt: skip


def _person(seen: Seen) -> Person:
    """Whoever plays the role to whom the message went."""
    who = recipient(seen.entry.wanted.role, seen.order, seen.customer)
    assert isinstance(who, Person), "the page is for staff"
    return who


def _theirs(tx: Transaction, who: Visitor) -> list[Seen]:
    """The orders of the message that whoever got it looks after still."""
    return [one for one in who.reader.seen if is_bound(tx, one.entry, _person(one))]


def _moved(entrance: Entrance, who: Visitor) -> Response:
    """The page that says who looks after it now, for whoever does not any more."""
    say, person = who.say, _person(who.reader.first)
    lines = [say("owner.moved", who=person.name or who.reader.role)]
    return entrance.house.page(
        "customer/note.html", say, who.brand, title=say("owner.title"), lines=lines, link=None,
        status=HTTPStatus.FORBIDDEN,
    )  # fmt: skip


def _page(
    entrance: Entrance, tx: Transaction, who: Visitor, *, saved: bool = False, wrong: str = ""
) -> Response:
    if not (theirs := _theirs(tx, who)):
        return _moved(entrance, who)
    entries = tx.entries_of([one.order.id for one in theirs])
    views = [_view(who, one, entries[one.order.id]) for one in theirs]
    return entrance.house.page(
        PAGE,
        who.say,
        who.brand,
        views=views,
        phones={one.order: as_dialled(one.phone) for one in views},
        saved=saved,
        wrong=who.say(f"owner.{wrong}") if wrong else "",
        most=OWN_LINE,
        farthest=views[0].today + FARTHEST,
        channels=CHANNELS,
        csrf="",
        back="",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
    )
