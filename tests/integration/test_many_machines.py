"""Planners, dispatchers and the web as processes of their own over one PostgreSQL."""

import json
import signal
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from orchestrator.ledger import Ledger
from orchestrator.model import Entry, Status
from tests.contracts.smtp_server import SmtpServer
from tests.installation import BEFOREHAND, CAR, NORA, Home, environment, event, home
from tests.integration.test_daemon import at_any_hour, by_smtp
from tests.postgres import database

__all__ = ["home"]

PATIENCE = 90.0  # seconds until a test gives up on other processes
LEASE = 5  # seconds
PASSWORD = "geheim"  # which the server here does not ask for


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with database(postgres, empty=True) as address:
        yield address


class Machines:
    """Processes that share a ledger, each with a log of its own."""

    def __init__(self, home: Home, settings: dict[str, str]) -> None:
        self._home = home
        self._env = environment() | settings
        self.stack = ExitStack()
        self._count = 0

    def beforehand(self, *arguments: str) -> str:
        done = subprocess.run(
            [*BEFOREHAND, *arguments],
            cwd=self._home.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def refused(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*BEFOREHAND, *arguments],
            cwd=self._home.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    def start(self, role: str, **settings: str) -> "Machine":
        self._count += 1
        log = self._home.folder / f"{role}-{self._count}.log"
        process = self.stack.enter_context(
            subprocess.Popen(
                [*BEFOREHAND, "run", "--role", role],
                cwd=self._home.folder,
                env=self._env | settings,
                stdout=subprocess.PIPE,
                stderr=self.stack.enter_context(log.open("w")),
                text=True,
            )
        )
        self.stack.callback(process.kill)
        machine = Machine(process, log)
        until(lambda: "working on" in machine.said() or process.poll() is not None)
        assert process.poll() is None, machine.said()
        return machine


class Machine:
    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self._log = log

    def said(self) -> str:
        return self._log.read_text()

    def stopped(self) -> str:
        """Tell it to stop, and return its last sentence."""
        self.process.send_signal(signal.SIGTERM)
        last, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, self.said()
        return last


def until(true: object) -> None:
    end = time.monotonic() + PATIENCE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@contextmanager
def machines(home: Home, url: str, server: SmtpServer) -> Iterator[Machines]:
    at_any_hour(home)
    found = Machines(
        home,
        by_smtp(server)
        | {
            "BEFOREHAND_LEDGER__URL": url.replace("postgres:@", f"postgres:{PASSWORD}@"),
            "BEFOREHAND_DAEMON__LEASE": f"{LEASE}s",
            "BEFOREHAND_LIMITS__PLAN_ENTRIES": "10000",
        },
    )
    found.beforehand("db", "upgrade")
    found.beforehand("apply")  # what happened before the rules came into force is not told
    with found.stack:
        yield found


def arrivals(home: Home, count: int, first: int = 1) -> str:
    """A file of events: so many cars that arrive now."""
    now = datetime.now(UTC)
    lines = []
    for number in range(first, first + count):
        who, what = f"C-{number}", f"A-{number}"
        mailbox = f"customer-{number}@example.com"
        lines += [
            event("customer.upserted", who, now, name="Maria Keller", locale="de", email=mailbox),
            event("order.upserted", what, now, customer=who, journey="new-car", attributes=CAR, owner=NORA),
            event("milestone.reached", what, now, milestone="arrived"),
        ]
    return home.write(f"events-{first}.jsonl", "\n".join(lines))


def entries(url: str) -> list[Entry]:
    with Ledger.open(url) as ledger, ledger.read() as tx:
        return [one for one in tx.entries_in(set(Status), limit=10_000) if one.wanted.rule == "arrived"]


def ended(url: str) -> Counter[Status]:
    return Counter(one.status for one in entries(url))


def workers(url: str) -> set[str]:
    """Who has something in hand."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT DISTINCT worker FROM entries WHERE worker NOT IN ('', 'handed over')"
        )
        return {row[0] for row in found}


def mails(server: SmtpServer) -> Counter[str]:
    return Counter(mail.to for mail in server.mails if mail.to.startswith("customer-"))


def test_what_is_heard_by_the_web_alone_is_planned_and_sent_by_others(home: Home, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with SmtpServer() as server, machines(home, url, server) as running:
        web = running.start("web", BEFOREHAND_SERVER__PORT=str(port))
        assert PASSWORD not in web.said()
        file = home.folder / arrivals(home, 3)
        documents = [json.loads(line) for line in file.read_text().splitlines()]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/events",
            json.dumps(documents).encode(),
            {"content-type": "application/cloudevents-batch+json"},
        )
        until(lambda: answered(port))
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status // 100 == 2
        assert ended(url) == {Status.SCHEDULED: 3}
        running.start("planner")
        running.start("dispatcher")
        until(lambda: ended(url) == {Status.ACCEPTED: 3})


def answered(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_part_of_a_daemon_needs_a_ledger_that_can_be_shared_and_its_tables(home: Home, url: str) -> None:
    for role in ("planner", "dispatcher", "web"):
        code, _, err = home.run("run", "--role", role)
        assert code == 2
        assert "PostgreSQL" in err
    Ledger.open(url, upgrade=True).close()
    code, err = Machines(home, {"BEFOREHAND_LEDGER__URL": url}).refused("run", "--role", "planner")
    assert code == 2
    assert "beforehand db upgrade" in err
