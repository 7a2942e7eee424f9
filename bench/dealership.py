"""What is measured on: the dealership's own settings, rules and templates, and orders of cars as events."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.cli import house
from orchestrator.config import load
from orchestrator.engine import Engine
from orchestrator.intake import Incoming, Place, parse
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from orchestrator.sending.messages import Composer

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)  # a Tuesday, 10:00 in Munich: nobody's quiet hours
BEFORE = NOW - timedelta(days=10)
A_LITTLE = timedelta(minutes=1)
TOGETHER = 100  # events in one batch

OWNER = {"name": "Nora Brandt", "email": "nora.brandt@example.com", "phone": "+493023125110"}
MANAGER = {"name": "Paul Lindner", "email": "paul.lindner@example.com"}
LOCATION = {"id": "munich", "name": "Autohaus Lindner", "time_zone": "Europe/Berlin"}
PEOPLE = (("Maria", "Keller", "de-DE"), ("Jonas", "Weber", "en"), ("Aylin", "Demir", "de"))


@dataclass(frozen=True, slots=True)
class Dealership:
    """The rules as they are delivered, and what makes messages of notifications."""

    book: RuleBook
    composer: Composer


@cache
def dealership() -> Dealership:
    """Read the settings, the car's rules and the templates of this checkout."""
    settings = load(ROOT / "config.toml", {})
    written = house.written(settings, ROOT / "rules" / "new-car.yaml")
    if "new-car" not in written.book.journeys:
        raise SystemExit(f"the rules of the car have problems: {written.problems[0]}")
    return Dealership(written.book, house.composer(settings, written.renderer))


# ── events ───────────────────────────────────────────────────────────────────


def customer(number: int) -> dict[str, Any]:
    """Somebody who is only reachable by mail."""
    given, family, locale = PEOPLE[number % len(PEOPLE)]
    said = {"name": f"{given} {family}", "given_name": given, "locale": locale, "time_zone": "Europe/Berlin"}
    return event("customer.upserted", f"C-{number}", BEFORE, **said, email=f"customer{number}@example.com")


def order(number: int, journey: str = "new-car") -> dict[str, Any]:
    """The car that customer waits for."""
    return event(
        "order.upserted", f"O-{number}", BEFORE, customer=f"C-{number}", journey=journey, owner=OWNER,
        manager=MANAGER, location=LOCATION, attributes={"model": "Corsa", "colour": "blue"},
    )  # fmt: skip


def promised(number: int, day: datetime, **more: Any) -> dict[str, Any]:
    """The day it is promised for."""
    return event("promise.made", f"O-{number}", BEFORE, milestone="arrived", date=f"{day:%Y-%m-%d}", **more)


def arrived(number: int) -> dict[str, Any]:
    """It is here."""
    return event("milestone.reached", f"O-{number}", NOW - A_LITTLE, milestone="arrived")


def event(kind: str, subject: str, when: datetime, /, **data: Any) -> dict[str, Any]:
    """A CloudEvent; its id is what it says and when, for nothing here says the same twice."""
    moment = when.isoformat().replace("+00:00", "Z")
    return {
        "specversion": "1.0", "id": f"{kind} {subject} {moment}", "source": "bench", "type": kind,
        "subject": subject, "time": moment, "data": data,
    }  # fmt: skip


def believed(documents: Sequence[dict[str, Any]]) -> list[Incoming]:
    """What intake makes of events."""
    found = []
    for document in documents:
        outcome = parse(document, None, place=Place("bench"))
        if not isinstance(outcome, Incoming):
            raise SystemExit(f"a measured event is wrong: {outcome[0]}")
        found.append(outcome)
    return found


def arrivals(count: int) -> list[Incoming]:
    """*count* cars promised for today that arrived a little ago: by :data:`NOW` a mail for each is due."""
    events = [customer(number) for number in range(count)]
    for number in range(count):
        events += [order(number), promised(number, NOW), arrived(number)]
    return believed(events)


def in_batches(events: Sequence[T], size: int = TOGETHER) -> Iterator[Sequence[T]]:
    """Cut *events* as they would come in."""
    for start in range(0, len(events), size):
        yield events[start : start + size]


# ── ledgers ──────────────────────────────────────────────────────────────────


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards, on the disk where ledgers are kept."""
    with tempfile.TemporaryDirectory(prefix="beforehand-bench-") as name:
        yield Path(name)


@contextmanager
def ledger(home: Path, name: str = "ledger.db") -> Iterator[Ledger]:
    """A ledger on a file, as durable as in production."""
    with Ledger.open(f"sqlite:///{home / name}", upgrade=True) as opened:
        yield opened


def hear(engine: Engine, events: Sequence[Incoming], now: datetime = NOW, size: int = TOGETHER) -> None:
    """Have the engine hear *events* in batches."""
    for batch in in_batches(events, size):
        engine.hear(batch, now)
