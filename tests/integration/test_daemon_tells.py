"""A daemon tells a company's own system what it does."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import Answer
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
