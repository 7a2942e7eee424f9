"""The next thing said when silence goes on: which rung of a rule is due, and when. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from orchestrator.journey import On, Rule
from orchestrator.model import Outcome, Status, first_occasion
from orchestrator.planning.applying import applies
from orchestrator.planning.by_hand import SPOKE
from orchestrator.planning.case import STALE_AFTER, Case, Firing, spoken
from orchestrator.planning.correcting import Correction
from orchestrator.reasons import NOTHING, Reason, unsaid
from orchestrator.timing.send_time import expiry

WITHHELD = frozenset({Status.SUPPRESSED, Status.EXPIRED, Status.FAILED})  # nobody heard it

SPENT = {  # what a ladder whose last message was said still waits for
    On.SILENT: unsaid.SPENT_SILENT,
    On.STUCK: unsaid.SPENT_STUCK,
    On.MISSED: unsaid.SPENT_MISSED,
}


def ladder(rule: Rule, case: Case, first: Firing, corrected: Correction | None = None) -> list[Firing]:
    """The rungs that count now, without the texts that were said already where an edit moved them.

    Those due before a milestone was taken back are without what is said and tasked because of that.
    """
    found = _without_repeats(rule, case, first, _ladder(rule, case, first, corrected))
    return _first_text_first(rule, case, found)


def _ladder(rule: Rule, case: Case, first: Firing, corrected: Correction | None) -> list[Firing]:
    """The rungs that count now: the newest due one speaks, older ones only task, and the next to come.

    A second promise of the same episode, missed again, goes on with the rung after the last one said; when
    there is none, the last rung's task is made again, or a person has to find words of their own. Who never
    heard any of it hears the first text at the newest rung that is due, and the others follow from then on;
    those that would have followed by now wait for the first only in a ladder begun before its rule counted.
    """
    start = _next_rung(rule, case, first)
    found = _until_now(rule, case, first, first.at, start)
    if not found:
        last = sum(rung.at_most for rung in rule.rungs)
        return [_on(first, last, first.at)._replace(hushed=unsaid.EXHAUSTED)]
    if not case.order.outcomes and case.now < found[0].at and _counts(rule, case, found[0]):
        return found  # nearly always: it waits for its first rung
    if corrected is not None and corrected.says and found[0].at <= corrected.at:
        return [_beside(rule, firing, corrected) for firing in _newest_speaks(found, case)]
    if _missed_long_before(rule, case, found):
        return [found[0], *(firing._replace(says=False) for firing in found[1:])]
    begun = _begun_late(rule, case, found) if start == 1 else None
    if begun is None:
        return _newest_speaks(found, case)
    texts = _until_now(rule, case, first, begun.at, begun.number)
    fresh = not _counts(rule, case, found[0]) and not spoken(case.said(rule, texts[0]), rule.mode)
    if fresh:  # what follows it is not due before it was said
        texts = [texts[0], *(firing for firing in texts[1:] if firing.at > case.now)]
    texts = _newest_speaks(texts, case)
    tasks = [firing._replace(says=False) for firing in _with_first_task(rule, case, found)]
    texts = [firing._replace(tasks=False) for firing in texts]
    return [*tasks, *texts, *_planned(rule, case, found)]


def _beside(rule: Rule, firing: Firing, corrected: Correction) -> Firing:
    """That rung without what the correction says and tasks, if it was due before it."""
    if firing.at > corrected.at:
        return firing
    rung = rule.rung(firing.rung)
    tasked = rung is not None and rung.task is not None and rung.task.do in corrected.does
    return firing._replace(hushed=unsaid.CORRECTED, tasks=firing.tasks and not tasked)


def _without_repeats(rule: Rule, case: Case, first: Firing, found: list[Firing]) -> list[Firing]:
    """The same, with those hushed whose text stands once in the ladder and was said as another rung of it."""
    if not case.order.outcomes:
        return found
    episode = first.occasion.partition(".")[0] if rule.trigger.on is On.MISSED else first.occasion
    said = {
        outcome.template: first_occasion(outcome.occasion)
        for outcome in case.order.outcomes.values()
        if outcome.rule == rule.id
        and outcome.role == rule.to
        and outcome.kind == "message"
        and spoken(outcome, rule.mode)
        and outcome.occasion.startswith(f"{episode}.")
    }
    if not said:
        return found
    written = [rung.say for rung in rule.rungs for _ in range(rung.at_most)]

    def hushed(firing: Firing) -> Firing:
        rung = rule.rung(firing.rung)
        if rung is None or written.count(rung.say) != 1 or firing.hushed:
            return firing
        before = said.get(f"{case.journey.id}/{rung.say}", firing.occasion)
        return firing if before == firing.occasion else firing._replace(hushed=unsaid.REPEATED)

    return [hushed(firing) for firing in found]


def _first_text_first(rule: Rule, case: Case, found: list[Firing]) -> list[Firing]:
    """The same; where every text so far was withheld, the next to be said is the one that begins the ladder.

    Not if a person spoke with them meanwhile, or took a text back: then they know. Nor if the condition kept
    one back until it was useless: that was meant.
    """
    if not case.order.outcomes or rule.rung(2) is None or found[0].rung != 1:
        return found
    opening = next((number for number in range(1, found[-1].rung) if _has_text(rule, number)), 0)
    begins = rule.rung(opening)
    if begins is None:
        return found
    tried = [(firing, case.said(rule, firing)) for firing in found]
    as_said = [
        firing._replace(text=opening)
        if one is not None and one.template == f"{case.journey.id}/{begins.say}" and firing.rung != opening
        else firing
        for firing, one in tried
    ]
    outcomes = [(firing, one) for firing, one in tried if one is not None]
    if not outcomes or not all(_withheld(rule, case, *one) for one in outcomes):
        return as_said
    if any(kind == SPOKE and moment >= found[0].at for moment, kind in case.order.contacts):
        return as_said
    for index, (firing, one) in enumerate(tried):
        if one is None and firing.speaks and firing.rung > opening and _has_text(rule, firing.rung):
            as_said[index] = firing._replace(text=opening)
            break
    return as_said


def _withheld(rule: Rule, case: Case, firing: Firing, outcome: Outcome) -> bool:
    """Was that text to be said, and not said?"""
    if spoken(outcome, rule.mode) or outcome.status not in WITHHELD:
        return False
    return outcome.status is not Status.EXPIRED or applies(rule, firing, case, firing.at)


class Begun(NamedTuple):
    """The last rung of a ladder that was said, or the first to say, and what counts as its moment."""

    number: int
    at: datetime


def _begun_late(rule: Rule, case: Case, found: Sequence[Firing]) -> Begun | None:
    """Where the texts are, if not at the rung whose moment it is; *found* are the rungs by their moments."""
    by_rung = {firing.rung: case.said(rule, firing) for firing in found} if case.order.outcomes else {}
    said = [(number, one.at) for number, one in by_rung.items() if one is not None and spoken(one, rule.mode)]
    due = [firing for firing in found if firing.at <= case.now]
    if not said:
        unsaid = (one.rung for one in due if by_rung.get(one.rung) is None and _has_text(rule, one.rung))
        number = next(unsaid, 0)
        overdue = number and (number < due[-1].rung or not _counts(rule, case, due[-1]))
        if not overdue or not _counts(rule, case, found[-1]):
            return None
        counting = [firing for firing in due if _counts(rule, case, firing)]
        return Begun(number, (counting or found)[-1].at)
    number, moment = max(said)
    before = [firing for firing in found if firing.at <= moment]
    if not before or before[-1].rung <= number:
        return None
    at_the_end = rule.rung(before[-1].rung + 1) is None
    return Begun(number, moment if at_the_end else before[-1].at)


def _planned(rule: Rule, case: Case, found: Sequence[Firing]) -> list[Firing]:
    """The same ladder as it was planned before its rule was edited, while its first text is useful."""
    if _counts(rule, case, found[0]) or any(spoken(case.said(rule, one), rule.mode) for one in found):
        return []
    newest = _newest_speaks(found, case)
    useful = all(case.now < expiry(rule, one, case) for one in newest if one.at <= case.now and one.speaks)
    return [firing._replace(planned=True) for firing in newest] if useful else []


def _counts(rule: Rule, case: Case, firing: Firing) -> bool:
    """Did it fall due since the rule counts?"""
    since = case.since(rule)
    return since is None or firing.at >= since


def _missed_long_before(rule: Rule, case: Case, found: Sequence[Firing]) -> bool:
    """Was what fell due first stale already when the rule began to count, and nothing of it was tried?"""
    since = case.since(rule)
    if since is None or found[0].at >= since or rule.trigger.on is not On.MISSED:
        return False
    stale = case.add(found[0].at, rule.timing.stale_after or STALE_AFTER) <= since
    return stale and not any(case.said(rule, one) for one in found)


def _with_first_task(rule: Rule, case: Case, found: Sequence[Firing]) -> list[Firing]:
    """The same; the first, if it does not count and nothing was said then, with the first that counts."""
    since, said = case.since(rule), case.said(rule, found[0])
    counting = next((firing for firing in found if _counts(rule, case, firing)), found[0])
    if since is None or counting is found[0] or (said is not None and said.at < since):
        return list(found)
    return [found[0]._replace(at=counting.at, news=max(counting.at, found[0].news)), *found[1:]]


def _has_text(rule: Rule, number: int) -> bool:
    rung = rule.rung(number)
    return rung is not None and bool(rung.say)


def _until_now(rule: Rule, case: Case, first: Firing, base: datetime, start: int) -> list[Firing]:
    """The rungs from *start*, due at *base*, to the first that is still to come."""
    found: list[Firing] = []
    for number, moment in _moments(rule, case, base, start):
        found.append(_on(first, number, case.awake(base, moment)))
        if found[-1].at > case.now:
            break
    return found


def _newest_speaks(found: Sequence[Firing], case: Case) -> list[Firing]:
    """The same, with those hushed that are due before the newest due one."""
    newest = max((index for index, firing in enumerate(found) if firing.at <= case.now), default=0)
    return [
        firing._replace(hushed=firing.hushed or unsaid.OVERTAKEN) if index < newest else firing
        for index, firing in enumerate(found)
    ]


def spent(rule: Rule, firing: Firing) -> Reason:
    """What to say of a rule that said this firing, if that was the last of several; else ""."""
    last = firing.rung > 1 and rule.rung(firing.rung + 1) is None
    return SPENT.get(rule.trigger.on, NOTHING) if last else NOTHING


def _on(first: Firing, number: int, at: datetime) -> Firing:
    """*first* as the rung of that number."""
    occasion = f"{first.occasion}.r{number}"
    return first._replace(occasion=occasion, rung=number, at=at, news=max(at, first.news))


def _moments(rule: Rule, case: Case, base: datetime, start: int) -> Iterator[tuple[int, datetime]]:
    """Every rung from *start* on by its number, with when it is due if *start* is due at *base*."""
    moment, number, skipped = base, 0, timedelta()
    for rung in rule.rungs:
        for _ in range(rung.at_most):
            if rung.after is not None:
                moment = case.add(base, rung.after) - skipped
            elif rung.every is not None:
                moment = case.add(moment, rung.every)
            number += 1
            if number == start:
                moment, skipped = base, moment - base
            if number >= start:
                yield number, moment


def _next_rung(rule: Rule, case: Case, first: Firing) -> int:
    """1, or the rung after the last one said for another promise of this episode."""
    if rule.trigger.on is not On.MISSED or not case.order.outcomes:
        return 1
    episode = first.occasion.partition(".")[0] + "."
    mine = first.occasion + ".r"
    said = (
        rung_of(outcome.occasion)
        for outcome in case.order.outcomes.values()
        if outcome.rule == rule.id
        and outcome.kind == "message"
        and spoken(outcome, rule.mode)
        and outcome.occasion.startswith(episode)
        and not outcome.occasion.startswith(mine)
    )
    return max(said, default=0) + 1


def owed(rule: Rule, case: Case, first: Firing) -> Iterator[Firing]:
    """The tasks of that ladder which began, although another promise was told since.

    Whoever speaks with the customer meanwhile has done what they were for.
    """
    mine = f"{first.occasion}.r"
    begun = {
        int(outcome.occasion.removeprefix(mine).partition(".")[0])
        for outcome in case.order.outcomes.values()
        if outcome.rule == rule.id
        and outcome.status is not Status.CANCELLED
        and outcome.occasion.startswith(mine)
    }
    if not begun or any(kind == SPOKE and moment >= first.at for moment, kind in case.order.contacts):
        return
    for number, moment in _moments(rule, case, first.at, min(begun)):
        rung = rule.rung(number)
        if number in begun and rung is not None and rung.task is not None:
            yield _on(first, number, case.awake(first.at, moment))._replace(says=False)


def rung_of(occasion: str) -> int:
    """The rung an occasion ends in (``….r3`` → 3), or 0."""
    tail = first_occasion(occasion).rpartition(".r")[2]
    return int(tail) if tail.isdigit() else 0
