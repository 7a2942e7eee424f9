"""What was measured, as lines of one table, and the clock it was measured with."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

HEADINGS = ("figure", "what", "measured", "floor", "result", "target", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; ``met`` is ``None`` where nothing was promised."""

    figure: str
    what: str
    measured: str
    floor: str = ""
    result: str = ""
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return (self.figure, self.what, self.measured, self.floor, self.result, self.target, verdict)


def table(lines: Sequence[Line]) -> str:
    """The lines below each other, each column as wide as it must be; a figure is named once."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    written, named = [], ""
    for number, row in enumerate(rows):
        cells = ("" if row[0] == named else row[0], *row[1:])
        named = row[0]
        written.append(
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        )
        if number == 0:
            written.append("  ".join("─" * width for width in widths))
    return "\n".join(written)


@dataclass(slots=True)
class Cost:
    """Seconds on the wall and of the processor (user and system, every thread of this process)."""

    wall: float = 0.0
    cpu: float = 0.0
    items: int = 1

    @property
    def each(self) -> float:
        """Seconds on the wall for one item."""
        return self.wall / self.items

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.wall

    @property
    def cpu_each(self) -> float:
        """Seconds of the processor for one item; hardly disturbed by what else the machine does."""
        return self.cpu / self.items


@contextmanager
def timed(items: int = 1) -> Iterator[Cost]:
    """Measure the block; the cost is complete when it ends."""
    cost = Cost(items=items)
    wall, cpu = time.perf_counter(), time.process_time()
    yield cost
    cost.wall, cost.cpu = time.perf_counter() - wall, time.process_time() - cpu


@dataclass(slots=True)
class Runs:
    """Several costs of the same work; their median is what counts."""

    costs: list[Cost] = field(default_factory=list)

    def add(self, cost: Cost) -> None:
        self.costs.append(cost)

    @property
    def median(self) -> Cost:
        """The middle one, for wall and processor apart."""
        return Cost(
            statistics.median(cost.wall for cost in self.costs),
            statistics.median(cost.cpu for cost in self.costs),
            self.costs[0].items,
        )


def median_of(times: int, work: Callable[[], Cost]) -> Cost:
    """Run *work* once for warmth and then *times* times."""
    work()
    runs = Runs([work() for _ in range(times)])
    return runs.median


def rate(cost: Cost, unit: str) -> str:
    return f"{cost.rate:,.0f} {unit}/s ({_micro(cost.cpu_each)} CPU)"


def against(figure: str, what: str, cost: Cost, floor: Cost, unit: str, target: float | None = None) -> Line:
    """The line that says what share of its *floor*'s rate was reached, and whether that is the *target*."""
    reached = cost.rate / floor.rate
    return Line(
        figure, what, rate(cost, unit), rate(floor, unit), ratio(reached, floor.cpu_each / cost.cpu_each),
        f"at least {target}" if target else "", reached >= target if target else None,
    )  # fmt: skip


def micro(cost: Cost) -> str:
    return f"{_micro(cost.each)} ({_micro(cost.cpu_each)} CPU)"


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"


def ratio(wall: float, cpu: float) -> str:
    return f"{wall:.2f} (CPU {cpu:.2f})"
