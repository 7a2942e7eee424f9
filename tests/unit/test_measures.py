"""The measures of scene 14, counted by hand: promises kept, time to tell, silence, and who asked first."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from orchestrator.journey import Journey, On, Rule, Rung, Trigger
from orchestrator.model import Entry, Fact, Kind, Notification, Order, Purpose, Status
from orchestrator.planning.fold import fold_order
from orchestrator.views.measures import FIRST, KEPT, SILENT, TOLD, Reading, readings, summed, total
from tests.builders import BERLIN, at, car_order, event, incoming, promised, reached

CAR = Journey(
    "new-car",
    phases={"waiting": ("ordered", "arrived"), "handover": ("prepared", "collected")},
    rules=(
        Rule("arrived", "new-car", Trigger(On.REACHED, "arrived"), (Rung("arrived"),)),
        Rule("soon", "new-car", Trigger(On.UPCOMING, "arrived"), (Rung("soon"),)),
    ),
)
NOW = at("2026-04-30 12:00")


def facts(*documents: dict[str, Any]) -> list[Fact]:
    return [incoming(one).fact for one in (car_order(), *documents)]


def said(
    rule: str, trigger: str, accepted: str, *, occasion: str = "arrived#1", status: Status = Status.ACCEPTED
) -> Entry:
    due, end = at(trigger), at(accepted)
    wanted = Notification(
        "O-1", rule, occasion, "customer", "C-1", Kind.MESSAGE, f"new-car/{rule}", Purpose.SERVICE, due, None,
        journey="new-car", trigger_at=due,
    )  # fmt: skip
    return Entry(1, wanted.key, wanted, status, due, None, updated_at=end)


def measured(
    *documents: dict[str, Any], entries: tuple[Entry, ...] = (), now: datetime = NOW
) -> list[Reading]:
    heard = facts(*documents)
    order: Order = fold_order("O-1", heard)
    return list(readings(order, CAR, heard, entries, BERLIN, now))


def values(found: list[Reading], name: str) -> list[float]:
    return [one.value for one in found if one.name == name]


def test_a_promise_is_kept_until_the_end_of_its_day() -> None:
    (kept,) = [
        one
        for one in measured(
            promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
            reached("O-1", "arrived", "2026-03-12 23:59"),
        )
        if one.name == KEPT
    ]

    assert (kept.value, kept.week, kept.phase, kept.journey, kept.location) == (
        1.0, date(2026, 3, 9), "waiting", "new-car", "munich",
    )  # fmt: skip


def test_a_missed_promise_and_the_new_one_count_each_on_its_own() -> None:
    found = measured(
        promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
        promised("O-1", "arrived", "2026-03-17", "2026-03-13 09:00", told=True),
        reached("O-1", "arrived", "2026-03-16 10:00"),
    )

    assert values(found, KEPT) == [0.0, 1.0]
    assert [one.week for one in found if one.name == KEPT] == [date(2026, 3, 9), date(2026, 3, 16)]


def test_a_promise_that_another_replaced_in_time_does_not_count() -> None:
    found = measured(
        promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
        promised("O-1", "arrived", "2026-03-19", "2026-03-10 09:00", told=True),
        reached("O-1", "arrived", "2026-03-19 10:00"),
    )

    assert values(found, KEPT) == [1.0]


@pytest.mark.parametrize(
    ("documents", "counted"),
    [
        ([promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00", told=False)], []),
        ([promised("O-1", "arrived", "2026-05-12", "2026-03-02 09:00")], []),
        ([promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00")], [0.0]),
        (
            [
                promised("O-1", "arrived", "2026-03-12", "2026-03-02 09:00"),
                event("order.cancelled", "O-1", "2026-03-11 09:00", reason="changed their mind"),
            ],
            [],
        ),
    ],
    ids=["nobody was told", "its time has not come", "it never happened", "the order was cancelled before"],
)
def test_only_what_a_customer_was_told_and_whose_time_came_counts(
    documents: list[dict[str, Any]], counted: list[float]
) -> None:
    assert values(measured(*documents), KEPT) == counted


def test_time_to_tell_runs_from_the_news_to_the_first_message_that_was_accepted() -> None:
    found = measured(
        reached("O-1", "arrived", "2026-03-12 10:00"),
        entries=(
            said("arrived", "2026-03-12 10:00", "2026-03-12 11:30"),
            said("arrived", "2026-03-12 10:00", "2026-03-12 13:30", occasion="arrived#1.s2"),
            said("arrived", "2026-03-12 10:00", "2026-03-12 10:01", occasion="x", status=Status.SUPPRESSED),
            said("soon", "2026-03-11 10:00", "2026-03-11 10:00"),
        ),
    )

    assert values(found, TOLD) == [1.5]


@pytest.mark.parametrize(
    ("call", "direction", "first"),
    [
        ("2026-03-12 10:30", "in", 0.0),
        ("2026-03-12 12:00", "in", 1.0),
        ("2026-03-12 09:00", "in", 1.0),
        ("2026-03-12 10:30", "out", 1.0),
    ],
)
def test_who_calls_between_the_news_and_our_message_asked_first(
    call: str, direction: str, first: float
) -> None:
    found = measured(
        reached("O-1", "arrived", "2026-03-12 10:00"),
        event("contact.logged", "O-1", call, direction=direction, reason="where is it", by="Nora Brandt"),
        entries=(said("arrived", "2026-03-12 10:00", "2026-03-12 11:30"),),
    )

    assert values(found, FIRST) == [first]


def test_silence_is_counted_between_contacts_while_the_order_is_open() -> None:
    found = measured(
        event("contact.logged", "O-1", "2026-03-05 09:00", direction="out", reason="hello", by="Nora Brandt"),
        event("contact.logged", "O-1", "2026-03-15 09:00", direction="in", reason="hello", by="Nora Brandt"),
        reached("O-1", "collected", "2026-03-16 09:00"),
        event("contact.logged", "O-1", "2026-04-15 09:00", direction="out", reason="how is it", by="Nora"),
    )

    assert values(found, SILENT) == [4.0, 10.0]


def test_rows_hold_rates_middles_and_the_longest() -> None:
    week, later = date(2026, 3, 9), date(2026, 3, 16)
    found = [
        Reading(KEPT, week, "waiting", "new-car", "munich", 1.0),
        Reading(KEPT, week, "waiting", "new-car", "munich", 0.0),
        Reading(KEPT, later, "handover", "new-car", "munich", 1.0),
        Reading(TOLD, week, "waiting", "new-car", "munich", 1.0),
        Reading(TOLD, week, "waiting", "new-car", "munich", 9.0),
        Reading(TOLD, week, "waiting", "new-car", "munich", 2.0),
        Reading(SILENT, week, "waiting", "new-car", "munich", 3.0),
        Reading(SILENT, week, "waiting", "new-car", "munich", 20.0),
    ]

    first, second = summed(found, "week")
    assert (first.key, first.promises, first.kept, first.told_hours) == ("2026-03-09", 2, 0.5, 2.0)
    assert (first.silent_days, first.longest_days, first.first) == (11.5, 20.0, None)
    assert (second.key, second.kept, second.told_hours) == ("2026-03-16", 1.0, None)
    assert [row.key for row in summed(found, "phase")] == ["handover", "waiting"]
    assert total(found).promises == 3
    assert total([]).kept is None


def test_a_week_begins_on_the_monday_of_the_orders_place() -> None:
    found = measured(
        promised("O-1", "arrived", "2026-03-16", "2026-03-02 09:00"),
        reached("O-1", "arrived", "2026-03-16 00:30"),
    )

    assert [one.week for one in found if one.name == KEPT] == [date(2026, 3, 16)]
    assert NOW - at("2026-03-16 00:30") > timedelta(days=30)
