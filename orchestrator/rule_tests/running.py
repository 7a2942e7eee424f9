"""Run one case through the real engine: a virtual clock, a scratch ledger, channels in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from channels.base import Channel
from channels.memory import MemoryChannel
from orchestrator.errors import Problem
from orchestrator.intake import Incoming
from orchestrator.journey import RuleBook
from orchestrator.model import Kind, Status
from orchestrator.rule_tests.judging import judge
from orchestrator.rule_tests.moments import shown
from orchestrator.rule_tests.values import Answered, Case, Given, Outcome, Said, Unsaid, Verdict
from orchestrator.sending.messages import Composer
from orchestrator.simulation.simulate import INSTANT, Line, Rehearsal, Simulation, Unwritten


def verdicts(
    cases: Iterable[Case], book: RuleBook, composer: Composer | Rehearsal, channels: Sequence[str]
) -> Iterator[Verdict]:
    """Run every case, each in a ledger of its own, and yield how it ended."""
    for case in cases:
        yield judge(case, run(case, book, composer, channels), book)


def run(case: Case, book: RuleBook, composer: Composer | Rehearsal, channels: Sequence[str]) -> Outcome:
    """Hear the facts of *case*, say what falls due until its end, and tell what was said and what not."""
    sinks: Mapping[str, Channel] = {name: MemoryChannel(name, keep=False) for name in channels}
    simulation = Simulation(
        book, composer, sinks, start=case.given[0].event.fact.heard, undelivered=case.only_reported
    )
    try:
        problems = _hear(simulation, case)
        lines = list(simulation.lines())
        silences, undecided = _silences(simulation, case)
        unwritten = simulation.unwritten
    finally:
        simulation.close()
    said = sorted((_said(line) for line in lines if line.status == Status.ACCEPTED), key=lambda one: one.at)
    unsaid = [_unsaid(line, case) for line in lines if line.status != Status.ACCEPTED]
    broken = [
        case.spot.problem("X006", f"{line.template} to the {line.role} of {line.order}: {why}")
        for line in lines
        if (why := _broken(line, unwritten))
    ]
    return Outcome(tuple(said), (*unsaid, *silences), (*problems, *undecided, *broken))


def _broken(line: Line, unwritten: Mapping[str, Unwritten]) -> str:
    """Why it could not be said, also where it was not wanted any more afterwards; or ""."""
    if line.status in (Status.HELD, Status.FAILED):
        return line.reason
    failed = unwritten.get(_key(line))
    return f"it could not be written: {failed.why}" if failed else ""


def _key(line: Line) -> str:
    return f"{line.order}/{line.rule}/{line.occasion}/{line.role}"


def _hear(simulation: Simulation, case: Case) -> list[Problem]:
    """Let the engine hear every fact; one about a task or message lets everything before it happen first."""
    problems: list[Problem] = []
    waiting: list[Incoming] = []
    for given in case.given:
        event = given.event
        if given.answers is not None:
            before = max([event.fact.heard - INSTANT, *(other.fact.heard for other in waiting)])
            simulation.run(waiting, before)
            waiting = []
            kind = given.answers.kind
            tasks = _given(simulation, event.fact.subject, kind)
            key = _task_named(tasks, given.answers)
            if not key:
                problems.append(_no_task(given, tasks, case))
                continue
            data = {**event.fact.data, "task" if kind is Kind.TASK else "message": key}
            event = replace(event, fact=replace(event.fact, data=data))
        waiting.append(event)
    simulation.run(waiting, case.until)
    return problems


def _given(simulation: Simulation, order: str, kind: Kind) -> list[Line]:
    """The tasks that were given, or the messages said, about an order, in the order in which they were."""
    given = [
        line
        for line in simulation.lines()
        if line.order == order and line.kind == kind and line.status == Status.ACCEPTED
    ]
    return sorted(given, key=lambda line: line.when)


def _task_named(tasks: Sequence[Line], answers: Answered) -> str:
    """The key of the newest of *tasks* that is meant, or ""."""
    for line in reversed(tasks):
        same = _name(line) == answers.task and answers.to in ("", line.role)
        if same and answers.rule in ("", line.rule):
            return _key(line)
    return ""


def _no_task(given: Given, tasks: Sequence[Line], case: Case) -> Problem:
    assert given.answers is not None
    fact = given.event.fact
    zone = case.zones.get(fact.subject, "UTC")
    to = f" to the {given.answers.to}" if given.answers.to else ""
    names = ", ".join(f"{_name(line)} to the {line.role}" for line in tasks)
    what, done = ("task", "given") if given.answers.kind is Kind.TASK else ("message", "said")
    return given.spot.problem(
        "X007",
        f"no {what} {given.answers.task!r} had been {done}{to} by {shown(fact.heard, zone)}",
        f"{done} until then: {names}" if names else f"no {what} at all had been {done} until then",
    )


def _name(line: Line) -> str:
    return line.template.partition("/")[2]


def _said(line: Line) -> Said:
    at: datetime = line.when
    return Said(line.order, line.rule, Kind(line.kind), _name(line), line.role, line.channel, at, line.reason)


def _unsaid(line: Line, case: Case) -> Unsaid:
    due = (
        f"not before {shown(line.due_at, case.zones[line.order])}: "
        if line.status == Status.SCHEDULED
        else ""
    )
    return Unsaid(line.order, line.rule, _name(line), line.role, line.status, f"{due}{line.reason}")


def _silences(simulation: Simulation, case: Case) -> tuple[list[Unsaid], list[Problem]]:
    """Why the rules say nothing more when the test ends, and what could not be decided."""
    with simulation.engine.ledger.read() as tx:
        sight = simulation.engine.look(tx, dict.fromkeys(case.zones, case.until), case.until)
    silences = [
        Unsaid(order, silence.rule, "", silence.key.rpartition("/")[2], "", silence.reason)
        for order, decision in sight.decisions.items()
        for silence in decision.silences
    ]
    return silences, list(_undecided(sight.problems, case))


def _undecided(found: Mapping[str, str], case: Case) -> Iterator[Problem]:
    for order, problem in found.items():
        yield case.spot.problem("X006", f"{order}: {problem}")
