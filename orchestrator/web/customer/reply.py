"""``/reply/{token}``: a box to write in; what is written reaches whoever looks after the order, as a task."""

from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from orchestrator.ledger import Transaction
from orchestrator.links import Use
from orchestrator.persons.consents import WITHDRAWN
from orchestrator.persons.keywords import Wish, wish
from orchestrator.plain_text import lines
from orchestrator.planning.answering import REPLIED
from orchestrator.web.customer.entrance import Entrance, Visitor
from orchestrator.web.customer.saying import SOURCE, digest, event
from orchestrator.web.frame import see
from orchestrator.web.signed_in import form_of

MOST = 5_000  # characters; whoever has more to say sends a mail
OFTEN = 5  # answers within an hour; more of them are a machine, or somebody who should be called
WITHIN = timedelta(hours=1)
PAGE = "customer/reply.html"


def reply_router(entrance: Entrance) -> APIRouter:
    """Return the routes of the page on which somebody answers."""
    router = APIRouter()

    @router.get(f"/{Use.REPLY}/{{token}}")
    async def ask(token: str, sent: str = "") -> Response:
        """Show the box, or that the answer has arrived; nothing is changed."""
        return await entrance.open(
            Use.REPLY, token, lambda _, who: _sent(entrance, who) if sent else _box(entrance, who)
        )

    @router.post(f"/{Use.REPLY}/{{token}}")
    async def take(request: Request, token: str) -> Response:
        """Keep what was written, once."""
        written = (await form_of(request)).get("text", "")

        def keep(tx: Transaction, who: Visitor) -> Response:
            text = lines(written, MOST + 1)
            if not text or len(text) > MOST:
                return _box(entrance, who, written, "long" if text else "empty")
            if _often(who):
                return _too_often(entrance, who)
            _keep(entrance, tx, who, text)
            return see(f"{entrance.path(Use.REPLY, who)}?sent=1")

        return await entrance.act(Use.REPLY, token, keep)

    return router


def _keep(entrance: Entrance, tx: Transaction, who: Visitor, text: str) -> None:
    """An answer of the order; one that is nothing but STOP ends the channel it answers as well."""
    seen, role = who.reader.first, who.reader.role
    name = f"{who.message_id.strip('<>')}/{digest(text, f'{who.at:%Y-%m-%dT%H}')}"
    data = {"channel": SOURCE, "text": text, "message": seen.entry.key}
    heard = [event(name, REPLIED, seen.order.id, who.at, data | ({} if role == "customer" else {"by": role}))]
    if role == "customer" and wish(text, seen.customer.locale) is Wish.STOP:
        evidence = {"how": "STOP on the page", "wording": text, "message": seen.entry.key}
        said = {"channel": seen.entry.channel, "evidence": evidence}
        heard.append(event(f"{name}:consent", WITHDRAWN, seen.order.customer, who.at, said))
    entrance.desk.engine.take(tx, heard, who.at)


def _often(who: Visitor) -> bool:
    since = who.at - WITHIN
    answers = (
        fact
        for fact in who.reader.first.order.events
        if fact.type == REPLIED and fact.source == SOURCE and fact.heard > since
    )
    return sum(1 for _ in answers) >= OFTEN


def _box(entrance: Entrance, who: Visitor, text: str = "", wrong: str = "") -> Response:
    return entrance.house.page(
        PAGE,
        who.say,
        who.brand,
        who=who.who,
        text=text[: MOST + 1],
        wrong=who.say(f"reply.{wrong}", most=MOST) if wrong else "",
        most=MOST,
        back=entrance.path(Use.ORDER, who),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
    )


def _sent(entrance: Entrance, who: Visitor) -> Response:
    return _note(entrance, who, "done")


def _too_often(entrance: Entrance, who: Visitor) -> Response:
    page = _note(entrance, who, "often", HTTPStatus.TOO_MANY_REQUESTS)
    page.headers["Retry-After"] = str(int(WITHIN.total_seconds()))
    return page


def _note(entrance: Entrance, who: Visitor, said: str, status: int = HTTPStatus.OK) -> Response:
    say = who.say
    lines_said = [say(f"reply.{said}_text", who=who.who)]
    if said == "often" and who.phone:
        lines_said.append(say("gone.call", phone=who.phone))
    back = {"href": entrance.path(Use.ORDER, who), "text": say("reply.back")}
    title = say(f"reply.{said}")
    return entrance.house.page(
        "customer/note.html", say, who.brand, title=title, lines=lines_said, link=back, status=status
    )
