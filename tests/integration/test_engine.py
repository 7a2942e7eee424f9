"""The engine on a real ledger: facts in, plans kept, and the cache rebuilt from nothing but facts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import engine as engine_module
from orchestrator import rules
from orchestrator.engine import Engine, Heard
from orchestrator.errors import Conflict
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from tests.builders import LINDNER, NORA, PAUL, at, event, incoming
from tests.integration.dealership import entries_of

RULES = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [collected]}
rules:
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email]
  - id: not-arrived
    on: {missed: arrived, closes: "17:30"}
    say: not-arrived-yet
    channels: [email]
"""

NOW = at("2026-03-02 12:00")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    book, problems = rules.load({"rules/new-car.yaml": RULES})
    assert not problems
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger:
        yield Engine(ledger, book)


def order(name: str, customer: str = "maria") -> dict[str, object]:
    return event(
        "order.upserted", name, "2026-03-02 10:00",
        customer=customer, journey="new-car", owner=NORA, manager=PAUL, location=LINDNER,
    )  # fmt: skip


def promise(name: str, day: str, time: str = "2026-03-02 10:00", **more: object) -> dict[str, object]:
    return event("promise.made", name, time, milestone="arrived", date=day, **more)


def maria(**more: object) -> dict[str, object]:
    return event("customer.upserted", "maria", "2026-03-02 09:00", email="maria.keller@example.com", **more)


def hear(engine: Engine, *documents: dict[str, object]) -> Heard:
    return engine.hear([incoming(document) for document in documents], NOW)


def waiting(engine: Engine, name: str) -> list[tuple[str, str]]:
    """The rules that wait for an order, with the moment they are due, as Munich reads it."""
    return [
        (entry.wanted.rule, entry.due_at.astimezone(at("2026-03-02 00:00").tzinfo).isoformat())
        for entry in entries_of(engine, name)
        if entry.status is Status.SCHEDULED
    ]


def test_what_is_promised_is_planned_in_the_transaction_that_keeps_it(engine: Engine) -> None:
    hear(engine, maria(), order("BX-1"), promise("BX-1", "2026-03-12"))

    assert waiting(engine, "BX-1") == [("not-arrived", at("2026-03-12 17:30").isoformat())]
    with engine.ledger.read() as tx:
        assert tx.changed(10) == []


def test_an_answer_to_an_unknown_task_is_kept_and_told_at_once_and_on_the_order(engine: Engine) -> None:
    hear(engine, maria(), order("BX-1"))
    slip = event("task.done", "BX-1", "2026-03-02 11:00", task="BX-1/late/1/owner", by="Nora Brandt")
    problem = "nobody was given the task 'BX-1/late/1/owner' that was answered"

    assert hear(engine, slip) == Heard(1, 0, {"BX-1": problem})
    assert hear(engine, slip) == Heard(0, 1)
    with engine.ledger.read() as tx:
        assert [fact.data["task"] for fact in tx.order_facts(["BX-1"])["BX-1"][1:]] == ["BX-1/late/1/owner"]
        assert [row.problem for row in tx.list_orders(problems=True)] == [problem]
    engine.rebuild(NOW)
    with engine.ledger.read() as tx:
        assert [row.problem for row in tx.list_orders(problems=True)] == [problem]


def test_a_rebuild_keeps_what_is_wrong_with_planning_an_order(engine: Engine, monkeypatch: Any) -> None:
    def fails(*_: object) -> None:
        raise ValueError("the business calendar has no open day")

    monkeypatch.setattr("orchestrator.planning.planner.firings", fails)
    hear(engine, maria(), order("BX-1"))
    engine.rebuild(NOW)

    with engine.ledger.read() as tx:
        (row,) = tx.list_orders(problems=True)
    assert "the business calendar has no open day" in row.problem


def test_an_order_whose_facts_do_not_fold_still_says_whose_it_is(engine: Engine, monkeypatch: Any) -> None:
    hear(engine, maria(), order("BX-1"))

    def fails(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr("orchestrator.sight.fold_order", fails)
    hear(engine, promise("BX-1", "2026-03-12"))

    with engine.ledger.read() as tx:
        row = tx.order("BX-1")
        assert list(tx.orders_of(["maria"])) == ["maria"]
    assert row is not None
    assert (row.customer, row.problem) == ("maria", "its facts do not fold: KeyError")


def test_an_order_may_come_before_its_customer(engine: Engine) -> None:
    hear(engine, order("BX-1"), promise("BX-1", "2026-03-12"))
    (before,) = entries_of(engine, "BX-1")
    hear(engine, maria())
    (after,) = entries_of(engine, "BX-1")

    assert before.wanted.steps == ()
    assert [step.channel for step in after.wanted.steps] == ["email"]


def test_the_same_event_again_is_a_duplicate_and_changes_nothing(engine: Engine) -> None:
    documents = [maria(), order("BX-1"), promise("BX-1", "2026-03-12")]
    assert hear(engine, *documents) == Heard(new=3, duplicates=0)
    before = entries_of(engine, "BX-1")

    assert hear(engine, *documents) == Heard(new=0, duplicates=3)
    assert entries_of(engine, "BX-1") == before


def test_a_changed_body_under_a_known_id_keeps_nothing_of_its_batch(engine: Engine) -> None:
    hear(engine, order("BX-1"), promise("BX-1", "2026-03-12", event_id="p1"))

    with pytest.raises(Conflict, match="p1"):
        hear(engine, order("BX-2"), promise("BX-1", "2026-03-19", event_id="p1"))
    with engine.ledger.read() as tx:
        assert tx.order("BX-2") is None


def test_a_moved_promise_moves_what_waits_and_moving_it_back_restores_it(engine: Engine) -> None:
    hear(engine, maria(), order("BX-1"), promise("BX-1", "2026-03-12"))
    before = waiting(engine, "BX-1")
    hear(engine, promise("BX-1", "2026-03-19", "2026-03-02 10:30", told=True))
    assert waiting(engine, "BX-1") == [("not-arrived", at("2026-03-19 17:30").isoformat())]
    hear(engine, promise("BX-1", "2026-03-12", "2026-03-02 10:40", told=True))

    assert waiting(engine, "BX-1") == before


def test_a_customer_with_very_many_orders_leaves_marks_that_are_planned_later(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BATCH", 3)
    for number in range(5):
        hear(engine, order(f"BX-{number}"), promise(f"BX-{number}", "2026-03-12"))
    hear(engine, maria())

    with engine.ledger.read() as tx:
        assert len(tx.changed(10)) == 5
    while engine.plan_changed(NOW, limit=2):
        pass
    assert all(entry.wanted.steps for n in range(5) for entry in entries_of(engine, f"BX-{n}"))


def test_a_broken_order_is_noted_and_its_neighbours_are_planned(engine: Engine) -> None:
    unknown = event("order.upserted", "BX-9", "2026-03-02 10:00", customer="maria", journey="no-such-journey")
    hear(engine, maria(), unknown, order("BX-1"), promise("BX-1", "2026-03-12"))

    with engine.ledger.read() as tx:
        (problem,) = tx.list_orders(problems=True)
    assert problem.id == "BX-9"
    assert problem.problem == "there is no journey called 'no-such-journey'"
    assert len(waiting(engine, "BX-1")) == 1


def test_the_cache_is_rebuilt_from_the_facts_exactly(engine: Engine) -> None:
    hear(engine, maria(), order("BX-1"), promise("BX-1", "2026-03-12"), order("BX-2"))
    hear(engine, promise("BX-1", "2026-03-19", "2026-03-03 10:00"))
    hear(engine, event("milestone.reached", "BX-1", "2026-03-04 10:00", milestone="arrived"))
    hear(engine, event("milestone.retracted", "BX-1", "2026-03-04 11:00", milestone="arrived"))
    hear(engine, event("order.held", "BX-2", "2026-03-04 11:00", reason="the customer is abroad"))
    with engine.ledger.read() as tx:
        before = tx.orders(["BX-1", "BX-2"])
    with engine.ledger.transaction() as tx:
        tx.store_orders([type(row)(id=row.id, state="lost") for row in before.values()])

    assert engine.rebuild(NOW) == 2
    with engine.ledger.read() as tx:
        assert tx.orders(["BX-1", "BX-2"]) == before


def test_news_about_a_merged_customer_reaches_the_order_of_the_other(engine: Engine) -> None:
    hear(engine, order("BX-1", customer="maria-old"), promise("BX-1", "2026-03-12"))
    hear(engine, event("customer.merged", "maria-old", "2026-03-02 11:00", into="maria"))
    hear(engine, maria())
    hear(engine, promise("BX-1", "2026-03-13", "2026-03-02 11:30", told=True))

    (entry,) = [one for one in entries_of(engine, "BX-1") if one.status is Status.SCHEDULED]
    assert entry.wanted.customer == "maria"


def test_planning_the_same_orders_again_changes_nothing(engine: Engine) -> None:
    hear(engine, maria(), order("BX-1"), promise("BX-1", "2026-03-12"))
    before = entries_of(engine, "BX-1")
    with engine.ledger.transaction() as tx:
        tx.mark_all()
    assert engine.plan_changed(NOW + timedelta(hours=1)) == 1

    assert entries_of(engine, "BX-1") == before
