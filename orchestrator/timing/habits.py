"""When somebody usually looks, and the part of it in which a message is best there: towards its end. Pure."""

from datetime import date, datetime, time, timedelta

from orchestrator.model import Window
from orchestrator.timing import calendar

A_DAY = 24 * 60


def last_part(habit: Window, lead: timedelta) -> Window:
    """The last *lead* of a habit, or all of it where it is no longer: Monday 19 to 21 → 20:30 to 21."""
    minutes = lead // timedelta(minutes=1)
    start = _minute(habit.start)
    end = _minute(habit.end) + (A_DAY if habit.end <= habit.start else 0)
    if end - start <= minutes:
        return habit
    later, begins = divmod(end - minutes, A_DAY)  # a habit past midnight may have its last part tomorrow
    days = frozenset((day + later) % len(calendar.WEEKDAYS) for day in habit.days)
    return Window(days, time(*divmod(begins, 60)), habit.end, habit.channel)


def began(habits: tuple[Window, ...], moment: datetime, zone: str) -> datetime | None:
    """When the habit that *moment* falls in began this time; ``None`` outside of all of them."""
    if not habits:
        return None
    today = calendar.day_of(moment, zone)
    weekday = today.weekday()
    days = []
    for habit in habits:
        if weekday in habit.days:
            days.append((today, habit))
        if habit.end <= habit.start and (weekday - 1) % len(calendar.WEEKDAYS) in habit.days:  # past midnight
            days.append((today - calendar.DAY, habit))
    spans = [_on(day, habit, zone) for day, habit in days]
    return min([start for start, end in spans if start <= moment < end], default=None)


def _on(day: date, habit: Window, zone: str) -> tuple[datetime, datetime]:
    last = day if habit.start < habit.end else day + calendar.DAY
    return calendar.local(day, habit.start, zone), calendar.local(last, habit.end, zone)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
