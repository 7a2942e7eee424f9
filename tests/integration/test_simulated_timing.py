"""When things leave in a whole run: the newest of a rule, the oldest of a cap, by whose clocks."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from channels.memory import MemoryChannel
from orchestrator.config import quiet_hours
from orchestrator.journey import Cap, Policy
from orchestrator.model import Purpose, Status
from orchestrator.reasons.sending import refused
from orchestrator.reasons.unsaid import no_channel
from orchestrator.render import Renderer
from orchestrator.rules import load
from orchestrator.sending.messages import Composer
from orchestrator.sending.senders import Sender
from orchestrator.simulation.simulate import Line, Rehearsal, Simulation, lines_in
from tests.builders import BERLIN, at, car_order, event, incoming, maria, promised, reached
from tests.integration.dealership import Dealership, arrived, customer, order

ONE_A_DAY = Policy(time_zone=BERLIN, caps={Purpose.SERVICE: Cap(day=1, week=2)})
HEAD = """\
version: 1
journey: new-car
attributes: {model: text}
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
hours: "08:00-20:00"
rules:
"""
ARRIVED = (
    HEAD
    + "  - {id: arrived, on: {reached: arrived}, say: arrived, channels: [email], timing: {within: 30d}}\n"
)
STATUS = (
    HEAD + "  - {id: status, on: {event: x.status}, say: status, channels: [email], timing: {within: 6d}}\n"
)
SIX = [f"O-{number}" for number in range(1, 7)]
IN_TURN = [
    at(moment)
    for moment in ("2026-03-12 10:00", "2026-03-13 08:00", "2026-03-16 08:00", "2026-03-17 08:00",
                   "2026-03-23 08:00", "2026-03-24 08:00")
]  # fmt: skip


def simulated(folder: Path, rules: str, policy: Policy, *history: dict[str, Any]) -> list[Line]:
    """What becomes of everything over this history, in the order in which it was planned."""
    book, problems = load({"r.yaml": rules}, templates=None, channels=None, policy=policy)
    assert not problems, [str(problem) for problem in problems]
    heard = sorted((incoming(document) for document in history), key=lambda one: one.fact.heard)
    composer = Rehearsal(
        Composer(Renderer(folder, {}), {}, Sender(), policy), {"new-car/arrived", "new-car/status"}
    )
    channels = {"email": MemoryChannel("email")}
    simulation = Simulation(book, composer, channels, start=heard[0].fact.heard)
    try:
        simulation.run(heard)
        return list(lines_in(simulation.ledger))
    finally:
        simulation.close()


def test_of_four_events_of_one_rule_in_a_night_only_the_newest_is_told_in_the_morning(tmp_path: Path) -> None:
    events = [event("x.status", "O-1", f"2026-03-12 21:1{minute}") for minute in range(4)]
    lines = simulated(tmp_path, STATUS, Policy(time_zone=BERLIN), car_order(), maria(), *events)

    assert [line.status for line in lines] == ["cancelled", "cancelled", "cancelled", "accepted"]
    assert [line.reason for line in lines[:3]] == [
        f"replaced: x.status happened on Thu 2026-03-12 21:1{minute}" for minute in (1, 2, 3)
    ]
    assert lines[3].at == at("2026-03-13 08:00")


def test_what_a_cap_keeps_back_over_six_orders_leaves_oldest_first_in_a_simulation(tmp_path: Path) -> None:
    history = [maria(), *(car_order(name) for name in SIX)]
    history += [reached(name, "arrived", f"2026-03-12 10:0{n}") for n, name in enumerate(SIX)]
    lines = simulated(tmp_path, ARRIVED, ONE_A_DAY, *history)

    assert [(line.order, line.at) for line in lines] == list(zip(SIX, IN_TURN, strict=True))


def test_what_a_cap_keeps_back_over_six_orders_leaves_oldest_first_from_the_daemon(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=ARRIVED, policy=ONE_A_DAY)
    house.hear(customer())
    for n, name in enumerate(SIX):
        house.clock.set(at(f"2026-03-12 10:0{n}"))
        house.hear(order(name), arrived(name, f"2026-03-12 10:0{n}"))
        house.drain()
    for moment in waking(at("2026-03-12 11:00"), at("2026-03-25 08:00")):
        house.clock.set(moment)
        house.drain()

    ended = [house.entry(order=name) for name in SIX]
    assert {entry.status for entry in ended} == {Status.ACCEPTED}
    assert [entry.updated_at for entry in ended] == IN_TURN
    house.close()


def test_what_a_cap_keeps_back_of_one_order_leaves_oldest_first(tmp_path: Path) -> None:
    rule = (
        "  - {{id: e{0}, on: {{event: x.e{0}}}, say: status, channels: [email], timing: {{within: 30d}}}}\n"
    )
    rules = HEAD + "".join(rule.format(number) for number in reversed(range(31, 37)))
    events = [event(f"x.e{31 + n}", "O-1", f"2026-03-12 10:0{n}") for n in range(6)]
    lines = simulated(tmp_path, rules, ONE_A_DAY, car_order(), maria(), *events)

    told = sorted((line.at, line.rule) for line in lines if line.at is not None and line.status == "accepted")
    assert told == list(zip(IN_TURN, [f"e{n}" for n in range(31, 37)], strict=True))


def test_what_is_heard_all_at_once_leaves_in_the_order_in_which_it_happened(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=ARRIVED, policy=ONE_A_DAY)
    house.hear(customer(), *(order(name) for name in SIX))
    times = [f"2026-03-12 09:{50 - n}" for n in range(6)]
    house.hear(*(arrived(name, times[n]) for n, name in enumerate(SIX)))
    house.drain()
    for moment in waking(at("2026-03-12 11:00"), at("2026-03-25 08:00")):
        house.clock.set(moment)
        house.drain()

    assert [house.entry(order=name).updated_at for name in reversed(SIX)] == IN_TURN
    house.close()


def test_a_simulation_says_that_a_zone_is_none_that_anybody_knows(tmp_path: Path) -> None:
    mars = maria(time_zone="Mars/Phobos")
    night = reached("O-1", "arrived", "2026-03-12 22:00")
    (line,) = simulated(tmp_path, ARRIVED, Policy(time_zone=BERLIN), car_order(), mars, night)

    assert line.at == at("2026-03-13 08:00")
    assert line.reason == (
        "arrived happened on Thu 2026-03-12 22:00; outside the default hours "
        "(by the clocks of Europe/Berlin: their own time zone is none that we know)"
    )


def test_what_no_hours_leave_room_for_is_an_outcome_with_its_reason(tmp_path: Path) -> None:
    """Marketing in Munich's evening, to somebody in the United States whose zone nobody knows."""
    rule = "  - {id: offer, on: {event: x.offer}, say: status, purpose: marketing, channels: [sms], "
    rules = HEAD + rule + 'timing: {hours: "09:00-12:00", within: 6d}}\n'
    history = [
        car_order(), maria(time_zone="", country="US"),
        event("consent.given", "C-1", "2026-03-01 09:00", purpose="marketing", evidence="form"),
        event("x.offer", "O-1", "2026-03-12 11:20"),
    ]  # fmt: skip
    (line,) = simulated(tmp_path, rules, Policy(time_zone=BERLIN, law=quiet_hours.law()), *history)

    assert line.status == "suppressed"
    assert line.reason.startswith("no channel in time: sms: ")


def test_what_found_no_channel_in_time_is_looked_up_for_the_doctor(tmp_path: Path) -> None:
    rules = ARRIVED.replace("within: 30d", 'within: 2h, hours: "20:00-21:00"')
    house = Dealership(tmp_path, rules_text=rules)
    house.hear(customer(), order(), arrived())
    house.pass_time(timedelta(hours=2))

    since = house.clock.now() - timedelta(days=1)
    with house.ledger.read() as tx:
        count, last = tx.ended({Status.SUPPRESSED}, since, no_channel(()))
        others, _ = tx.ended({Status.SUPPRESSED}, since, refused("the customer withdrew consent"))
    assert last is not None
    assert (count, others, last.wanted.rule, last.status) == (1, 0, "arrived", Status.SUPPRESSED)
    house.close()


def test_a_promise_that_was_past_when_it_was_made_is_told_to_whoever_sent_it(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=ARRIVED)
    house.hear(customer(), order())
    heard = house.hear(promised("BX-1", "arrived", "2026-03-01", "2026-03-12 09:59"))
    mended = house.hear(promised("BX-1", "arrived", "2026-03-21", "2026-03-12 10:00"))

    assert "arrived was promised for 2026-03-01, which was past when" in heard.problems["BX-1"]
    assert "was past" not in str(mended.problems)
    house.close()


def waking(start: datetime, end: datetime) -> list[datetime]:
    """Every hour from *start* to *end*."""
    return [start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)) + 1)]
