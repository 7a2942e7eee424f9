"""What people write to us → the ledger: a wish acts at once, an answer goes to its order, nothing is lost.

::

    a machine wrote it          kept, and nothing follows
    STOP, START                 the word of every customer who is reached there
    HELP                        the company's words; an answer if nobody gives them at once
    an answer                   message.replied of the order it is about
    of nobody we know           customer.wrote, and operations are told
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels.reports import Reply
from orchestrator.callbacks.events import Caller, incoming
from orchestrator.callbacks.whose import Stray, Whose, note_stray, whose
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.ledger import Transaction
from orchestrator.model import STAFF
from orchestrator.persons.keywords import Wish, says_yes, wish
from orchestrator.planning.answering import COLLEAGUE, HELPED, MACHINE, REPLIED, WROTE
from orchestrator.sending.suppressions import lift, suppress

STOPPED = "its owner said STOP"


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from something that was written: facts, and words to answer with."""

    facts: Sequence[Incoming] = ()
    words: tuple[str, ...] = ()
    stray: bool = False


@dataclass(frozen=True, slots=True)
class House:
    """What the company settled about answers: its *help* for whoever asks."""

    help: str = ""


@dataclass(slots=True)
class _Desk:
    """One reply on its way through."""

    tx: Transaction
    caller: Caller
    reply: Reply
    now: datetime
    by: Whose
    facts: list[Incoming] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """When it was written, as far as that can be."""
        return min(self.reply.at or self.now, self.now)

    def fact(self, suffix: str, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Note a fact of this reply."""
        name = f"{self.reply.id}:{suffix}" if suffix else self.reply.id
        said = {key: value for key, value in data.items() if value}
        self.facts.append(
            incoming(
                self.caller.source, name, kind, subject, self.at, self.now, said,
                {"raw": dict(self.reply.raw)} if self.reply.raw and not suffix else {},
            )
        )  # fmt: skip


def take(
    engine: Engine, tx: Transaction, caller: Caller, reply: Reply, now: datetime, house: House
) -> Followed:
    """Do what a reply means, and return the facts of it and what it is answered with."""
    by = whose(engine, tx, caller, reply, now)
    desk = _Desk(tx, caller, reply, now, by)
    asked = None if reply.automatic or by.role in STAFF else _wish(reply, by)
    if asked is Wish.HELP and (reply.wish or (house.help and caller.answers)):
        _answer(desk, HELPED)
        return Followed(desk.facts, () if reply.wish else (house.help,))  # else the provider has answered
    if asked in (Wish.STOP, Wish.START):
        _word(desk, asked)
    else:
        _answer(desk)
    return Followed(desk.facts, stray=desk.facts[0].fact.type == WROTE if desk.facts else False)


def _wish(reply: Reply, by: Whose) -> Wish | None:
    """What is wished for; a YES asks for messages again only where a STOP stands, else it is an answer."""
    by_mail = "@" in reply.sender
    asked = wish(_words(reply), by.locale, letter=by_mail)
    if asked is Wish.START and by_mail and not by.proven:
        return None  # anybody may write a sender, and would undo their STOP
    if (asked is Wish.START or reply.wish == Wish.START) and says_yes(reply.text):
        return None if by.offered or not by.stopped else Wish.START
    if asked is None and reply.wish in set(Wish):
        return Wish(reply.wish)
    return asked


def _words(reply: Reply) -> str:
    """What was written: of a mail without a text its subject."""
    return reply.text if reply.text.strip() else reply.subject


def _word(desk: _Desk, asked: Wish) -> None:
    """STOP counts at once, for everybody who is reached there; START takes just that back.

    A number is stopped as well as whom it belongs to now: it gets nothing for anybody who has it later, or is
    told apart from them. A mailbox is not, for who asks for news there again is to get them.
    """
    channel, reply = desk.caller.channel, desk.reply
    evidence = {
        "how": f"{asked.value.upper()} by {channel}",
        "wording": _words(reply),
        "message": desk.by.entry.key if desk.by.entry is not None else "",
        "id": reply.id,
    }
    kind = "consent.withdrawn" if asked is Wish.STOP else "consent.given"
    stranger = not desk.by.customers or desk.by.role != "customer"  # a neighbour, or nobody we know any more
    everybody = (*desk.by.customers, *([desk.by.stranger] if stranger else []))
    named = (f"{reply.id}:{one}" for one in {*everybody, desk.by.stranger})
    if any(desk.tx.has_payload(desk.caller.source, name) for name in named):
        return  # what is said again does not count for later
    for customer in everybody:
        data = {"channel": channel, "evidence": {key: value for key, value in evidence.items() if value}}
        desk.fact(customer, kind, customer, data)
    if asked is Wish.START:
        lift(desk.tx, channel, reply.sender, evidence["how"], desk.now, only=STOPPED)
    elif stranger or "@" not in reply.sender:
        suppress(desk.tx, channel, reply.sender, STOPPED, f"{evidence['how']}, {reply.id}", desk.now)


def _answer(desk: _Desk, kind: str = "") -> None:
    reply, by = desk.reply, desk.by
    data: dict[str, Any] = {
        "channel": desk.caller.channel,
        "text": reply.text,
        "subject": reply.subject,
        "message": by.entry.key if by.entry is not None else "",
        "provider": desk.caller.name,
        "by": by.role if by.role != "customer" else "",
        "from": reply.sender if by.elsewhere else "",
    }
    if by.order:
        kind = kind or (MACHINE if reply.automatic else COLLEAGUE if by.role in STAFF else REPLIED)
        desk.fact("", kind, by.order, data)
        return
    customer = by.customers[0] if by.customers else by.stranger
    desk.fact("", WROTE, customer, data | {"from": reply.sender, "automatic": reply.automatic})
    if not reply.automatic and not kind:
        note_stray(desk.tx, Stray(desk.caller.source, reply.id, desk.at, customer))
