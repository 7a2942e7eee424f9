"""Of several messages planned for one capped day, each gets the first with room beside those before it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.journey import BusinessCalendar, Cap
from orchestrator.model import Purpose, Sent, Window
from orchestrator.planning.planner import wanted
from orchestrator.timing import calendar, gates
from orchestrator.timing.caps import counting
from tests.builders import BERLIN, at, car_order, event, maria
from tests.deciding import book, decide, fold

START = at("2026-03-23 00:00")  # the clocks change within the week
ONCE_A_DAY = {Purpose.SERVICE: Cap(day=1)}
NOTED = "{id: noted, on: {event: yard.note}, say: noted, channels: [email], timing: {within: 60d}}"

moments = st.integers(0, 10 * 96).map(lambda quarter: START + timedelta(minutes=15 * quarter))
zones = st.sampled_from([BERLIN, "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata"])
caps = st.builds(Cap, st.integers(1, 3), st.none() | st.integers(2, 9))


def test_who_finds_no_day_with_room_in_time_stays_where_they_are() -> None:
    rules = book(NOTED.replace("60d", "10h"), caps=ONCE_A_DAY)
    decision = decide(
        rules,
        event("yard.note", "O-1", "2026-03-12 09:00"),
        event("yard.note", "O-1", "2026-03-12 10:00"),
        now="2026-03-12 08:00",
    )

    assert [note.due_at for note in decision.wanted] == [at("2026-03-12 09:00"), at("2026-03-12 10:00")]


@settings(max_examples=150)
@given(st.lists(moments, min_size=1, max_size=9, unique=True), st.lists(moments, max_size=4), caps, zones)
def test_every_planned_message_gets_the_first_day_with_room_beside_those_due_before_it(
    news: Sequence[datetime], had: Sequence[datetime], cap: Cap, zone: str
) -> None:
    now = START - timedelta(hours=1)
    sent = [one - timedelta(days=11) for one in had]
    told = [event("yard.note", "O-1", one) for one in news]
    order, customer = fold(car_order(), maria(time_zone=zone), *told)
    customer.sent = tuple(Sent(one, Purpose.SERVICE, f"had-{n}", n) for n, one in enumerate(sent))
    decision = wanted(order, customer, book(NOTED, caps={Purpose.SERVICE: cap}), now)

    days: Counter[object] = Counter()
    weeks: Counter[object] = Counter()
    expected = []
    for moment in sent:
        day = calendar.day_of(moment, zone)
        days[day] += 1
        weeks[day.isocalendar()[:2]] += 1
    for moment in sorted(news):
        day = calendar.day_of(moment, zone)
        while days[day] >= (cap.day or 99) or weeks[day.isocalendar()[:2]] >= (cap.week or 99):
            day += timedelta(days=1)
            moment = calendar.local(day, time(0), zone)  # noqa: PLW2901
        days[day] += 1
        weeks[day.isocalendar()[:2]] += 1
        expected.append(moment)
    assert sorted(note.due_at for note in decision.wanted) == sorted(expected)


# ── the short way through gates ──────────────────────────────────────────────

clocks = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
windows = st.lists(
    st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), clocks, clocks), max_size=2
)
businesses = st.dictionaries(st.integers(0, 6), st.just((time(9), time(17, 30))), max_size=7).map(
    lambda hours: BusinessCalendar(hours, frozenset({at("2026-03-30 12:00").date()}))
)


@settings(max_examples=300)
@given(windows, st.tuples(clocks, clocks), businesses, st.lists(moments, max_size=6), caps, moments, zones)
def test_what_a_way_remembers_is_what_asking_every_gate_in_turns_finds(
    chosen: Sequence[Window],
    quiet: tuple[time, time],
    business: BusinessCalendar,
    planned: Sequence[datetime],
    cap: Cap,
    moment: datetime,
    zone: str,
) -> None:
    def opens(at: datetime) -> datetime | None:
        try:
            return calendar.next_business(at, zone, business)
        except ValueError:
            return None

    had = counting((), {Purpose.SERVICE: cap}, zone, START)
    for number, one in enumerate(planned):
        had.plan(one, Purpose.SERVICE, str(number))
    full = gates.cap_on(had.limit(Purpose.SERVICE, ""))
    found = [
        gates.Gate("window", lambda at: calendar.next_open(at, tuple(chosen), zone)),
        gates.Gate("quiet", lambda at: calendar.leave_quiet(at, quiet, zone)),
        gates.Gate("open", opens, rare=True),
    ]
    way = gates.Way(found)
    for again in (moment, moment, moment + timedelta(hours=3)):
        every = found if full is None else [*found, full]
        assert way.through(again, full) == gates.through(again, every)
