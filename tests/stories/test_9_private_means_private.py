"""Scene 9. Withdrawn consent, an erasure request or a STOP that arrives between planning and sending wins.

The repository's rules and templates, on the clocks of Munich.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from channels.file import FileChannel
from orchestrator import config
from orchestrator.cli import house
from orchestrator.persons.erasure import erase
from orchestrator.simulation.simulate import Simulation
from tests.builders import at, event, incoming
from tests.stories.telling import HERE, MARIA, car, maria_waits, tell

ARRIVES = car("milestone.reached", "2026-03-12 21:30", milestone="arrived")  # too late to tell her today


def maria(kind: str, time: str, /, who: str = "maria", **data: Any) -> dict[str, Any]:
    return event(kind, who, time, **data)


def said_to_her(*events: Any, until: str = "2026-03-13 12:00") -> str:
    return tell(maria_waits("2026-03-12"), ARRIVES, *events, until=until).transcript(to="customer")


def test_without_a_word_she_hears_of_it_the_next_morning() -> None:
    assert said_to_her().splitlines()[-1] == "2026-03-13 08:00  customer  sms    arrived"


def test_a_stop_in_the_night_wins_and_the_next_channel_is_used() -> None:
    stop = maria("consent.withdrawn", "2026-03-13 07:59", channel="sms", evidence="STOP by SMS")
    assert said_to_her(stop).splitlines()[-1] == "2026-03-13 08:00  customer  email  arrived"


def test_a_stop_of_everything_wins_and_says_why() -> None:
    stop = maria("consent.withdrawn", "2026-03-13 07:59", evidence={"how": "telephone", "who": "Nora Brandt"})
    told = tell(maria_waits("2026-03-12"), ARRIVES, stop, until="2026-03-13 12:00")
    assert "2026-03-13" not in told.transcript(to="customer")
    assert "the customer withdrew consent for sms on 2026-03-13" in told.why("arrived", "suppressed")


def test_a_stop_under_the_number_of_her_old_record_wins() -> None:
    old = maria("customer.upserted", "2026-03-01 09:00", "maria-old", name="M. Keller", phone="+493023125199")
    one = maria("customer.merged", "2026-03-05 09:00", "maria-old", into="maria")
    stop = maria("consent.withdrawn", "2026-03-13 07:59", "maria-old", evidence="STOP by SMS")
    assert "2026-03-13" not in said_to_her(old, one, stop)


def test_a_merge_and_its_undoing_repeat_nothing() -> None:
    old = maria("customer.upserted", "2026-03-01 09:00", "maria-old", name="M. Keller")
    one = maria("customer.merged", "2026-03-13 09:00", "maria-old", into="maria")
    two = maria("customer.unmerged", "2026-03-13 10:00", "maria-old")
    assert said_to_her(old, one, two) == said_to_her()


def test_a_request_to_be_forgotten_in_the_night_wins() -> None:
    gone = maria("customer.erased", "2026-03-13 07:59", reason="her request")
    assert "2026-03-13" not in said_to_her(gone)


def test_when_she_is_erased_her_car_goes_on_without_her_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = tmp_path / "outbox"
    story = Story(tmp_path, outbox)
    with caplog.at_level(logging.DEBUG):
        story.hears(*maria_waits("2026-03-12"), until="2026-03-12 20:00")
        assert any(b"Maria" in path.read_bytes() for path in outbox.iterdir())
        erase(story.engine, "maria", "her request of 2026-03-12", at("2026-03-12 20:00"), outbox)
        assert story.standing() == []

        nightly = maria("customer.upserted", "2026-03-13 02:00", **MARIA)
        story.hears(nightly, until="2026-03-20 20:00")
    mails = [path.name for path in outbox.iterdir()]
    assert mails
    assert all("-owner_" in name or "-manager_" in name for name in mails)
    assert story.standing() == []
    assert not [secret for secret in SECRETS if secret in caplog.text]
    story.close()


SECRETS = ("Maria", "Keller", "maria.keller", "23125123")


class Story:
    """The repository's rules on a ledger and an outbox that can be looked into byte by byte."""

    def __init__(self, folder: Path, outbox: Path) -> None:
        settings = config.load(HERE / "config.toml", {})
        written = house.written(settings, HERE / "rules", HERE / "templates")
        channels = {name: FileChannel(outbox, name) for name in ("email", "sms", "push")}
        composer = house.composer(settings, written.renderer)
        self._folder = folder
        self._simulation = Simulation(
            written.book, composer, channels, start=at("2026-03-01 00:00"), file=folder / "story.db"
        )
        self.engine = self._simulation.engine

    def hears(self, *events: dict[str, Any], until: str) -> None:
        heard = sorted((incoming(document) for document in events), key=lambda item: item.fact.heard)
        self._simulation.run(heard, at(until))

    def standing(self) -> list[str]:
        """Those of Maria's words that stand in any byte of any file."""
        content = b"".join(path.read_bytes() for path in self._folder.rglob("*") if path.is_file())
        return [secret for secret in SECRETS if secret.encode() in content]

    def close(self) -> None:
        asyncio.run(self._simulation.dispatcher.close())
        self._simulation.close()
