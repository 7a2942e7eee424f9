"""Compare what was said with what a test expects. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from orchestrator.errors import Problem
from orchestrator.journey import RuleBook
from orchestrator.model import Kind
from orchestrator.rule_tests.moments import minute, shown
from orchestrator.rule_tests.values import Case, Outcome, Pattern, Row, Said, Unsaid, Verdict

Fits = Callable[[Pattern, Said], bool]
Pairs = dict[int, int]  # index of the expectation → index of what was said


def judge(case: Case, outcome: Outcome, book: RuleBook) -> Verdict:
    """Return how *case* ended, with every failure and what stood beside it."""
    said = [one for one in outcome.said if _in_span(one.at, case)]
    met = _paired(case.expect, said, _fits)
    otherwise = _paired(case.expect, said, _alike, met)
    near = _nearest(case.expect, said, {**met, **otherwise})
    taken = {*met.values(), *otherwise.values(), *near.values()}
    missing = [wanted for index, wanted in enumerate(case.expect) if index not in met | otherwise]
    unsaid = _relevant(outcome.unsaid, [*missing, *case.never], book)
    failures = [
        *outcome.problems,
        *_other_reason(case, said, otherwise),
        *_not_said(case, said, met | otherwise, near, outcome.unsaid, book),
        *(_unexpected(case, one) for index, one in enumerate(said) if case.only_these and index not in taken),
        *_never(case, outcome, book),
    ]
    return Verdict(
        case,
        tuple(failures),
        tuple(_rows(case, said, met | otherwise)),
        tuple(unsaid) if failures else (),
        frozenset((said[index].rule, said[index].what) for index in met.values()),
    )


# ── who is whom ──────────────────────────────────────────────────────────────


def _in_span(at: datetime, case: Case) -> bool:
    return case.since is None or minute(at) >= minute(case.since)


def _alike(wanted: Pattern, one: Said) -> bool:
    """The same in everything but the reason?"""
    return (
        wanted.kind is one.kind
        and wanted.what == one.what
        and wanted.to in ("", one.to)
        and wanted.by in ("", one.by)
        and wanted.order in ("", one.order)
        and wanted.rule in ("", one.rule)
        and (wanted.at is None or minute(wanted.at) == minute(one.at))
    )


def _fits(wanted: Pattern, one: Said) -> bool:
    return _alike(wanted, one) and _contains(one.because, wanted.why)


def _contains(reason: str, piece: str) -> bool:
    return piece.casefold() in reason.casefold()


def _paired(
    expect: Sequence[Pattern], said: Sequence[Said], fits: Fits, before: Pairs | None = None
) -> Pairs:
    """As many pairs as possible of an expectation and something said, each used once.

    Kuhn's augmenting paths: a vague expectation gives way to one that fits nothing else.
    """
    free = {index for index in range(len(said)) if index not in (before or {}).values()}
    owner: dict[int, int] = {}

    def find(wanted: int, tried: set[int]) -> bool:
        for index in sorted(free - tried):
            if fits(expect[wanted], said[index]):
                tried.add(index)
                if index not in owner or find(owner[index], tried):
                    owner[index] = wanted
                    return True
        return False

    for wanted in range(len(expect)):
        if wanted not in (before or {}):
            find(wanted, set())
    return {wanted: index for index, wanted in owner.items()}


def _nearest(expect: Sequence[Pattern], said: Sequence[Said], settled: Pairs) -> Pairs:
    """For each expectation that was not met, what was probably said in its place."""
    near: Pairs = {}
    for number, wanted in enumerate(expect):
        free = [index for index in range(len(said)) if index not in {*settled.values(), *near.values()}]
        if number in settled or not free:
            continue
        best = max(free, key=lambda index: _nearness(wanted, said[index]))
        if _nearness(wanted, said[best]) >= 4:
            near[number] = best
    return near


def _nearness(wanted: Pattern, one: Said) -> int:
    same_time = wanted.at is not None and minute(wanted.at) == minute(one.at)
    return (
        4 * (wanted.what == one.what)
        + 2 * same_time
        + 2 * (wanted.kind is one.kind and wanted.to in ("", one.to))
        + (wanted.by in ("", one.by))
        + (wanted.order in ("", one.order))
        - 2 * (wanted.kind is not one.kind)
    )


# ── failures ─────────────────────────────────────────────────────────────────


def _other_reason(case: Case, said: Sequence[Said], otherwise: Pairs) -> Iterator[Problem]:
    for number, index in otherwise.items():
        wanted, one = case.expect[number], said[index]
        yield wanted.spot.problem(
            "X004",
            f"{told(wanted)} was said, but not because of {wanted.why!r}: {one.because}",
        )


def _not_said(
    case: Case,
    said: Sequence[Said],
    settled: Pairs,
    near: Pairs,
    unsaid: Sequence[Unsaid],
    book: RuleBook,
) -> Iterator[Problem]:
    for number, wanted in enumerate(case.expect):
        if number in settled:
            continue
        if number in near:
            instead = f"said instead: {heard(said[near[number]], case)}"
        else:
            reasons = [one.why for one in _relevant(unsaid, [wanted], book)]
            instead = f"it was not said: {reasons[0]}" if reasons else "nothing like it was said"
        yield wanted.spot.problem("X001", f"expected {told(wanted)}; {instead}")


def _unexpected(case: Case, one: Said) -> Problem:
    return case.whole.problem("X002", f"{heard(one, case)} was said and not expected: {one.because}")


def _never(case: Case, outcome: Outcome, book: RuleBook) -> Iterator[Problem]:
    for wanted in case.never:
        found = [one for one in outcome.said if _alike(wanted, one)]
        if found:
            yield wanted.spot.problem("X003", f"{heard(found[0], case)} was said: {found[0].because}")
            continue
        reasons = [one.why for one in _relevant(outcome.unsaid, [wanted], book)]
        if wanted.why and not any(_contains(reason, wanted.why) for reason in reasons):
            shown_reasons = "; ".join(dict.fromkeys(reasons)) or "no rule could have said it"
            yield wanted.spot.problem(
                "X005",
                f"{told(wanted)} was not said, but not because of {wanted.why!r}: {shown_reasons}",
            )


def _relevant(unsaid: Sequence[Unsaid], wanted: Sequence[Pattern], book: RuleBook) -> list[Unsaid]:
    """Why these were not said: entries of that name first, then the rules that could have said so."""
    found: dict[Unsaid, None] = {}
    for pattern in wanted:
        rules = _rules_saying(pattern, book)
        mine = [one for one in unsaid if pattern.order in ("", one.order) and pattern.rule in ("", one.rule)]
        named = [one for one in mine if one.what == pattern.what and pattern.to in ("", one.to)]
        found |= dict.fromkeys([*named, *(one for one in mine if not one.what and one.rule in rules | {""})])
    return list(found)


def _rules_saying(pattern: Pattern, book: RuleBook) -> set[str]:
    return {
        rule.id
        for journey in book.journeys.values()
        for rule in journey.rules
        for rung in rule.rungs
        if pattern.what == (rung.say if pattern.kind is Kind.MESSAGE else rung.task and rung.task.do)
    }


# ── words ────────────────────────────────────────────────────────────────────


def told(wanted: Pattern) -> str:
    """An expectation in words: ``'arrived' to the customer by sms at 2026-03-12 17:30``."""
    at = shown(wanted.at, wanted.zone) if wanted.at is not None else ""
    return _words(wanted.kind, wanted.what, wanted.to, wanted.by, at, wanted.order)


def heard(one: Said, case: Case) -> str:
    """Something said, in the same words."""
    order = one.order if len(case.zones) > 1 else ""
    return _words(one.kind, one.what, one.to, one.by, shown(one.at, case.zones[one.order]), order)


def _words(kind: Kind, what: str, to: str, by: str, at: str, order: str) -> str:
    parts = [f"the task {what!r}" if kind is Kind.TASK else repr(what)]
    parts += [f"to the {to}"] if to else []
    parts += [f"by {by}"] if by else []
    parts += [f"at {at}"] if at else []
    parts += [f"about {order}"] if order else []
    return " ".join(parts)


def _rows(case: Case, said: Sequence[Said], settled: Pairs) -> Iterator[Row]:
    """Expected and said, side by side in time; what leaves the test indifferent stays out."""
    taken = set(settled.values())
    rows = [
        (one.at, 1, _row(" " if index in taken else "+", one.kind, one.what, one.to, one.by, one.because, at))
        for index, one in enumerate(said)
        if index in taken or case.only_these
        for at in [shown(one.at, case.zones[one.order])]
    ]
    rows += [
        (
            wanted.at or case.until,
            0,
            _row("-", wanted.kind, wanted.what, wanted.to, wanted.by, wanted.why, _at(wanted)),
        )
        for number, wanted in enumerate(case.expect)
        if number not in settled
    ]
    yield from (row for _, _, row in sorted(rows, key=lambda row: row[:2]))


def _at(wanted: Pattern) -> str:
    return shown(wanted.at, wanted.zone) if wanted.at is not None else ""


def _row(sign: str, kind: Kind, what: str, to: str, by: str, why: str, at: str) -> Row:
    return Row(sign, at, "task" if kind is Kind.TASK else "say", what, to, by, why)
