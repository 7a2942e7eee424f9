"""Whether a daemon is able to work: what `/ready` asks, and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from orchestrator.cli.roles import Role
from orchestrator.cli.standing import Standing
from orchestrator.clock import VirtualClock
from orchestrator.errors import LedgerAway, LedgerBehind, NotReady
from orchestrator.ledger import Daemon, Ledger
from orchestrator.web.standing import monitor_app
from tests.builders import at

NOW = at("2026-03-12 18:00")
LEASE = timedelta(minutes=2)
LONG_AGO = NOW - timedelta(minutes=3)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'it.db'}", upgrade=True) as opened:
        yield opened


def standing(ledger: Ledger, role: Role = Role.ALL, scanned: object = NOW) -> Standing:
    return Standing(ledger, role, VirtualClock(NOW), lambda: scanned, LEASE)  # type: ignore[arg-type,return-value]


def scanned_by_another(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.beat(Daemon("1", "planner", "munich-1", 1, "0.1", "0013", NOW, NOW, NOW))


def test_a_daemon_that_looked_a_moment_ago_is_able_to_work(ledger: Ledger) -> None:
    assert standing(ledger)()


def test_one_that_has_not_looked_yet_or_for_long_is_not(ledger: Ledger) -> None:
    with pytest.raises(NotReady, match="nobody has looked yet"):
        standing(ledger, scanned=None)()
    with pytest.raises(NotReady, match="since 2026-03-12 16:57:00Z"):
        standing(ledger, scanned=LONG_AGO)()


def test_a_long_batch_is_no_reason_while_it_keeps_its_leases(ledger: Ledger) -> None:
    assert standing(ledger, scanned=NOW - LEASE)()


def test_that_another_one_looks_says_nothing_of_a_daemon_that_does_everything(ledger: Ledger) -> None:
    scanned_by_another(ledger)
    with pytest.raises(NotReady):
        standing(ledger, scanned=LONG_AGO)()


def test_of_planners_one_looks_for_all(ledger: Ledger) -> None:
    with pytest.raises(NotReady):
        standing(ledger, Role.PLANNER, None)()
    scanned_by_another(ledger)
    assert standing(ledger, Role.PLANNER, None)()


@pytest.mark.parametrize("role", [Role.WEB, Role.DISPATCHER])
def test_who_does_not_look_takes_events_and_sends_whoever_looks(ledger: Ledger, role: Role) -> None:
    assert standing(ledger, role, None)()


def test_a_ledger_that_is_away_or_of_another_program_is_no_ledger_to_work_on(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger._database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(LedgerBehind):
        standing(ledger)()
    (tmp_path / "it.db").unlink()
    with pytest.raises(LedgerAway):
        standing(ledger)()


def asked(ready: Callable[[], Awaitable[bool]], path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(monitor_app(ready, lambda: b"beforehand_ledger_up 1\n"))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)

    return asyncio.run(ask())


def raising(error: Exception) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        raise error

    return ready


async def able() -> bool:
    return True


def test_what_is_alive_and_what_is_able_to_work_are_two_questions() -> None:
    why = raising(NotReady("nobody has looked yet for what is due"))
    assert asked(why, "/health").status_code == 200
    answer = asked(why, "/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "nobody has looked yet for what is due"
    assert asked(able, "/ready").json() == {"status": "ready"}


def test_where_the_ledger_is_is_told_to_nobody() -> None:
    answer = asked(raising(LedgerAway("db.example.com refuses")), "/ready")
    assert answer.status_code == 503
    assert "db.example.com" not in answer.text


def test_metrics_are_answered_as_prometheus_reads_them() -> None:
    answer = asked(able, "/metrics")
    assert answer.text == "beforehand_ledger_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
