"""What facts amount to: promises and what was told, episodes, holds, outcomes, customers (DESIGN §4.1)."""

from datetime import time

import pytest

from orchestrator.model import OrderStatus, Status, Window
from orchestrator.planning.fold import in_order
from orchestrator.planning.promises import promised, promised_data
from tests.builders import at, car_order, event, fact, maria, reached
from tests.builders import promised as promise
from tests.deciding import Told, book, bounced, decide, fold, one, outcome

MOVED = book("{id: moved, on: {moved: arrived}, say: moved, timing: now}")
FIRST = promise("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
SECOND = promise("O-1", "arrived", "2026-03-19", "2026-03-05 10:00")


def versions(*told: Told) -> list[str]:
    return [str(version.value) for version in fold(*told)[0].milestones["arrived"].promises]


def tellings(*told: Told) -> list[str]:
    return [str(telling.value) for telling in fold(*told)[0].milestones["arrived"].tellings]


def moved_message(*told: Told) -> tuple[Told, Told]:
    """The message of the move was accepted; or it bounced."""
    note = one(decide(MOVED, *told, now="2026-03-05 10:00"))
    return outcome(note, "2026-03-05 10:01"), bounced(note, "2026-03-05 10:09")


# ── order ────────────────────────────────────────────────────────────────────


def test_facts_count_in_the_order_they_happened_not_in_the_order_they_came() -> None:
    late = fact(
        "promise.made",
        "O-1",
        "2026-03-04 10:00",
        milestone="arrived",
        date="2026-03-15",
        heard="2026-03-09 10:00",
    )

    assert versions(SECOND, FIRST, late) == ["2026-03-12", "2026-03-15", "2026-03-19"]


def test_facts_of_one_instant_have_an_order_of_their_own() -> None:
    now = "2026-03-12 10:00"
    told = [
        fact("order.cancelled", "O-1", now),
        fact("milestone.retracted", "O-1", now, milestone="arrived"),
        fact("milestone.reached", "O-1", now, milestone="arrived"),
        fact("promise.made", "O-1", now, milestone="arrived", date="2026-03-12"),
        fact("order.upserted", "O-1", now, customer="C-1"),
    ]

    assert [f.type for f in in_order(told)] == [f.type for f in reversed(told)]


@pytest.mark.parametrize(
    "data",
    [
        {"date": "2026-03-12"},
        {"at": "2026-03-12T16:30:00+00:00"},
        {"from": "2026-03-12T09:00:00+00:00", "to": "2026-03-12T11:00:00+00:00"},
    ],
)
def test_a_promise_is_read_as_it_is_written(data: dict[str, str]) -> None:
    assert promised_data(promised(data)) == data


# ── promises ─────────────────────────────────────────────────────────────────


def test_a_promise_is_a_new_version_only_when_its_value_differs() -> None:
    nightly = promise("O-1", "arrived", "2026-03-12", "2026-03-03 02:00")
    back = promise("O-1", "arrived", "2026-03-12", "2026-03-06 10:00")

    assert versions(FIRST, nightly, SECOND, back) == ["2026-03-12", "2026-03-19", "2026-03-12"]


def test_the_first_promise_is_told_and_a_revision_is_not_unless_it_says_so() -> None:
    aloud = promise("O-1", "arrived", "2026-03-19", "2026-03-05 10:00", told=True)
    internal = promise("O-1", "arrived", "2026-03-12", "2026-03-02 10:00", told=False)

    assert tellings(FIRST, SECOND) == ["2026-03-12"]
    assert tellings(FIRST, aloud) == ["2026-03-12", "2026-03-19"]
    assert tellings(internal, SECOND) == []


def test_the_same_value_told_later_is_a_telling_and_no_version() -> None:
    internal = promise("O-1", "arrived", "2026-03-12", "2026-03-02 10:00", told=False)
    by_phone = promise("O-1", "arrived", "2026-03-12", "2026-03-03 10:00", told=True)

    assert versions(internal, by_phone) == ["2026-03-12"]
    assert tellings(internal, by_phone) == ["2026-03-12"]


def test_an_accepted_message_tells_a_bounce_takes_it_back_and_unknown_does_neither() -> None:
    accepted, bounce = moved_message(FIRST, SECOND)
    note = one(decide(MOVED, FIRST, SECOND, now="2026-03-05 10:00"))

    assert tellings(FIRST, SECOND, accepted) == ["2026-03-12", "2026-03-19"]
    assert tellings(FIRST, SECOND, accepted, bounce) == ["2026-03-12"]
    assert tellings(FIRST, SECOND, outcome(note, "2026-03-05 10:01", "unknown")) == ["2026-03-12"]


def test_a_bounce_whose_clock_runs_ahead_of_ours_still_takes_the_telling_back() -> None:
    accepted, _ = moved_message(FIRST, SECOND)
    note = one(decide(MOVED, FIRST, SECOND, now="2026-03-05 10:00"))
    order, _ = fold(FIRST, SECOND, accepted, bounced(note, "2026-03-05 10:00"))

    assert [str(t.value) for t in order.milestones["arrived"].tellings] == ["2026-03-12"]
    assert order.outcomes[note.key].status is Status.FAILED


def test_an_unreachable_customer_was_not_contacted() -> None:
    accepted, bounce = moved_message(FIRST, SECOND)

    assert len(fold(FIRST, SECOND, accepted)[0].contacts) == 1
    assert fold(FIRST, SECOND, accepted, bounce)[0].contacts == []


# ── milestones, holds, the order ─────────────────────────────────────────────


def test_an_arrival_two_systems_report_is_as_old_as_the_first_we_heard() -> None:
    one_system = reached("O-1", "arrived", "2026-03-12 11:20", heard="2026-03-12 18:00")
    another = reached("O-1", "arrived", "2026-03-12 11:31", heard="2026-03-12 11:40", sender="b")
    arrived = fold(one_system, another)[0].milestones["arrived"]

    assert (arrived.episode, arrived.reached, arrived.heard) == (
        1,
        at("2026-03-12 11:20"),
        at("2026-03-12 11:40"),
    )


def test_a_retraction_ends_the_episode_and_one_of_nothing_is_nothing() -> None:
    back = event("milestone.retracted", "O-1", "2026-03-12 12:00", milestone="arrived")

    ended = fold(reached("O-1", "arrived", "2026-03-12 11:20"), back)[0].milestones["arrived"]
    assert (ended.episode, ended.reached, ended.retracted) == (2, None, at("2026-03-12 12:00"))
    assert fold(back)[0].milestones["arrived"].episode == 1


def test_holds_are_remembered_with_their_ends() -> None:
    held = event("order.held", "O-1", "2026-03-10 09:00", reason="the bank")
    again = event("order.held", "O-1", "2026-03-11 09:00", reason="heard twice")
    released = event("order.released", "O-1", "2026-03-12 09:00")

    assert fold(held, again)[0].status is OrderStatus.HELD
    (hold,) = fold(held, again, released)[0].holds
    assert (hold.since, hold.until, hold.reason) == (
        at("2026-03-10 09:00"),
        at("2026-03-12 09:00"),
        "the bank",
    )


def test_a_cancelled_order_stays_cancelled() -> None:
    cancelled = event("order.cancelled", "O-1", "2026-03-10 09:00", reason="changed her mind")
    later = [
        event("order.held", "O-1", "2026-03-11 09:00"),
        event("order.released", "O-1", "2026-03-12 09:00"),
    ]
    order, _ = fold(cancelled, *later, car_order(time="2026-03-13 09:00"))

    assert order.status is OrderStatus.CANCELLED
    assert order.cancel_reason == "changed her mind"


def test_what_an_order_does_not_mention_stays_and_null_empties_it() -> None:
    more = event(
        "order.upserted", "O-1", "2026-03-02 09:00", manager=None, attributes={"colour": "blue"}, plate="M-1"
    )
    order, _ = fold(car_order(), more)

    assert (order.owner.name, order.manager.name) == ("Nora Brandt", "")
    assert order.attributes == {"model": "Corsa", "colour": "blue", "plate": "M-1"}
    assert order.since == at("2026-03-01 09:00")


def test_a_task_that_was_done_stays_done_and_names_who_answered() -> None:
    done = event(
        "task.done", "O-1", "2026-03-12 17:00", task="O-1/x/y/owner", by="Nora Brandt", outcome="called"
    )
    late = event("task.acknowledged", "O-1", "2026-03-12 18:00", task="O-1/x/y/owner", by="Paul Lindner")

    assert fold(done, late)[0].answers["O-1/x/y/owner"].done


def test_every_other_type_is_kept_for_rules_that_name_it() -> None:
    assert [f.type for f in fold(event("yard.note", "O-1", "2026-03-12 17:00", note="dent"))[0].events] == [
        "yard.note"
    ]


# ── customers ────────────────────────────────────────────────────────────────


def test_windows_and_channels_are_what_the_customer_chose_last() -> None:
    monday = {"days": [0], "from": "19:00", "to": "21:00", "channel": "push"}
    _, customer = fold(
        maria(),
        event("preference.set", "C-1", "2026-03-02 09:00", channels=["sms"], windows=[]),
        event("preference.set", "C-1", "2026-03-03 09:00", windows=[monday]),
    )

    assert customer.channels == ("sms",)
    assert customer.windows == (Window(frozenset({0}), time(19), time(21), "push"),)


def test_a_stop_and_a_consent_of_one_instant_are_a_stop() -> None:
    now = "2026-03-02 09:00"
    _, customer = fold(
        event("consent.withdrawn", "C-1", now, event_id="a", purpose="marketing", channel="sms"),
        event("consent.given", "C-1", now, event_id="b", purpose="marketing", channel="sms"),
    )

    assert not customer.consents["marketing", "sms"].given


def test_an_erased_customer_has_no_name_and_no_address() -> None:
    _, customer = fold(
        maria(devices=["token"]), event("customer.erased", "C-1", "2026-03-02 09:00", reason="asked")
    )

    assert customer.erased
    assert (customer.name, customer.email, customer.phone, customer.devices) == ("", "", "", ())
