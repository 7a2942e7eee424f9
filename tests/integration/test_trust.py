"""What operations rely on when they change rules, seen in a real ledger (DESIGN §4.1 to §4.3 and §4.7)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import Message, Unavailable
from channels.memory import MemoryChannel
from orchestrator import config
from orchestrator.cli import ledgers
from orchestrator.model import Status
from orchestrator.views.story import story_of
from tests.builders import promised, reached
from tests.installation import Home, home
from tests.integration.dealership import Dealership, Scripted, arrived, customer, order
from tests.integration.test_shadow import HEAD, WORDS, adopted

__all__ = ["home"]

NOW = "timing: {at: now, within: 6h}"
ARRIVED = f"  - {{id: arrived, on: {{reached: arrived}}, say: arrived, channels: [email], {NOW}}}\n"
PREPARED = f"  - {{id: prepared, on: {{reached: prepared}}, say: prepared, channels: [email], {NOW}}}\n"
MOVED = (
    "  - {id: moved, on: {moved: prepared, by: 1d}, say: moved,"
    " channels: [email], timing: {at: '12:00', within: 2d}}\n"
)
A_DAY_AFTER = f"  - {{id: after, on: {{after: ordered, by: 1d}}, say: late, channels: [email], {NOW}}}\n"
LADDER = (
    "  - {id: late, on: {missed: prepared}, channels: [email], timing: {at: now, within: 3h},\n"
    "     rungs: [{say: late}, {after: 1d, say: later}, {after: 2d, say: latest}]}\n"
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path, rules_text=HEAD + ARRIVED, words=WORDS)
    yield made
    made.close()


def sent(house: Dealership) -> list[str]:
    email = house.channels["email"]
    assert isinstance(email, MemoryChannel)
    return [message.subject for message in email.messages]


def states(house: Dealership, rule: str) -> list[tuple[Status, str]]:
    return [(entry.status, entry.reason) for entry in house.entries() if entry.wanted.rule == rule]


# ── what counts from when ────────────────────────────────────────────────────


def test_a_rule_that_is_applied_says_nothing_of_what_happened_before(house: Dealership) -> None:
    adopted(house, ARRIVED)
    house.hear(customer(), order(), arrived(), reached("BX-1", "prepared", "2026-03-12 09:50"))

    adopted(house, ARRIVED + PREPARED)
    house.drain()

    assert sent(house) == []
    silent = {s.rule: s.reason for s in story_of(house.engine, "BX-1", house.clock.now()).not_said}
    assert silent["prepared"].endswith("the rule counts only since Thu 2026-03-12 10:00")


def test_a_rule_that_is_told_to_catch_up_says_what_is_still_useful(house: Dealership) -> None:
    adopted(house, ARRIVED)
    house.hear(customer(), order(), reached("BX-1", "prepared", "2026-03-12 09:50"))
    house.hear(customer("jonas"), order("BX-2", "jonas"), reached("BX-2", "prepared", "2026-03-09 09:50"))

    adopted(house, PREPARED.replace("6h}}", "6h}, catch_up: true}"))
    house.drain()

    assert sent(house) == ["prepared"], "news of three days ago mails nobody"
    assert house.entry("prepared", order="BX-2").status is Status.EXPIRED


def test_other_words_or_channels_do_not_make_a_rule_forget_since_when_it_counts(house: Dealership) -> None:
    adopted(house, ARRIVED)
    house.clock.advance(timedelta(minutes=5))
    house.hear(customer(), order(), arrived(time="2026-03-12 10:05"))

    adopted(house, ARRIVED.replace("say: arrived", "say: prepared"))
    house.drain()

    assert sent(house) == ["prepared"]


# ── one voice ────────────────────────────────────────────────────────────────


def test_a_later_milestone_cancels_the_unsent_message_of_an_earlier_one_whatever_their_rules(
    house: Dealership,
) -> None:
    adopted(house, ARRIVED.replace("at: now", "at: '12:00'") + PREPARED)
    house.clock.advance(timedelta(minutes=5))
    house.hear(customer(), order(), arrived(time="2026-03-12 10:01"))
    assert states(house, "arrived") == [(Status.SCHEDULED, "")]

    house.hear(reached("BX-1", "prepared", "2026-03-12 10:04"))
    house.drain()

    assert states(house, "arrived") == [
        (Status.CANCELLED, "prepared has happened since, on Thu 2026-03-12 10:04")
    ]
    assert sent(house) == ["prepared"]


def test_a_newer_message_of_one_rule_replaces_the_unsent_older_one(house: Dealership) -> None:
    adopted(house, MOVED)
    house.hear(customer(), order(), promised("BX-1", "prepared", "2026-03-16", "2026-03-12 09:00"))
    house.hear(promised("BX-1", "prepared", "2026-03-20", "2026-03-12 10:00"))
    house.hear(promised("BX-1", "prepared", "2026-03-24", "2026-03-12 10:00:30"))
    house.pass_time(timedelta(hours=2))

    assert sent(house) == ["moved"]
    (old, why), (new, _) = states(house, "moved")
    assert (old, new) == (Status.CANCELLED, Status.ACCEPTED)
    assert why.startswith("replaced: prepared moved from 2026-03-16")


def test_messages_of_one_order_leave_one_after_the_other_by_when_they_are_due(tmp_path: Path) -> None:
    under_way: list[list[str]] = []
    email = Scripted("email", lambda _: under_way.append(_in_flight(house)))
    house = Dealership(tmp_path, {"email": email}, rules_text=HEAD + A_DAY_AFTER + ARRIVED, words=WORDS)
    house.hear(customer(), order(), reached("BX-1", "ordered", "2026-03-11 10:20"))
    house.clock.advance(timedelta(minutes=5))
    house.hear(arrived(time="2026-03-12 10:05"))
    assert [entry.wanted.rule for entry in house.entries()] == ["after", "arrived"], "as they were planned"

    house.pass_time(timedelta(minutes=30))

    assert [message.subject for message in email.sent] == ["arrived", "late"]
    assert [len(seen) for seen in under_way] == [1, 1]
    house.close()


def _in_flight(house: Dealership) -> list[str]:
    return [entry.key for entry in house.entries() if entry.status is Status.SENDING]


def test_what_waits_for_a_retry_blocks_no_other_message_of_the_order(tmp_path: Path) -> None:
    def answer(message: Message) -> object:
        return Unavailable("421 later") if message.subject == "arrived" else "taken"

    email = Scripted("email", answer)
    house = Dealership(tmp_path, {"email": email}, rules_text=HEAD + ARRIVED + A_DAY_AFTER, words=WORDS)
    house.hear(customer(), order(), reached("BX-1", "ordered", "2026-03-11 10:00"), arrived())

    house.drain()

    assert (house.entry().status, house.entry().attempts) == (Status.SCHEDULED, 1)
    assert house.entry("after").status is Status.ACCEPTED
    house.close()


def test_a_second_promise_missed_goes_on_with_the_next_rung_and_repeats_no_text(house: Dealership) -> None:
    adopted(house, LADDER)
    house.hear(customer(), order(), promised("BX-1", "prepared", "2026-03-12", "2026-03-12 09:40"))
    house.pass_time(timedelta(hours=15))
    house.hear(promised("BX-1", "prepared", "2026-03-15", "2026-03-13 00:30", told=True))
    house.pass_time(timedelta(days=3))
    house.pass_time(timedelta(days=1))

    assert sent(house) == ["late", "later", "latest"]


# ── rules that are wrong ─────────────────────────────────────────────────────


def test_old_rules_stay_in_force_when_new_ones_are_broken(home: Home) -> None:
    assert home.run("ingest", home.story())[0] == 0
    settings = config.load(Path("config.toml"), {})
    home.replace("rules/new-car.yaml", "on: {reached: arrived}", "on: {reached: arived}")

    with ledgers.opened(settings) as ledger:
        assert "`beforehand check`" in ledgers.take_up(settings, ledger)
        with ledger.read() as tx:
            book = ledgers.book_in_force(settings, tx)

    rule = book.rule("arrived")
    assert rule is not None
    assert rule.trigger.milestone == "arrived"
    assert home.run("apply")[0] == 1
    assert home.run("plan")[0] == 1
    assert home.run("explain", "A-1")[0] == 0, "everything goes on with the rules in force"
    home.replace("rules/new-car.yaml", "on: {reached: arived}", "on: {reached: arrived}")
    assert home.run("apply")[0] == 0


# ── a system for trying out ──────────────────────────────────────────────────


def test_a_staging_system_explains_who_is_not_on_its_list(tmp_path: Path) -> None:
    house = Dealership(tmp_path, allow=frozenset({"nora.brandt@example.com"}))
    house.hear(customer(), order(), arrived())
    house.drain()

    (line,) = [m for m in story_of(house.engine, "BX-1", house.clock.now()).timeline if m.kind == "not said"]
    assert line.detail == "a system for trying out: email sends only to the addresses on its list"
    house.close()
