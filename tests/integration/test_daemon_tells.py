"""A daemon tells a company's own system what it does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import Answer
from orchestrator.ledger import Ledger
from tests.installation import Home, home
from tests.integration.test_daemon import at_any_hour, daemon, stopped, until
from tests.integration.test_subscribers import SECRET, Crm, crm

__all__ = ["crm", "home"]

VARIABLE = "BEFOREHAND_SUBSCRIBERS__CRM__SECRET"


def test_a_daemon_tells_what_it_does_and_the_commands_say_how_that_goes(
    home: Home, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_any_hour(home)
    monkeypatch.setenv(VARIABLE, SECRET)
    settings = (home.folder / "config.toml").read_text("utf-8")
    place = f'[subscribers.crm]\nurl = "{crm.url}"\nallow = ["127.0.0.0/8"]\n'
    home.write("config.toml", f"{settings}\n{place}")
    assert "no daemon has begun with it yet" in home.run("subscribers", "list")[1]
    assert home.run("subscribers", "test", "crm")[0] == 0
    crm.answering(Answer(400, b"what is this?"))
    assert home.run("subscribers", "test", "crm")[0] == 1
    crm.accepting()
    with daemon(home, **{VARIABLE: SECRET}) as process:
        assert home.run("subscribers", "skip", "crm")[0] == 1  # nothing to leave out
        home.run("ingest", home.story(datetime.now(UTC), timedelta()))
        until(lambda: "notification.accepted" in crm.types)
        stopped(process)
    assert crm.types[0] == "beforehand.test"
    assert "nobody refuses" in "".join(home.run("subscribers", "list")[1:])
    assert {event["source"] for _, event in crm.posts} == {"beforehand"}


def test_what_is_skipped_is_never_told_and_what_follows_need_not_wait(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    settings = (home.folder / "config.toml").read_text("utf-8")
    place = '[subscribers.crm]\nurl = "https://crm.example/hooks"\ntypes = ["milestone.*"]\n'
    home.write("config.toml", f"{settings}\n{place}")
    now = datetime.now(UTC)
    assert home.run("db", "upgrade")[0] == 0
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger:
        with ledger.transaction() as tx:
            tx.subscribe("crm")
        assert home.run("ingest", home.story(now - timedelta(days=1), timedelta()))[0] == 0
        with ledger.transaction() as tx:
            mine = tx.take_subscriber("crm", now, now + timedelta(minutes=2))
            assert mine is not None
            later = replace(mine, failures=6, failing_since=now, retry_at=now + timedelta(hours=1))
            assert tx.give_back_subscriber(later, now + timedelta(minutes=2))
        assert "never hears of milestone.reached" in "".join(home.run("subscribers", "skip", "crm")[1:])
        with ledger.read() as tx:
            (after,) = tx.subscribers()
        assert after.retry_at <= datetime.now(UTC)
        said = [home.run("subscribers", "skip", "crm") for _ in range(4)]  # more than there is
        assert said[-1][0] == 0
        assert "nothing waits for crm" in "".join(said[-1][1:])
