"""When somebody wants messages and when they usually look, as a picture of a week. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time

from orchestrator.model import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Block:
    """From *start* to *end* in minutes of that *day* (0 Monday); ``channel`` "" means every channel."""

    day: int
    start: int
    end: int
    channel: str


@dataclass(frozen=True, slots=True)
class Week:
    """What to draw, and the same in words."""

    windows: tuple[Block, ...]
    habits: tuple[Block, ...]
    quiet: tuple[Block, ...]
    wanted: tuple[str, ...]
    usual: tuple[str, ...]


def week(windows: Iterable[Window], habits: Iterable[Window], quiet: tuple[time, time] | None = None) -> Week:
    """Draw a week of these; *quiet* are the hours of every day in which nothing rings."""
    chosen, usual = tuple(windows), tuple(habits)
    silent = (Window(frozenset(range(7)), *quiet),) if quiet is not None else ()
    return Week(
        tuple(_blocks(chosen)),
        tuple(_blocks(usual)),
        tuple(_blocks(silent)),
        tuple(map(in_words, chosen)),
        tuple(map(in_words, usual)),
    )


def in_words(window: Window) -> str:
    """``Mon–Fri 18:00–20:00 by email``."""
    by = f" by {window.channel}" if window.channel else ""
    end = "24:00" if window.end == time() else f"{window.end:%H:%M}"
    return f"{_days(window.days)} {window.start:%H:%M}–{end}{by}"


def _blocks(windows: Iterable[Window]) -> Iterator[Block]:
    """One for each day; what runs past midnight goes on the day after."""
    for window in windows:
        start, end = _minute(window.start), _minute(window.end)
        for day in sorted(window.days):
            if end > start:
                yield Block(day, start, end, window.channel)
                continue
            yield Block(day, start, DAY, window.channel)
            if end:
                yield Block((day + 1) % 7, 0, end, window.channel)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _days(days: frozenset[int]) -> str:
    """``daily``, ``Mon–Fri, Sun``."""
    if len(days) == 7:
        return "daily"
    parts: list[list[int]] = []
    for day in sorted(days):
        if parts and parts[-1][-1] == day - 1:
            parts[-1].append(day)
        else:
            parts.append([day])
    return ", ".join(
        DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}{'–' if len(run) > 2 else ', '}{DAYS[run[-1]]}"
        for run in parts
    )
