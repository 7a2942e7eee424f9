"""Claim, render, guard, send, record: on a real ledger, through memory channels, on a clock that we move."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    Abilities,
    AfterUnknown,
    Message,
    Misconfigured,
    Rejected,
    Unavailable,
    Unknown,
)
from channels.memory import MemoryChannel
from orchestrator.journey import Policy
from orchestrator.model import Kind, Status
from orchestrator.sending.senders import Sender
from tests.builders import event
from tests.integration.dealership import (
    COMPANY,
    MARIA,
    RULES,
    START,
    Dealership,
    Scripted,
    arrived,
    customer,
    many,
    order,
)

ALSO_ON_POSTGRES = True

TWO_STEPS = RULES.replace("[email]", "[email, sms]")
SAFE = Abilities(after_unknown=AfterUnknown.REPEAT)
RISKY = Abilities(after_unknown=AfterUnknown.PERSON, concurrency=2)
TASK = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
  - id: has-arrived
    on: {reached: arrived}
    task: {for: owner, do: wash-it}
"""
MARKETING = RULES.replace("    say: arrived\n", "    say: arrived\n    purpose: marketing\n")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path)
    yield made
    made.close()


def test_what_is_due_is_said_once_and_is_a_fact(house: Dealership) -> None:
    house.hear(customer(), order(), arrived())

    assert house.drain() == 1
    assert house.drain() == 0

    email = house.channels["email"]
    assert isinstance(email, MemoryChannel)
    (message,) = email.messages
    assert (message.to, message.to_name, message.text) == (
        MARIA,
        "Maria Keller",
        "Hello Maria Keller, it is here.",
    )
    entry = house.entry()
    assert (entry.status, entry.channel, entry.message_id) == (Status.ACCEPTED, "email", message.message_id)
    with house.ledger.read() as tx:
        said = [fact.type for _, fact in tx.facts_after(0, 100) if fact.source == "beforehand"]
    assert said == ["notification.accepted"]
    assert house.dispatcher.counts[Status.ACCEPTED] == 1


def test_a_thousand_due_entries_leave_once_each_through_two_lanes(houses: Any) -> None:
    email = MemoryChannel("email")
    house = houses({"email": email}, live=True, batch=64)
    house.hear(*many(300))

    assert house.drain() == 300
    assert email.sent == len(email.messages) == 300


def test_a_second_channel_of_a_kind_says_its_texts_and_shares_its_dead_addresses(houses: Any) -> None:
    second = Scripted("mail_second", lambda _: Rejected("550 5.1.1", suppress=True))
    policy = Policy(time_zone="Europe/Berlin", kinds={"mail_second": "email"})
    house = houses({"mail_second": second}, rules_text=RULES.replace("email", "mail_second"), policy=policy)
    house.hear(customer(), order(), arrived())
    house.drain()

    (message,) = second.sent
    assert (message.channel, message.to) == ("mail_second", MARIA)
    assert message.text == "Hello Maria Keller, it is here."
    assert [one.channel for one in house.suppressions()] == ["email"]


def test_stop_between_claim_and_sending_wins(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer = house.dispatcher._composer

    class StopsMeanwhile:
        def compose(self, *what: Any) -> Message:
            house.hear(event("consent.withdrawn", "maria", START, channel="email"))
            return composer.compose(*what)

    house.dispatcher._composer = StopsMeanwhile()
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.SUPPRESSED
    assert house.entry().reason == "the customer withdrew consent for email on 2026-03-12"


@pytest.mark.parametrize(
    ("news", "status"),
    [
        (event("order.cancelled", "BX-1", START, reason="financing"), Status.CANCELLED),
        (event("milestone.retracted", "BX-1", START, milestone="arrived"), Status.CANCELLED),
        (event("customer.erased", "maria", START, reason="asked"), Status.CANCELLED),
    ],
    ids=["cancelled", "retracted", "erased"],
)
def test_what_changes_between_claim_and_sending_counts(
    houses: Any, news: dict[str, Any], status: Status
) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer = house.dispatcher._composer

    class NewsMeanwhile:
        def compose(self, *what: Any) -> Message:
            house.hear(news)
            return composer.compose(*what)

    house.dispatcher._composer = NewsMeanwhile()
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is status


def test_a_name_that_changes_after_rendering_is_rendered_anew(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer, news = house.dispatcher._composer, [customer(time=START, name="Maria Weber")]

    class Marries:
        def compose(self, *what: Any) -> Message:
            if news:
                house.hear(news.pop())
            return composer.compose(*what)

    house.dispatcher._composer = Marries()
    house.drain()

    (message,) = house.channels["email"].messages
    assert message.text == "Hello Maria Weber, it is here."
    assert house.channels["email"].sent == 1


def test_news_about_somebody_else_changes_nothing(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer, composed = house.dispatcher._composer, []

    class Counting:
        def compose(self, *what: Any) -> Message:
            composed.append(what)
            house.hear(customer(f"other-{len(composed)}"))
            return composer.compose(*what)

    house.dispatcher._composer = Counting()
    house.drain()

    assert len(composed) == 1
    assert house.entry().status is Status.ACCEPTED


def test_other_rules_between_claim_and_sending_count(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer = house.dispatcher._composer

    class RulesMeanwhile:
        def compose(self, *what: Any) -> Message:
            house.engine.book = replace(house.engine.book, journeys={
                name: replace(journey, rules=()) for name, journey in house.engine.book.journeys.items()
            })  # fmt: skip
            return composer.compose(*what)

    house.dispatcher._composer = RulesMeanwhile()
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.CANCELLED


def test_a_portion_that_waited_long_is_decided_again(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    composer = house.dispatcher._composer

    class Slow:
        def compose(self, *what: Any) -> Message:
            house.clock.advance(timedelta(hours=7))
            return composer.compose(*what)

    house.dispatcher._composer = Slow()
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.EXPIRED


def test_stopping_finishes_what_is_in_flight_and_gives_back_the_rest(houses: Any) -> None:
    def stop(_: Message) -> None:
        house.dispatcher.stopping = True

    email = Scripted("email", stop, Abilities(after_unknown=AfterUnknown.REPEAT, concurrency=2))
    house = houses({"email": email}, batch=20)
    house.hear(*many(30))
    house.drain()

    with house.ledger.read() as tx:
        counts = tx.status_counts()
    assert len(email.sent) == counts[Status.ACCEPTED] == 2 - 1
    assert counts[Status.SCHEDULED] == 30 - 1
    assert sum(counts.values()) == 30

    house.dispatcher.stopping = False
    email.answer = lambda _: None
    house.drain()
    with house.ledger.read() as tx:
        assert tx.status_counts()[Status.ACCEPTED] == 30
    assert len({message.message_id for message in email.sent}) == len(email.sent) == 30


def test_a_stopped_dispatcher_claims_nothing(house: Dealership) -> None:
    house.hear(customer(), order(), arrived())
    house.dispatcher.stopping = True

    assert house.drain() == 0
    assert house.entry().status is Status.SCHEDULED


def test_few_are_in_flight_that_nobody_can_ask_about(houses: Any) -> None:
    most = []

    def count(_: Message) -> None:
        with house.ledger.read() as tx:
            most.append(tx.status_counts()[Status.SENDING])

    sms = Scripted("sms", count, RISKY)
    house = houses({"sms": sms}, rules_text=RULES.replace("[email]", "[sms]"), live=True, batch=10)
    house.hear(*many(30))
    house.drain()

    assert len(sms.sent) == 30
    assert max(most) <= RISKY.concurrency


def test_stop_wins_over_what_waits_for_its_turn_on_a_channel_that_turned_slow(houses: Any) -> None:
    def slow(_: Message) -> None:
        if len(email.sent) == 1:
            house.clock.advance(timedelta(seconds=5))
            house.hear(
                *(event("consent.withdrawn", f"customer-{n}", START, channel="email") for n in range(1, 31))
            )

    email = Scripted("email", slow, SAFE)
    house = houses({"email": email}, live=True)
    house.hear(*many(30))
    house.drain()

    assert len(email.sent) == 1
    with house.ledger.read() as tx:
        assert tx.status_counts()[Status.SENDING] == 0
        assert tx.status_counts()[Status.SUPPRESSED] == 29


def test_what_expires_while_it_waits_for_its_turn_does_not_leave(houses: Any) -> None:
    def slow(_: Message) -> None:
        house.clock.advance(timedelta(hours=30))

    email = Scripted("email", slow, SAFE)
    house = houses({"email": email}, live=True)
    house.hear(*many(30))
    house.drain()

    assert len(email.sent) == 1
    with house.ledger.read() as tx:
        assert tx.status_counts()[Status.EXPIRED] == 29


def test_the_message_id_is_stored_before_the_first_byte(houses: Any) -> None:
    seen = []

    def look(_: Message) -> None:
        seen.append(house.entry())

    house = houses({"email": Scripted("email", look, SAFE)})
    house.hear(customer(), order(), arrived())
    house.drain()

    (entry,) = seen
    assert entry.status is Status.SENDING
    assert entry.message_id == house.channels["email"].sent[0].message_id
    assert entry.message_id.endswith("@lindner.example>")


def test_a_repeat_keeps_its_message_id_whatever_the_settings_say_by_then(houses: Any) -> None:
    email = MemoryChannel("email")
    email.fail_next(Unavailable("busy"))
    before = houses({"email": email})
    before.hear(customer(), order(), arrived())
    before.drain()
    stored = before.entry().message_id

    after = houses({"email": email}, sender=Sender("hello@elsewhere.example"), clock=before.clock)
    after.pass_time(timedelta(minutes=2))

    (message,) = email.messages
    assert message.message_id == stored
    assert message.sender == "hello@elsewhere.example"


def test_the_next_step_is_another_message(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Rejected("mailbox full"))
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()

    (message,) = sms.messages
    entry = house.entry()
    assert (entry.status, entry.channel, entry.message_id) == (Status.ACCEPTED, "sms", message.message_id)
    assert house.outcomes(entry) == ["rejected", "accepted"]


def test_retries_back_off_until_the_message_is_useless(houses: Any) -> None:
    email = MemoryChannel("email")
    email.fail_next(Unavailable("busy", code="450"), times=99)
    house = houses({"email": email})
    house.hear(customer(), order(), arrived())

    waits = []
    while True:
        house.drain()
        entry = house.entry()
        if entry.status is not Status.SCHEDULED:
            break
        assert entry.not_before is not None
        waits.append((entry.not_before - house.clock.now()).total_seconds())
        house.clock.set(entry.not_before)

    for wait, usual in zip(waits, [30, 120, 600, 1800, 7200], strict=True):
        assert 0.8 * usual <= wait <= 1.2 * usual
    assert entry.status is Status.FAILED
    assert entry.reason == "busy"
    assert house.clock.now() < entry.expires_at
    assert house.task("reach-the-customer") is not None


def test_the_provider_s_own_word_is_a_floor(houses: Any) -> None:
    email = MemoryChannel("email")
    email.fail_next(Unavailable("later", retry_after=timedelta(minutes=45)))
    house = houses({"email": email})
    house.hear(customer(), order(), arrived())
    house.drain()

    assert house.entry().not_before == START + timedelta(minutes=45)


def test_each_step_has_retries_of_its_own(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Unavailable("busy"), times=99)
    sms.fail_next(Unavailable("busy"))
    rules = TWO_STEPS.replace("within: 6h", "within: 3d").replace("at: now,", "at: now, stale_after: 4d,")
    house = houses({"email": email, "sms": sms}, rules_text=rules)
    house.hear(customer(), order(), arrived())
    for _ in range(9):
        house.drain()
        entry = house.entry()
        if entry.status is Status.SCHEDULED and entry.not_before is not None:
            house.clock.set(max(entry.not_before, house.clock.now()))

    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["unavailable"] * 9 + ["accepted"]
    assert sms.sent == 1


def test_what_may_have_left_is_repeated_only_where_a_repeat_is_seen_as_one(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms", abilities=RISKY)
    email.fail_next(Unknown("cut off"))
    sms.fail_next(Unknown("timed out"))
    both = RULES + RULES.partition("rules:\n")[2].replace("id: arrived", "id: texted").replace(
        "[email]", "[sms]"
    )
    house = houses({"email": email, "sms": sms}, rules_text=both)
    house.hear(customer(), order(), arrived())
    house.drain()
    house.pass_time(timedelta(minutes=1))
    house.pass_time(timedelta(hours=5))

    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["unknown", "accepted"]
    assert house.entry("texted", kind="message").status is Status.UNKNOWN
    assert sms.sent == 0
    unreached = house.task("reach-the-customer")
    assert unreached is not None
    assert unreached.wanted.rule == "texted"


def test_a_message_that_may_have_left_is_not_followed_by_the_next_step(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Unknown("cut off"))
    email.fail_next(Unavailable("gone"), times=99)
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    for _ in range(12):
        house.pass_time(timedelta(minutes=30))

    assert house.entry().status is Status.UNKNOWN
    assert [message.id for message in sms.messages if "/customer" in message.id] == []


def test_a_message_that_may_have_left_and_is_refused_when_repeated_takes_no_other(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Unknown("cut off"))
    email.fail_next(Rejected("mailbox full", code="552 5.2.2"))
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()
    house.pass_time(timedelta(minutes=1))

    assert house.entry().status is Status.UNKNOWN
    assert house.entry().reason == "mailbox full; an earlier try may have arrived"
    assert [message.id for message in sms.messages if "/customer" in message.id] == []


def test_whose_address_is_dead_when_it_is_repeated_has_nothing_and_is_told_by_the_next(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Unknown("cut off"))
    email.fail_next(Rejected("no such user", suppress=True, code="550 5.1.1"))
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()
    house.pass_time(timedelta(minutes=1))

    assert (house.entry().status, house.entry().channel) == (Status.ACCEPTED, "sms")


@pytest.mark.parametrize("trouble", ["paused", "left alone"])
def test_a_message_that_may_have_left_waits_for_its_channel_and_takes_no_other(
    houses: Any, trouble: str
) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(Unknown("cut off"))
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()
    email.fail_next(Misconfigured("login") if trouble == "paused" else Unavailable("gone"), times=99)
    house.hear(
        *(one for n in range(6) for one in (customer(f"c{n}", phone=None), order(f"BX-2{n}", f"c{n}")))
    )
    house.hear(*(arrived(f"BX-2{n}") for n in range(6)))
    for _ in range(80):
        house.pass_time(timedelta(minutes=5))

    assert house.entry().status is Status.UNKNOWN
    assert [message.id for message in sms.messages if "/customer" in message.id] == []


def test_a_bug_in_an_adapter_harms_one_message_and_tells_no_secret(houses: Any) -> None:
    def fail(message: Message) -> Exception | None:
        return (
            RuntimeError(f"cannot send to {message.to}") if message.to == "customer-2@example.com" else None
        )

    house = houses({"email": Scripted("email", fail)})
    house.hear(*many(3))
    house.drain()

    assert [house.entry(order=f"BX-{n}").status for n in (1, 2, 3)] == [
        Status.ACCEPTED, Status.UNKNOWN, Status.ACCEPTED,
    ]  # fmt: skip
    assert house.entry(order="BX-2").reason == "the channel failed: RuntimeError"


def test_reasons_name_no_address(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms")
    email.fail_next(
        Rejected(f"<{MARIA.upper()}> does not want it, ask nora.brandt@example.com", suppress=True)
    )
    sms.fail_next(Rejected("+49 30 23125-101 is unallocated"))
    house = houses({"email": email, "sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()

    kept = house.stored_text()
    assert "does not want it" in kept
    assert "is unallocated" in kept
    assert "@" not in kept
    assert "23125" not in kept


def test_a_channel_that_does_not_exist_pauses_and_the_next_step_goes(houses: Any) -> None:
    sms = MemoryChannel("sms")
    house = houses({"sms": sms}, rules_text=TWO_STEPS)
    house.hear(customer(), order(), arrived())
    house.drain()

    assert house.paused() == {"email": "email: there is no channel called 'email'"}
    assert house.entry().channel == "sms"


def test_staging_sends_only_to_the_allow_list(houses: Any) -> None:
    house = houses(allow=frozenset({"customer-1@example.com"}))
    house.hear(*many(2))
    house.drain()

    assert [message.to for message in house.channels["email"].messages] == ["customer-1@example.com"]
    assert house.entry(order="BX-2").status is Status.SUPPRESSED
    assert "email sends only to the" in house.entry(order="BX-2").reason


# ── tasks ────────────────────────────────────────────────────────────────────


def test_a_task_that_no_channel_takes_stands_on_the_list(houses: Any) -> None:
    email, sms = MemoryChannel("email"), MemoryChannel("sms", abilities=RISKY)
    email.fail_next(Rejected("mailbox full"))
    sms.fail_next(Unknown("timed out"))
    house = houses({"email": email, "sms": sms}, rules_text=TASK)
    house.write("wash-it/email.txt.en", "Subject: wash it\n\nWash it.\n")
    house.write("wash-it/sms.txt.en", "Wash it.\n")
    house.dispatcher._composer = house.composer()
    house.hear(customer(), order(), arrived())
    house.drain()

    task = house.entry("has-arrived", kind="task")
    assert task.wanted.kind is Kind.TASK
    assert task.status is Status.ACCEPTED
    assert task.reason == "on the list of tasks only: sms: timed out"
    assert house.outcomes(task) == ["rejected", "unknown", "accepted"]


def test_a_task_for_somebody_without_an_address_stands_on_the_list(house: Dealership, houses: Any) -> None:
    house = houses(rules_text=TASK)
    house.hear(customer(), order(owner={"name": "Nora Brandt"}), arrived())
    house.drain()

    task = house.entry("has-arrived", kind="task")
    assert (task.status, task.reason) == (
        Status.ACCEPTED,
        "on the list of tasks only: no channel reaches them",
    )


# ── headers ──────────────────────────────────────────────────────────────────


def consent(purpose: str) -> dict[str, Any]:
    return event(
        "consent.given", "maria", "2026-03-12 08:00", purpose=purpose, channel="email", evidence="form"
    )


@pytest.mark.parametrize("purpose", ["marketing", "relationship"])
def test_mail_nobody_waits_for_says_how_to_stop_it_and_where_we_are(houses: Any, purpose: str) -> None:
    house = houses(rules_text=MARKETING.replace("marketing", purpose))
    house.hear(customer(), order(), consent(purpose), arrived())
    house.drain()

    (message,) = house.channels["email"].messages
    identity = message.message_id.strip("<>")
    assert message.headers == {
        "List-Unsubscribe": f"<mailto:nora.brandt@example.com?subject=unsubscribe%20{identity}>"
    }
    assert message.text.endswith("\n\nLudwigstr. 1, 80539 Munich\n")
    assert "BX-1" not in message.headers["List-Unsubscribe"]


def test_the_address_a_template_has_already_is_not_repeated(houses: Any) -> None:
    words = {"arrived/email.txt.en": "Subject: Hello\n\nHello.\n{{ company.name }}, {{ company.address }}\n"}
    house = houses(rules_text=MARKETING, words=words)
    house.hear(customer(), order(), consent("marketing"), arrived())
    house.drain()

    (message,) = house.channels["email"].messages
    assert message.text.count("Ludwigstr. 1") == 1


def test_marketing_without_a_postal_address_does_not_leave(houses: Any) -> None:
    house = houses(rules_text=MARKETING, company={**COMPANY, "address": ""})
    house.hear(customer(), order(), consent("marketing"), arrived())
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.HELD
    assert house.entry().reason == (
        "held: mail of this purpose must carry a postal address: set company.postal_address"
    )


def test_service_mail_has_no_such_header(house: Dealership) -> None:
    house.hear(customer(), order(), arrived())
    house.drain()

    (message,) = house.channels["email"].messages
    assert message.headers == {}
    assert "Ludwigstr" not in message.text
    assert message.reply_to == "nora.brandt@example.com"


def test_staff_who_answer_their_task_do_not_write_to_themselves(houses: Any) -> None:
    house = houses(rules_text=TASK, words={"wash-it/email.txt.en": "Subject: wash it\n\nWash it.\n"})
    house.hear(customer(), order(), arrived())
    house.drain()

    (message,) = [one for one in house.channels["email"].messages if one.subject == "wash it"]
    assert message.to == "nora.brandt@example.com"
    assert message.reply_to == house.sender.email


# ── many at once ─────────────────────────────────────────────────────────────


def test_several_daemons_and_listeners_on_one_file_send_each_message_once(houses: Any) -> None:
    email = MemoryChannel("email", keep=False)
    workers = [houses({"email": email}, live=True, batch=16) for _ in range(4)]
    workers[0].hear(*many(120))
    failed: list[BaseException] = []

    def work(house: Dealership) -> None:
        try:
            house.drain()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    def listen(house: Dealership, name: str) -> None:
        try:
            for number in range(10):
                house.hear(customer(f"{name}-{number}"), order(f"{name}-{number}", f"{name}-{number}"))
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work, args=(house,)) for house in workers]
    threads += [threading.Thread(target=listen, args=(house, f"L{n}")) for n, house in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert email.sent == 120
    with workers[0].ledger.read() as tx:
        assert tx.status_counts()[Status.ACCEPTED] == 120


def test_a_slow_channel_delays_no_other(houses: Any) -> None:
    async def wait_for_the_text(_: Message) -> None:
        await asyncio.wait_for(texted.wait(), 10)

    def note(_: Message) -> None:
        texted.set()

    texted = asyncio.Event()
    channels = {"email": Scripted("email", wait_for_the_text, SAFE), "sms": Scripted("sms", note)}
    house = houses(channels, rules_text=TWO_STEPS)
    house.hear(customer(), order("BX-1"), arrived("BX-1"))
    house.hear(customer("jonas", email=""), order("BX-2", "jonas"), arrived("BX-2"))
    house.drain()

    assert [house.entry(order=name).channel for name in ("BX-1", "BX-2")] == ["email", "sms"]
    assert [house.entry(order=name).status for name in ("BX-1", "BX-2")] == [Status.ACCEPTED] * 2
