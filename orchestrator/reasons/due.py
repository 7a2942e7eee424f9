"""What makes something due, written once as it will stand under what was said, and once as it is foreseen."""

from collections.abc import Mapping

from orchestrator.reasons import Code, Reason

AHEAD: Mapping[Code, str] = {
    Code.REACHED: "{milestone} is recorded for {at}",
    Code.EVENT: "{milestone} is recorded for {at}",
    Code.MISSED: "if {milestone}, promised for {promise}, has not happened by {by}",
    Code.AFTER: "{by} will have passed since {since}",
    Code.STUCK: "if nothing happens for {by} since {since}",
    Code.SILENT: "{last}; if then nothing comes for {by}",
    Code.IGNORED: "if {role} does not acknowledge {task} by {by}",
    Code.UNHEARD: "if nothing says within {within} that it was {until}; {channel} took it on {at}",
}
"""The same reasons while what they are about is still to come; any other reads alike at any time."""


def reached(milestone: str, at: str) -> Reason:
    """A milestone happened."""
    return Reason(Code.REACHED, f"{milestone} happened on {at}", {"milestone": milestone, "at": at})


def event(kind: str, at: str) -> Reason:
    """An event of that type happened."""
    return Reason(Code.EVENT, f"{kind} happened on {at}", {"milestone": kind, "at": at})


def missed(milestone: str, promise: str, by: str, deadline: str) -> Reason:
    """A promise was not kept; *by* is the *deadline* (ISO 8601) as the clocks of the place read it."""
    words = {"milestone": milestone, "promise": promise, "by": by, "deadline": deadline}
    return Reason(Code.MISSED, f"{milestone} was promised for {promise} and had not happened by {by}", words)


def missed_on_hold(milestone: str, by: str) -> Reason:
    """The deadline passed during a hold."""
    return Reason(
        Code.MISSED_ON_HOLD, f"{milestone} was promised by {by}, which passed while the order was on hold"
    )


def upcoming(milestone: str, promise: str) -> Reason:
    """A promised moment comes near."""
    return Reason(Code.UPCOMING, f"{milestone} is promised for {promise}")


def after(by: str, milestone: str, at: str) -> Reason:
    """So long after a milestone."""
    since = f"{milestone} happened on {at}"
    return Reason(Code.AFTER, f"{by} have passed since {since}", {"by": by, "since": since})


def moved(milestone: str, told: str, promise: str) -> Reason:
    """The promise differs from what was told."""
    return Reason(
        Code.MOVED, f"{milestone} moved from {told}, which the customer was told, to {promise}"
    )  # fmt: skip


def stuck(by: str, milestone: str, at: str) -> Reason:
    """Nothing happened for so long after a milestone."""
    since = f"{milestone} on {at}"
    return Reason(Code.STUCK, f"nothing happened for {by}, since {since}", {"by": by, "since": since})


def silent(spoke: str, at: str, by: str) -> Reason:
    """Nobody spoke for so long."""
    last = f"{spoke} on {at}"
    return Reason(Code.SILENT, f"{last}, then nothing for {by}", {"last": last, "by": by})


def retracted(milestone: str, at: str, role: str) -> Reason:
    """A milestone was taken back."""
    return Reason(Code.RETRACTED, f"{milestone} was taken back on {at} after the {role} was told")


def ignored(role: str, do: str, by: str) -> Reason:
    """Nobody acknowledged a task in time."""
    words = {"role": f"the {role}", "task": repr(do), "by": by}
    return Reason(Code.IGNORED, f"the {role} had not acknowledged {do!r} by {by}", words)


def unheard(channel: str, at: str, until: str, within: str) -> Reason:
    """A provider took the message, and nothing says that it got far enough."""
    words = {"channel": channel, "at": at, "until": until, "within": within}
    return Reason(
        Code.UNHEARD, f"{channel} took it on {at}, and nothing says it was {until} within {within}", words
    )


def lost(channel: str, why: str) -> Reason:
    """The message by the channel before did not arrive."""
    return Reason(Code.LOST, f"{channel}: {why}")
