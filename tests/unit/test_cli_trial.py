"""`beforehand shadow`: what rules on trial would have said, beside what live rules said."""

import asyncio
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from orchestrator import config
from orchestrator.cli import house, ledgers, main
from orchestrator.clock import SystemClock
from orchestrator.sending.dispatch import Dispatcher
from tests.installation import CAR, NORA, Home, event, home

__all__ = ["home"]


def drained() -> None:
    """Handle all that is due, as a daemon would."""
    settings = config.load(Path("config.toml"), {})
    found = house.written(settings)
    channels = {name: MemoryChannel(name) for name in ("email", "sms", "push")}
    with ledgers.engine_in_force(settings) as engine:
        composer = house.composer(settings, found.renderer)
        dispatcher = Dispatcher(engine, composer, channels, SystemClock(), live=False)
        asyncio.run(dispatcher.drain())


def tried(home: Home) -> None:
    """A second rule about arrivals is on trial beside the live one, and a car arrives."""
    rule = "  - id: trial\n    on: {reached: arrived}\n    say: arrived\n    channels: [email]\n"
    more = "    timing: {at: now, within: 6h}\n    mode: shadow\n\n  - id: arrived\n"
    home.replace("rules/new-car.yaml", "  - id: arrived\n", rule + more)
    home.replace("rules/new-car.yaml", "timing: {at: preferred, within: 14h", "timing: {at: now, within: 14h")
    before = datetime.now(UTC) - timedelta(hours=1)
    known = event("customer.upserted", "C-1", before, name="Maria Keller", email="maria@example.com")
    order = event(
        "order.upserted", "A-1", before, customer="C-1", journey="new-car", attributes=CAR, owner=NORA
    )
    home.run("ingest", home.write("known.jsonl", f"{known}\n{order}"))
    now = datetime.now(UTC)
    home.run("ingest", home.write("news.jsonl", event("milestone.reached", "A-1", now, milestone="arrived")))
    drained()


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_it_fits_and_nothing_is_cut(
    home: Home, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    tried(home)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as screen:
        assert main(["shadow"]) == 0

    rule, said, *more = screen.getvalue().splitlines()
    assert rule == "trial"
    assert said.startswith("  A-1  C-1  to the customer, ")
    assert any(line.startswith("    arrived happened on ") for line in more)
    assert any(line.startswith("    live rules said arrived by email ") for line in more)
    assert all(len(line) <= columns for line in [said, *more[:-2]])


def test_it_lists_what_a_trial_would_have_said_beside_what_was_said(home: Home) -> None:
    tried(home)

    code, out, err = home.run("shadow", "--format", "json")

    assert code == 0
    (row,) = json.loads(out)
    assert (row["rule"], row["order"], row["customer"], row["to"]) == ("trial", "A-1", "C-1", "customer")
    assert row["would_say"] == "arrived by email"
    assert row["because"].startswith("arrived happened on")
    assert [one["said"] for one in row["live_said"]] == ["arrived by email"]
    assert err == (
        "1 notification would have gone out about orders of 1 customer, "
        "1 of them within a day of what live rules said; 0 more would not have\n"
    )
    table = home.run("shadow", "trial")[1]
    assert "arrived by email" in table


def test_without_a_trial_it_says_so_and_of_no_rule_it_is_not_found(home: Home) -> None:
    assert home.run("shadow")[:2] == (0, "no rule in shadow came to anything in 7 days\n")
    assert home.run("shadow", "nothing")[0] == 1
