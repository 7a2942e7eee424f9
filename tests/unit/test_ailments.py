"""What `doctor` finds wrong with daemons, clocks, disks and servers, and what it says is to be done."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.cli import ailments
from orchestrator.cli.health import Finding
from orchestrator.ledger import Daemon
from orchestrator.ledger.server import ServerState

NOW = datetime(2026, 3, 12, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GB = 1 << 30


def daemon(role: str = "all", **more: Any) -> Daemon:
    plain = Daemon("1", role, "munich-1", 4711, "0.1.0", "0016", NOW - 60 * MINUTE, NOW, NOW)
    return replace(plain, **more)


def said(found: Iterable[Finding]) -> list[str]:
    """What somebody should look at, each with what to do."""
    looks = [one for one in found if not one.well]
    assert all(one.remedy for one in looks), "each says what to do"
    return [f"{one.what}: {one.detail}" for one in looks]


def test_daemons_that_live_and_look_are_well() -> None:
    assert said(ailments.daemons([daemon()], NOW)) == []
    many = [daemon("planner"), daemon("dispatcher", scanned_at=None), daemon("web", scanned_at=None)]
    assert said(ailments.daemons(many, NOW)) == []
    assert said(ailments.daemons([], NOW)) == []


def test_a_daemon_that_died_is_named_until_another_takes_its_place() -> None:
    dead = daemon("dispatcher", seen_at=NOW - 5 * MINUTE, scanned_at=None)
    (words,) = said(ailments.daemons([daemon("planner"), dead], NOW))
    assert words == "daemon (dispatcher): process 4711 on munich-1 was last heard of at 2026-03-12 17:55:00Z"
    followed = daemon("dispatcher", started_at=NOW - MINUTE, scanned_at=None)
    assert said(ailments.daemons([daemon("planner"), dead, followed], NOW)) == []
    older = daemon("dispatcher", started_at=NOW - 9 * MINUTE, scanned_at=None)
    assert len(said(ailments.daemons([daemon("planner"), dead, older], NOW))) == 1
    long_ago = replace(dead, seen_at=NOW - 90 * MINUTE)
    assert said(ailments.daemons([daemon("planner"), long_ago], NOW)) == []


def test_of_daemons_that_died_one_after_another_only_the_last_is_named() -> None:
    first = daemon("dispatcher", pid=1, seen_at=NOW - 9 * MINUTE, scanned_at=None)
    again = daemon(
        "dispatcher", pid=2, started_at=NOW - 8 * MINUTE, seen_at=NOW - 5 * MINUTE, scanned_at=None
    )
    (words,) = said(ailments.daemons([daemon("planner"), first, again], NOW))
    assert words.startswith("daemon (dispatcher): process 2 on munich-1")


def test_a_planner_that_lives_and_does_not_look_is_found() -> None:
    (words,) = said(ailments.daemons([daemon(scanned_at=NOW - 3 * MINUTE)], NOW))
    assert words == "planning: nobody looked for what is due since 2026-03-12 17:57:00Z"
    just_begun = daemon("planner", started_at=NOW - MINUTE / 6, scanned_at=None)
    assert said(ailments.daemons([just_begun], NOW)) == []
    (words,) = said(ailments.daemons([daemon("planner", scanned_at=None)], NOW))
    assert words == "planning: nobody looked for what is due yet"


def test_dispatchers_without_a_planner_are_found() -> None:
    (words,) = said(ailments.daemons([daemon("dispatcher", scanned_at=None)], NOW))
    assert words == "planning: 1 process and no planner: nothing is planned or handed over"


def test_two_versions_side_by_side_are_told_and_nothing_is_wrong_with_them() -> None:
    found = list(ailments.daemons([daemon(), daemon(version="0.2.0")], NOW))
    assert said(found) == []
    assert [one.detail for one in found] == [
        "versions 0.1.0 and 0.2.0 work side by side: finish the update when all is well"
    ]


def test_clocks_that_differ_and_news_from_the_future_are_found() -> None:
    assert said(ailments._clocks(NOW, NOW, NOW)) == []
    (words,) = said(ailments._clocks(NOW, NOW - MINUTE, NOW))
    assert words == "clock: this machine's clock is +60 s off the database's"
    (words,) = said(ailments._clocks(NOW, NOW, NOW + 60 * MINUTE))
    assert "the clock was put back" in words


def test_leases_that_nobody_took_back_and_orders_that_nobody_plans_are_found() -> None:
    assert said(ailments._leases(NOW - MINUTE, 1, NOW)) == []
    (words,) = said(ailments._leases(NOW - 9 * MINUTE, 3, NOW))
    assert words == "leases: 3 messages held by nobody since 2026-03-12 17:51Z"
    (words,) = said(ailments._unplanned(NOW - 9 * MINUTE, NOW))
    assert words == "planning: orders with news since 2026-03-12 17:51Z are not planned"


def test_a_disk_that_is_nearly_full_and_a_log_that_grows_are_found() -> None:
    assert said(ailments.disk(50 * GB, 200 * GB, GB, 4 << 20)) == []
    (words,) = said(ailments.disk(GB // 2, 20 * GB, 2 * GB, 0))
    assert words == "disk: 512 MB free beside the ledger, which has 2,048 MB"
    assert len(said(ailments.disk(9 * GB, 200 * GB, GB, 0))) == 1
    assert said(ailments.disk(11 * GB, 2000 * GB, GB, 0)) == [], "of a big disk a few per cent are a lot"
    (words,) = said(ailments.disk(50 * GB, 200 * GB, GB, GB))
    assert words.startswith("log: SQLite's log has 1,024 MB")


def test_a_server_that_cannot_clean_up_is_found() -> None:
    assert said(ailments.server(ServerState())) == []
    state = ServerState((("entries", 90_000),), autovacuum=True, without="facts", open=((17, "psql", 3600),))
    assert said(ailments.server(state)) == [
        "autovacuum: it is switched off for facts: every message changes its row a few times",
        "table entries: 90,000 dead rows: claims become slow",
        "transactions: process 17 (psql) keeps a transaction open for 60 minutes",
    ]
