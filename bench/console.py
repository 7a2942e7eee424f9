"""How long the console's pages take over a ledger of a million entries: ``python -m bench.console [ORDERS]``.

One order is really heard and sent about; the database copies its rows, with other names and other moments.
"""

import asyncio
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import httpx
import uvicorn
from sqlalchemy import Connection, create_engine, text

from bench.dealership import NOW, believed, customer, dealership, event, folder, order
from bench.live import on_screen
from bench.postgres import database, server
from bench.report import Line, table
from channels.memory import MemoryChannel
from orchestrator.access.roles import Role, Viewer
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.ledger import Ledger
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.web.app import Rooms, create_app
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk
from orchestrator.web.hearing import hearing, writing
from orchestrator.web.signed_in import OpenDoor

ORDERS = 100_000
WARM, TIMES = 10, 100  # requests of each page
MOST = 150.0  # milliseconds, p95
LIVE = 1_000.0  # milliseconds from the commit until it stands on an open page, p95
LARGEST = 100_000  # bytes
BEGAN = NOW - timedelta(days=9)
STEP = timedelta(hours=1)
PAUL = Viewer(1, "Paul Lindner", "paul.lindner@example.com", Role.ADMIN)
NAMED = {  # columns in which the names of the order and its customer stand
    "facts": ("event_id", "subject", "data"),
    "entries": ("key", "order_id", "customer", "wanted"),
    "orders": ("id", "customer", "state", "tasks"),
    "names": ("customer",),
    "places": ("place", "customer"),
}
MOVED = {  # columns whose moments are apart, with how many seconds
    "orders": {"silent_since": 7, "promise_ends": 5, "tasks_since": 7},
    "entries": {"due_at": 1, "run_at": 1},
}


def measure(orders: int = ORDERS) -> list[Line]:
    """Look at the pages on SQLite and on PostgreSQL."""
    with folder() as home:
        lines = _measured("SQLite", f"sqlite:///{home / 'ledger.db'}", orders)
    with folder() as home, server(home) as running:
        url = database(running, name="console")
        return lines + _measured("PostgreSQL", url, orders)


def _measured(where: str, url: str, orders: int) -> list[Line]:
    _one_order(url)
    entries = _copies(url, orders)
    print(f"{where}: {orders:,} orders, {entries:,} entries", file=sys.stderr, flush=True)
    lines = []
    with Ledger.open(url) as ledger, _served(engine := Engine(ledger, dealership().book)) as client:
        numbers = [(number * 7919) % (orders - 1) + 1 for number in range(WARM + TIMES)]
        pages: Mapping[str, list[str]] = {
            "Now": ["now"] * len(numbers),
            "an order": [f"orders/O-{number}" for number in numbers],
            "a customer": [f"customers/C-{number}" for number in numbers],
            "everybody who waits": ["now/silent"] * len(numbers),
            "a search by name": ["search?q=maria+kel"] * len(numbers),
        }
        for name, paths in pages.items():
            took, used, size = _asked(client, paths)
            p95, processor = (statistics.quantiles(times, n=20)[-1] for times in (took, used))
            measured = f"p95 {p95:,.0f} ms ({processor:,.0f} ms CPU)"
            promised = name in ("Now", "an order")
            lines.append(
                Line(
                    "console", f"{name}, {where}", measured, "", f"{size / 1000:,.0f} kB",
                    "p95 under 150 ms, 100 kB" if promised else "",
                    p95 < MOST and size < LARGEST if promised else None,
                )
            )  # fmt: skip
        if took := on_screen(engine, str(client.base_url)):
            slowest = statistics.quantiles(took, n=20)[-1]
            measured = f"p95 {slowest:,.0f} ms (middle {statistics.median(took):,.0f})"
            promised = "p95 under 1,000 ms"
            lines.append(Line("console", f"live, {where}", measured, "", "", promised, met=slowest < LIVE))
    return lines


def _asked(client: httpx.Client, paths: list[str]) -> tuple[list[float], list[float], int]:
    """How many milliseconds each answer took, by the wall and of the processor, and the largest in bytes.

    The processor's time is that of the asker too, and not that of PostgreSQL.
    """
    took, used, sizes = [], [], []
    for path in paths:
        began, used_before = time.perf_counter(), time.process_time()
        answer = client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - used_before) * 1000)
        if answer.status_code != httpx.codes.OK:
            raise SystemExit(f"{path}: {answer.status_code}")
        sizes.append(len(answer.content))
    return took[WARM:], used[WARM:], max(sizes)


@contextmanager
def _served(engine: Engine) -> Iterator[httpx.Client]:
    """The console in a server of its own on loopback."""

    async def ready() -> bool:
        return True

    def now() -> datetime:
        return NOW

    with ExitStack() as stack:
        write = stack.enter_context(writing(engine))
        desk = Desk(engine, write, now, company="Autohaus Lindner", zone="Europe/Berlin", locale="de-DE")
        watcher = Watcher(engine.ledger.mark)
        rooms = Rooms(desk, OpenDoor(PAUL), watcher)
        app = create_app(hearing(engine, write, now), now=now, ready=ready, rooms=rooms)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        serving = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=serving.run, args=([listener],))
        thread.start()
        try:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/console/"
            yield stack.enter_context(httpx.Client(base_url=address, timeout=60))
        finally:
            serving.should_exit = True
            thread.join()


# ── a ledger of that size ────────────────────────────────────────────────────


def _one_order(url: str) -> None:
    """Hear one order and send what is said about it, as a daemon does, until its car is days late."""
    clock = VirtualClock(BEGAN)
    channels = {name: MemoryChannel(name) for name in ("email", "sms", "push")}
    with Ledger.open(url, upgrade=True) as ledger:
        engine = Engine(ledger, dealership().book)
        dispatcher = Dispatcher(engine, dealership().composer, channels, clock)
        when = BEGAN - timedelta(days=30)
        late = event("promise.made", "O-0", when, milestone="arrived", date=f"{BEGAN:%Y-%m-%d}")
        engine.hear(believed([customer(0), order(0), late]), clock.now())
        while clock.now() < NOW:
            clock.advance(STEP)
            asyncio.run(dispatcher.drain())
        asyncio.run(dispatcher.close())


def _copies(url: str, orders: int) -> int:
    """Copy everything about the order for so many others; say how many entries there are then."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        series = (
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :most) "
            "SELECT n FROM s) s"
            if is_sqlite
            else "generate_series(1, :most) s(n)"
        )
        for name in ("facts", "orders", "names", "places", "entries"):
            _copied(connection, name, series, orders - 1, is_sqlite=is_sqlite)
        connection.execute(
            text(
                "INSERT INTO attempts (entry_id, n, channel, started_at, finished_at, outcome, provider_id, "  # noqa: S608
                "code, detail) SELECT e.id, a.n, a.channel, a.started_at, a.finished_at, a.outcome, '', "
                f"a.code, a.detail FROM {series} CROSS JOIN attempts a JOIN entries o ON o.id = a.entry_id "
                "JOIN entries e ON e.key = replace(o.key, 'O-0', 'O-' || CAST(s.n AS TEXT))"
            ),
            {"most": orders - 1},
        )
        count: int = connection.execute(text("SELECT count(*) FROM entries")).scalar_one()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_sqlite:
            connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    return count


def _copied(connection: Connection, name: str, series: str, most: int, *, is_sqlite: bool) -> None:
    own = {"facts": "seq", "entries": "id"}.get(name)
    columns = [column for column in _columns(connection, name) if column not in (own, "written")]
    chosen = ", ".join(_other(name, column, is_sqlite=is_sqlite) for column in columns)
    connection.execute(
        text(f"INSERT INTO {name} ({', '.join(columns)}) SELECT {chosen} FROM {series}, {name} o"),  # noqa: S608
        {"most": most},
    )


def _other(table: str, column: str, *, is_sqlite: bool) -> str:
    """A column of a copy: another order and customer, at another moment."""
    if table == "facts" and column == "event_id":
        return "o.event_id || '-' || CAST(s.n AS TEXT)"
    if table == "places" and column == "place":
        return "CAST(s.n AS TEXT) || o.place"
    if column in NAMED.get(table, ()):
        order_named = f"replace(o.{column}, 'O-0', 'O-' || CAST(s.n AS TEXT))"
        return f"replace({order_named}, 'C-0', 'C-' || CAST(s.n AS TEXT))"
    if seconds := MOVED.get(table, {}).get(column):
        apart = f"s.n * {seconds}000000" if is_sqlite else f"s.n * interval '{seconds} seconds'"
        return f"o.{column} + {apart}"
    return f"o.{column}"


def _columns(connection: Connection, name: str) -> list[str]:
    return [str(column["name"]) for column in connection.dialect.get_columns(connection, name)]


if __name__ == "__main__":
    print(table(measure(*map(int, sys.argv[1:]))))
