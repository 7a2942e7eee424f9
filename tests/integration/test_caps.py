"""How often a customer hears from us, counted in a real ledger over all of their orders."""

from pathlib import Path

from orchestrator.journey import Cap, Policy
from orchestrator.model import Purpose, Status
from orchestrator.sending.outcomes import fact_of
from tests.builders import BERLIN, at, event, why
from tests.integration.dealership import Dealership, arrived, customer, order

SERVICE_ONCE_A_DAY = Policy(time_zone=BERLIN, caps={Purpose.SERVICE: Cap(day=1)})
LONG = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
hours: "08:00-20:00"
rules:
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email]
    timing: {within: %s}
"""


def test_of_two_cars_that_arrive_on_one_day_the_second_is_told_the_next_morning(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=LONG % "2d", policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1"), arrived("BX-2"))
    house.drain()

    first, second = house.entry(order="BX-1"), house.entry(order="BX-2")
    assert first.status is Status.ACCEPTED
    assert second.status is Status.SCHEDULED
    assert "1 a day is the most" in second.reason

    house.clock.set(at("2026-03-13 07:59"))
    house.drain()
    assert house.entry(order="BX-2").status is Status.SCHEDULED
    house.clock.set(at("2026-03-13 08:00"))
    house.drain()
    assert house.entry(order="BX-2").status is Status.ACCEPTED
    house.close()


def test_what_is_planned_after_the_day_is_full_is_planned_for_the_first_day_with_room(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=LONG % "2d", policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1"))
    house.drain()
    house.hear(arrived("BX-2", "2026-03-12 09:45"))

    waits = house.entry(order="BX-2")
    assert waits.due_at == at("2026-03-13 08:00")
    assert "1 a day is the most" in waits.wanted.steps[0].why
    house.close()


def test_when_no_day_has_room_in_time_a_person_is_asked(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=LONG % "6h", policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1"), arrived("BX-2"))
    house.drain()

    assert house.entry(order="BX-1").status is Status.ACCEPTED
    assert house.entry(order="BX-2").status is Status.SUPPRESSED
    assert house.task("reach-the-customer", order="BX-1") is None
    task = house.task("reach-the-customer", order="BX-2")
    assert task is not None
    assert task.status is Status.ACCEPTED
    house.close()


def test_what_was_said_stays_said_when_the_day_fills_up_later(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=LONG % "6h", policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order("BX-1"), arrived("BX-1"))
    house.drain()
    house.hear(event("contact.logged", "BX-1", "2026-03-12 09:50", direction="in"))
    house.drain()

    assert house.task("reach-the-customer", order="BX-1") is None
    house.close()


def test_two_workers_at_once_do_not_both_take_the_last_room(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=LONG % "2d", policy=SERVICE_ONCE_A_DAY, live=True, batch=1)
    house.hear(customer(), *(order(f"BX-{n}") for n in range(5)), *(arrived(f"BX-{n}") for n in range(5)))
    house.drain()

    ended = [house.entry(order=f"BX-{n}").status for n in range(5)]
    assert sorted(ended) == [Status.ACCEPTED, *[Status.SCHEDULED] * 4]
    house.close()


def test_a_customer_who_is_active_after_all_is_not_told_again(tmp_path: Path) -> None:
    """Scene 4: a push on Monday at half past eight, if they have not logged on by then."""
    rules = LONG.replace("{within: %s}", "{within: 6d, unless_active: true}")
    house = Dealership(tmp_path, rules_text=rules)
    house.hear(
        customer(),
        event("customer.habit", "maria", "2026-03-01 09:00",
              windows=[{"days": "mon", "from": "19:00", "to": "21:00"}]),
        order("BX-1"),
        arrived("BX-1"),
    )  # fmt: skip
    assert house.entry().due_at == at("2026-03-16 20:30")

    house.clock.set(at("2026-03-16 19:12"))
    house.hear(event("customer.active", "maria", "2026-03-16 19:10", surface="app"))
    house.clock.set(at("2026-03-16 20:30"))
    house.drain()

    assert house.entry().status is Status.SUPPRESSED
    assert house.entry().reason == "the customer was active on Mon 2026-03-16 19:10"
    with house.ledger.read() as tx:
        facts = tx.order_facts(["BX-1"])["BX-1"]
    assert [fact.type for fact in facts][-1] == "notification.suppressed"  # so nothing was told
    house.close()


TWO = (
    LONG % "2d"
    + """\
  - id: ready
    on: {after: arrived, by: 30h}
    say: arrived
    channels: [email]
    timing: {within: 2d}
  - id: soon
    on: {after: arrived, by: 24h}
    say: arrived
    channels: [email]
    timing: {within: 2d}
"""
)


def test_of_two_messages_planned_for_one_capped_day_the_later_one_is_planned_for_the_next(
    tmp_path: Path,
) -> None:
    house = Dealership(tmp_path, rules_text=TWO, policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order(), arrived())
    house.drain()
    first, second = house.entry("soon"), house.entry("ready")

    assert first.due_at == at("2026-03-13 09:30")
    assert second.due_at == at("2026-03-14 08:00")
    assert "1 a day is the most" in second.wanted.steps[0].why

    house.clock.set(at("2026-03-13 09:30"))
    house.drain()
    assert house.entry("soon").status is Status.ACCEPTED
    assert house.entry("ready").due_at == at("2026-03-14 08:00")
    house.close()


def test_what_came_to_nothing_leaves_its_day_to_the_next(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=TWO, policy=SERVICE_ONCE_A_DAY)
    house.hear(customer(), order(), arrived())
    house.drain()
    soon, now = house.entry("soon"), house.clock.now()
    with house.ledger.transaction() as tx:
        tx.withdraw(soon.id, Status.SUPPRESSED, why("test"), now)
        tx.append([fact_of(soon.wanted, soon, Status.SUPPRESSED, now)])
        tx.mark(["BX-1"])
    house.engine.plan_changed(house.clock.now())

    assert house.entry("ready").due_at == at("2026-03-13 15:30")
    house.close()
