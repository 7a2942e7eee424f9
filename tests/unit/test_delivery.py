"""What became of a message: reported late, twice, in any order, and folded into one truth (DESIGN §4.6)."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.reports import Became
from orchestrator.model import ENGINE, Fact, Order, Outcome, Status
from orchestrator.planning.delivery import CAME_BACK, RANKS, got
from orchestrator.planning.explain import explain
from tests.builders import at, promised
from tests.deciding import Told, book, decide, facts, fold, one, outcome, report

MOVED = book("{id: moved, on: {moved: arrived}, say: moved, timing: now}")
PROMISES = (
    promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00"),
    promised("O-1", "arrived", "2026-03-19", "2026-03-05 10:00"),
)
NOTE = one(decide(MOVED, *PROMISES, now="2026-03-05 10:00"))
TAKEN = outcome(NOTE, "2026-03-05 10:01", channel="email")
DOUBT = outcome(NOTE, "2026-03-05 10:01", "unknown", channel="email")


def after(*told: Told) -> Order:
    return fold(*PROMISES, *told)[0]


def said(*told: Told) -> Outcome:
    return after(*told).outcomes[NOTE.key]


def known(order: Order) -> list[str]:
    """The promises that the customer was told."""
    return [str(telling.value) for telling in order.milestones["arrived"].tellings]


TOLD, UNTOLD = ["2026-03-12", "2026-03-19"], ["2026-03-12"]


def test_every_word_of_the_contract_has_its_rank() -> None:
    assert set(RANKS) == set(Became)
    assert len(set(RANKS.values())) == len(Became)


def test_the_furthest_that_was_reported_counts_with_when_it_was() -> None:
    steps = [report(NOTE, "opened", "2026-03-05 11:00"), report(NOTE, "delivered", "2026-03-05 10:02")]
    outcome = said(TAKEN, *steps)

    assert (outcome.status, outcome.delivery) == (Status.ACCEPTED, "opened")
    assert outcome.delivery_at == at("2026-03-05 11:00")
    assert outcome.at == at("2026-03-05 10:01")


def test_what_is_said_twice_counts_from_the_first_time() -> None:
    twice = [report(NOTE, "delivered", f"2026-03-05 10:0{minute}") for minute in (7, 3)]

    assert said(TAKEN, *twice).delivery_at == at("2026-03-05 10:03")


def test_a_machine_that_fetches_a_message_has_not_opened_it() -> None:
    outcome = said(TAKEN, report(NOTE, "machine_open", "2026-03-05 10:01"))

    assert got(outcome, "delivered")
    assert not got(outcome, "opened")


@pytest.mark.parametrize("became", ["clicked", "complained", "unsubscribed"])
def test_who_follows_a_link_or_complains_has_read_it(became: str) -> None:
    assert got(said(TAKEN, report(NOTE, became, "2026-03-05 10:09")), "opened")


def test_a_deferred_message_was_taken_and_has_not_arrived() -> None:
    outcome = said(TAKEN, report(NOTE, "deferred", "2026-03-05 10:02"))

    assert got(outcome, "accepted")
    assert not got(outcome, "delivered")


@pytest.mark.parametrize("became", sorted(CAME_BACK))
def test_what_came_back_was_not_told_and_was_no_contact(became: str) -> None:
    order = after(TAKEN, report(NOTE, became, "2026-03-05 10:09", code="5.1.1", reason="no such mailbox"))

    assert known(order) == UNTOLD
    assert order.contacts == []
    assert order.outcomes[NOTE.key].status is Status.FAILED
    assert order.outcomes[NOTE.key].reason.endswith(": 5.1.1 no such mailbox")


def test_of_another_channel_than_the_one_it_left_through_nothing_counts() -> None:
    order = after(TAKEN, report(NOTE, "failed", "2026-03-05 10:00", channel="sms"))

    assert known(order) == TOLD
    assert order.outcomes[NOTE.key].delivery == ""


def test_what_nobody_could_say_was_said_once_its_provider_says_that_it_was_delivered() -> None:
    assert known(after(DOUBT)) == UNTOLD
    order = after(DOUBT, report(NOTE, "delivered", "2026-03-05 10:30", channel="email"))

    assert known(order) == TOLD
    assert order.contacts == [(at("2026-03-05 10:01"), NOTE.key)]
    assert order.outcomes[NOTE.key].status is Status.ACCEPTED


def test_what_was_settled_already_is_told_once() -> None:
    settled = outcome(NOTE, "2026-03-05 10:30", channel="email")
    order = after(DOUBT, report(NOTE, "delivered", "2026-03-05 10:30"), settled)

    assert known(order) == TOLD
    assert len(order.contacts) == 1


def test_a_report_of_a_message_nobody_knows_changes_nothing() -> None:
    stray = report(NOTE, "bounced", "2026-03-05 10:30")

    assert after(stray).outcomes == {}
    assert known(after(stray)) == UNTOLD


def test_a_bounce_of_an_older_version_is_still_read() -> None:
    when = at("2026-03-05 10:09")
    data = {"key": NOTE.key, "reason": "550 5.1.1"}
    order = after(TAKEN, Fact(ENGINE, "old", "notification.bounced", "O-1", when, when, data))

    assert known(order) == UNTOLD
    assert order.outcomes[NOTE.key].reason == "unreachable: it came back: 550 5.1.1"


def test_an_event_called_so_before_it_was_a_type_of_ours_says_nothing() -> None:
    when = at("2026-03-05 10:09")

    assert said(TAKEN, Fact("app", "1", "message.opened", "O-1", when, when, {"id": 7})).delivery == ""


def test_a_task_stands_even_if_its_mail_comes_back() -> None:
    rules = book("{id: ask, on: {upcoming: arrived, before: 0d}, task: {for: owner, do: ask}}")
    task = one(decide(rules, *PROMISES, now="2026-03-05 10:00"))
    order = after(outcome(task, "2026-03-05 10:01"), report(task, "bounced", "2026-03-05 10:09"))

    assert order.outcomes[task.key].status is Status.ACCEPTED
    assert order.outcomes[task.key].at == at("2026-03-05 10:01")


REPORTS = st.lists(
    st.tuples(st.sampled_from(list(Became)), st.sampled_from(["", "email", "sms"]), st.integers(-20, 60)),
    max_size=6,
)


def at_all_times(reports: Sequence[tuple[Became, str, int]], minutes: Sequence[int]) -> list[Fact]:
    """These reports, as clocks have them that are wrong by up to an hour."""
    moments = (TAKEN.happened + timedelta(minutes=minute) for minute in minutes)
    return [
        Fact("twilio", str(number), f"message.{became}", "O-1", moment, moment,
             {"message": NOTE.key, "channel": channel})
        for number, ((became, channel, _), moment) in enumerate(zip(reports, moments, strict=True))
    ]  # fmt: skip


@given(REPORTS, st.sampled_from([TAKEN, DOUBT]), st.data())
def test_reports_come_to_the_same_whatever_their_order_and_their_clocks(
    reports: list[tuple[Became, str, int]], ours: Fact, data: st.DataObject
) -> None:
    minutes = [minute for _, _, minute in reports]
    wrong = data.draw(st.permutations(minutes))
    orders = [
        after(ours, *at_all_times(reports, minutes)),
        after(*data.draw(st.permutations([ours, *at_all_times(reports, minutes)]))),
        after(ours, *at_all_times(reports, wrong)),
    ]
    outcomes = [order.outcomes[NOTE.key] for order in orders]

    assert orders[0] == orders[1]
    assert len({(one.status, one.delivery) for one in outcomes}) == 1
    assert [known(order) for order in orders] == [known(orders[0])] * 3
    assert [len(order.contacts) for order in orders] == [len(orders[0].contacts)] * 3


@given(REPORTS)
def test_one_more_report_never_makes_less_of_what_is_known(reports: list[tuple[Became, str, int]]) -> None:
    came = at_all_times(reports, [minute for _, _, minute in reports])
    ranks = [RANKS.get(said(TAKEN, *came[:count]).delivery, 0) for count in range(len(came) + 1)]

    assert ranks == sorted(ranks)


def test_the_story_says_what_became_of_a_message() -> None:
    reports = [
        report(NOTE, "deferred", "2026-03-05 10:02", channel="email"),
        report(NOTE, "bounced", "2026-03-05 10:09", channel="email", code="5.1.1", reason="no such mailbox"),
    ]
    for came in permutations(reports):
        heard = facts(*PROMISES, TAKEN, *came)
        order, customer = fold(*heard)
        story = explain(order, customer, sorted(heard, key=lambda f: f.happened), (),
                        decide(MOVED, *heard, now="2026-03-05 11:00"), MOVED)  # fmt: skip
        assert [moment.text for moment in story.timeline][-2:] == [
            "new-car/moved to the customer by email has not arrived yet; the provider tries again",
            "new-car/moved to the customer by email came back: 5.1.1 no such mailbox",
        ]
