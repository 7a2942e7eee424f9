"""`beforehand erase` while a daemon works on the ledger: the bytes go, and the daemon goes on."""

import json
from datetime import UTC, datetime, timedelta

from orchestrator.model import Status
from tests.installation import CAR, NORA, Home, event, home
from tests.integration.test_daemon import at_any_hour, daemon, ended, stopped, until

__all__ = ["home"]


def standing(home: Home) -> list[str]:
    kept = [
        *home.folder.glob("beforehand.db*"),
        *(home.folder / "outbox").iterdir(),
        home.folder / "daemon.log",
    ]
    return [path.name for path in kept if b"Maria" in path.read_bytes() or b"maria@" in path.read_bytes()]


def test_a_person_is_erased_beside_a_daemon_that_goes_on(home: Home) -> None:
    at_any_hour(home)
    with daemon(home, BEFOREHAND_LOG__LEVEL="debug") as process:
        home.run("ingest", home.story(now := datetime.now(UTC), timedelta()))
        until(lambda: ended(home, Status.ACCEPTED))
        assert standing(home)

        code, out, _ = home.run("erase", "C-1", "--yes", "--format", "json")
        assert code == 0, out
        assert standing(home) == []
        assert {line["what"] for line in json.loads(out)} >= {"files in the outbox", "messages sent"}

        other = [
            event(
                "customer.upserted", "C-2", now, name="Jonas Weber", locale="de", email="jonas@example.com"
            ),
            event(
                "order.upserted", "A-2", now, customer="C-2", journey="new-car", attributes=CAR, owner=NORA
            ),
            event("milestone.reached", "A-2", now, milestone="arrived"),
        ]
        home.run("ingest", home.write("other.jsonl", "\n".join(other)))
        until(lambda: any("A-2" in path.name for path in (home.folder / "outbox").iterdir()))
        assert "accepted" in stopped(process)
    assert standing(home) == []
