"""The commands about channels: what they list, send, refuse and write."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from orchestrator.clock import SystemClock
from orchestrator.ledger.tables import AttemptTable
from tests.contracts.smtp_server import SmtpServer
from tests.installation import Home, home
from tests.plugged import pigeon

__all__ = ["home", "pigeon"]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as smtp:
        yield smtp


@pytest.fixture
def live(home: Home, server: SmtpServer) -> Home:
    said = f'live = true\nhost = "{server.host}"\nport = {server.port}\nstarttls = false'
    text = (home.folder / "config.toml").read_text(encoding="utf-8")
    home.write("config.toml", re.sub(r"(?s)(?<=\[channels.email\]\n).*?starttls = true", said, text))
    return home


def listed(home: Home) -> dict[str, dict[str, object]]:
    code, out, _ = home.run("channels", "list", "--format", "json")
    assert code == 0
    return {row["name"]: row for row in json.loads(out)}


def test_the_list_says_of_each_channel_what_it_is_what_it_can_do_and_how_it_does(live: Home) -> None:
    email = listed(live)["email"]
    assert (email["kind"], email["from"], email["live"], email["health"]) == (
        "email",
        "built in",
        True,
        "well",
    )
    assert "after_unknown repeat" in str(email["abilities"])
    assert str(listed(live)["sms"]["health"]).startswith("outbox: ")


@pytest.mark.usefixtures("pigeon")
def test_the_list_names_kinds_of_packages_that_are_not_set_up(home: Home) -> None:
    _, out, _ = home.run("channels", "list")
    assert "pigeon (acme-pigeon 1.2)" in out.splitlines()[-1]


@pytest.mark.usefixtures("pigeon")
def test_a_channel_of_a_package_is_listed_with_the_package(home: Home) -> None:
    home.write("more.toml", "[channels.post]\nkind = 'pigeon'\n")
    _, out, _ = home.run("channels", "list", "--format", "jsonl", "--config", "more.toml")
    (post,) = [row for row in map(json.loads, out.splitlines()) if row["name"] == "post"]
    assert (post["kind"], post["from"]) == ("pigeon", "acme-pigeon 1.2")
    assert "max_length 40" in post["abilities"]


def test_a_paused_channel_is_listed_as_paused_with_the_reason(home: Home) -> None:
    home.run("db", "upgrade")
    home.run("pause", "--channel", "email", "--reason", "the server moves")
    assert str(listed(home)["email"]["health"]).endswith(": the server moves")


@pytest.mark.parametrize(("failed", "well"), [(1, True), (3, False)])
def test_the_list_and_the_doctor_judge_a_failing_channel_alike(live: Home, failed: int, well: bool) -> None:
    live.run("db", "upgrade")
    now = SystemClock().now()
    tries = [
        AttemptTable(
            entry_id=number, n=1, channel="email", started_at=now, finished_at=now, provider_id="", code="",
            outcome="failed" if number < failed else "accepted", detail="", message_id="", address="",
        ).model_dump(exclude={"id"})
        for number in range(20)
    ]  # fmt: skip
    with create_engine(f"sqlite:///{live.folder / 'beforehand.db'}").begin() as connection:
        connection.execute(insert(AttemptTable), tries)

    health = str(listed(live)["email"]["health"])
    told = "sending by email" in live.run("doctor")[1]

    assert (health, told) == (("well", False) if well else ("3 of 20 tries failed in the last hour", True))


def test_a_test_message_leaves_through_the_channel_as_it_is_set_up(live: Home, server: SmtpServer) -> None:
    code, out, _ = live.run("channels", "test", "email", "--to", "maria.keller@example.com")
    assert (code, out[:17]) == (0, "email took it as ")
    (mail,) = server.mails
    assert mail.to == "maria.keller@example.com"
    assert b"This is a test of the channel email of Autohaus Lindner" in mail.content


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("550 5.1.1 unknown user", "refused, this recipient or this message"),
        ("451 4.3.0 later", "not now; nothing was sent"),
        ("530 5.7.0 who are you?", "our settings are wrong"),
    ],
)
def test_what_became_of_it_is_said_plainly(live: Home, server: SmtpServer, reply: str, said: str) -> None:
    server.answering(reply, at="RCPT")
    code, _, err = live.run("channels", "test", "email", "--to", "maria.keller@example.com")
    assert code == 1
    assert said in err
    assert reply.split(" ", 2)[2] in err


def test_nothing_is_sent_through_a_channel_that_is_not_live(home: Home) -> None:
    code, out, err = home.run("channels", "test", "email", "--to", "maria.keller@example.com")
    assert (code, out) == (2, "")
    assert "email is not live, so nothing was sent" in err
    assert not (home.folder / "outbox").exists()


def test_a_test_message_can_be_looked_at_instead(live: Home, server: SmtpServer) -> None:
    code, out, _ = live.run(
        "channels", "test", "email", "--to", "maria.keller@example.com", "--outbox", "kept"
    )
    (file,) = (live.folder / "kept").iterdir()
    assert code == 0
    assert out == f"nothing was sent; the message is in {Path('kept') / file.name}\n"
    assert server.mails == []


def test_a_system_for_trying_out_sends_its_test_messages_to_its_list_only(
    live: Home, server: SmtpServer
) -> None:
    live.replace("config.toml", "allow = []", 'allow = ["nora.brandt@example.com"]')
    code, _, err = live.run("channels", "test", "email", "--to", "maria.keller@example.com")
    assert (code, server.mails) == (2, [])
    assert "staging.allow" in err


@pytest.mark.parametrize(
    ("channel", "to", "said"),
    [
        ("sms", "hello", "is no address"),
        ("sms", "030 1234567", "country"),
        ("sms", "maria.keller@example.com", "is no number"),
        ("email", "maria.keller", "is no address"),
        ("email", "+49 30 23125 123", "is no mailbox"),
        ("push", "apns:hello", "no token of apns"),
        ("push", "web:http://x", "browser"),
    ],
)
def test_a_test_message_goes_to_no_address_that_its_channel_cannot_write_to(
    home: Home, channel: str, to: str, said: str
) -> None:
    code, _, err = home.run("channels", "test", channel, "--to", to, "--outbox", "kept")
    assert (code, said in err) == (2, True), err
    assert not (home.folder / "kept").exists()


def test_a_channel_that_does_not_exist_is_not_tested(home: Home) -> None:
    code, _, err = home.run("channels", "test", "emial", "--to", "x@example.com")
    assert code == 2
    assert "did you mean 'email'?" in err


@pytest.mark.parametrize("name", ["Pigeon", "../x", "1st", "carrier-pigeon", "email", ""])
def test_a_name_that_cannot_be_a_kind_writes_nothing(home: Home, name: str) -> None:
    before = sorted(home.folder.rglob("*"))
    assert home.run("channels", "new", name)[0] == 2
    assert sorted(home.folder.rglob("*")) == before


def test_a_new_package_overwrites_nothing(home: Home) -> None:
    assert home.run("channels", "new", "carrier_pigeon", "--into", "shelf")[0] == 0
    written = home.folder / "shelf" / "beforehand-carrier-pigeon"
    assert (written / "beforehand_carrier_pigeon" / "channel.py").is_file()
    code, _, err = home.run("channels", "new", "carrier_pigeon", "--into", "shelf")
    assert code == 2
    assert "exists" in err
