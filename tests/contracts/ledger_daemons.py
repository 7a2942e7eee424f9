"""What every ledger promises about those who work on it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.ledger import Daemon, Ledger

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def one(name: str = "a", **more: object) -> Daemon:
    plain = Daemon(name, "planner", "munich-1", 4711, "0.1.0", "0012", NOW, NOW)
    return replace(plain, **more)  # type: ignore[arg-type]


class DaemonsContract:
    def test_a_daemon_is_listed_as_it_was_last_heard_of_until_it_leaves(self, ledger: Ledger) -> None:
        later = one(seen_at=NOW + MINUTE, scanned_at=NOW + MINUTE)
        with ledger.transaction() as tx:
            tx.beat(one())
            tx.beat(later)
            tx.beat(one("b", role="all"))
        with ledger.read() as tx:
            assert tx.daemons() == [one("b", role="all"), later]
            assert tx.scanned_at() == NOW + MINUTE
        with ledger.transaction() as tx:
            tx.left("a")
        with ledger.read() as tx:
            assert [daemon.id for daemon in tx.daemons()] == ["b"]
            assert tx.scanned_at() is None

    def test_who_was_not_heard_of_for_long_is_forgotten(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.beat(one("dead"))
            tx.beat(one("alive", seen_at=NOW + MINUTE))
            assert tx.forget_daemons(NOW + MINUTE) == 1
            assert [daemon.id for daemon in tx.daemons()] == ["alive"]

    def test_a_turn_is_given_once_until_its_time_is_over(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.has_turn("prune", NOW, NOW - MINUTE)
            assert not tx.has_turn("prune", NOW, NOW - MINUTE)
            assert tx.has_turn("count", NOW, NOW - MINUTE)
            assert not tx.has_turn("prune", NOW + MINUTE, NOW - timedelta(seconds=1))
            assert tx.has_turn("prune", NOW + MINUTE, NOW)
