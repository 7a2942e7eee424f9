"""The inbox as a company has it: a daemon, a page that listens, and a token from the command line."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.installation import Home, home
from tests.integration.test_daemon import daemon, said, stopped, until

__all__ = ["home"]

KEY = "0123456789abcdef0123456789abcdef"
VARIABLE = "BEFOREHAND_CHANNELS__INBOX__KEY"


@pytest.fixture
def lindner(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Customers find on their page that the car is there."""
    monkeypatch.setenv(VARIABLE, KEY)
    settings = (home.folder / "config.toml").read_text("utf-8")
    home.write("config.toml", f"{settings}\n[channels.inbox]\nlive = true\n")
    home.replace("rules/new-car.yaml", "channels: [push, sms, email]", "channels: [inbox, sms, email]")
    home.replace(
        "rules/new-car.yaml", "until: {push: opened, sms: delivered, email: delivered}", "until: delivered"
    )
    home.replace("rules/new-car.yaml", "at: preferred", "at: now")
    return home


def address(home: Home) -> str:
    until(lambda: "listening on" in said(home))
    (found,) = re.findall(r"listening on (http\S+)", said(home))
    return str(found)


def token(home: Home, customer: str = "C-1") -> str:
    code, out, err = home.run("inbox", "token", customer)
    assert code == 0, err
    return out.strip()


def events(lines: Iterator[str]) -> Iterator[dict[str, object]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def test_a_page_that_is_open_shows_the_car_when_it_arrives_and_says_that_it_was_read(lindner: Home) -> None:
    with daemon(lindner, "serve", "--port", "0", **{VARIABLE: KEY}) as process:
        inbox = f"{address(lindner)}/inbox/{token(lindner)}"
        with httpx.stream("GET", f"{inbox}/events", timeout=60) as stream:
            assert stream.status_code == 200
            assert lindner.run("ingest", lindner.story(datetime.now(UTC), timedelta()))[0] == 0
            item = next(events(stream.iter_lines()))
            assert (item["order"], item["read"]) == ("A-1", None)
            assert httpx.post(f"{inbox}/items/{item['id']}/read").json() == {"read": 1}
        feed = httpx.get(inbox).json()
        assert (feed["unread"], [one["id"] for one in feed["items"]]) == (0, [item["id"]])
        with httpx.stream("GET", f"{inbox}/events", timeout=60) as stream:  # while somebody listens
            assert "1 accepted" in stopped(process)
            assert stream.status_code == 200
    document = json.loads(lindner.run("export", "C-1", "--format", "json")[1])
    assert [one["type"] for order in document["orders"] for one in order["facts"]].count(
        "message.opened"
    ) == 1
    assert KEY not in said(lindner)


def test_a_test_message_is_found_in_the_inbox(lindner: Home) -> None:
    code, out, _ = lindner.run("channels", "test", "inbox", "--to", "C-1")
    assert (code, "inbox took it as" in out) == (0, True)


def test_a_token_is_good_for_no_longer_than_the_settings_let(lindner: Home) -> None:
    assert token(lindner) != token(lindner, "C-2")
    code, _, err = lindner.run("inbox", "token", "C-1", "--minutes", "1441")
    assert code == 2
    assert "1440 minutes at most (channels.inbox.token_age)" in err


def test_without_an_inbox_there_is_no_token(home: Home) -> None:
    code, _, err = home.run("inbox", "token", "C-1")
    assert code == 2
    assert "[channels.inbox] live = true makes one" in err
