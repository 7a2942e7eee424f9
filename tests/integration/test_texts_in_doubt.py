"""A text that may have left is looked for among what Twilio has, and never sent blindly."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import AfterUnknown, Channel, ChannelError, Message, Receipt, Unknown
from channels.contract.http_server import CUT_AFTER, CUT_WITHIN, NONSENSE, SLOW, Answer
from channels.kinds.sms import KIND
from channels.memory import MemoryChannel
from orchestrator.model import Status
from orchestrator.sending.records import FOUND
from tests.contracts.twilio_server import TwilioServer, refusal
from tests.integration.calling_back import consent
from tests.integration.dealership import RULES, START, Dealership, Scripted, arrived, customer, order
from tests.integration.texting import MARIA, TEXT, TEXTED, Texting, had, to

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with TwilioServer() as running:
        yield running


# ── looking for what may have left ───────────────────────────────────────────


async def found(
    server: TwilioServer, since: datetime | None = None, others: frozenset[str] = frozenset()
) -> Receipt | None:
    channel = to(server)
    try:
        return await channel.find(TEXT, since or datetime.now(UTC), others)
    finally:
        await channel.close()


async def test_what_was_cut_off_after_twilio_took_it_is_found(server: TwilioServer) -> None:
    server.answering(CUT_AFTER, times=1)
    channel = to(server)
    with pytest.raises(Unknown):
        await channel.send(TEXT)
    await channel.close()
    receipt = await found(server)
    assert receipt is not None
    assert receipt.provider_id == server.texts[0].sid


async def test_what_waits_in_twilios_queue_is_found_though_it_has_no_date(server: TwilioServer) -> None:
    text = had(server, sent=None)
    receipt = await found(server)
    assert receipt is not None
    assert receipt.provider_id == text.sid


@pytest.mark.parametrize(
    "different",
    [
        {"to": "+12025550123"},
        {"body": "Guten Tag Frau Keller, Ihr Wagen kommt später."},
        {"direction": "inbound"},
        {"created": datetime.now(UTC) - timedelta(days=2)},
    ],
    ids=["to somebody else", "of other words", "a reply", "of the day before yesterday"],
)
async def test_another_message_is_not_mistaken_for_it(
    server: TwilioServer, different: dict[str, Any]
) -> None:
    had(server, **different)
    assert await found(server) is None


async def test_it_is_found_though_our_clock_ran_an_hour_ahead(server: TwilioServer) -> None:
    text = had(server)
    receipt = await found(server, datetime.now(UTC) + timedelta(hours=1))
    assert receipt is not None
    assert receipt.provider_id == text.sid


async def test_it_is_found_behind_a_page_of_others(server: TwilioServer) -> None:
    server.page = 2
    text = had(server)
    for number in range(5):
        had(server, body=f"Nachricht {number}")
    receipt = await found(server)
    assert receipt is not None
    assert receipt.provider_id == text.sid


async def test_line_ends_do_not_hide_it(server: TwilioServer) -> None:
    had(server, body=f"{TEXT.text}\r\n".replace(", ", ",  "))
    assert await found(server) is not None


async def test_where_twilio_keeps_no_texts_nobody_can_tell(server: TwilioServer) -> None:
    server.keeps_bodies = False
    assert await found(server) is None
    had(server)
    with pytest.raises(Unknown):
        await found(server)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, 20500, "oh"), refusal(429, 20429, "later"), refusal(401, 20003, "who"),
        Answer.of(200, {}), Answer.of(200, {"messages": [{"sid": "SM1"}]}), Answer(200, b"<html>"),
        Answer(200, b"[]"),
    ],
)  # fmt: skip
async def test_a_list_that_does_not_come_finds_nothing_out(server: TwilioServer, answer: Answer) -> None:
    server.answering(answer)
    with pytest.raises(ChannelError):
        await found(server)


# ── through the dispatcher ───────────────────────────────────────────────────


@pytest.fixture
def house(tmp_path: Path, server: TwilioServer) -> Iterator[Dealership]:
    made = Dealership(tmp_path, {"sms": Texting(server)}, rules_text=TEXTED)
    server.now = made.clock.now
    made.hear(customer(phone=MARIA), order(), arrived())
    yield made
    made.close()


def asked(server: TwilioServer) -> list[str]:
    return [request.method for request in server.requests]


def test_a_text_leaves_once(house: Dealership, server: TwilioServer) -> None:
    house.drain()
    house.pass_time(timedelta(hours=1))
    assert house.entry().status is Status.ACCEPTED
    assert [(text.to, text.body) for text in server.texts] == [(MARIA, "Hello Maria Keller, it is here.")]
    assert asked(server) == ["POST"]


@pytest.mark.parametrize("misdeed", [CUT_AFTER, CUT_WITHIN, NONSENSE, SLOW])
def test_2_and_28_a_text_that_twilio_has_is_found_and_never_sent_again(
    house: Dealership, server: TwilioServer, misdeed: str
) -> None:
    server.answering(misdeed, method="POST", times=1)
    house.drain()
    assert house.outcomes(house.entry()) == ["unknown"]
    assert "asked before anything is sent again" in house.entry().reason
    for _ in range(5):
        house.pass_time(timedelta(minutes=10))
    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["unknown", "accepted"]
    assert asked(server) == ["POST", "GET"]
    assert len(server.texts) == 1


def test_a_text_that_twilio_has_not_is_sent_after_it_was_asked(
    house: Dealership, server: TwilioServer
) -> None:
    server.refuse(20500, status=500, times=1)
    house.drain()
    house.pass_time(timedelta(minutes=1))
    assert house.entry().status is Status.ACCEPTED
    assert asked(server) == ["POST", "GET", "POST"]
    assert len(server.texts) == 1


def with_another_order(house: Dealership) -> None:
    """The first order's text has left; within a minute a second one says the same to the same number."""
    house.drain()
    house.clock.advance(timedelta(minutes=1))
    house.hear(order("BX-2"), arrived("BX-2", house.clock.now()))


def test_a_text_of_another_order_that_says_the_same_is_not_taken_for_it(
    house: Dealership, server: TwilioServer
) -> None:
    with_another_order(house)
    server.refuse(20500, status=500, times=1)
    house.drain()
    assert house.outcomes(house.entry(order="BX-2")) == ["unknown"]
    house.pass_time(timedelta(minutes=2))
    assert house.entry(order="BX-2").status is Status.ACCEPTED
    assert asked(server) == ["POST", "POST", "GET", "POST"]
    assert len(server.texts) == 2
    assert len({text.body for text in server.texts}) == 1
    assert names(house, "BX-1") + names(house, "BX-2") == [text.sid for text in server.texts]


def test_a_lost_answer_is_found_beside_a_text_of_another_order_that_says_the_same(
    house: Dealership, server: TwilioServer
) -> None:
    with_another_order(house)
    server.answering(CUT_AFTER, method="POST", times=1)
    house.drain()
    house.pass_time(timedelta(minutes=2))
    assert house.entry(order="BX-2").status is Status.ACCEPTED
    assert asked(server) == ["POST", "POST", "GET"]
    assert names(house, "BX-1") + names(house, "BX-2") == [text.sid for text in server.texts]
    assert len(server.texts) == 2


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_two_in_doubt_that_say_the_same_are_never_both_the_one_that_twilio_has(
    house: Dealership, server: TwilioServer, taken: int
) -> None:
    house.hear(order("BX-2"), arrived("BX-2"))
    if taken:
        server.answering(CUT_AFTER, method="POST", times=taken)
    if taken < 2:
        server.answering(refusal(500, 20500, "oh"), method="POST", times=2 - taken)
    house.drain()
    for _ in range(5):
        house.pass_time(timedelta(minutes=1))
    both = names(house, "BX-1") + names(house, "BX-2")
    assert sorted(both) == sorted(text.sid for text in server.texts)
    assert len(both) == 2


def test_what_another_daemon_found_for_its_message_meanwhile_is_not_taken_for_ours(
    house: Dealership, server: TwilioServer
) -> None:
    server.answering(CUT_AFTER, method="POST", times=1)
    house.drain()
    with house.ledger.transaction() as tx:  # the other one asked at the same time, and was first
        assert tx.prove(f"{FOUND}sms", server.texts[0].sid, "another entry", house.clock.now())
    house.pass_time(timedelta(minutes=2))

    assert house.entry().status is not Status.ACCEPTED
    assert names(house, "BX-1") == []
    assert len(server.texts) == 1


def names(house: Dealership, of: str) -> list[str]:
    """What Twilio calls the texts of that order."""
    entry = house.entry(order=of)
    with house.ledger.read() as tx:
        return [one.provider_id for one in tx.attempts(entry.id) if one.provider_id]


def test_while_twilio_cannot_be_asked_nothing_is_sent_and_then_a_person_decides(
    house: Dealership, server: TwilioServer
) -> None:
    server.answering(CUT_AFTER, method="POST", times=1)
    server.answering(refusal(503, 20503, "later"), method="GET")
    for _ in range(60):
        house.pass_time(timedelta(minutes=10))
    assert house.entry().status is Status.UNKNOWN
    assert asked(server).count("POST") == 1
    assert len(server.texts) == 1
    assert house.task("reach-the-customer") is not None


def test_once_in_doubt_every_later_try_asks_first(house: Dealership, server: TwilioServer) -> None:
    server.refuse(20500, status=500, times=1)
    server.refuse(20429, status=429, times=1, wait="60")
    for _ in range(10):
        house.pass_time(timedelta(minutes=5))
    assert house.entry().status is Status.ACCEPTED
    assert asked(server) == ["POST", "GET", "POST", "GET", "POST"]
    assert len(server.texts) == 1


def test_28_too_many_requests_are_no_doubt_and_nobody_is_asked(
    house: Dealership, server: TwilioServer
) -> None:
    server.refuse(20429, status=429, times=1, wait="600")
    house.drain()
    assert house.outcomes(house.entry()) == ["slowed"]
    house.pass_time(timedelta(minutes=9))
    assert asked(server) == ["POST"]
    house.pass_time(timedelta(minutes=5))
    assert house.entry().status is Status.ACCEPTED
    assert asked(server) == ["POST", "POST"]


def test_31_stop_at_the_provider_is_the_customers_word_to_us(house: Dealership, server: TwilioServer) -> None:
    server.refuse(21610)
    house.drain()
    assert house.entry().status is Status.FAILED
    word = consent(house.ledger)
    assert word is not None
    assert not word.given
    assert "opted out" in word.evidence
    assert "21610" in word.evidence
    assert house.suppressions() == []  # START takes it back
    house.hear(order("BX-2"), arrived("BX-2"))
    house.drain()
    assert house.entry(order="BX-2").status is Status.SUPPRESSED


def test_31_whoever_opted_out_of_texts_gets_a_mail(tmp_path: Path, server: TwilioServer) -> None:
    mail = MemoryChannel("email")
    channels: dict[str, Channel] = {"sms": Texting(server), "email": mail}
    house = Dealership(tmp_path, channels, rules_text=RULES.replace("[email]", "[sms, email]"))
    server.refuse(21610)
    house.hear(customer(), order(), arrived())
    house.drain()
    house.drain()
    assert (house.entry().status, house.entry().channel) == (Status.ACCEPTED, "email")
    assert (mail.sent, server.texts) == (1, [])
    house.close()


def test_few_texts_are_under_way_however_fast_they_leave(tmp_path: Path) -> None:
    """After a crash each of them has to be asked about."""
    under_way: list[int] = []

    def look(_: Message) -> None:
        with of_many.ledger.read() as tx:
            under_way.append(tx.status_counts()[Status.SENDING])

    texts = Scripted("sms", look, replace(KIND.abilities, concurrency=2))
    of_many = Dealership(tmp_path, {"sms": texts}, rules_text=TEXTED, live=True)
    for number in range(100):
        who = f"customer-{number}"
        of_many.hear(customer(who, phone=f"+4930231251{number:02d}"), order(f"BX-{number}", who))
        of_many.hear(arrived(f"BX-{number}"))
    of_many.drain()
    assert len(under_way) == 100
    assert 8 <= max(under_way) <= 2 * 8
    of_many.close()


def test_a_wrong_token_pauses_the_channel_and_keeps_the_customer(
    house: Dealership, server: TwilioServer
) -> None:
    server.refuse(20003, status=401)
    house.drain()
    assert house.entry().status is Status.SCHEDULED
    assert "the account or its token is wrong" in house.paused()["sms"]
    assert not house.suppressions()


def test_a_worker_that_dies_while_texting_leaves_what_can_be_found(
    house: Dealership, server: TwilioServer
) -> None:
    assert house.channels["sms"].abilities.after_unknown is AfterUnknown.RECONCILE
    with house.ledger.transaction() as tx:
        (entry,) = tx.claim(house.clock.now(), 10, "killed", timedelta(minutes=15))
        tx.begin_sending(entry.id, entry.generation, "sms", "<1@example.com>", house.clock.now())
    had(server, body="Hello Maria Keller, it is here.", created=START)
    house.clock.advance(timedelta(minutes=15))
    asyncio.run(house.dispatcher.sweep())
    house.pass_time(timedelta(minutes=1))
    assert house.entry().status is Status.ACCEPTED
    assert asked(server) == ["GET"]
