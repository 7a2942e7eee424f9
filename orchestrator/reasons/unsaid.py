"""Why a rule says nothing now, or not any more: what the planner answers where nothing is wanted."""

from collections.abc import Iterable, Mapping

from orchestrator.reasons import Code, Reason

ERASED = Reason(Code.ERASED, "the customer was erased")
OFF = Reason(Code.RULE_OFF, "the rule is off")
GONE = Reason(Code.RULE_GONE, "no rule asks for it any more")
COMPLETE = Reason(Code.ORDER_COMPLETE, "the order is complete")
NO_MILESTONE = Reason(Code.NOT_HAPPENED, "no milestone has happened")
NOT_KNOWN_YET = Reason(Code.ORDER_UNKNOWN, "the order is not known yet")
_NEXT = "the next message of this rule is due already"
OVERTAKEN = Reason(Code.REPLACED, f"replaced: {_NEXT}", {"about": _NEXT})
REPEATED = Reason(Code.SAID_BEFORE, "this text was said already, and none is said twice")
EXHAUSTED = Reason(Code.EXHAUSTED, "every message of this rule was sent already, and none is sent twice")
CORRECTED = Reason(Code.CORRECTED, "the message that it was taken back says so")
UNTOLD = Reason(Code.NOT_TOLD, "the promise is internal: the customer was never told one")
OWNER_TELLS = Reason(
    Code.ON_HOLD_THEN, "the promise passed while the order was on hold: the owner tells the customer"
)
SPENT_SILENT = Reason(
    Code.ALL_SAID, "every message of this rule was said; it begins again after the next useful contact"
)
SPENT_STUCK = Reason(
    Code.ALL_SAID, "every message of this rule was said; it begins again after the next milestone"
)
SPENT_MISSED = Reason(
    Code.ALL_SAID,
    "every message of this rule was said; when another promise is missed, a person finds words",
)
SWITCHED: Mapping[str, Reason] = {
    "shadow": Reason(Code.RULE_SWITCHED, "the rule is on trial now (shadow), and sends nothing"),
    "live": Reason(
        Code.RULE_SWITCHED, "the rule is live now; what it would have said on trial is not made up for"
    ),
}


# ── the order ────────────────────────────────────────────────────────────────


def order_unknown(order: str) -> Reason:
    """Nobody announced the order."""
    return Reason(Code.ORDER_UNKNOWN, f"order {order} is not known yet: no order.upserted was heard")


def no_journey(name: str, near: str) -> Reason:
    """It follows a journey that there is not."""
    return Reason(Code.NO_JOURNEY, f"there is no journey called {name!r}").also(near)


def order_cancelled(at: str, why: str) -> Reason:
    """It was cancelled."""
    return Reason(Code.ORDER_CANCELLED, f"the order was cancelled on {at}{_for(why)}")


def order_held(since: str, why: str) -> Reason:
    """It is on hold."""
    return Reason(Code.ORDER_HELD, f"the order is on hold since {since}{_for(why)}")


def _for(why: str) -> str:
    return f": {why}" if why else ""


# ── the rule ─────────────────────────────────────────────────────────────────


def nobody(role: str) -> Reason:
    """There is nobody in that role."""
    return Reason(Code.NOBODY, f"the order names no {role}")


def newer(because: str, since: str) -> Reason:
    """It fell due before the rule counted."""
    return Reason(Code.RULE_NEWER, f"{because}; the rule counts only since {since}")


def condition_unknown(condition: str, why: str) -> Reason:
    """A value is missing."""
    return Reason(Code.CONDITION_UNKNOWN, f"nobody can say whether {condition} holds: {why}")


def condition_false(condition: str) -> Reason:
    """It does not hold."""
    return Reason(Code.CONDITION_FALSE, f"{condition} does not hold")


def replaced(because: str) -> Reason:
    """A newer one of the same rule takes its place, *because* of something."""
    return Reason(Code.REPLACED, f"replaced: {because}", {"about": because})


def later(because: str) -> Reason:
    """The rule goes on with something else."""
    return Reason(Code.LATER, f"no longer asked for; next of this rule: {because}")


def news_first(rule: str, at: str) -> Reason:
    """Another rule's news waits to be said."""
    return Reason(Code.NEWS_FIRST, f"news waits to be said first: {rule}, due {at}")


# ── milestones and promises ──────────────────────────────────────────────────


def not_happened(milestone: str) -> Reason:
    """It has not."""
    return Reason(Code.NOT_HAPPENED, f"{milestone} has not happened")


def no_event(kind: str) -> Reason:
    """None of that type was heard."""
    return Reason(Code.NOT_HAPPENED, f"no {kind} was heard")


def not_retracted(milestone: str) -> Reason:
    """Nobody took it back."""
    return Reason(Code.NOT_HAPPENED, f"{milestone} was not taken back")


def happened(milestone: str, at: str) -> Reason:
    """It happened, and there is nothing to say of its promise."""
    return Reason(Code.HAPPENED, f"{milestone} happened on {at}")


def happened_again(milestone: str, at: str) -> Reason:
    """It happened again after it was taken back."""
    return Reason(Code.HAPPENED, f"{milestone} has happened again, on {at}")


def happened_late(milestone: str, at: str) -> Reason:
    """It happened, and the apology would come after it."""
    return Reason(Code.HAPPENED, f"{milestone} happened on {at}, late, and nothing more is missing")


def overtaken(milestone: str, at: str) -> Reason:
    """A later one happened."""
    return Reason(Code.OVERTAKEN, f"{milestone} has happened since, on {at}")


def kept(milestone: str, at: str, deadline: str) -> Reason:
    """The promise was kept."""
    return Reason(Code.KEPT, f"kept: {milestone} happened on {at}, before the deadline {deadline}")


def no_promise(milestone: str) -> Reason:
    """There is none."""
    return Reason(Code.NO_PROMISE, f"there is no promise for {milestone}")


def never_told(milestone: str) -> Reason:
    """The customer was never told one."""
    return Reason(Code.NOT_TOLD, f"the customer was never told a promise for {milestone}")


def retracted_untold(milestone: str) -> Reason:
    """What was taken back was said to nobody."""
    return Reason(Code.NOT_TOLD, f"{milestone} was taken back before anybody was told")


def retracted_unasked(milestone: str, at: str) -> Reason:
    """Staff said that it did not happen, and need not be asked."""
    return Reason(
        Code.HAPPENED, f"{milestone} was taken back on {at}: nobody is asked whether it has happened"
    )


def promise_past(milestone: str, promise: str, made: str) -> Reason:
    """It was past when it was made."""
    text = f"{milestone} was promised for {promise}, which was past when that was said on {made}"
    return Reason(Code.PROMISE_PAST, f"{text}: is the date wrong?")


def overdue(milestone: str, rule: str) -> Reason:
    """Another rule makes a task of it, and nobody need be asked."""
    return Reason(
        Code.OVERDUE, f"{milestone} was overdue when we heard of the promise, and {rule!r} makes a task of it"
    )


def passed_on_hold(milestone: str) -> Reason:
    """The promised day fell into a hold."""
    return Reason(
        Code.ON_HOLD_THEN, f"the day promised for {milestone} passed while the order was on hold"
    )  # fmt: skip


def known(milestone: str, promise: str) -> Reason:
    """The customer was told just that."""
    return Reason(Code.KNOWN, f"the customer knows: {milestone} on {promise}")


def just_told(role: str, milestone: str, promise: str, at: str) -> Reason:
    """Another message has just told that date."""
    return Reason(Code.KNOWN, f"the {role} was told {milestone} for {promise} on {at}, and needs no reminder")


def other_direction(milestone: str, moved: str, wanted: str) -> Reason:
    """It moved the other way."""
    return Reason(
        Code.MOVED_OTHERWISE, f"{milestone} moved {moved}, and this rule is about {wanted} dates"
    )  # fmt: skip


def moved_little(milestone: str, promise: str, by: str) -> Reason:
    """It moved by less than the rule asks for."""
    return Reason(Code.MOVED_OTHERWISE, f"{milestone} moved to {promise}, by less than {by}")


# ── what was said and done ───────────────────────────────────────────────────


def arrived(channel: str, delivery: str, at: str) -> Reason:
    """The message got far enough."""
    return Reason(Code.ARRIVED, f"{channel}: it was {delivery} on {at}")


def taken_over(who: str, at: str) -> Reason:
    """A colleague spoke with the customer instead."""
    return Reason(Code.TAKEN_OVER, f"{who} took it over and spoke with the customer on {at}")


def answered(who: str, done: bool) -> Reason:
    """The task is in somebody's hands."""
    return Reason(Code.ANSWERED, f"{who} {'finished' if done else 'acknowledged'} the task")


def no_channel(passed_over: Iterable[str]) -> Reason:
    """No channel can carry it in time."""
    why = "; ".join(passed_over)
    return Reason(Code.NO_CHANNEL, f"no channel in time: {why}", {"about": why})
