"""A channel keeps its rate, whatever is behind, and nobody is forgotten in line (issue 4, FACTS fault 13)."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import Message, Rejected, Unavailable, Unknown
from channels.rates import Limits, Rate
from orchestrator.model import Status
from orchestrator.views import messages, story
from tests.integration.dealership import (
    RULES,
    WORDS,
    Dealership,
    Scripted,
    arrived,
    customer,
    many,
    order,
    run,
)

Make = Callable[..., Dealership]
SECOND = timedelta(seconds=1)
BOTH = RULES.replace("channels: [email]", "channels: [sms, email]")


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Make]:
    made: list[Dealership] = []

    def make(*channels: Any, **more: Any) -> Dealership:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Dealership(folder, {channel.name: channel for channel in channels}, **more))
        return made[-1]

    yield make
    for house in made:
        house.close()


class Timed(Scripted):
    """A channel that takes everything, and knows when."""

    def __init__(self, name: str = "email") -> None:
        super().__init__(name, self._taken)
        self.house: Dealership | None = None
        self.times: list[datetime] = []

    def _taken(self, _: Message) -> None:
        if self.house is not None:
            self.times.append(self.house.clock.now())


def until_done(house: Dealership, most: timedelta) -> None:
    """Let time pass from one moment with something to do to the next, as a daemon sleeps."""
    end = house.clock.now() + most
    while True:
        house.drain()
        with house.ledger.read() as tx:
            due = house.dispatcher.next_due(tx, house.clock.now())
        if due is None or due > end:
            return
        house.clock.set(max(due, house.clock.now()))


def in_any_window(times: list[datetime], rate: Rate) -> bool:
    """Are there never more than rate × time + burst?"""
    return all(
        last - first + 1 <= rate.at_once + (times[last] - times[first]) / rate.each + 1e-6
        for first in range(len(times))
        for last in range(first, len(times))
    )


def test_a_hundred_behind_leave_at_the_rate_and_in_the_order_they_were_due(houses: Make) -> None:
    rate = Rate(10, 1, burst=5)
    email = Timed()
    house = houses(email, limits={"email": Limits(rate)}, batch=30)
    email.house = house
    house.hear(*many(100))
    start = house.clock.now()
    until_done(house, timedelta(minutes=1))

    assert len(email.times) == 100
    assert in_any_window(email.times, rate)
    assert email.times[-1] - start <= 9.6 * SECOND
    told = [message.to for message in email.sent]
    assert told == [f"customer-{number}@example.com" for number in range(1, 101)]


def test_nothing_waits_in_sending_and_what_waits_says_why(houses: Make) -> None:
    house = houses(Timed("email"), limits={"email": Limits(Rate(1, 60))})
    house.hear(*many(3))
    house.drain()

    with house.ledger.read() as tx:
        waiting = tx.entries_in({Status.SCHEDULED})
        assert tx.entries_in({Status.SENDING, Status.DISPATCHED}) == []
        assert tx.queues() == ["email"]
    assert [entry.reason for entry in waiting] == ["channel email is at its rate (1/m)"] * 2
    assert [entry.attempts for entry in waiting] == [0, 0]


def test_who_waits_for_a_rate_is_told_their_turn_and_not_when_they_are_looked_at_again(houses: Make) -> None:
    house = houses(Timed("email"), limits={"email": Limits(Rate(1, 60))})
    house.hear(*many(4))
    house.drain()
    now = house.clock.now()

    with house.ledger.read() as tx:
        waiting = sorted(tx.entries_in({Status.SCHEDULED}), key=lambda entry: entry.id)
        found = [messages.told(tx, entry.id, now) for entry in waiting]
    assert [one.turn for one in found if one is not None] == ["it is the next", "1 before it", "2 before it"]
    (coming,) = story.story_of(house.engine, waiting[2].wanted.order, now).next
    assert coming.at == now
    assert coming.why_then == "channel email is at its rate (1/m); in line, 2 before it"


def test_another_channel_flows_past_one_that_is_at_its_rate(houses: Make) -> None:
    sms, email = Timed("sms"), Timed("email")
    house = houses(sms, email, rules_text=BOTH, limits={"sms": Limits(Rate(1, 60))})
    for number in range(5):
        house.hear(
            customer(f"s{number}", email=None), order(f"S-{number}", f"s{number}"), arrived(f"S-{number}")
        )
        house.hear(
            customer(f"m{number}", phone=None), order(f"M-{number}", f"m{number}"), arrived(f"M-{number}")
        )
    house.drain()

    assert (len(sms.sent), len(email.sent)) == (1, 5)


def test_a_rate_outlasts_a_restart_and_two_workers_share_it(houses: Make, tmp_path: Path) -> None:
    rate = {"email": Limits(Rate(2, 3600, burst=2))}
    first = houses(Timed("email"), limits=rate)
    first.hear(*many(5))
    first.drain()
    other = Timed("email")
    second = Dealership(first.folder, {"email": other}, clock=first.clock, limits=rate)
    second.drain()
    second.close()

    assert other.sent == []


def test_two_channels_of_one_account_share_its_rate_and_neither_waits_for_all_of_the_other(
    houses: Make,
) -> None:
    rate = Rate(10, 1, burst=5)
    first, second = Timed("sms"), Timed("email")
    limits = {"sms": Limits(rate), "email": Limits(shares="sms")}
    house = houses(first, second, limits=limits, batch=30, rules_text=BOTH)
    first.house = second.house = house
    for number in range(40):
        who, mail_only = f"c-{number}", {} if number % 2 else {"phone": ""}
        house.hear(customer(who, email=f"{who}@example.com", **mail_only), order(f"O-{number}", who))
        house.hear(arrived(f"O-{number}"))
    until_done(house, timedelta(minutes=1))

    assert (len(first.times), len(second.times)) == (20, 20)
    assert in_any_window(sorted(first.times + second.times), rate)
    assert abs(first.times[-1] - second.times[-1]) <= SECOND


def test_each_sender_has_a_rate_of_its_own(houses: Make) -> None:
    limits = {"email": Limits(None, Rate(1, 60))}
    email = Timed("email")
    house = houses(email, limits=limits)
    house.hear(*many(3))
    house.drain()
    with house.ledger.read() as tx:
        assert tx.queues() == ["email hello@lindner.example"]
    assert len(email.sent) == 1
    until_done(house, timedelta(minutes=3))
    assert len(email.sent) == 3


def test_what_would_be_useless_by_its_turn_takes_the_next_step(houses: Make) -> None:
    sms, email = Timed("sms"), Timed("email")
    house = houses(sms, email, rules_text=BOTH, limits={"sms": Limits(Rate(1, 3600))}, batch=1)
    house.hear(*(event for number in range(1, 12) for event in (
        customer(f"c{number}"), order(f"BX-{number}", f"c{number}"), arrived(f"BX-{number}"),
    )))  # fmt: skip
    until_done(house, timedelta(hours=8))

    ended = Counter(house.entry(order=f"BX-{number}").status for number in range(1, 12))
    assert ended == {Status.ACCEPTED: 11}
    assert len(sms.sent) >= 5  # within the six hours that the news is useful
    assert len(email.sent) == 11 - len(sms.sent)


def test_what_must_be_heard_goes_before_the_rest_of_a_line(houses: Make) -> None:
    rules = RULES + RULES[RULES.index("  - id: arrived"):].replace("id: arrived", "id: news").replace(
        "reached: arrived", "reached: ordered"
    ) + "    purpose: relationship\n"  # fmt: skip
    email = Timed("email")
    house = houses(email, rules_text=rules, limits={"email": Limits(Rate(1, 60))}, words=WORDS)
    for number in range(4):
        house.hear(customer(f"n{number}"), order(f"N-{number}", f"n{number}"))
        house.hear({**arrived(f"N-{number}"), "data": {"milestone": "ordered"}})
    house.drain()
    house.clock.advance(SECOND)
    house.hear(customer("m"), order("M-1", "m"), arrived("M-1", "2026-03-12 09:59"))
    house.drain()
    house.clock.advance(timedelta(minutes=1))
    house.drain()

    assert house.entry(order="M-1").status is Status.ACCEPTED
    assert len(email.sent) == 2


def test_a_channel_that_is_tried_again_calls_nobody_before_its_rate_lets_them(houses: Make) -> None:
    answers = [None, Unavailable("429", retry_after=timedelta(seconds=40), code="429")]
    email = Scripted("email", lambda _: answers.pop(0) if answers else None)
    house = houses(email, limits={"email": Limits(Rate(1, 60))})
    house.hear(*many(3))
    house.drain()
    house.clock.advance(timedelta(seconds=60))
    house.drain()
    house.clock.advance(timedelta(seconds=40))  # it may be tried, and there is no room for another 20 s
    looks = [run(house.dispatcher.one_batch()) for _ in range(4)]
    assert looks[1:] == [0, 0, 0]  # at most the one whose own wait is over looks, once

    house.clock.advance(timedelta(seconds=20))
    house.drain()
    assert len(email.sent) == 3


TROUBLE: list[Callable[[], Exception]] = [
    lambda: Unavailable("503 later"),
    lambda: Unavailable("429", retry_after=timedelta(seconds=40), code="429"),
    lambda: Unavailable("phone off", retry_after=timedelta(minutes=30), recipient=True),
    lambda: Unknown("the connection broke"),
    lambda: Rejected("refused"),
]


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    count=st.integers(1, 40),
    rate=st.builds(Rate, st.integers(1, 20), st.sampled_from([1, 60]), st.integers(1, 6)),
    batch=st.sampled_from([3, 50]),
    faults=st.lists(st.sampled_from([*range(len(TROUBLE)), None]), max_size=30),
)
def test_no_window_sees_more_than_the_rate_and_everybody_is_told_or_it_is_said_why_not(
    houses: Make, count: int, rate: Rate, batch: int, faults: list[int | None]
) -> None:
    left, times = list(faults), []
    house: Dealership

    def answer(message: Message) -> Any:
        times.append(house.clock.now())
        fault = left.pop(0) if left else None
        return TROUBLE[fault]() if fault is not None else None

    email = Scripted("email", answer)
    house = houses(email, limits={"email": Limits(rate)}, batch=batch)
    house.hear(*many(count))
    until_done(house, timedelta(days=3))

    assert in_any_window(times, rate)
    ended = [house.entry(order=f"BX-{number}") for number in range(1, count + 1)]
    said = {Status.ACCEPTED, Status.FAILED, Status.EXPIRED, Status.UNKNOWN}
    assert {entry.status for entry in ended} <= said
    assert all(entry.reason for entry in ended if entry.status is not Status.ACCEPTED)
    told = [message.to for message in email.sent]
    assert len(told) >= sum(entry.status is Status.ACCEPTED for entry in ended)
