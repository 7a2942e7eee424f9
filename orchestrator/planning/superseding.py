"""A newer notification of the same rule and order replaces an unsent older one. Pure.

What was said replaces what was news before it and came to nothing; older news that is heard of later is
news all the same.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.journey import Rule
from orchestrator.planning.case import Case, Firing, spoken
from orchestrator.reasons import unsaid as not_said


def superseded(rule: Rule, standing: Sequence[Firing], case: Case) -> list[Firing]:
    """Return what stands of one rule, with those hushed that a newer one takes the place of."""
    if len(standing) < 2:
        return list(standing)

    def ended(one: Firing) -> bool:
        return case.outcome(rule, one.occasion) is not None

    due = sorted((one for one in standing if one.at <= case.now and one.speaks), key=_age)
    said = [one for one in due if spoken(case.said(rule, one), rule.mode)]
    unsaid = [one for one in due if one not in said]
    left = [one for one in unsaid if ended(one) or _told_since(one, said) is None]
    newest = left[-1] if left else None
    after: list[Firing] = []
    for firing in standing:
        by = newest if firing in left or firing in said else _told_since(firing, said) or newest
        if firing is newest:
            since = _first(firing, unsaid, ended)
            after.append(firing._replace(since=since) if rule.combine is not None else firing)
        elif by is None or firing not in due:
            after.append(firing)
        else:
            after.append(firing._replace(hushed=not_said.replaced(by.because)))
    return after


def _age(firing: Firing) -> tuple[datetime, str]:
    return firing.at, firing.occasion


def _told_since(firing: Firing, said: Sequence[Firing]) -> Firing | None:
    """The newest that was said, if it is newer and was news no sooner."""
    newer = [one for one in said if _age(one) > _age(firing) and one.news >= firing.news]
    return newer[-1] if newer else None


def _first(newest: Firing, unsaid: Sequence[Firing], ended: Callable[[Firing], bool]) -> datetime:
    """The news of the first of those that came to nothing since the last that came to something."""
    first = newest.news
    for firing in reversed(unsaid):
        if firing is not newest and ended(firing):
            break
        first = min(first, firing.news)
    return first
