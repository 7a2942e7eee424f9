"""What is wrong with rules that can be read: they never fire, or two say the same (for ``beforehand check``).

Such a rule stays in force: it harms nobody, and leaving it out would change what is sent.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from functools import lru_cache
from itertools import combinations

from orchestrator.conditions.fields import declared
from orchestrator.errors import Problem
from orchestrator.journey import Duration, Journey, Law, Mode, On, Policy, Rule, RuleBook
from orchestrator.literals import hours_text
from orchestrator.model import Purpose
from orchestrator.rules import load
from orchestrator.rules.contradictions import constant
from orchestrator.rules.positions import BREAK, Findings, Place
from orchestrator.timing import calendar, law

Hours = Sequence[tuple[time, time]]
A_DAY = timedelta(days=1)
CLOCK_CHANGE = timedelta(hours=1)  # in one night of the year a wait is so much shorter
MINUTES = 24 * 60
WINTER = date(2026, 1, 15)


def review(
    book: RuleBook,
    sources: Mapping[str, str],
    *,
    complete: bool = True,
    reports: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Return what can be known cheaply to be in vain, at its rule in *sources* (path → text).

    *reports* says by channel how far one will hear of a message once it is live; ``None``: not known.
    Unless the *book* is *complete*, rules that were left out for other problems are read as well, so that
    those hide none of these.
    """
    if not complete:
        book, _ = load(sources, policy=book.policy, drafts=True)
    found: list[Problem] = []
    for path, text in sources.items():
        journeys = [journey for journey in book.journeys.values() if journey.path == path]
        for journey in journeys:
            findings = _At(path, text, journey)
            for rule in journey.rules:
                _alone(rule, journey, book.policy, findings)
                if reports is not None:
                    _unreported(rule, book.policy, reports, findings)
            for first, second in combinations(journey.rules, 2):
                _together(first, second, findings)
            found += findings.problems
    return found


def no_rule(book: RuleBook, folder: str) -> Problem | None:
    """That there is no rule at all in that *folder*, if so."""
    if any(journey.rules for journey in book.journeys.values()):
        return None
    hint = "a rule file ends in .yaml; `beforehand init` writes some to start from"
    return Problem(folder, 0, 0, "R065", "there is no rule, so nothing would ever be said", hint)


class _At(Findings):
    """Findings placed at a key of a rule, which only knows the line on which it begins."""

    def __init__(self, path: str, text: str, journey: Journey) -> None:
        super().__init__(path, text)
        self._text = BREAK.split(text)
        self._starts = sorted(rule.line for rule in journey.rules)

    def say(self, rule: Rule, key: str, code: str, message: str, hint: str) -> None:
        """Note a problem at *key* of *rule*, or where the rule begins if the key is written elsewhere."""
        end = next((line for line in self._starts if line > rule.line), len(self._text) + 1)
        for number in range(rule.line, end):
            column = self._text[number - 1].find(f"{key}:") + 1
            if column:
                self.add(Place(number, column), code, message, hint)
                return
        self.add(Place(rule.line, 1), code, message, hint)


_CONSTANT = {
    True: ("is always true", "leave `when:` out"),
    False: ("is never true, so the rule never fires", "write `mode: off` to keep a rule that should rest"),
}


_SAME_ANSWER = "no value gives another answer: is it `||` instead of `&&`, or another bound?"


# ── a rule by itself ─────────────────────────────────────────────────────────


def _alone(rule: Rule, journey: Journey, policy: Policy, findings: _At) -> None:
    for when in (rule.when, *(rung.when for rung in rule.rungs)):
        if when is None:
            continue
        answer = when.evaluate({}).value  # nothing is known: what decides now decides always
        if answer is not None:
            means, hint = _CONSTANT[answer]
            findings.say(rule, "when", "R050", f"the condition {means}", hint)
            continue
        for part, answer in constant(when.text, declared(journey.attributes)):
            means = f"{part} is {'always' if answer else 'never'} true"
            findings.say(rule, "when", "R050", means, _SAME_ANSWER)
    trigger = rule.trigger
    if trigger.on is On.UPCOMING and trigger.at is None and not _lasts(trigger.before):
        _at_once(rule, journey, findings)
    position = journey.position
    if (
        trigger.on is On.STUCK
        and trigger.milestone in position
        and position[trigger.milestone] >= position.get(journey.last, len(position))
    ):
        message = (
            f"with {journey.last!r} the order is complete, so it is never stuck at {trigger.milestone!r}"
        )
        hint = f"`closes:` says when it is complete; for later write `after: {trigger.milestone}`"
        findings.say(rule, "stuck", "R051", message, hint)
    wait, useful = _elapsed(rule.combine), _elapsed(rule.timing.within)
    if wait is not None and useful is not None and wait >= useful:
        message = f"useless after {rule.timing.within}, it would wait {rule.combine} for other orders"
        findings.say(rule, "combine", "R054", message, "give `combine` less, or `within` more")
    wait = _elapsed(rule.fallback_after)
    if wait is not None and useful is not None and wait >= useful:
        message = f"useless after {rule.timing.within}, it waits {rule.fallback_after} to go another way"
        findings.say(rule, "fallback_after", "R056", message, "give `fallback_after` less, or `within` more")
    if any(rung.say for rung in rule.rungs) and rule.purpose is not Purpose.SECURITY:
        _windows(rule, journey, policy, findings)


def _unreported(rule: Rule, policy: Policy, reports: Mapping[str, str], findings: _At) -> None:
    """A channel before the last one of whose messages nobody says what becomes of them."""
    if rule.fallback_after is None:
        return
    used = rule.channels or policy.preference
    aims = {name: rule.aim(name, policy.kind(name)) for name in used}
    for name, aim in aims.items():
        if aim == "opened" and reports.get(name) == "delivered":
            message = f"nobody reports that a message by {name} was opened, only that it was delivered"
            each = ", ".join(f"{one}: {'delivered' if one == name else aims[one]}" for one in used)
            hint = f'write `until: {{{each}}}`, or say in its settings what is reported: reported = "opened"'
            findings.say(rule, "until", "R058", message, hint)
    mute = [name for name in used[:-1] if name not in reports and aims[name] != "accepted"]
    if mute:
        message = f"nobody reports what becomes of a message by {' or '.join(mute)}"
        hint = 'put that channel last, or say in its settings what your app reports: reported = "opened"'
        findings.say(rule, "until", "R055", message, hint)


def _at_once(rule: Rule, journey: Journey, findings: _At) -> None:
    """A reminder of an instant is useless from that instant on: one that is due then never leaves."""
    name = rule.trigger.milestone
    _, wait = journey.promises.get(name, ("", None))
    if wait is not None and (wait.seconds or wait.business_minutes):
        message = f"{name!r} is promised for an instant, and a reminder due at that instant is useless then"
        findings.say(
            rule, "upcoming", "R052", message, "say how long `before:`, or `at:` which time that day"
        )


def _lasts(length: Duration) -> bool:
    return bool(length.days or length.business_days or length.business_minutes or length.seconds)


def _windows(rule: Rule, journey: Journey, policy: Policy, findings: _At) -> None:
    """Can the message leave before it is useless? The default hours, the rule's own time and quiet hours."""
    timing, rings = rule.timing, policy.silent.isdisjoint(rule.channels or policy.preference)
    quiet = policy.quiet.get(rule.purpose) if rings else None
    hours = (timing.hours or journey.hours) if timing.at == "preferred" else None
    minutes = _open(hours, quiet)
    if hours is not None and not minutes:
        message = f"the hours {hours_text(*hours)} lie wholly in the quiet hours"
        findings.say(rule, "hours", "R052", message, "open other hours, or write `timing: {at: …}`")
        return
    for closed, spans in _elsewhere(rule, policy):
        if not any(_between(minute, span) for span in spans for minute in minutes):
            hint = "open other hours, or other channels"
            findings.say(rule, "timing", "R052", f"the hours in which it may leave are all {closed}", hint)
            return
    country = policy.law.country_of.get(policy.time_zone, "")
    channels = rule.channels or policy.preference if rule.purpose is Purpose.MARKETING else ()
    if channels and not any(_meet(policy.law, country, rule.purpose, one, hours, quiet) for one in channels):
        message = f"its hours are never open in all zones of {country} at once"
        hint = "longer hours; marketing to a customer whose zone is not known waits for every zone"
        findings.say(rule, "hours" if timing.hours else "timing", "R052", message, hint)
        return
    known = rule.trigger.at or rule.trigger.closes  # or before it, where a location closes early
    within = _elapsed(timing.within)
    if known is None or within is None or within >= A_DAY:
        return
    wait = _wait(_minute(known), timing.at if isinstance(timing.at, time) else None, minutes)
    if wait - CLOCK_CHANGE >= within:
        opening = (_minute(known) + wait // timedelta(minutes=1)) % MINUTES
        message = (
            f"due at {known:%H:%M}, it may leave at {opening // 60:02}:{opening % 60:02} and is useless "
            f"after {timing.within}: it never leaves"
        )
        findings.say(rule, "within", "R052", message, "give it longer, or another time")


def _elsewhere(rule: Rule, policy: Policy) -> Iterator[tuple[str, Hours]]:
    """Hours of the location, if the rule asks, and of the law that must leave room; what to say if not."""
    if rule.timing.business_hours:
        calendars = [*policy.calendars.values()] or [policy.calendar("")]
        spans = [span for calendar in calendars for span in calendar.hours.values()]
        yield "outside the opening hours of every calendar", spans
    country = policy.law.country_of.get(policy.time_zone, "")
    channels = rule.channels or policy.preference
    legal = [law.hours(policy.law, country, "", rule.purpose, channel) for channel in channels]
    spans = [span for calendar in legal if calendar is not None for span in calendar.hours.values()]
    if spans and None not in legal:
        yield f"outside those the law allows {rule.purpose.value} in {country}", spans


@lru_cache(maxsize=256)
def _meet(
    legal: Law, country: str, purpose: Purpose, channel: str,
    hours: tuple[time, time] | None, quiet: tuple[time, time] | None,
) -> bool:  # fmt: skip
    """Is there a minute of some day of the week that is open in every zone and region of the country?"""
    theirs = law.hours(legal, country, "", purpose, channel)
    minutes = _open(hours, quiet)
    zones = law.clocks("UTC", country, legal)
    for weekday in range(7) if theirs is not None else (0,):
        span = None if theirs is None else theirs.hours.get(weekday)
        if theirs is not None and span is None:
            continue
        here = {minute for minute in minutes if span is None or _between(minute, span)}
        if _all_round(here, zones):
            return True
    return False


def _all_round(minutes: Collection[int], zones: Iterable[str]) -> bool:
    """Is there a moment at which the clocks of every zone read one of these minutes of the day?"""
    shared: set[int] | None = None
    for offset in {_offset(zone) for zone in zones}:
        mine = {(minute - offset) % MINUTES for minute in minutes}
        shared = mine if shared is None else shared & mine
    return bool(shared)


def _offset(zone: str) -> int:
    """How many minutes the clocks there are ahead in winter."""
    ahead = calendar.local(WINTER, time(12), "UTC") - calendar.local(WINTER, time(12), zone)
    return round(ahead / timedelta(minutes=1))


@lru_cache(maxsize=64)
def _open(hours: tuple[time, time] | None, quiet: tuple[time, time] | None) -> tuple[int, ...]:
    """The minutes of a day inside *hours* and outside *quiet*."""
    return tuple(
        minute
        for minute in range(MINUTES)
        if (hours is None or _between(minute, hours)) and (quiet is None or not _between(minute, quiet))
    )


def _between(minute: int, span: tuple[time, time]) -> bool:
    start, end = _minute(span[0]), _minute(span[1])
    return start <= minute < end if start < end else minute >= start or minute < end


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _wait(start: int, at: time | None, minutes: tuple[int, ...]) -> timedelta:
    """From *start* to the rule's own time, if it has one, and on to the next minute that is open."""
    moved = 0 if at is None else (_minute(at) - start) % MINUTES
    begun = (start + moved) % MINUTES
    return timedelta(minutes=moved + min(((minute - begun) % MINUTES for minute in minutes), default=0))


def _elapsed(within: Duration | None) -> timedelta | None:
    """How long the message is useful, if that is counted in hours of the clock alone."""
    if within is None or within.days or within.business_days or within.business_minutes:
        return None
    return timedelta(seconds=within.seconds)


# ── two rules ────────────────────────────────────────────────────────────────


def _together(first: Rule, second: Rule, findings: _At) -> None:
    """Two rules say the same for one occasion, unless their conditions may keep them apart.

    A rule on trial says nothing, least of all beside the live one it is compared with.
    """
    if (
        Mode.OFF in (first.mode, second.mode)
        or first.mode is not second.mode
        or {first.to, *first.also_to}.isdisjoint((second.to, *second.also_to))
        or first.trigger != second.trigger
    ):
        return
    if first.when is not None and second.when is not None and first.when.text != second.when.text:
        return
    said = {rung.say for rung in first.rungs if rung.say} & {rung.say for rung in second.rungs if rung.say}
    for name in sorted(said):
        message = f"{first.id!r} says {name!r} on the same occasion"
        findings.say(second, "say", "R053", message, f"keep one of them; the other is on line {first.line}")
