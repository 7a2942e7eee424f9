"""Hours of the week that several choices have in common. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import time

from orchestrator.model import Window

DAY = 24 * 60  # minutes
WEEK = 7 * DAY

Minutes = tuple[int, int]  # from, inclusive, to, exclusive; counted from Monday 00:00


def common(choices: Sequence[Sequence[Window]]) -> tuple[Window, ...]:
    """Return the hours that every choice opens, by channel; empty if they have none in common.

    A choice that names no channel is one for every channel, but not for those it also names.
    """
    channels = sorted({window.channel for choice in choices for window in choice} - {""})
    found: list[Window] = []
    for channel in ("", *channels):
        open_to_all: set[int] | None = None
        for choice in choices:
            mine = [w for w in choice if w.channel == channel] or [w for w in choice if not w.channel]
            if not mine:
                continue  # it leaves this channel free
            minutes = {minute for window in mine for minute in _minutes(window)}
            open_to_all = minutes if open_to_all is None else open_to_all & minutes
        if open_to_all is not None and not open_to_all:
            return ()
        if open_to_all and any(w.channel == channel for choice in choices for w in choice):
            found += _windows(open_to_all, channel)
    return tuple(found)


def _minutes(window: Window) -> Iterator[int]:
    start, end = _of_day(window.start), _of_day(window.end)
    if end <= start:
        end += DAY
    for day in window.days:
        yield from ((day * DAY + minute) % WEEK for minute in range(start, end))


def _windows(minutes: Iterable[int], channel: str) -> Iterator[Window]:
    """Windows that open in just these minutes; the same hours of several days are one."""
    days: dict[Minutes, set[int]] = {}
    for start, end in _runs(sorted(minutes)):
        days.setdefault((start % DAY, end - start), set()).add(start // DAY)
    for (start, length), on in sorted(days.items()):
        yield Window(frozenset(on), _clock(start), _clock((start + length) % DAY), channel)


def _runs(minutes: Sequence[int]) -> Iterator[Minutes]:
    """Stretches without a gap, cut at midnight."""
    start = before = minutes[0]
    for minute in minutes[1:]:
        if minute != before + 1 or minute % DAY == 0:
            yield start, before + 1
            start = minute
        before = minute
    yield start, before + 1


def _of_day(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)
