"""The sentences of before reasons had codes, recognised once and for all.

They are in facts, which are never edited, and in what programs older than schema 0019 wrote. The list is of
how sentences read then: it never changes, whatever sentences read like today.
"""

import re
from functools import lru_cache

from orchestrator.reasons import NOTHING, Code, Reason

_FORESEEN: tuple[tuple[Code, str], ...] = (  # what made something due, with the words of which it is foreseen
    (Code.IGNORED, r"(?P<role>the \S+) had not acknowledged (?P<task>.+) by (?P<by>.+)"),
    (Code.UNHEARD, (
        r"(?P<channel>\S+) took it on (?P<at>.+), and nothing says it was (?P<until>\S+) "
        r"within (?P<within>\S+)"
    )),
    (Code.MISSED, r"(?P<milestone>\S+) was promised for (?P<promise>.+) and had not happened by (?P<by>.+)"),
    (Code.STUCK, r"nothing happened for (?P<by>\S+), since (?P<since>.+)"),
    (Code.SILENT, r"(?P<last>.+), then nothing for (?P<by>\S+)"),
    (Code.AFTER, r"(?P<by>\S+) have passed since (?P<since>.+)"),
    (Code.MISSED_ON_HOLD, r"\S+ was promised by .+, which passed while the order was on hold.*"),
    (Code.UPCOMING, r"\S+ is promised for .+"),
    (Code.MOVED, r"\S+ moved from .+, which the customer was told, to .+"),
    (Code.RETRACTED, r"\S+ was taken back on .+ after the \S+ was told.*"),
    (Code.REACHED, r"(?P<milestone>\S+) happened on (?P<at>.+)"),
    (Code.LOST, r"\S+: unreachable: (it came back|the provider gave it up).*"),
)  # fmt: skip

_FIRST: tuple[tuple[Code, str], ...] = (  # whatever they quote
    (Code.REPLACED, r"replaced: "),
    (Code.NO_CHANNEL, r"no channel in time: "),
    (Code.ON_TRIAL, r"shadow: "),
    (Code.FROZEN, r"frozen: "),
    (Code.PARKED, r"held: "),
    (Code.ON_THE_LIST, r"on the list of tasks only"),
    (Code.LATER, r"no longer asked for; next of this rule: "),
    (Code.KEPT, r"kept: "),
    (Code.NEWS_FIRST, r"news waits to be said first: "),
    (Code.RULE_NEWER, r".*; the rule counts only since "),
    (Code.CARRIED, r"(.*; )?it carried the line "),
)

_UNREACHABLE: tuple[tuple[Code, str], ...] = (
    (Code.NO_ADDRESS, r"no address for "),
    (Code.ADDRESS_STOPPED, r"nothing is sent to this address "),
    (Code.NOBODY_THERE, r"nothing is known about customer |the order names no "),
    (Code.NOT_LISTED, r"the .+ wants to hear by .+ only"),
    (Code.NO_ROOM, r".*; it is useless before there is room"),
    (Code.CAME_BACK, r"it came back"),
    (Code.GIVEN_UP, r"the provider gave it up"),
    (Code.WAITED_IN_VAIN, r""),
)

_THEN: tuple[tuple[Code, str], ...] = (
    (Code.NOT_REPEATED, r"may have been said at .*; not repeated because "),
    (Code.TOO_LATE, r"too late: "),
    (Code.EVERYTHING_PAUSED, r"everything is paused: "),
    (Code.LOCATION_PAUSED, r"location .+ is paused: "),
    (Code.RULE_PAUSED, r"rule .+ is paused: "),
    (Code.CHANNEL_PAUSED, r"channel .+ is paused: "),
    (Code.CHANNEL_ALONE, r"channel .+ is left alone: "),
    (Code.CHANNEL_FULL, r"channel .+ is (at its rate|busy)"),
    (Code.UNDECIDED, r"the rule cannot be decided: "),
    (Code.NOT_DUE, r"due [A-Z]"),
    (Code.NOT_BEFORE, r"\S+: not before "),
    (Code.CAPPED, r"the customer had \d"),
    (Code.GOES_ON, r"the changed rules were released or rejected$|news of the order$|tried again$"),
    (Code.STOPPED, r"somebody else has one of the orders this message is about"),
    (Code.IN_DOUBT, r"the lease ran out while sending"),
    (Code.WORKER_DIED, r"the worker died while sending"),
    (Code.REPORTED, r"(\S+: )?reported by "),
    (Code.TOGETHER, r"in one message with what was said of "),
    (Code.ACTIVE, r"the customer was active"),
    (Code.REFUSED, (
        r"the customer withdrew consent|the customer's consent does not name marketing|"
        r"the .+ never gave consent|there is no evidence of the customer's consent|"
        r"the .+ wants to hear nothing by "
    )),
    (Code.NOT_ALLOWED, r"a system for trying out: "),
    (Code.NO_OTHER_WAY, r"by \S+ it may have left, and "),
    (Code.ERASED, r"the customer was erased"),
    (Code.ORDER_UNKNOWN, r"order .+ is not known yet|the order is not known yet"),
    (Code.NO_JOURNEY, r"there is no journey called "),
    (Code.ORDER_CANCELLED, r"the order was cancelled on "),
    (Code.ORDER_HELD, r"the order is on hold since "),
    (Code.ORDER_COMPLETE, r"the order is complete$"),
    (Code.RULE_OFF, r"the rule is off$"),
    (Code.RULE_SWITCHED, r"the rule is (on trial|live) now"),
    (Code.RULE_GONE, r"no rule asks for it any more$"),
    (Code.NOBODY, r"the order names no "),
    (Code.CONDITION_UNKNOWN, r"nobody can say whether .+ holds: "),
    (Code.CONDITION_FALSE, r".+ does not hold$"),
    (Code.SAID_BEFORE, r"this text was said already"),
    (Code.ALL_SAID, r"every message of this rule was said; "),
    (Code.EXHAUSTED, r"every message of this rule was sent already"),
    (Code.CORRECTED, r"the message that it was taken back says so$"),
    (Code.NOT_TOLD, (
        r"the promise is internal: |the customer was never told a promise for |"
        r"\S+ was taken back before anybody was told$"
    )),
    (Code.OVERDUE, r"\S+ was overdue when we heard of the promise, and "),
    (Code.PROMISE_PAST, r"\S+ was promised for .+, which was past when that was said on "),
    (Code.ON_HOLD_THEN, r"the promise passed while the order was on hold|the day promised for \S+ passed "),
    (Code.KNOWN, r"the customer knows: |the .+ was told \S+ for .+ on .+, and needs no reminder"),
    (Code.MOVED_OTHERWISE, r"\S+ moved (later|sooner), and this rule |\S+ moved to .+, by less than "),
    (Code.NO_PROMISE, r"there is no promise for "),
    (Code.NOT_HAPPENED, (
        r"\S+ has not happened$|no milestone has happened$|no \S+ was heard$|"
        r"\S+ was not taken back$"
    )),
    (Code.OVERTAKEN, r"\S+ has happened since, on "),
    (Code.HAPPENED, (
        r"\S+ has happened again, on |\S+ was taken back on .+: nobody is asked |"
        r"\S+ happened on "
    )),
    (Code.TAKEN_OVER, r".+ took it over and spoke with the customer on "),
    (Code.ANSWERED, r".+ (acknowledged|finished) the task$"),
    (Code.ARRIVED, r"\S+: it was \w+ on "),
)  # fmt: skip


def _all(found: tuple[tuple[Code, str], ...]) -> tuple[tuple[Code, re.Pattern[str]], ...]:
    return tuple((code, re.compile(text, re.DOTALL)) for code, text in found)


_IN_VAIN = "unreachable: "
_FIRST_, _UNREACHABLE_, _THEN_, _FORESEEN_ = map(_all, (_FIRST, _UNREACHABLE, _THEN, _FORESEEN))
_ABOUT = {  # what it quotes, or names
    Code.REPLACED: re.compile(r"replaced: (.*)", re.DOTALL),
    Code.NO_CHANNEL: re.compile(r"no channel in time: (.*)", re.DOTALL),
    Code.ON_TRIAL: re.compile(r"shadow: .* it would have said this by (\S+)"),
    Code.LOCATION_PAUSED: re.compile(r"location (.+?) is paused: "),
    Code.RULE_PAUSED: re.compile(r"rule (.+?) is paused: "),
    Code.CHANNEL_PAUSED: re.compile(r"channel (.+?) is paused: "),
    Code.CHANNEL_ALONE: re.compile(r"channel (.+?) is left alone: "),
    Code.CHANNEL_FULL: re.compile(r"channel (.+?) is (?:at its rate|busy)"),
}
_CODES = {code.value: code for code in Code if code}


def kept(code: str | None, text: str, about: str = "") -> Reason:
    """The reason that was kept as this sentence under that code; without one the sentence is recognised."""
    if not text:
        return NOTHING
    known = _CODES.get(code or "")
    if known is None:
        return recognised(text)
    return Reason(known, text, {"about": about}) if about else Reason(known, text)


@lru_cache(maxsize=4096)
def recognised(text: str) -> Reason:
    """What an old sentence says happened, waited or was withheld."""
    code = _code(text)
    pattern = _ABOUT.get(code)
    found = pattern.search(text) if pattern is not None else None
    return Reason(code, text, {"about": found[1]}) if found else Reason(code, text)


@lru_cache(maxsize=4096)
def foreseen(text: str) -> Reason:
    """What an old sentence says made something due."""
    for code, pattern in _FORESEEN_:
        if (found := pattern.fullmatch(text)) is not None:
            return Reason(code, text, found.groupdict())
    return Reason(Code.NONE, text)


def _code(text: str) -> Code:
    for code, pattern in _FIRST_:
        if pattern.match(text):
            return code
    _, unreached, why = text.partition(_IN_VAIN)
    if unreached:
        return next(code for code, pattern in _UNREACHABLE_ if pattern.match(why))
    if text.startswith("too late: ") and "; " in text:
        return _code(text.partition("; ")[2]) or Code.TOO_LATE
    return next((code for code, pattern in _THEN_ if pattern.match(text)), Code.NONE)
