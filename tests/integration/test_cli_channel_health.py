"""What operations see of a channel that is paused, left alone, or at its rate."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from channels.rates import Limits, Rate
from orchestrator.ledger import Health, Ledger
from tests.installation import Home, home
from tests.integration.dealership import Dealership, many

__all__ = ["home"]

NOW = datetime.now(UTC)


@pytest.fixture
def ledger(home: Home) -> Iterator[Ledger]:
    home.run("db", "upgrade")
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as opened:
        yield opened


def test_a_channel_that_is_left_alone_says_since_when_why_and_when_it_is_tried(
    home: Home, ledger: Ledger
) -> None:
    with ledger.transaction() as tx:
        reason = "5 failures in a row, the last: the provider answered 503"
        tx.keep_health(Health("email", 5, 1, NOW, NOW + timedelta(hours=10), reason=reason, code="503"))
    _, out, _ = home.run("channels", "list", "--format", "json")
    (email,) = [row for row in json.loads(out) if row["name"] == "email"]

    again = f"tried again at {NOW + timedelta(hours=10):%H:%M:%S}Z"
    assert email["health"] == f"left alone since {NOW:%Y-%m-%d %H:%M}Z: {reason}; {again}"
    code, out, _ = home.run("doctor", "--format", "json")
    (finding,) = [row for row in json.loads(out) if row["what"] == "sending by email"]
    assert code == 1
    assert reason in str(finding["detail"])
    assert "by itself" in str(finding)


def test_a_paused_channel_is_told_by_doctor_once_with_what_lets_it_go_on(home: Home, ledger: Ledger) -> None:
    del ledger
    home.run("pause", "--channel", "email", "--reason", "the server moves")
    _, out, _ = home.run("doctor", "--format", "json")
    (finding,) = [row for row in json.loads(out) if row["what"] == "sending by email"]

    assert "the server moves" in str(finding["detail"])
    assert "beforehand resume --channel email" in str(finding)


def test_what_stands_in_line_is_counted(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = Dealership(tmp_path, {"email": MemoryChannel("email")}, limits={"email": Limits(Rate(10, 60))})
    house.hear(*many(25))
    house.drain()
    house.close()
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("BEFOREHAND_CHANNELS__EMAIL__LIVE", "true")
    monkeypatch.setenv("BEFOREHAND_CHANNELS__EMAIL__RATE", "10/m")
    _, out, _ = home.run("channels", "list", "--format", "json")
    (email,) = [row for row in json.loads(out) if row["name"] == "email"]

    assert email["health"] == "at its rate (10/m); 24 wait for it, for about 2 min"
