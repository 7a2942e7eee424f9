"""Why something waits or is withheld when it is to leave, and what became of what left."""

from collections.abc import Mapping

from orchestrator.reasons import UNREACHABLE, Code, Reason

PAUSED: Mapping[str, Code] = {
    "everything": Code.EVERYTHING_PAUSED,
    "location": Code.LOCATION_PAUSED,
    "rule": Code.RULE_PAUSED,
    "channel": Code.CHANNEL_PAUSED,
}
FROZEN = Reason(
    Code.FROZEN, "frozen: changed rules that would change it wait for a person (`beforehand plan`)"
)
THAWED = Reason(Code.GOES_ON, "the changed rules were released or rejected")
NEWS = Reason(Code.GOES_ON, "news of the order")
TRIED_AGAIN = Reason(Code.GOES_ON, "tried again")
CAME_APART = Reason(Code.STOPPED, "somebody else has one of the orders this message is about")
LEASE_OVER = Reason(Code.IN_DOUBT, "the lease ran out while sending")  # nobody can say whether they live
DIED = Reason(Code.WORKER_DIED, "the worker died while sending")
NO_ADDRESS = Reason(Code.NO_ADDRESS, "unreachable: no address for any of the rule's channels")


# ── what it waits for ────────────────────────────────────────────────────────


def paused(kind: str, name: str, why: str) -> Reason:
    """A person stopped the channel, the rule, the location or everything."""
    return Reason(PAUSED[kind], f"{f'{kind} {name}'.rstrip()} is paused: {why}", {"about": name})


def left_alone(channel: str, why: str) -> Reason:
    """The channel does not do well."""
    return Reason(Code.CHANNEL_ALONE, f"channel {channel} is left alone: {why}", {"about": channel})


def at_its_rate(channel: str, one_sender: bool, rate: object) -> Reason:
    """The channel sends as much as it may."""
    sender = " for one sender" if one_sender else ""
    return Reason(Code.CHANNEL_FULL, f"channel {channel} is at its rate{sender} ({rate})", {"about": channel})


def busy(channel: str) -> Reason:
    """The channel has something else to do."""
    return Reason(Code.CHANNEL_FULL, f"channel {channel} is busy", {"about": channel})


def undecided(error: str) -> Reason:
    """The rule failed on this order."""
    return Reason(Code.UNDECIDED, f"the rule cannot be decided: {error}")


def parked(why: str) -> Reason:
    """It cannot be written, or decided."""
    return Reason(Code.PARKED, f"held: {why}")


def not_due(at: str) -> Reason:
    """Its moment has not come."""
    return Reason(Code.NOT_DUE, f"due {at}")


def not_before(channel: str, at: str, why: str) -> Reason:
    """The channel may not be used yet."""
    return Reason(Code.NOT_BEFORE, f"{channel}: not before {at}{f', {why}' if why else ''}")


def capped(why: str) -> Reason:
    """The customer had enough for that day or week."""
    return Reason(Code.CAPPED, why)


# ── why it is withheld ───────────────────────────────────────────────────────


def too_late(until: str, why: Reason) -> Reason:
    """It is useless by now, and what kept it that long, if that is known, is the code."""
    text = f"too late: useful only until {until}"
    return Reason(why.code, f"{text}; {why}", why.words) if why else Reason(Code.TOO_LATE, text)


def waited_in_vain(why: str) -> Reason:
    """It waited for its channels until it was useless."""
    return Reason(Code.WAITED_IN_VAIN, f"unreachable: {why}")


def on_trial(channel: str) -> Reason:
    """The rule is on trial."""
    return Reason(Code.ON_TRIAL, f"shadow: {would_say(channel)}", {"about": channel})


def would_say(channel: str) -> str:
    """What a rule on trial would have done, as those read it who know that it is on trial."""
    return f"the rule is on trial; it would have said this{f' by {channel}' if channel else ''}"


def active(where: str, at: str) -> Reason:
    """The customer looked by themselves."""
    return Reason(Code.ACTIVE, f"the customer was active{where} on {at}")


def no_room(why: str) -> Reason:
    """A cap keeps it back until it is useless."""
    return Reason(Code.NO_ROOM, f"unreachable: {why}; it is useless before there is room")


def no_address(channel: str) -> Reason:
    """There is none for that channel."""
    return Reason(Code.NO_ADDRESS, f"unreachable: no address for {channel}")


def address_stopped(channel: str, why: str) -> Reason:
    """Nothing is sent there any more."""
    return Reason(
        Code.ADDRESS_STOPPED, f"unreachable: nothing is sent to this address by {channel} any more: {why}"
    )


def nothing_known(customer: str) -> Reason:
    """Nobody knows who it is for."""
    who = f"nothing is known about customer {customer!r}" if customer else "the order names no customer"
    return Reason(Code.NOBODY_THERE, f"unreachable: {who}")


def nobody_there(role: str) -> Reason:
    """The order names nobody to send it to."""
    return Reason(Code.NOBODY_THERE, f"unreachable: the order names no {role}")


def not_listed(role: str, channels: str) -> Reason:
    """They want to hear by other channels."""
    return Reason(Code.NOT_LISTED, f"unreachable: the {role} wants to hear by {channels} only")


def refused(why: str) -> Reason:
    """Consent says no."""
    return Reason(Code.REFUSED, why)


def refuses(role: str, channel: str) -> Reason:
    """They want nothing by that channel."""
    return Reason(Code.REFUSED, f"the {role} wants to hear nothing by {channel}")


def never_agreed(role: str, channel: str) -> Reason:
    """They never agreed to marketing."""
    return Reason(Code.REFUSED, f"the {role} never gave consent to marketing by {channel}")


def not_allowed(channel: str) -> Reason:
    """A system for trying out writes to nobody else."""
    return Reason(
        Code.NOT_ALLOWED, f"a system for trying out: {channel} sends only to the addresses on its list"
    )


def no_other_way(channel: str) -> Reason:
    """It may have left by a channel that is no way any more."""
    return Reason(
        Code.NO_OTHER_WAY, f"by {channel} it may have left, and {channel} is no way to say it any more"
    )


def not_repeated(at: str, why: Reason) -> Reason:
    """It may have been said. A person is told of what nobody could be reached with, and of nothing else."""
    code = why.code if why.code in UNREACHABLE else Code.NOT_REPEATED
    return Reason(code, f"may have been said at {at}; not repeated because {why}")


def by_person(why: str) -> Reason:
    """A person took it back."""
    return Reason(Code.BY_PERSON, why)


# ── what became of it ────────────────────────────────────────────────────────


LOST: Mapping[Code, str] = {
    Code.CAME_BACK: "it came back",
    Code.GIVEN_UP: "the provider gave it up",
}


def came_back(code: Code, why: str) -> Reason:
    """The provider took it, and it reached nobody."""
    return Reason(code, f"unreachable: {LOST[code]}{f': {why}' if why else ''}")


def reported(why: str = "") -> Reason:
    """The provider said so later."""
    return Reason(Code.REPORTED, f"reported by the provider{f': {why}' if why else ''}")


def on_the_list(why: str) -> Reason:
    """A task by no channel."""
    return Reason(Code.ON_THE_LIST, f"on the list of tasks only: {why or 'no channel reaches them'}")


def together(others: str) -> Reason:
    """What else was said in the same message."""
    return Reason(Code.TOGETHER, f"in one message with what was said of {others}")


def carried(line: str, before: Reason) -> Reason:
    """A line rode along."""
    text = f"it carried the line {line}"
    return Reason(Code.CARRIED, f"{before}; {text}" if before else text)
