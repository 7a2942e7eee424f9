"""A channel that does not work is left alone, tried again, and works again; nobody is lost (issue 4)."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Unavailable
from channels.contract.http_server import Answer
from channels.email import EmailChannel
from channels.memory import MemoryChannel
from orchestrator.ledger import Health, Stops
from orchestrator.model import Status
from orchestrator.sending.health import FAILURES, SHUT
from orchestrator.views.story import story_of
from tests.contracts.smtp_server import SmtpServer
from tests.contracts.twilio_server import TwilioServer
from tests.integration.dealership import RULES, Dealership, Scripted, arrived, customer, many, order
from tests.integration.test_rates import until_done
from tests.integration.texting import TEXTED, Texting

Make = Callable[..., Dealership]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DOWN = Unavailable("503 later")
BOTH = RULES.replace("[email]", "[sms, email]")
MAIL_FIRST = RULES.replace("[email]", "[email, sms]")


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as running:
        yield running


def health(house: Dealership, channel: str = "email") -> Health | None:
    with house.ledger.read() as tx:
        return tx.health().get(channel)


def statuses(house: Dealership, count: int) -> list[Status]:
    return [house.entry(order=f"BX-{number}").status for number in range(1, count + 1)]


# ── failures in a row ────────────────────────────────────────────────────────


def test_after_failures_in_a_row_nothing_more_is_asked_of_it_until_one_message_tries(houses: Make) -> None:
    down = True
    email = Scripted("email", lambda _: DOWN if down else None)
    house = houses({"email": email}, batch=FAILURES)
    house.hear(*many(30))
    house.drain()

    assert len(email.sent) == FAILURES
    known = health(house)
    assert known is not None
    assert (known.failures, known.trips, known.until) == (FAILURES, 1, house.clock.now() + SHUT[0])

    house.pass_time(SHUT[0])
    assert len(email.sent) == FAILURES + 1  # one, though thirty wait
    known = health(house)
    assert known is not None
    assert (known.trips, known.until) == (2, house.clock.now() + SHUT[1])

    down = False
    house.pass_time(SHUT[1])
    assert health(house) is None
    house.drain()
    until_done(house, HOUR)
    assert set(statuses(house, 30)) == {Status.ACCEPTED}


def test_what_waits_for_it_says_why_and_spends_none_of_its_tries(houses: Make) -> None:
    house = houses({"email": Scripted("email", lambda _: DOWN)}, batch=FAILURES)
    house.hear(*many(8))
    house.drain()

    waits = [house.entry(order=f"BX-{number}") for number in range(FAILURES + 1, 9)]
    reason = f"channel email is left alone: {FAILURES} failures in a row, the last: 503 later"
    assert {(one.reason, one.attempts) for one in waits} == {(reason, 0)}


def test_an_explanation_says_when_the_channel_is_tried_again_and_not_when_it_is_given_up(
    houses: Make,
) -> None:
    email = Scripted("email", lambda _: DOWN)
    house = houses({"email": email, "sms": MemoryChannel("sms")}, rules_text=MAIL_FIRST, batch=FAILURES)
    house.hear(*many(FAILURES + 1))
    house.drain()

    (last,) = story_of(house.engine, f"BX-{FAILURES + 1}", house.clock.now()).next
    assert last.at == house.clock.now() + SHUT[0]
    assert last.why_then.startswith("channel email is left alone: ")


def test_it_is_left_alone_for_longer_each_time_and_a_restart_changes_nothing(houses: Make) -> None:
    email = Scripted("email", lambda _: DOWN)
    house = houses({"email": email}, batch=FAILURES)
    house.hear(*many(30))
    house.drain()
    waits = []
    for _ in range(8):
        known = health(house)
        assert known is not None
        assert known.until is not None
        waits.append(known.until - house.clock.now())
        house = houses({"email": email}, clock=house.clock, batch=FAILURES)
        house.drain()
        house.pass_time(waits[-1])

    assert waits == [*SHUT, SHUT[-1], SHUT[-1]]
    assert len(email.sent) == FAILURES + 8


def test_single_failures_among_answers_are_no_illness(houses: Make) -> None:
    calls = iter(range(1000))
    email = Scripted("email", lambda _: DOWN if next(calls) % 2 else None)
    house = houses({"email": email})
    house.hear(*many(40))
    house.drain()

    assert len(email.sent) == 40
    assert health(house) is None


def test_a_telephone_that_is_off_says_nothing_about_the_channel(houses: Make) -> None:
    off = Unavailable("the phone is off", retry_after=30 * MINUTE, recipient=True)
    house = houses({"email": Scripted("email", lambda _: off)})
    house.hear(*many(20))
    house.drain()

    assert health(house) is None
    assert house.entry(order="BX-1").not_before == house.clock.now() + 30 * MINUTE


def test_the_log_tells_once_when_it_is_left_alone_and_once_when_it_works(
    houses: Make, caplog: pytest.LogCaptureFixture
) -> None:
    down = True
    house = houses({"email": Scripted("email", lambda _: DOWN if down else None)}, batch=FAILURES)
    house.hear(*many(20))
    with caplog.at_level(logging.WARNING, logger="orchestrator.sending.turns"):
        house.drain()
        down = False
        house.pass_time(SHUT[0])
        house.drain()

    mine = [record.message for record in caplog.records if record.name.endswith("turns")]
    reason = "channel email is left alone: 5 failures in a row, the last: 503 later"
    assert mine == [f"{reason}; it is tried again at 2026-03-12 09:00:30Z", "channel email works again"]


# ── the provider says when ───────────────────────────────────────────────────


def test_28_a_429_of_twilio_slows_the_whole_channel_and_its_word_is_a_floor(
    houses: Make, twilio: TwilioServer
) -> None:
    house = houses({"sms": Texting(twilio)}, rules_text=TEXTED, batch=2)
    house.hear(*many(12))
    twilio.refuse(20429, status=429, wait="120")
    house.drain()
    asked = len(twilio.requests)
    assert asked <= 2  # what was on its way already

    house.pass_time(119 * SECOND)
    assert len(twilio.requests) == asked
    twilio.accepting()
    house.pass_time(SECOND)
    house.drain()

    assert set(statuses(house, 12)) == {Status.ACCEPTED}
    assert len(twilio.texts) == 12
    assert "slowed" in house.outcomes(house.entry(order="BX-1"))


def test_a_429_is_no_try_so_that_a_busy_day_uses_up_nobody(houses: Make) -> None:
    calls = iter(range(1000))
    slow = Unavailable("429", retry_after=20 * SECOND, code="429")
    email = Scripted("email", lambda _: slow if next(calls) < 12 else None)
    house = houses({"email": email})
    house.hear(customer(), order(), arrived())
    until_done(house, 5 * HOUR)

    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["slowed"] * 12 + ["accepted"]


def test_one_message_that_is_always_asked_to_wait_keeps_nobody_else_waiting(houses: Make) -> None:
    slow = Unavailable("429", retry_after=MINUTE, code="QUOTA_EXCEEDED")
    email = Scripted("email", lambda message: slow if "BX-1/" in message.id else None)
    house = houses({"email": email}, batch=1)
    house.hear(*many(8))
    for _ in range(6):
        house.pass_time(MINUTE)

    assert statuses(house, 8) == [Status.SCHEDULED] + [Status.ACCEPTED] * 7
    assert set(house.outcomes(house.entry(order="BX-1"))) == {"slowed"}


def test_a_server_that_says_421_is_left_alone_for_a_minute_and_the_mail_for_thirty(houses: Make) -> None:
    with SmtpServer() as server:

        class Smtp:
            name, abilities = "email", EmailChannel(server.host, server.port, "none").abilities

            async def send(self, message: Any) -> Any:
                channel = EmailChannel(server.host, server.port, "none", connections=1)
                try:
                    return await channel.send(message)
                finally:
                    await channel.close()

            async def close(self) -> None:
                """Each mail had a connection of its own."""

        house = houses({"email": Smtp()}, batch=1)
        server.answering("421 4.7.0 slow down", at="RCPT", times=1)
        house.hear(*many(4))
        house.drain()
        assert statuses(house, 4) == [Status.SCHEDULED] * 4
        house.pass_time(MINUTE)
        house.drain()
        assert statuses(house, 4) == [Status.SCHEDULED, *[Status.ACCEPTED] * 3]
        house.pass_time(30 * MINUTE)
        assert house.entry(order="BX-1").status is Status.ACCEPTED


def test_a_provider_that_fails_five_times_and_recovers_gets_every_text_once(
    houses: Make, twilio: TwilioServer
) -> None:
    house = houses({"sms": Texting(twilio)}, rules_text=TEXTED, batch=4)
    for number in range(1, 31):
        house.hear(customer(f"c{number}", phone=f"+49302312{5000 + number}"))
        house.hear(order(f"BX-{number}", f"c{number}"), arrived(f"BX-{number}"))
    twilio.answering(Answer(503), times=8)
    until_done(house, 5 * HOUR)

    assert set(statuses(house, 30)) == {Status.ACCEPTED}
    assert len(twilio.texts) == 30
    assert health(house, "sms") is None


# ── what waits ───────────────────────────────────────────────────────────────


def test_what_has_another_channel_waits_while_that_is_useful_and_then_takes_it(houses: Make) -> None:
    sms, email = Scripted("sms", lambda _: DOWN), MemoryChannel("email")
    house = houses({"sms": sms, "email": email}, rules_text=BOTH, batch=FAILURES)
    house.hear(*many(8))
    house.drain()
    assert house.entry(order="BX-8").reason.startswith("channel sms is left alone: ")
    assert email.sent == 0

    until_done(house, 40 * MINUTE)
    assert house.entry(order="BX-8").status is Status.ACCEPTED
    assert house.entry(order="BX-8").channel == "email"


def test_what_would_be_useless_by_then_takes_the_next_channel_at_once(houses: Make) -> None:
    soon = BOTH.replace("within: 6h", "within: 31m")
    house = houses(
        {"sms": Scripted("sms", lambda _: DOWN), "email": MemoryChannel("email")},
        rules_text=soon,
        batch=FAILURES,
    )
    house.hear(*many(FAILURES))
    house.drain()
    house.pass_time(SECOND)
    house.hear(customer("c98"), order("BX-98", "c98"), arrived("BX-98", "2026-03-12 09:29:20"))
    house.drain()

    assert house.entry(order="BX-98").status is Status.ACCEPTED
    assert house.entry(order="BX-98").channel == "email"


@pytest.mark.parametrize("stands", ["paused", "down"])
def test_what_expires_while_it_waits_says_for_what_and_the_owner_is_told(houses: Make, stands: str) -> None:
    house = houses({"email": Scripted("email", lambda _: DOWN)}, batch=FAILURES)
    if stands == "paused":
        with house.ledger.transaction() as tx:
            tx.pause(Stops.CHANNEL, "email", house.clock.now(), "wrong prices")
    house.hear(*many(FAILURES + 1))
    name = f"BX-{FAILURES + 1}"
    until_done(house, 7 * HOUR)

    entry = house.entry(order=name)
    assert entry.status is Status.EXPIRED
    why = "channel email is paused: wrong prices" if stands == "paused" else "channel email is left alone: "
    assert f"; unreachable: {why}" in entry.reason
    task = house.task("reach-the-customer", order=name)
    assert task is not None
    assert entry.reason in task.wanted.because


def test_a_resumed_channel_calls_everybody_who_stood_in_line(houses: Make) -> None:
    house = houses({"email": MemoryChannel("email")})
    with house.ledger.transaction() as tx:
        tx.pause(Stops.CHANNEL, "email", house.clock.now(), "wrong prices")
    house.hear(*many(10))
    house.drain()
    house.clock.advance(MINUTE)
    house.resume("email")
    house.drain()

    assert set(statuses(house, 10)) == {Status.ACCEPTED}
