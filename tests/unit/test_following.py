"""A running daemon follows rules and texts: what is better is taken up, what is broken is not."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.cli import house, ledgers
from orchestrator.cli.following import Follower, Texts
from orchestrator.clock import VirtualClock
from orchestrator.model import Status
from orchestrator.reasons.sending import parked
from orchestrator.sending.messages import Composer
from tests.installation import MOMENT, Home, home

__all__ = ["home"]

TEXT = "templates/new-car/arrived/email.txt.en.j2"


@contextmanager
def following(home: Home) -> Iterator[Follower]:
    """What a daemon has at its start."""
    settings = config.load(Path("config.toml"), {})
    with ledgers.engine_in_force(settings) as engine:
        texts = Texts(house.composer(settings, house.texts(settings)))
        yield Follower(settings, engine, texts, VirtualClock(MOMENT + timedelta(days=12)))


def has(follower: Follower, home: Home) -> str:
    """The text as the daemon would say it."""
    renderer = follower.texts.composer._renderer
    assert isinstance(follower.texts.composer, Composer)
    return str(renderer.files["new-car/arrived/email.txt.en.j2"])  # type: ignore[attr-defined]


def test_a_text_that_changed_is_read_again_and_one_that_did_not_is_not(home: Home) -> None:
    with following(home) as follower:
        before = follower.texts.composer
        follower()
        assert follower.texts.composer is before
        home.replace(TEXT, "It arrived, and", "Good morning: it")
        follower()
        assert "Good morning: it" in has(follower, home)


def test_a_broken_text_leaves_the_old_ones_and_says_so_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with following(home) as follower:
        before = has(follower, home)
        home.write(TEXT, "{% if %}")
        follower()
        follower()
        assert has(follower, home) == before
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said.startswith("the old texts are kept: ")
    assert TEXT in said


def test_what_was_held_for_its_text_is_tried_again_once_the_texts_are_read(home: Home) -> None:
    with following(home) as follower:
        assert home.run("ingest", home.story(datetime.now(UTC), timedelta()))[0] == 0
        with follower.engine.ledger.transaction() as tx:
            (first, *_) = tx.entries_in({Status.SCHEDULED})
            tx.hold([first.id], parked("'nobody' is undefined"), MOMENT)
        home.replace(TEXT, "It arrived, and", "Good morning: it")
        follower()
        with follower.engine.ledger.read() as tx:
            again = tx.entry(first.id)
        assert again is not None
        assert again.status is Status.SCHEDULED


def test_rules_that_others_applied_come_with_the_texts_of_that_moment(home: Home) -> None:
    with following(home) as follower:
        before = follower.texts.composer
        home.replace("rules/new-car.yaml", 'at: "16:00"', 'at: "15:00"')
        assert home.run("apply")[0] == 0
        follower()
        (asked,) = [r for r in follower.engine.book.journeys["new-car"].rules if r.id == "has-it-arrived"]
        assert "15:00" in str(asked.trigger) or "15, 0" in repr(asked.trigger)
        assert follower.texts.composer is not before


def test_settings_that_others_applied_count_for_texts_that_cannot_be_read_again(home: Home) -> None:
    with following(home) as follower:
        before = has(follower, home)
        home.replace("config.toml", 'time_zone = "Europe/Berlin"', 'time_zone = "Asia/Tokyo"')
        assert home.run("apply")[0] == 0
        home.write(TEXT, "{% if %}")
        follower()
        assert has(follower, home) == before
        assert follower.texts.composer._policy.time_zone == "Asia/Tokyo"


def test_a_folder_that_went_away_is_no_reason_to_stop(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    with following(home) as follower:
        before = has(follower, home)
        (home.folder / "templates").rename(home.folder / "elsewhere")
        follower()
        assert has(follower, home) == before
    assert "the old texts are kept" in caplog.text
