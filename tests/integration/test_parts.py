"""A simulation in several processes says what one process says."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from orchestrator import rules
from orchestrator.cli import house
from orchestrator.config.settings import Settings
from orchestrator.errors import Conflict, Problems
from orchestrator.journey import Cap, Policy
from orchestrator.ledger import Ledger
from orchestrator.model import Purpose
from orchestrator.simulation import history, parts
from orchestrator.simulation.parts import deal, part_of
from orchestrator.simulation.simulate import Line, Rehearsal, Simulation, lines_in
from tests.builders import event
from tests.stories.telling import HERE

RULES = """\
version: 1
journey: visit
milestones: [come, gone]
rules:
  - {id: come, on: {reached: come}, say: hello, channels: [email]}
  - {id: late, on: {missed: come, by: 15m}, say: sorry, channels: [email]}
"""
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)
UNCAPPED = Policy()
CAPPED = Policy(caps={Purpose.SERVICE: Cap(day=2)})


def visits(customers: int, orders: int) -> list[dict[str, object]]:
    """Customers with orders that are promised for ten; every third never comes."""
    documents: list[dict[str, object]] = []
    for number in range(customers):
        name = f"c{number}"
        documents.append(event("customer.upserted", name, "2026-03-01 08:00", email=f"{name}@example.com"))
    for number in range(orders):
        name, minute = f"o{number}", f"2026-03-02 09:{number % 60:02}"
        documents += [
            event("order.upserted", name, minute, customer=f"c{number % customers}", journey="visit"),
            event("promise.made", name, minute, milestone="come", at="2026-03-02T10:00:00+01:00"),
        ]  # fmt: skip
        if number % 3:
            documents.append(
                event("milestone.reached", name, f"2026-03-02 10:{number % 60:02}", milestone="come")
            )
    return documents


def written(folder: Path, documents: list[dict[str, object]]) -> Path:
    path = folder / "events.jsonl"
    path.write_text("\n".join(json.dumps(document) for document in documents) + "\n", encoding="utf-8")
    return path


def maker(past: history.History, policy: Policy) -> Callable[[Path], Simulation]:
    book, problems = rules.load({"visit.yaml": RULES}, policy=policy)
    assert not problems
    settings = Settings()
    found = house.written(settings, HERE / "rules", HERE / "templates")
    composer = Rehearsal(house.composer(settings, found.renderer), {"visit/hello", "visit/sorry"})
    sinks = {name: MemoryChannel(name, keep=False) for name in ("email", "sms", "push")}
    return lambda file: Simulation(book, composer, sinks, start=past.first, file=file)


def said(folder: Path, path: Path, hands: int, policy: Policy = UNCAPPED) -> list[Line]:
    past = history.read(path)
    heard: list[int] = []
    folder.mkdir()
    files = parts.simulate(past, UNTIL, hands, maker(past, policy), folder, heard.append)
    assert len(files) == hands
    lines: list[Line] = []
    for file in files:
        with Ledger.open(f"sqlite:///{file}") as ledger:
            lines += lines_in(ledger)
    return sorted(lines, key=lambda line: (line.order, line.rule, line.occasion))


def test_three_processes_say_what_one_says(tmp_path: Path) -> None:
    path = written(tmp_path, visits(customers=7, orders=60))

    alone, together = said(tmp_path / "one", path, 1), said(tmp_path / "three", path, 3)

    assert [line for line in alone if line.status == "accepted"]
    assert together == alone


def test_what_one_process_refuses_ends_the_whole(tmp_path: Path) -> None:
    documents = visits(customers=3, orders=9)
    documents.append(event("promise.made", "o1", "2026-03-03 09:00", milestone="come", date="2026-02-30"))
    path = written(tmp_path, documents)

    with pytest.raises(Problems, match="E106"):
        said(tmp_path / "two", path, 2)


def test_the_orders_of_a_customer_stay_together_and_the_parts_are_about_equal() -> None:
    customer_of = {f"o{number}": f"c{number % 10}" for number in range(1000)} | {"alone": "c99"}

    dealt = deal(customer_of, 3, {})

    assert {
        len({dealt[o] for o, c in customer_of.items() if c == name}) for name in customer_of.values()
    } == {1}
    sizes = [list(dealt.values()).count(hand) for hand in range(3)]
    assert max(sizes) - min(sizes) <= 101
    assert part_of("never announced", dealt, 3) in range(3)


def merging() -> list[dict[str, object]]:
    """Twelve customers with an order each; eleven become one person with the first, and three part again."""
    documents = visits(customers=12, orders=12)
    documents += [
        event("customer.merged", f"c{number}", "2026-03-02 08:30", into=f"c{number - 1}")
        for number in range(1, 12)
    ]
    documents += [
        event("customer.unmerged", f"c{number}", "2026-03-03 08:30", into=f"c{number - 1}")
        for number in (4, 7, 9)
    ]
    return documents


def test_the_orders_of_merged_customers_are_dealt_together_also_after_they_were_parted(
    tmp_path: Path,
) -> None:
    past = history.read(written(tmp_path, [*merging(), *visits(customers=14, orders=14)[-6:]]))

    dealt = deal(past.customer_of, 2, past.same_as)

    assert len({dealt[f"o{number}"] for number in range(12)}) == 1
    assert set(dealt.values()) == {0, 1}


def test_an_order_that_changes_hands_is_dealt_with_the_orders_of_both(tmp_path: Path) -> None:
    documents = visits(customers=6, orders=6)
    documents.append(event("order.upserted", "o1", "2026-03-03 09:00", customer="c4", journey="visit"))
    past = history.read(written(tmp_path, documents))

    dealt = deal(past.customer_of, 3, past.same_as)

    assert dealt["o1"] == dealt["o4"]


def test_caps_of_merged_customers_count_alike_in_one_process_and_in_three(tmp_path: Path) -> None:
    path = written(tmp_path, merging())

    alone, together = said(tmp_path / "one", path, 1, CAPPED), said(tmp_path / "three", path, 3, CAPPED)

    assert sum(line.status == "accepted" for line in alone) < len(alone)
    assert together == alone


def test_an_event_with_another_body_in_another_part_is_a_conflict_whatever_the_processes(
    tmp_path: Path,
) -> None:
    documents = visits(customers=2, orders=4)
    documents += [
        event("milestone.reached", f"o{number}", "2026-03-02 12:00", event_id="twice", milestone="gone")
        for number in (0, 1)
    ]
    path = written(tmp_path, documents)

    for hands in (1, 2):
        with pytest.raises(Conflict, match="twice"):
            said(tmp_path / str(hands), path, hands)

    (problem,) = history.conflicts(path, {"twice"})
    lines = len(documents)
    assert (problem.path, problem.line, problem.code) == (str(path), lines, "E203")
    assert problem.hint == f"it came on line {lines - 1}"


def test_the_same_event_of_two_senders_is_no_conflict(tmp_path: Path) -> None:
    documents = visits(customers=2, orders=4)
    documents += [
        event(
            "milestone.reached", f"o{number}", "2026-03-02 12:00",
            event_id="twice", sender=f"sender-{number}", milestone="gone",
        )
        for number in (0, 1)
    ]  # fmt: skip

    assert said(tmp_path / "two", written(tmp_path, documents), 2)
