"""Nothing personal in a log: a daemon at debug level lives through everything that fails, and is read."""

import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.model import Status
from tests.contracts.smtp_server import CUT, SmtpServer
from tests.installation import CAR, NORA, Home, environment, home
from tests.integration.test_daemon import at_any_hour, by_smtp, daemon, said, stopped, until

__all__ = ["home"]

PEOPLE = (
    {"id": "C-1", "name": "Maria Keller", "email": "maria.keller@example.com", "phone": "+493023125101"},
    {"id": "C-2", "name": "Jonas Weber", "email": "jonas.weber@example.org", "phone": "+12025550143"},
    {"id": "C-3", "name": "Aylin Demir", "email": "aylin@demir.example", "phone": "+493023125177"},
)
SECRETS = (
    "Maria", "Keller", "Jonas", "Weber", "Aylin", "Demir", "maria.keller", "jonas.weber", "aylin@",
    "23125101", "2025550143", "23125177", "0143", "M-LK 1234", "after six", "192.0.2.7",
)  # fmt: skip
CUT_OFF = "no answer to the whole mail"
BROKEN = "Subject: x\n\n{{ customer.name / 2 }} {{ customer.email }}\n"


def document(kind: str, subject: str, name: str = "", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": name or f"{kind}-{subject}", "source": "/dealer", "type": kind,
        "subject": subject, "time": datetime.now(UTC).isoformat(), "data": data,
    }  # fmt: skip


def post(port: int, body: Any) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/events", content, {"Content-Type": "application/cloudevents-batch+json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def told(person: dict[str, str], order: str) -> list[dict[str, Any]]:
    known = {name: value for name, value in person.items() if name != "id"}
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    return [
        document("customer.upserted", person["id"], locale="en", **known),
        document("consent.given", person["id"], purpose="marketing",
                 evidence={"ip": "192.0.2.7", "who": person["name"]}),
        document("order.upserted", order, customer=person["id"], journey="new-car", owner=NORA,
                 attributes=CAR | {"number_plate": "M-LK 1234"},
                 parties={"co_buyer": {"name": person["name"]}}),
        document("promise.made", order, milestone="arrived", date=day, reason=f"{person['name']} wants it"),
        document("message.replied", order, channel="sms", text="call me after six"),
    ]  # fmt: skip


def arrived(order: str, name: str) -> dict[str, Any]:
    return document("milestone.reached", order, name, milestone="arrived", note="Maria Keller saw it")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def held(home: Home, order: str) -> bool:
    from orchestrator.ledger import Ledger

    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        return any(entry.status is Status.HELD for entry in tx.entries_of([order])[order])


def bad_events() -> Iterator[tuple[Any, int]]:
    """Everything that somebody may send by mistake, each with the answer it gets."""
    yield b'[{"name": "Maria Keller", "phone": "+493023125101"', 400
    yield b'["Maria Keller"]', 400
    yield (
        [document("customer.upserted", "C-9", name="Maria Keller", email="maria.keller@", phone="0143")],
        400,
    )
    yield [document("customer.upserted", "C-9", locale="Maria Keller", time_zone="Weber/Jonas")], 400
    yield [document("customer.upserted", "C-1", name="Aylin Demir")], 409
    yield (
        [
            document(
                "order.upserted",
                "A-4",
                customer="C-1",
                journey="Maria Keller",
                owner="maria.keller@example.com",
            )
        ],
        202,
    )
    yield [document("milestone.reached", "A-5", milestone="Maria Keller arrived")], 202
    yield [document("promise.made", "A-1", "p-9", milestone="arrived", date="Maria Keller")], 400


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_personal_is_in_the_log_of_a_whole_run_with_everything_that_fails(
    home: Home, port: int, form: str
) -> None:
    at_any_hour(home)
    home.replace("rules/new-car.yaml", "channels: [push, sms, email]", "channels: [email]")
    home.replace(
        "rules/new-car.yaml", "until: {push: opened, sms: delivered, email: delivered}", "until: delivered"
    )
    settings = {"BEFOREHAND_LOG__LEVEL": "debug", "BEFOREHAND_LOG__FORMAT": form}
    with (
        SmtpServer() as server,
        daemon(home, "serve", "--port", str(port), **settings, **by_smtp(server)) as process,
    ):
        until(lambda: "listening" in said(home))
        server.answering(
            "550 5.1.1 <maria.keller@example.com>: Maria Keller has no mailbox maria.keller here",
            at="RCPT",
            times=1,
        )
        assert post(port, told(PEOPLE[0], "A-1")) == 202
        assert post(port, [arrived("A-1", "here-1")]) == 202
        until(lambda: "550 5.1.1" in said(home))
        server.answering(
            "451 4.2.1 Jonas Weber (+1 202 555 0143, jonas.weber@example.org) is busy", at="dot", times=1
        )
        assert post(port, told(PEOPLE[1], "A-2")) == 202
        assert post(port, [arrived("A-2", "here-2")]) == 202
        until(lambda: "451 4.2.1" in said(home))
        server.answering(CUT, at="dot", times=1)
        assert post(port, told(PEOPLE[1], "A-7")[2:]) == 202
        assert post(port, [arrived("A-7", "here-7")]) == 202
        until(lambda: CUT_OFF in said(home))

        server.answering(
            "535 5.7.8 Maria Keller may not log in as maria.keller@example.com", at="MAIL", times=1
        )
        assert post(port, told(PEOPLE[2], "A-3")) == 202
        assert post(port, [arrived("A-3", "here-3")]) == 202
        until(lambda: "is paused" in said(home))
        home.write("templates/new-car/arrived/email.txt.en.j2", BROKEN)
        until(lambda: "texts were read again" in said(home))
        home.run("resume", "--channel", "email")
        until(lambda: held(home, "A-3"))
        for wrong, status in bad_events():
            assert post(port, wrong) == status, wrong
        last = stopped(process)
    log = said(home)
    assert "535 5.7.8" in log
    assert [secret for secret in SECRETS if secret in log + last] == []


def test_an_error_that_nobody_foresaw_quotes_nobody(home: Home) -> None:
    script = (
        "import sys\n"
        "from orchestrator.cli import main, admin\n"
        "from orchestrator.engine import Engine\n"
        "def rebuild(self, now):\n"
        "    try:\n"
        "        {}['maria.keller@example.com']\n"
        "    except KeyError as error:\n"
        "        raise ValueError('Maria Keller, +49 30 23125101') from error\n"
        "Engine.rebuild = rebuild\n"
        "sys.exit(main(['db', 'rebuild']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home.folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "ValueError" in ended.stderr
    assert "KeyError" in ended.stderr
    assert re.search(r"line \d+, in rebuild", ended.stderr)
    assert [secret for secret in SECRETS if secret in ended.stderr] == []
