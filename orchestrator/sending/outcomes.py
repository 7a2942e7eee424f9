"""What a channel's answer means for the entry it was about. Pure.

==================  ==========================================  =====================================
the channel         a message                                   a task
==================  ==========================================  =====================================
took it             accepted                                    accepted
Unavailable         again after the back-off; when that comes   the same; after the last step it
                    too late, the next step, else failed        stands on the list of tasks alone
Unavailable, the    again when the channel goes on; it counts   the same
provider says when  as no try; the second time in a row after
                    the next in line
Rejected            the next step, else failed; a dead address  the same
                    joins the suppression list
Rejected after a    unknown: a person decides; of a dead        the next step, else the list
try in doubt        address the next step, else failed
Misconfigured       the channel pauses; the guard finds another the same
                    step, or the message waits
Unknown, may be     again after the back-off; when that comes   the same; then the next step,
repeated or found   too late, unknown: a person decides         else the list
its worker is dead  again at once; the second time as Unknown   the same
and it may be
repeated
Unknown, may not    unknown: a person decides                   the next step, else the list
was not asked       again at once: we are stopping              the same
==================  ==========================================  =====================================

A task goes on where a message stops: a colleague who hears twice by two channels loses a minute, one who
hears nothing loses a customer. On one channel nothing is repeated that may not be. A message that may have
left is never followed by the next step: the customer would get it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from channels.base import (
    Abilities,
    AfterUnknown,
    ChannelError,
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)
from orchestrator.facts import value
from orchestrator.intake import Incoming
from orchestrator.ledger.values import Attempt
from orchestrator.model import ENGINE, Entry, Fact, Kind, Notification, Status
from orchestrator.planning.promises import promised_data
from orchestrator.private import without_addresses
from orchestrator.reasons import NOTHING, Code, Reason, sending
from orchestrator.sending.guard import Send
from orchestrator.sending.retry import next_try

SLOWED = "slowed"
EARLIER = "an earlier try may have arrived"
_NO_FAULT = frozenset({"stopped", "misconfigured", SLOWED})  # attempts that say nothing about the provider


class NotAsked(ChannelError):
    """The channel was never called: nothing left."""


@value(frozen=True, slots=True)
class Job:
    """One claimed entry on its way: what the guard allowed, and the message made of it.

    ``others`` leave in the same message, and come to the same.
    """

    entry: Entry
    go: Send
    message: Message | None  # a task that nobody can be reached for is only recorded
    line: str = ""  # the id of what rides along
    others: tuple["Job", ...] = ()
    doubt: datetime | None = None  # since then it may have left; the provider is asked first
    theirs: frozenset[str] = frozenset()  # with a doubt: what the provider calls others to that address

    @property
    def all(self) -> tuple["Job", ...]:
        """Every entry that leaves in this message."""
        return (self, *self.others)

    @property
    def message_id(self) -> str:
        """Stored before the first attempt, and the same at every later one."""
        return self.message.message_id if self.message is not None else ""


@value(frozen=True, slots=True)
class Tried:
    """What the channel said: a receipt or an error."""

    job: Job
    answer: Receipt | ChannelError


@value(frozen=True, slots=True)
class Again:
    """Back to the schedule: from *step*, not before *at*, or when it is called in its *queue*."""

    step: int
    at: datetime
    queue: str = ""


@value(frozen=True, slots=True)
class Follows:
    """What is to be written down. With ``again``, a ``status`` is only passed through on the way.

    ``outcome`` is what became of the attempt. ``pause`` stops the channel, ``suppress`` the address; ``dead``
    are others of the recipient's addresses to stop, each with the reason. With ``opted_out`` the recipient
    said so.
    """

    reason: Reason
    status: Status | None = None
    again: Again | None = None
    outcome: str = ""
    code: str = ""
    provider_id: str = ""
    pause: bool = False
    suppress: bool = False
    opted_out: bool = False
    dead: Mapping[str, str] = field(default_factory=dict)


def identity(entry: Entry, channel: str) -> str:
    """The Message-ID of the first attempt by *channel*, or "": other settings make no other mail."""
    return entry.message_id if entry.channel == channel else ""


def accepted(job: Job, receipt: Receipt) -> Follows:
    """The provider took it, or the task stands on the list."""
    if job.message is not None:
        together = _together(job)
        noted = Reason(Code.NOTED, receipt.note) if receipt.note else NOTHING
        reason = noted.also(together) if noted else together
        return Follows(reason, Status.ACCEPTED, provider_id=receipt.provider_id, dead=receipt.dead)
    return Follows(sending.on_the_list(job.entry.reason), Status.ACCEPTED)


def _together(job: Job) -> Reason:
    """With what it was said, or nothing for what was said alone."""
    others = ", ".join(note.order for note, _ in job.go.along)
    return sending.together(others) if others else NOTHING


def died(
    entry: Entry, attempts: Sequence[Attempt], abilities: Abilities | None, now: datetime
) -> tuple[Job, Follows]:
    """Decide about an entry whose worker died in `sending`: as if the channel had not known.

    Where its end was seen, what may be repeated is repeated at once the first time: nobody else sends it, and
    the provider has done nothing to be spared for.
    """
    steps = [step.channel for step in entry.wanted.steps]
    step = steps.index(entry.channel) if entry.channel in steps else entry.step
    job = Job(entry, Send(entry.wanted, step, entry.channel, ""), None)
    if not entry.channel:  # a task for the list: nothing can have left
        return job, Follows(entry.reason, again=Again(entry.step, now), outcome="stopped")
    error = Unknown(sending.DIED)
    first = len(_faults(attempts, entry.channel)) <= 1  # a message that kills its worker must not go round
    if (
        entry.reason.code is Code.WORKER_DIED
        and first
        and may_repeat(abilities)
        and _useful(entry.wanted, now)
    ):
        why, again = sending.DIED.also(_goes_on(abilities)), Again(entry.step, now)
        return job, Follows(why, Status.UNKNOWN, again, "unavailable", error.code)
    return job, refused(job, error, attempts, abilities, now)


def refused(
    job: Job, error: ChannelError, attempts: Sequence[Attempt], abilities: Abilities | None, now: datetime
) -> Follows:
    """Decide what follows an error, after all *attempts* of the entry, this one included."""
    channel, step, wanted = job.go.channel, job.go.step, job.go.wanted
    name = job.message.to_name if job.message is not None else ""
    text = without_addresses(error.reason, job.go.to, name)
    reason = Reason(_code(error), text)
    here = _faults(attempts, channel)
    if isinstance(error, NotAsked):
        return Follows(reason, again=Again(job.entry.step, now), outcome="stopped")
    if isinstance(error, Misconfigured):
        again = Again(job.entry.step, now)
        return Follows(reason.by(channel), again=again, outcome="misconfigured", code=error.code, pause=True)
    if (called := _called_after(error, wanted, now)) is not None:
        again = Again(job.entry.step, called, channel)
        before = [one.outcome for one in attempts if one.channel == channel][-2:]
        if SLOWED in before and _useful(wanted, aside := called + (called - now)):
            again = Again(job.entry.step, aside)  # perhaps it is this one: the next in line tries the channel
        return Follows(reason, again=again, outcome=SLOWED, code=error.code)
    doubt = isinstance(error, Unknown)
    if isinstance(error, Unavailable) or (doubt and (may_repeat(abilities) or may_be_found(abilities))):
        floor = error.retry_after if isinstance(error, Unavailable) else None
        moment = next_try(max(1, len(here)), _chance(job), now, floor, wanted.expires_at)
        if moment is not None:
            status = Status.UNKNOWN if doubt else None
            why = reason.also(_goes_on(abilities)) if doubt else reason
            return Follows(why, status, Again(job.entry.step, moment), "unavailable", error.code)
        doubt = doubt or any(one.outcome == Status.UNKNOWN for one in here)
    task = wanted.kind is Kind.TASK
    dead = isinstance(error, Rejected) and error.suppress
    if not task and _may_have_it_already(job, error, here, abilities):
        return Follows(Reason(Code.IN_DOUBT, reason).also(EARLIER), Status.UNKNOWN, code=error.code)
    if task or (not doubt and step + 1 < len(wanted.steps)):
        status = Status.UNKNOWN if doubt else None
        return Follows(
            reason.by(channel), status, Again(step + 1, now), _outcome(error), error.code, suppress=dead
        )
    status = Status.UNKNOWN if doubt else Status.FAILED
    if doubt:
        reason = Reason(Code.IN_DOUBT, reason)
    return Follows(reason, status, code=error.code, suppress=dead)


def _faults(attempts: Sequence[Attempt], channel: str) -> list[Attempt]:
    """Those on that channel which say something about its provider."""
    return [one for one in attempts if one.channel == channel and one.outcome not in _NO_FAULT]


def _called_after(error: ChannelError, wanted: Notification, now: datetime) -> datetime | None:
    """When it has its turn again, if the provider said until when the whole channel must wait."""
    if not isinstance(error, Unavailable) or error.for_all is None or error.for_all != error.retry_after:
        return None
    moment = now + error.for_all
    return moment if _useful(wanted, moment) else None


def _useful(wanted: Notification, moment: datetime) -> bool:
    return wanted.expires_at is None or moment < wanted.expires_at


def _may_have_it_already(
    job: Job, error: ChannelError, here: Sequence[Attempt], abilities: Abilities | None
) -> bool:
    """Did an earlier try perhaps arrive, of a message that is refused now that it is repeated?

    Who is dead now was so then, and whoever was asked for it before a repeat does not have it.
    """
    if not isinstance(error, Rejected) or not may_repeat(abilities):
        return False
    places = {job.go.to, *(job.message.others if job.message is not None else ())}
    nobody = error.suppress or error.opted_out or places <= error.dead.keys()
    return not nobody and any(one.outcome == Status.UNKNOWN for one in here)


def _chance(job: Job) -> str:
    """What the moment of the next try is drawn from: what leaves together is tried again together."""
    together = (job.message_id or job.entry.message_id) if job.entry.wanted.joins else ""
    return together or job.entry.key


def may_repeat(abilities: Abilities | None) -> bool:
    """Is the same message sent twice seen as one?"""
    return abilities is not None and abilities.after_unknown is AfterUnknown.REPEAT


def may_be_found(abilities: Abilities | None) -> bool:
    """Can the provider be asked whether it has a message?"""
    return abilities is not None and abilities.after_unknown is AfterUnknown.RECONCILE


def in_doubt(channel: str, attempts: Sequence[Attempt]) -> datetime | None:
    """Since when the provider may have it, if one of the *attempts* on that channel ended unknown."""
    here = [one.started_at for one in attempts if one.channel == channel and one.outcome == Status.UNKNOWN]
    return min(here, default=None)


def _goes_on(abilities: Abilities | None) -> str:
    if may_be_found(abilities):
        return "the provider is asked before anything is sent again"
    return "again, as the same message"


def _code(error: ChannelError) -> Code:
    """What kind of answer it was."""
    if isinstance(error, NotAsked):
        return Code.STOPPED
    if isinstance(error, Unavailable):
        return Code.SLOWED if error.for_all is not None else Code.UNAVAILABLE
    found = {Misconfigured: Code.MISCONFIGURED, Rejected: Code.REJECTED}
    return next((code for kind, code in found.items() if isinstance(error, kind)), Code.IN_DOUBT)


def _outcome(error: ChannelError) -> str:
    return "rejected" if isinstance(error, Rejected) else "unavailable"


def fact_of(
    wanted: Notification,
    entry: Entry,
    status: Status,
    now: datetime,
    *,
    channel: str = "",
    reason: Reason = NOTHING,
) -> Incoming:
    """The fact that one of our notifications came to something."""
    data: dict[str, Any] = {
        "key": entry.key,
        "rule": wanted.rule,
        "occasion": wanted.occasion,
        "role": wanted.role,
        "kind": wanted.kind.value,
        "purpose": wanted.purpose.value,
        "template": wanted.template,
    }
    if channel:
        data["channel"] = channel
    if reason:
        data["reason"] = str(reason)
        data["reason_code"] = reason.code.value
    if wanted.kind is Kind.MESSAGE and wanted.tells:
        data["tells"] = [{"milestone": t.milestone, **promised_data(t.value)} for t in wanted.tells]
    name = f"{entry.id}:{entry.generation}:{status}"
    return Incoming(Fact(ENGINE, name, f"notification.{status}", wanted.order, now, now, data), b"", {})


def told_line(job: Job, now: datetime) -> Incoming:
    """The fact that a customer read a line which rode along: it is told once, whatever order it was about."""
    entry, data = job.entry, {"line": job.line, "key": job.entry.key}
    name = f"{entry.id}:{entry.generation}:{job.line}"
    return Incoming(Fact(ENGINE, name, "customer.told", job.go.wanted.customer, now, now, data), b"", {})
