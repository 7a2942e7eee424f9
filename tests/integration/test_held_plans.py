"""A change that is too big waits for a person: what it touches is frozen, the rest goes on (DESIGN §4.7)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.cli import ledgers
from orchestrator.cli.people import asking
from orchestrator.ledger import Ledger, RuleSetState
from orchestrator.model import Entry, Status
from orchestrator.views.now import proposed_by
from tests.installation import CAR, NORA, Home, event, home

__all__ = ["home"]

ORDERS = 25


@pytest.fixture
def ledger(home: Home) -> Iterator[Ledger]:
    """Many orders whose cars are promised, and rules that would ask about all of them at another hour."""
    now = datetime.now(UTC) - timedelta(hours=1)
    day = (now + timedelta(days=11)).date().isoformat()
    lines = [event("customer.upserted", "C-1", now, name="Maria Keller", email="maria@example.com")]
    for number in range(ORDERS):
        order = f"A-{number}"
        about = {"customer": "C-1", "journey": "new-car", "attributes": CAR, "owner": NORA}
        lines.append(event("order.upserted", order, now, **about))
        lines.append(event("promise.made", order, now, milestone="arrived", date=day))
    assert home.run("ingest", home.write("events.jsonl", "\n".join(lines)))[0] == 0
    home.replace("rules/new-car.yaml", 'at: "16:00"', 'at: "15:00"')
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as opened:
        yield opened


def waiting(ledger: Ledger, rule: str = "has-it-arrived") -> list[Entry]:
    with ledger.read() as tx:
        found = tx.entries_in({Status.HELD, Status.SCHEDULED}, limit=1000)
    return [entry for entry in found if entry.wanted.rule == rule]


def hours(ledger: Ledger) -> set[int]:
    return {entry.due_at.minute + entry.due_at.hour for entry in waiting(ledger)}


def test_too_big_a_change_is_shown_and_held_and_what_it_touches_is_frozen(home: Home, ledger: Ledger) -> None:
    before = hours(ledger)
    code, out, err = home.run("apply")
    assert code == 1
    assert "has-it-arrived" in out
    assert "held for a person: " in err
    assert "--release" in err
    assert {entry.status for entry in waiting(ledger)} == {Status.HELD}
    assert {entry.status for entry in waiting(ledger, "not-arrived")} == {Status.SCHEDULED}
    assert hours(ledger) == before, "the rules in force stay"
    with ledger.read() as tx:
        held = tx.ruleset(RuleSetState.HELD)
        assert held is not None
        assert proposed_by(tx, held) == asking().who


def test_explain_says_what_frozen_messages_wait_for_and_what_lets_them_go_on(
    home: Home, ledger: Ledger
) -> None:
    home.run("apply")
    code, out, _ = home.run("explain", "A-1")

    before, _, after = out.partition("\nNext\n")
    assert code == 0
    assert "not said" not in before
    assert "held" in after
    assert "frozen: changed rules that would change it wait for a person" in after
    assert "`beforehand apply --release` or `--reject` lets it go on" in after


def test_released_it_counts_and_what_waited_goes_on(home: Home, ledger: Ledger) -> None:
    before = hours(ledger)
    home.run("apply")
    assert home.run("apply", "--release")[0] == 0
    assert {entry.status for entry in waiting(ledger)} == {Status.SCHEDULED}
    assert hours(ledger) != before


def test_rejected_the_old_rules_stay_and_it_is_not_proposed_again(home: Home, ledger: Ledger) -> None:
    before = hours(ledger)
    home.run("apply")
    code, out, _ = home.run("apply", "--reject")
    assert (code, out) == (0, f"rejected; {2 * ORDERS} notifications that waited for it may go\n")
    assert {entry.status for entry in waiting(ledger)} == {Status.SCHEDULED}
    assert hours(ledger) == before
    assert home.run("apply", "--reject")[0] == 1, "nothing is held any more"


def test_a_daemon_that_starts_freezes_it_once_and_respects_a_rejection(home: Home, ledger: Ledger) -> None:
    settings = config.load(Path("config.toml"), {})
    assert "apply --release" in ledgers.take_up(settings, ledger)
    assert {entry.status for entry in waiting(ledger)} == {Status.HELD}
    home.run("apply", "--reject")
    assert "were rejected" in ledgers.take_up(settings, ledger)
    assert {entry.status for entry in waiting(ledger)} == {Status.SCHEDULED}


def test_news_of_an_order_does_not_thaw_what_is_frozen(home: Home, ledger: Ledger) -> None:
    home.run("apply")
    now = datetime.now(UTC)
    home.write(
        "more.jsonl", event("contact.logged", "A-1", now, direction="in", reason="asked", by="Nora Brandt")
    )
    assert home.run("ingest", "more.jsonl")[0] == 0
    assert {entry.status for entry in waiting(ledger)} == {Status.HELD}


def test_rule_files_that_are_put_back_release_what_was_frozen(home: Home, ledger: Ledger) -> None:
    home.run("apply")
    home.replace("rules/new-car.yaml", 'at: "15:00"', 'at: "16:00"')
    assert home.run("apply")[0] == 0
    assert {entry.status for entry in waiting(ledger)} == {Status.SCHEDULED}


def test_doctor_says_that_rules_are_held_and_what_to_do(home: Home, ledger: Ledger) -> None:
    home.run("apply")
    code, out, _ = home.run("doctor", "--format", "json")
    found = [row for row in json.loads(out) if row["what"].startswith("held")]
    assert code == 1
    assert [(row["what"], row["detail"]) for row in found] == [
        (
            "held rules",
            f"changed rules or settings wait for a person, and {2 * ORDERS} notifications with them",
        )
    ]


def test_released_and_rejected_at_once_is_neither(home: Home, ledger: Ledger) -> None:
    assert home.run("apply", "--release", "--reject")[0] == 2


def test_a_changed_setting_is_held_as_a_changed_rule_is(home: Home, ledger: Ledger) -> None:
    home.replace("rules/new-car.yaml", 'at: "15:00"', 'at: "16:00"')
    before = hours(ledger)
    home.replace("config.toml", 'time_zone = "Europe/Berlin"', 'time_zone = "Asia/Tokyo"')
    code, out, err = home.run("plan")
    assert code == 0
    assert "held for a person: " in err
    assert out.endswith("next: beforehand apply --release\n")
    assert home.run("apply")[0] == 1
    assert {entry.status for entry in waiting(ledger)} == {Status.HELD}
    assert home.run("apply", "--reject")[0] == 0
    assert {entry.status for entry in waiting(ledger)} == {Status.SCHEDULED}
    assert hours(ledger) == before
    code, out, _ = home.run("doctor", "--format", "json")
    (found,) = [row for row in json.loads(out) if row["what"] == "rules and settings"]
    assert (code, found["detail"]) == (
        1,
        "others are in force than are written: settings; these were rejected",
    )
    assert home.run("apply", "--release")[0] == 0
    assert hours(ledger) != before
