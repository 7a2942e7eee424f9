"""A rule on trial decides, records and explains under names of its own, and changes nothing (DESIGN §4.7)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from orchestrator import rules
from orchestrator.activation import adopt, propose
from orchestrator.engine import Engine
from orchestrator.journey import Cap, Policy
from orchestrator.model import Entry, Purpose, Status
from orchestrator.views.story import story_of
from tests.builders import BERLIN, at, event, promised
from tests.integration.dealership import Dealership, arrived, customer, order

HEAD = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
"""
LIVE = (
    "  - {id: arrived, on: {reached: arrived}, say: arrived,"
    " channels: [email], timing: {at: now, within: 6h}}\n"
)
TRIAL = LIVE.replace("within: 6h}", "within: 6h}, mode: shadow")
WORDS = {
    f"{name}/email.txt.en": f"Subject: {name}\n\nHello {{{{ customer.name }}}}.\n"
    for name in ("arrived", "late", "later", "latest", "moved", "quiet", "prepared", "reach-the-customer")
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path, rules_text=HEAD + TRIAL, words=WORDS)
    adopted(made, TRIAL)
    yield made
    made.close()


def adopted(house: Dealership, text: str) -> None:
    """Put these rules in force, as `beforehand apply` does."""
    sources = {"rules/new-car.yaml": HEAD + text}
    book, problems = rules.load(sources, templates=None, channels=None, policy=house.policy)
    assert not problems, [str(problem) for problem in problems]
    proposal = propose(house.ledger, sources, book, house.clock.now(), most=1000, share=1)
    adopt(house.ledger, proposal, house.clock.now())
    house.engine.book = proposal.book


def sent(house: Dealership) -> list[str]:
    email = house.channels["email"]
    assert isinstance(email, MemoryChannel)
    return [message.subject for message in email.messages]


def here(name: str = "BX-1", time: str = "2026-03-12 10:00") -> dict[str, object]:
    """The car arrives, now that the rules count."""
    return arrived(name, time)


def of(house: Dealership, rule: str) -> list[tuple[str, Status, str]]:
    return [(e.key, e.status, e.reason) for e in house.entries() if e.wanted.rule == rule]


def test_it_sends_nothing_and_records_what_it_would_have_said(house: Dealership) -> None:
    house.hear(customer(), order(), here())
    house.drain()

    assert sent(house) == []
    assert of(house, "arrived") == [
        (
            "BX-1/~arrived/arrived#1/customer",
            Status.SUPPRESSED,
            "shadow: the rule is on trial; it would have said this by email",
        )
    ]


def test_an_explanation_shows_what_it_would_have_said_and_what_it_would_say_next(house: Dealership) -> None:
    adopted(
        house, TRIAL + "  - {id: late, on: {missed: prepared}, say: late, channels: [email], mode: shadow}\n"
    )
    house.hear(customer(), order(), here(), promised("BX-1", "prepared", "2026-03-16", "2026-03-12 09:40"))
    house.pass_time(timedelta(minutes=1))

    story = story_of(house.engine, "BX-1", house.clock.now())

    (past,) = [moment for moment in story.timeline if moment.kind == "shadow"]
    assert (
        past.text == "new-car/arrived to the customer: the rule is on trial; it would have said this by email"
    )
    assert past.detail.startswith("arrived happened on")
    (coming,) = story.next
    assert (coming.kind, coming.rule) == ("shadow", "late")
    assert coming.because.startswith("if prepared, promised for 2026-03-16, has not happened by")


def test_what_would_have_been_withheld_says_so_and_not_that_it_was_said(house: Dealership) -> None:
    house.hear(customer(email=""), order(), here())
    house.drain()

    (_, status, reason), *_ = of(house, "arrived")
    assert (status, reason) == (Status.SUPPRESSED, "unreachable: no address for any of the rule's channels")
    assert {entry.wanted.mode for entry in house.entries()} == {"shadow"}, "even the task to reach her"


def test_it_tells_no_promise_so_that_live_rules_still_measure_what_she_was_told(house: Dealership) -> None:
    moved = "on: {moved: prepared}, say: moved, channels: [email], timing: {at: now, within: 2d}"
    adopted(house, f"  - {{id: trial, {moved}, mode: shadow}}\n")
    house.hear(customer(), order(), promised("BX-1", "prepared", "2026-03-16", "2026-03-12 09:00"))
    house.hear(promised("BX-1", "prepared", "2026-03-20", "2026-03-12 10:00"))
    house.drain()
    assert of(house, "trial")[0][1] is Status.SUPPRESSED

    adopted(house, f"  - {{id: trial, {moved}, mode: shadow}}\n  - {{id: real, {moved}, catch_up: true}}\n")
    house.drain()

    (said,) = [entry for entry in house.entries() if entry.wanted.rule == "real"]
    assert said.status is Status.ACCEPTED
    assert "moved from 2026-03-16, which the customer was told" in said.wanted.because


def test_it_is_no_contact_that_ends_a_silence(house: Dealership) -> None:
    quiet = "  - {id: quiet, on: {silent: 2d}, say: quiet, channels: [email], timing: now}\n"
    adopted(house, TRIAL + quiet)
    house.hear(customer(), order(time="2026-03-11 12:00"))
    house.pass_time(timedelta(hours=1))
    house.hear(here(time="2026-03-12 11:00"))
    house.drain()

    house.pass_time(timedelta(days=1, hours=2))

    said, _ = (entry for entry in house.entries() if entry.wanted.rule == "quiet")
    assert said.wanted.trigger_at == at("2026-03-13 12:00"), (
        "two days after the order, whatever a trial would say"
    )
    assert sent(house) == ["quiet"]


def test_it_replaces_nothing_that_a_live_rule_says_and_takes_no_turn_from_it(house: Dealership) -> None:
    adopted(house, TRIAL.replace("id: arrived", "id: trial") + LIVE.replace("arrived,", "live,", 1))
    house.hear(customer(), order(), here())

    house.drain()

    assert sent(house) == ["arrived"]
    assert {entry.wanted.rule: entry.status for entry in house.entries()} == {
        "trial": Status.SUPPRESSED,
        "live": Status.ACCEPTED,
    }


def test_it_is_never_sent_so_that_no_live_message_waits_for_it(house: Dealership) -> None:
    house.hear(customer(), order(), here())

    house.drain()

    (entry,) = house.entries()
    assert (entry.status, entry.attempts, entry.channel, entry.message_id) == (Status.SUPPRESSED, 0, "", "")
    assert house.outcomes(entry) == []


def test_it_counts_towards_no_cap_not_even_while_it_is_looked_at(tmp_path: Path) -> None:
    once_a_day = Policy(time_zone=BERLIN, caps={Purpose.SERVICE: Cap(day=1)})
    live = LIVE.replace("arrived", "prepared").replace("id: prepared", "id: live")
    house = Dealership(tmp_path, rules_text=HEAD + TRIAL + live, words=WORDS, policy=once_a_day)
    ready = event("milestone.reached", "BX-2", "2026-03-12 09:30", milestone="prepared")
    house.hear(customer(), order("BX-1"), order("BX-2"), here("BX-1", "2026-03-12 09:00"), ready)

    house.drain()

    assert house.entry(order="BX-1").status is Status.SUPPRESSED
    assert house.entry("live", order="BX-2").status is Status.ACCEPTED
    house.close()


def test_live_it_says_nothing_of_what_happened_on_trial(house: Dealership) -> None:
    house.hear(customer(), order(), here())
    house.drain()
    house.clock.advance(timedelta(minutes=5))

    adopted(house, LIVE)
    house.drain()

    assert sent(house) == []
    story = story_of(house.engine, "BX-1", house.clock.now())
    assert [silence.reason for silence in story.not_said] == [
        "arrived happened on Thu 2026-03-12 10:00; the rule counts only since Thu 2026-03-12 10:05"
    ]
    house.hear(customer("jonas"), order("BX-2", "jonas"), here("BX-2", "2026-03-12 10:05"))
    house.drain()
    assert sent(house) == ["arrived"], "what happens from now on is said"


def test_live_it_catches_up_only_when_asked(house: Dealership) -> None:
    house.hear(customer(), order(), here())
    house.drain()

    adopted(house, LIVE.replace("within: 6h}", "within: 6h}, catch_up: true"))
    house.drain()

    assert sent(house) == ["arrived"]
    assert [key for key, _, _ in of(house, "arrived")] == [
        "BX-1/~arrived/arrived#1/customer",
        "BX-1/arrived/arrived#1/customer",
    ]


def test_what_waits_says_that_the_rule_went_on_trial_or_live(house: Dealership) -> None:
    late = "  - {id: late, on: {missed: prepared}, say: late, channels: [email]%s}\n"
    adopted(house, late % "")
    house.hear(customer(), order(), promised("BX-1", "prepared", "2026-03-16", "2026-03-12 09:40"))

    adopted(house, late % ", mode: shadow")
    adopted(house, late % "")

    assert of(house, "late") == [
        ("BX-1/late/prepared#1.2026-03-16.r1/customer", Status.SCHEDULED, ""),
        (
            "BX-1/~late/prepared#1.2026-03-16.r1/customer",
            Status.CANCELLED,
            "the rule is live now; what it would have said on trial is not made up for",
        ),
    ]


def test_a_second_missed_promise_goes_on_with_the_next_rung_on_trial_too(house: Dealership) -> None:
    ladder = (
        "  - {id: late, on: {missed: prepared}, channels: [email], timing: {at: now, within: 3h},"
        " mode: shadow,\n"
        "     rungs: [{say: late}, {after: 1d, say: later}, {after: 2d, say: latest}]}\n"
    )
    adopted(house, ladder)
    house.hear(customer(), order(), promised("BX-1", "prepared", "2026-03-12", "2026-03-12 09:40"))
    house.pass_time(timedelta(hours=15))
    house.hear(promised("BX-1", "prepared", "2026-03-15", "2026-03-13 00:30", told=True))
    house.pass_time(timedelta(days=3))

    would = [e.wanted.template for e in house.entries() if e.reason.startswith("shadow: ")]
    assert would == ["new-car/late", "new-car/later"]


def test_trying_a_rule_on_very_many_orders_is_not_too_big_for_nothing_is_sent(house: Dealership) -> None:
    for number in range(30):
        house.hear(
            order(f"BX-{number}"), promised(f"BX-{number}", "prepared", "2026-03-20", "2026-03-12 09:00")
        )
    late = "  - {id: late, on: {missed: prepared}, say: late, channels: [email]%s}\n"

    def alarm(text: str) -> str:
        sources = {"rules/new-car.yaml": HEAD + text}
        book, _ = rules.load(sources, templates=None, channels=None, policy=house.policy)
        return propose(house.ledger, sources, book, house.clock.now(), most=10, share=0.5).alarm

    assert alarm(late % ", mode: shadow") == ""
    assert alarm(late % "") == "30 changes are more than the 10 allowed at once"


def test_its_tasks_are_tried_too_and_nobody_gets_them(house: Dealership) -> None:
    adopted(
        house,
        "  - {id: ask, on: {reached: arrived}, mode: shadow,"
        " task: {for: owner, do: arrived, within: 1h, then: manager}}\n",
    )
    house.hear(customer(), order(), here())
    house.drain()
    house.pass_time(timedelta(hours=2))

    assert sent(house) == []
    assert [(e.wanted.role, e.status) for e in house.entries()] == [
        ("owner", Status.SUPPRESSED),
        ("manager", Status.SUPPRESSED),
    ]


def entry_without_time(entry: Entry) -> Entry:
    return replace(entry, created_at=None, updated_at=None)


def test_planning_again_changes_nothing_of_what_was_tried(house: Dealership) -> None:
    house.hear(customer(), order(), here())
    house.drain()
    before = list(map(entry_without_time, house.entries()))
    with house.ledger.transaction() as tx:
        Engine(house.ledger, house.engine.book).plan(tx, {"BX-1": house.clock.now()}, house.clock.now())
    assert list(map(entry_without_time, house.entries())) == before
