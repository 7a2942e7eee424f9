"""May this go now, how, and if not, why? Decided from the facts as they are at this moment.

Pure. Asked in the transaction that commits `sending`, after rendering: whoever said STOP a second ago
gets nothing from a batch that was claimed before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.facts import value
from orchestrator.model import (
    Customer,
    Decision,
    Entry,
    Kind,
    Notification,
    Order,
    Person,
    Purpose,
    Sent,
    Status,
    Step,
)
from orchestrator.persons.consents import refused
from orchestrator.planning.reconcile import carried_on, intended, why_not
from orchestrator.reasons import NOTHING, OF_CHANNELS, Code, Reason, all_of, sending
from orchestrator.reasons.unsaid import ERASED
from orchestrator.timing import calendar
from orchestrator.timing.caps import Caps, full, room, tally
from orchestrator.timing.send_time import MUST_HEAR, addresses, recipient, zone_of

RECHECK = timedelta(minutes=5)  # how long what is paused sleeps before it is looked at again
QUEUE = timedelta(hours=1)  # how long what waits for one channel does: the channel calls when it may go
A_MOMENT = timedelta(minutes=1)  # nothing in a queue is looked at more often
PATIENT = timedelta(minutes=30)  # with a channel that does not work and may any moment; then the next is used


@dataclass(frozen=True, slots=True)
class Shut:
    """A channel takes nothing before *until*, because of *why*; it has been so *since* then.

    Without *since* it works, and *until* is when somebody who came now would have their turn.
    """

    why: Reason
    until: datetime
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Blocks:
    """What stands against sending besides the order's own facts.

    ``suppressed`` maps (channel, address) to why nothing is sent there any more; ``paused`` maps
    ("channel", its name), ("rule", its id), ("location", its id) or ("everything", "") to why it stands
    still; ``allow`` lists the only addresses a staging system may use. ``sent`` is, by customer, what counts
    for the ``caps``. ``shut`` are the channels that take nothing just now and will by themselves. ``doubt``
    are the entries, by id, of which nobody knows whether their message left: no other channel may say it.
    """

    suppressed: Mapping[tuple[str, str], str]
    paused: Mapping[tuple[str, str], str]
    allow: frozenset[str] | None = None
    caps: Caps = field(default_factory=dict)
    sent: Mapping[str, Sequence[Sent]] = field(default_factory=dict)
    shut: Mapping[str, Shut] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)  # as in the policy
    doubt: Collection[int] = frozenset()

    def listed(self, channel: str, kind: str, to: str) -> str:
        """Why nothing is sent to that address on that channel, or on any of its kind, or ""."""
        return self.suppressed.get((channel, to), "") or self.suppressed.get((kind, to), "")

    def standstill(self, kind: str, name: str) -> Reason:
        """Say that this is paused and why, or nothing."""
        why = self.paused.get((kind, name))
        return NOTHING if why is None else sending.paused(kind, name, why)


@value(frozen=True, slots=True)
class Send:
    """Go, by the step of that index, to this address. ``wanted`` is the notification as it is now.

    ``along`` is what leaves in the same message, each with its order.
    ``others`` are the recipient's further devices. ``message_id`` is that of the first attempt, if there was
    one by this channel.
    """

    wanted: Notification
    step: int
    channel: str
    to: str
    along: tuple[tuple[Notification, Order], ...] = ()
    others: tuple[str, ...] = ()
    message_id: str = ""

    def under(self, message_id: str) -> "Send":
        """The same under that Message-ID, or as it is where there is none."""
        return replace(self, message_id=message_id) if message_id else self


@value(frozen=True, slots=True)
class Wait:
    """Not before *until*; in that *queue* it may be called earlier."""

    until: datetime
    reason: Reason
    queue: str = ""


@value(frozen=True, slots=True)
class Withhold:
    """Never: the entry ends as *status* (suppressed, expired or cancelled)."""

    status: Status
    reason: Reason


Answer = Send | Wait | Withhold


def guard(
    entry: Entry,
    decision: Decision,
    order: Order,
    customer: Customer,
    blocks: Blocks,
    now: datetime,
    zone: str,
    beside: Collection[str] = (),
) -> Answer:
    """Decide about one claimed entry; *decision* is the planner's answer for its order at *now*.

    *beside* are the keys of those that may leave in the same message: one of them being due, it need not be.
    """
    wanted = intended(decision, entry)
    if wanted is None:
        failed = next((e for e in decision.errors if e.startswith(f"{entry.wanted.rule}: ")), None)
        if failed:
            return Wait(now + RECHECK, sending.undecided(failed))
        return Withhold(Status.CANCELLED, why_not(decision, entry))
    wanted = carried_on(entry, wanted)
    if wanted.due_at > now and not beside:
        return Wait(wanted.due_at, sending.not_due(calendar.show(wanted.due_at, zone)))
    if wanted.role == "customer" and not customer.known:  # it waited for them as long as it was useful
        return Withhold(Status.SUPPRESSED, sending.nothing_known(wanted.customer))
    if not wanted.steps and (why := _no_channel(decision, entry)):
        return Withhold(Status.SUPPRESSED, why)
    halted = _halted(wanted, order, blocks)
    if wanted.expires_at is not None and now >= wanted.expires_at:
        who = recipient(wanted.role, order, customer)
        why = halted or _all_paused(entry, wanted, who, blocks) or _in_vain(entry)
        return Withhold(Status.EXPIRED, sending.too_late(calendar.show(wanted.expires_at, zone), why))
    if halted:
        return Wait(min(now + RECHECK, wanted.expires_at or now + RECHECK), halted)
    answer = _by_step(entry, wanted, order, customer, blocks, now, zone, beside)
    return _on_trial(answer) if wanted.mode == "shadow" else answer


def _no_channel(decision: Decision, entry: Entry) -> Reason:
    """Why no channel could carry it while it was useful, as the planner says it, or nothing."""
    mine = (silence.reason for silence in decision.silences if silence.key == entry.key)
    return next((reason for reason in mine if reason.code is Code.NO_CHANNEL), NOTHING)


def _on_trial(answer: Answer) -> Answer:
    """What a rule in shadow would have said just now is withheld; the rest ends as it would have."""
    if not isinstance(answer, Send):
        return answer
    return Withhold(Status.SUPPRESSED, sending.on_trial(answer.channel))


def _halted(wanted: Notification, order: Order, blocks: Blocks) -> Reason:
    """The pause of everything, of its rule or of its location that it must wait for, or nothing."""
    if not blocks.paused:
        return NOTHING
    places = (("everything", ""), ("rule", wanted.rule), ("location", order.location.id))
    return next((why for kind, name in places if (why := blocks.standstill(kind, name))), NOTHING)


def _all_paused(entry: Entry, wanted: Notification, who: Customer | Person, blocks: Blocks) -> Reason:
    """That every channel by which it might have gone was paused, so that a person must say it, or nothing."""
    open_ones = [step for step in wanted.steps[entry.step :] if not _places(wanted, step, who, blocks)[1]]
    found = [blocks.standstill("channel", step.channel) for step in open_ones]
    return sending.waited_in_vain("; ".join(found)) if found and all(found) else NOTHING


def _by_step(
    entry: Entry,
    wanted: Notification,
    order: Order,
    customer: Customer,
    blocks: Blocks,
    now: datetime,
    zone: str,
    beside: Collection[str],
) -> Answer:
    """The first step that may be used now; else wait for the first that may be used later; else nothing."""
    if wanted.role == "customer" and customer.erased:
        return Withhold(Status.SUPPRESSED, ERASED)
    who = recipient(wanted.role, order, customer)
    only = entry.channel if entry.id in blocks.doubt else ""
    never: list[Reason] = []
    later: list[tuple[datetime, Reason, str]] = []
    for index, step in enumerate(wanted.steps):
        if index < entry.step or only not in {"", step.channel}:
            continue  # tried already, or it would be said twice
        places, block = _places(wanted, step, who, blocks)
        if block:
            never.append(block)
        elif halted := blocks.standstill("channel", step.channel):
            later.append((look_again(wanted, index, now), halted, step.channel))
        elif step.at > now:
            why = sending.not_before(step.channel, calendar.show(step.at, zone), step.why)
            later.append((step.at, why, ""))
        elif (shut := _shut(step, entry, wanted, blocks, now)) is not None:
            if only or _is_worth_waiting_for(shut, wanted, now):
                return Wait(look_again(wanted, index, now, shut), shut.why, step.channel)
            later.append((max(shut.until, now + A_MOMENT), shut.why, step.channel))
        elif seen := _was_active(step, who, now, zone):
            return Withhold(Status.SUPPRESSED, seen)
        else:
            full = _no_room(entry, wanted, who, blocks, now, zone, beside)
            return full or Send(wanted, index, step.channel, places[0], others=places[1:])
    if later:
        return _soonest(later, wanted, now)
    if wanted.kind is Kind.TASK:  # the task stands all the same: the ledger is the list of tasks
        return Send(wanted, len(wanted.steps), "", "")
    if only and not never:
        never.append(sending.no_other_way(only))
    return Withhold(Status.SUPPRESSED, all_of(never) or _unreachable(wanted, who))


def _shut(step: Step, entry: Entry, wanted: Notification, blocks: Blocks, now: datetime) -> Shut | None:
    """Why this channel is of no use just now. One at its rate is, unless the turn would come too late."""
    shut = blocks.shut.get(step.channel)
    if shut is None or shut.until <= now:
        return None
    if shut.since is not None:
        return shut
    was_called = entry.not_before is None and entry.reason.code in OF_CHANNELS
    too_late = wanted.expires_at is not None and shut.until >= wanted.expires_at
    return shut if too_late and not was_called else None


def _is_worth_waiting_for(shut: Shut, wanted: Notification, now: datetime) -> bool:
    """Rather than to use the next step? Not if it would be useless by then, or has lasted too long."""
    if wanted.purpose is Purpose.SECURITY or (
        wanted.expires_at is not None and shut.until >= wanted.expires_at
    ):
        return False
    return shut.since is not None and now - shut.since < PATIENT


def look_again(wanted: Notification, index: int, now: datetime, shut: Shut | None = None) -> datetime:
    """When to look at what waits in a queue by its step of that *index*, should it not be called before.

    Not later than it is useful, and as long as there is another step in time to use that.
    """
    at = now + QUEUE
    if wanted.expires_at is not None:
        at = min(at, wanted.expires_at)
    if index + 1 < len(wanted.steps):
        if wanted.expires_at is not None:
            at = min(at, max(now + (wanted.expires_at - now) / 2, now + A_MOMENT))
        if shut is not None and shut.since is not None:
            at = min(at, max(shut.since + PATIENT, now + A_MOMENT))
    return at


def _soonest(later: Sequence[tuple[datetime, Reason, str]], wanted: Notification, now: datetime) -> Wait:
    """Wait for what may be used first, and no longer than it is useful.

    Nobody can wait in two queues: who waits for one of several looks again soon.
    """
    until, why, queue = min(later)
    if queue and len(later) > 1:
        until = min(until, now + RECHECK)
    if queue and wanted.expires_at is not None:
        until = min(until, wanted.expires_at)
    return Wait(until, why, queue)


def _in_vain(entry: Entry) -> Reason:
    """For which channel it waited until it was useless, and why, or nothing."""
    return sending.waited_in_vain(entry.reason) if entry.reason.code in OF_CHANNELS else NOTHING


def _was_active(step: Step, who: Customer | Person, now: datetime, zone: str) -> Reason:
    """That the customer looked by themselves since the message would have told them something, or nothing."""
    if step.unless_active is None or not isinstance(who, Customer):
        return NOTHING
    looked = [
        (at, surface)
        for surface, at in who.active.items()
        if step.unless_active <= at <= now and (not step.surfaces or surface in step.surfaces)
    ]
    if not looked:
        return NOTHING
    at, surface = max(looked)
    where = f" ({surface})" if step.surfaces else ""
    return sending.active(where, calendar.show(at, zone))


def _no_room(
    entry: Entry,
    wanted: Notification,
    who: Customer | Person,
    blocks: Blocks,
    now: datetime,
    zone: str,
    beside: Collection[str],
) -> Answer | None:
    """What a full day or week of the customer means for one more message; ``None`` if there is room now.

    Of two that were claimed together and not begun, the earlier one counts for the later, unless they leave
    in one message.
    """
    sent = blocks.sent.get(wanted.customer, ()) if isinstance(who, Customer) else ()
    if not sent:
        return None
    before = (now, entry.id)
    others = (one for one in sent if one.key != entry.key and one.key not in beside)
    own = zone_of(who, zone)
    counted = tally(tuple(one for one in others if not one.waits or (one.at, one.entry) < before), own)
    until = room(blocks.caps, wanted.purpose, counted, now, own)
    if until == now:
        return None
    why = full(blocks.caps, wanted.purpose, counted, now, own)
    if wanted.expires_at is not None and until >= wanted.expires_at:
        return Withhold(Status.SUPPRESSED, sending.no_room(why))
    return Wait(until, sending.capped(why))


def _places(
    wanted: Notification, step: Step, who: Customer | Person, blocks: Blocks
) -> tuple[tuple[str, ...], Reason]:
    """Where this step may go, or why it may never be used; one dead device does not silence the others."""
    kind = blocks.kinds.get(step.channel, step.channel)
    known = addresses(kind, who)
    if not known:
        return (), sending.no_address(step.channel)
    if isinstance(who, Customer):
        refusal = refused(who, wanted.purpose, step.channel, kind)
        if refusal:
            return (), sending.refused(refusal)
    elif {step.channel, kind} & {*who.refuses}:
        return (), sending.refuses(wanted.role, step.channel)
    elif wanted.kind is Kind.MESSAGE and wanted.purpose is Purpose.MARKETING:
        return (), sending.never_agreed(wanted.role, step.channel)
    if not blocks.suppressed and blocks.allow is None:  # nearly always
        return known, NOTHING
    listed = {to: why for to in known if (why := blocks.listed(step.channel, kind, to))}
    open_ones = tuple(to for to in known if to not in listed)
    if not open_ones:
        return (), sending.address_stopped(step.channel, listed[known[0]])
    allowed = tuple(to for to in open_ones if blocks.allow is None or to in blocks.allow)
    if not allowed:
        return (), sending.not_allowed(step.channel)
    return allowed, NOTHING


def _unreachable(wanted: Notification, who: Customer | Person) -> Reason:
    if isinstance(who, Person) and who == Person():
        return sending.nobody_there(wanted.role)
    if who.channels and wanted.purpose not in MUST_HEAR:
        return sending.not_listed(wanted.role, ", ".join(who.channels))
    return sending.NO_ADDRESS
