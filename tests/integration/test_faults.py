"""What goes wrong in the field, and what must happen then: crashes, late workers, outages, refusals.

Numbers are those of the list of forty faults that the product is built against.
"""

import email
import email.policy
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Abilities, AfterUnknown, Message, Misconfigured
from channels.email import EmailChannel
from channels.memory import MemoryChannel
from orchestrator.errors import LedgerAway
from orchestrator.ledger import Transaction
from orchestrator.model import ENGINE, Status
from orchestrator.sending import dispatch
from tests.builders import event, promised
from tests.contracts.smtp_server import CUT, SmtpServer
from tests.integration.dealership import (
    MARIA,
    RULES,
    START,
    Dealership,
    Scripted,
    arrived,
    customer,
    many,
    order,
    run,
)

TWO_STEPS = RULES.replace("[email]", "[email, sms]")
LEASE = timedelta(minutes=15)
SAFE = Abilities(after_unknown=AfterUnknown.REPEAT)
RISKY = Abilities(after_unknown=AfterUnknown.PERSON, concurrency=2)
SILENCE = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email]
    timing: {at: now, within: 2h}
  - id: not-arrived
    on: {missed: arrived}
    channels: [email]
    timing: {at: now, within: 1d}
    rungs:
      - {say: not-arrived, task: {for: owner, do: call}}
      - {after: 1h, say: still-not-arrived}
      - {after: 2h, say: even-now-not-arrived}
"""
SAYINGS = {
    f"{name}/email.txt.en": f"Subject: {name}\n\n{name}\n"
    for name in ("arrived", "not-arrived", "still-not-arrived", "even-now-not-arrived", "call")
}

Make = Callable[..., Dealership]


class KilledError(BaseException):
    """As kill -9: nothing after it runs, neither recording nor giving back."""


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


class Smtp:
    """The real email channel, made anew for each event loop of a test."""

    name = "email"

    def __init__(self, server: SmtpServer) -> None:
        self._make = lambda: EmailChannel(
            server.host, server.port, "none", helo="lindner.example", connect=10, answer=10, final=10
        )
        self.abilities = self._make().abilities

    async def send(self, message: Message) -> Any:
        channel = self._make()
        try:
            return await channel.send(message)
        finally:
            await channel.close()

    async def close(self) -> None:
        """Each mail had a connection of its own."""


def message_ids(server: SmtpServer) -> list[str]:
    return [
        email.message_from_bytes(m.content, policy=email.policy.default)["Message-ID"] for m in server.mails
    ]


def killed(house: Dealership) -> None:
    """Have the next drain die where the channel is called, with what was committed before."""
    with pytest.raises(KilledError):
        house.drain()


def dies(_: Message) -> None:
    raise KilledError


# ── 1, 2, 3, 6: kill -9 ──────────────────────────────────────────────────────


def test_1_killed_before_sending_it_is_sent_once_after_the_lease(houses: Make) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    with house.ledger.transaction() as tx:
        assert len(tx.claim(house.clock.now(), 10, "killed", LEASE)) == 1
    next_one = houses(house.channels, clock=house.clock)

    run(next_one.dispatcher.sweep())
    assert next_one.drain() == 0  # its lease runs still
    next_one.clock.advance(LEASE)
    run(next_one.dispatcher.sweep())
    next_one.drain()
    next_one.drain()

    assert house.channels["email"].sent == 1
    assert next_one.entry().status is Status.ACCEPTED


def test_2_killed_while_texting_it_is_unknown_and_never_texted_again(houses: Make) -> None:
    sms = Scripted("sms", dies, RISKY)
    house = houses({"sms": sms}, rules_text=RULES.replace("[email]", "[sms]"))
    house.hear(customer(), order(), arrived())
    killed(house)
    sms.answer = lambda _: None
    assert house.entry().status is Status.SENDING

    next_one = houses({"sms": sms}, rules_text=RULES.replace("[email]", "[sms]"), clock=house.clock)
    next_one.clock.advance(LEASE)
    run(next_one.dispatcher.sweep())
    for _ in range(5):
        next_one.pass_time(timedelta(hours=1))

    assert next_one.entry().status is Status.UNKNOWN
    assert next_one.outcomes(next_one.entry()) == ["unknown"]
    assert [message.id for message in sms.sent if message.id == next_one.entry().key] == [
        next_one.entry().key
    ]
    assert next_one.task("reach-the-customer") is not None


def test_2_killed_while_mailing_it_is_mailed_again_with_the_identical_message_id(houses: Make) -> None:
    mail = Scripted("email", dies, SAFE)
    house = houses({"email": mail})
    house.hear(customer(), order(), arrived())
    killed(house)
    mail.answer = lambda _: None

    next_one = houses({"email": mail}, clock=house.clock)
    next_one.clock.advance(LEASE)
    run(next_one.dispatcher.sweep())
    next_one.pass_time(timedelta(minutes=1))

    assert next_one.entry().status is Status.ACCEPTED
    assert next_one.outcomes(next_one.entry()) == ["unknown", "accepted"]
    assert len(mail.sent) == 2
    assert len({message.message_id for message in mail.sent}) == 1


def test_2_a_message_that_kills_its_worker_every_time_is_given_up(houses: Make) -> None:
    mail = Scripted("email", dies, SAFE)
    house = houses({"email": mail})
    house.hear(customer(), order(), arrived())
    for _ in range(20):
        try:
            house.drain()
        except KilledError:
            house.clock.advance(LEASE)
        run(house.dispatcher.sweep())
        house.clock.advance(timedelta(minutes=30))
        if house.entry().status is Status.UNKNOWN:
            break

    assert house.entry().status is Status.UNKNOWN
    assert house.clock.now() < START + timedelta(hours=8)


def test_2_killed_while_a_task_was_put_on_the_list_it_is_put_there_again(houses: Make) -> None:
    house = houses(rules_text=SILENCE, words=SAYINGS)
    house.hear(
        customer(),
        order(owner={"name": "Nora Brandt"}),
        promised("BX-1", "arrived", "2026-03-11", "2026-03-01 10:00"),
    )
    with house.ledger.transaction() as tx:
        (task,) = [e for e in tx.claim(house.clock.now(), 10, "killed", LEASE) if e.wanted.kind == "task"]
        tx.begin_sending(task.id, task.generation, "", "", house.clock.now())
    house.clock.advance(LEASE)
    run(house.dispatcher.sweep())
    house.drain()

    found = house.task("call")
    assert found is not None
    assert found.status is Status.ACCEPTED


# ── 4: a worker that slept ───────────────────────────────────────────────────


def test_4_a_late_worker_s_write_is_refused_and_logged(
    houses: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def sleeps(_: Message) -> None:
        other.clock.advance(LEASE)
        with other.ledger.transaction() as tx:
            (entry,) = tx.sweep(other.clock.now())
            assert entry.status is Status.UNKNOWN

    sms = Scripted("sms", sleeps, RISKY)
    texts = RULES.replace("[email]", "[sms]")
    house = houses({"sms": sms}, rules_text=texts)
    other = houses({"sms": sms}, rules_text=texts, clock=house.clock)
    house.hear(customer(), order(), arrived())
    with caplog.at_level(logging.WARNING):
        house.drain()

    entry = house.entry()
    assert entry.status is Status.UNKNOWN
    assert house.dispatcher.counts["refused as too late"] == 1
    assert house.dispatcher.counts[Status.ACCEPTED] == 0
    assert f"entry {entry.id}: " in caplog.text
    assert "BX-1" not in caplog.text
    with house.ledger.read() as tx:
        assert not any(fact.source == ENGINE for _, fact in tx.facts_after(0, 100))


def test_4_an_entry_swept_before_sending_is_not_sent_by_the_late_worker_and_harms_no_neighbour(
    houses: Make,
) -> None:
    house = houses()
    house.hear(*many(3))
    composer, slept = house.dispatcher._composer, []

    class Sleeps:
        def compose(self, *what: Any) -> Message:
            if not slept:
                with house.ledger.transaction() as tx:
                    slept.append(tx.claim(house.clock.now(), 1, "other", LEASE))
                    (entry,) = tx.entries_of(["BX-2"])["BX-2"]
                    tx.release(entry.id, entry.generation, house.clock.now())
                    slept.append(tx.claim(house.clock.now(), 1, "other", LEASE))
            return composer.compose(*what)

    house.dispatcher._composer = Sleeps()
    house.drain()

    assert [message.to for message in house.channels["email"].messages] == [
        "customer-1@example.com", "customer-3@example.com",
    ]  # fmt: skip
    assert house.entry(order="BX-2").status is Status.DISPATCHED


def test_4_our_own_work_in_hand_is_not_swept_after_the_machine_slept(houses: Make) -> None:
    async def sleeps(_: Message) -> None:
        house.clock.advance(LEASE * 2)
        assert await house.dispatcher.sweep() == 0

    mail = Scripted("email", sleeps, SAFE)
    house = houses({"email": mail})
    house.hear(customer(), order(), arrived())
    house.drain()

    assert house.entry().status is Status.ACCEPTED
    assert len(mail.sent) == 1


# ── the database goes away after sending ─────────────────────────────────────


def test_3_what_left_is_written_down_when_the_database_is_back(
    houses: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RECORD_AGAIN", (0, 0, 0))
    house = houses()
    house.hear(customer(), order(), arrived())
    really, away = Transaction.finish_many, [LedgerAway("gone"), LedgerAway("gone")]

    def finish_many(self: Transaction, *what: Any) -> set[int]:
        if away:
            raise away.pop()
        return really(self, *what)

    monkeypatch.setattr(Transaction, "finish_many", finish_many)
    house.drain()

    assert house.entry().status is Status.ACCEPTED
    assert house.channels["email"].sent == 1


def test_what_left_is_written_down_and_counted_once_although_the_next_portion_cannot_begin(
    houses: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = Scripted("sms", lambda _: None, RISKY)
    house = houses({"sms": sms}, rules_text=RULES.replace("[email]", "[sms]"), live=True)
    house.hear(*many(6))
    really, begun = Transaction.begin_many, []

    def begin_many(self: Transaction, *what: Any) -> set[int]:
        begun.append(what)
        if len(begun) > 1:
            raise RuntimeError("what nobody thought of")
        return really(self, *what)

    monkeypatch.setattr(Transaction, "begin_many", begin_many)
    with pytest.raises(RuntimeError):
        house.drain()

    with house.ledger.read() as tx:
        counts = tx.status_counts()
    assert (len(sms.sent), counts[Status.ACCEPTED], counts[Status.DISPATCHED]) == (2, 2, 4)
    assert house.dispatcher.counts[Status.ACCEPTED] == 2


def test_what_was_sent_stays_written_down_when_planning_fails_afterwards(
    houses: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    settling = house.engine.settle

    def fails(*_: Any) -> None:
        raise RuntimeError(MARIA)

    monkeypatch.setattr(house.engine, "settle", fails)
    house.drain()
    assert house.entry().status is Status.ACCEPTED
    assert MARIA not in caplog.text

    monkeypatch.setattr(house.engine, "settle", settling)
    assert house.engine.plan_changed(house.clock.now()) == 1


# ── 13: an outage ────────────────────────────────────────────────────────────


def test_13_after_an_outage_old_news_is_skipped_with_a_reason_and_only_the_newest_rung_is_told(
    houses: Make,
) -> None:
    house = houses(rules_text=SILENCE, words=SAYINGS, batch=50)
    news = []
    for number in range(1, 41):
        news += [
            customer(f"c-{number}", email=f"c-{number}@example.com"),
            order(f"BX-{number}", f"c-{number}"),
        ]
        if number % 2:
            news.append(arrived(f"BX-{number}", "2026-03-12 09:55"))
        else:
            news.append(promised(f"BX-{number}", "arrived", "2026-03-12 10:30", "2026-03-01 10:00"))
    house.hear(*news)
    house.clock.advance(timedelta(hours=6))
    house.drain()

    late = [house.entry(order=f"BX-{number}") for number in range(1, 41, 2)]
    assert {entry.status for entry in late} == {Status.EXPIRED}
    assert all(entry.reason for entry in late)
    mails = house.channels["email"].messages
    told = [message.subject for message in mails if message.to.startswith("c-")]
    assert told == ["even-now-not-arrived"] * 20
    assert len([message for message in mails if message.subject == "call"]) == 20  # a task is never skipped
    for number in range(2, 41, 2):
        unsaid = [
            e
            for e in house.entries(f"BX-{number}")
            if e.wanted.kind == "message" and e.status is not Status.ACCEPTED
        ]
        assert [entry.wanted.template for entry in unsaid] == ["new-car/not-arrived"]
        assert (unsaid[0].status, bool(unsaid[0].reason)) == (Status.CANCELLED, True)


# ── 19, 20, 23, 24: facts that come late or early ────────────────────────────


def test_19_stop_between_planning_and_sending(houses: Make) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    house.hear(event("consent.withdrawn", "maria", START, channel="email"))
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.SUPPRESSED


def test_20_an_order_that_is_cancelled_before_sending_says_nothing(houses: Make) -> None:
    house = houses()
    house.hear(customer(), order(), arrived())
    house.hear(event("order.cancelled", "BX-1", START))
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.CANCELLED


def test_20_a_promise_that_moves_before_sending_replaces_what_was_to_be_said(houses: Make) -> None:
    house = houses(rules_text=SILENCE, words=SAYINGS)
    house.hear(customer(), order(), promised("BX-1", "arrived", "2026-03-12 10:30", "2026-03-01 10:00"))
    house.clock.advance(timedelta(minutes=29))
    house.hear(promised("BX-1", "arrived", "2026-03-12 12:00", house.clock.now(), told=True))
    house.pass_time(timedelta(minutes=30))
    assert house.channels["email"].sent == 0

    house.pass_time(timedelta(hours=1, minutes=1))
    said = [message.subject for message in house.channels["email"].messages if message.to == MARIA]
    assert said == ["not-arrived"]


def test_23_the_later_state_wins_whatever_arrives_first(houses: Make) -> None:
    house = houses(rules_text=SILENCE, words=SAYINGS)
    house.hear(customer(), order(), arrived("BX-1", "2026-03-12 09:55"))
    house.hear(promised("BX-1", "arrived", "2026-03-12 09:57", "2026-03-01 10:00"))
    house.drain()
    house.pass_time(timedelta(hours=5))

    said = [message.subject for message in house.channels["email"].messages if message.to == MARIA]
    assert said == ["arrived"]


def test_24_news_of_two_days_ago_is_told_to_nobody(houses: Make) -> None:
    house = houses()
    house.hear(customer(), order(), arrived("BX-1", "2026-03-10 09:00", heard=START))
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.EXPIRED
    assert house.entry().reason


# ── 25, 26, 27: what mail servers say ────────────────────────────────────────


@pytest.mark.parametrize("reply", ["421 4.7.0 slow down", "450 4.2.0 greylisted"])
def test_25_a_server_that_is_busy_is_left_alone_for_half_an_hour(
    houses: Make, server: SmtpServer, reply: str
) -> None:
    house = houses({"email": Smtp(server)})
    house.hear(customer(), order(), arrived())
    server.answering(reply, at="RCPT", times=1)
    house.drain()

    entry = house.entry()
    assert entry.status is Status.SCHEDULED
    assert entry.not_before is not None
    assert entry.not_before >= house.clock.now() + timedelta(minutes=30)
    house.clock.set(entry.not_before)
    house.drain()
    assert house.entry().status is Status.ACCEPTED
    assert len(server.mails) == 1


def test_25_a_dead_address_is_suppressed_and_the_next_message_to_it_makes_a_task(
    houses: Make, server: SmtpServer
) -> None:
    house = houses({"email": Smtp(server)})
    server.answering(f"550 5.1.1 <{MARIA}>: no such user", at="RCPT", to=MARIA)
    house.hear(customer(), order(), arrived())
    house.drain()

    assert house.entry().status is Status.FAILED
    assert len(house.suppressions()) == 1
    assert MARIA not in house.stored_text()

    house.hear(customer(email=MARIA.capitalize()), order("BX-2"), arrived("BX-2"))
    connections = server.connections
    house.drain()

    entry = house.entry(order="BX-2")
    assert entry.status is Status.SUPPRESSED
    assert entry.reason.startswith("unreachable: ")
    assert "550 5.1.1" in entry.reason
    task = house.task("reach-the-customer", order="BX-2")
    assert task is not None
    assert task.wanted.role == "owner"
    assert server.connections - connections <= 2  # the owner's mails, and none for Maria


def test_25_a_dead_address_stays_dead_however_several_customers_spell_it(
    houses: Make, server: SmtpServer
) -> None:
    house = houses({"email": Smtp(server)})
    server.answering(f"550 5.1.1 <{MARIA}>: no such user", at="RCPT", to=MARIA)
    house.hear(customer(), order(), arrived())
    house.drain()
    spelt = {"BX-2": MARIA.capitalize(), "BX-3": MARIA.upper(), "BX-4": MARIA.title()}
    for name, address in spelt.items():
        house.hear(customer(name, email=address), order(name, name), arrived(name))
    house.drain()

    assert {house.entry(order=name).status for name in spelt} == {Status.SUPPRESSED}
    assert not {mail.to for mail in server.mails} & {MARIA, *spelt.values()}


def test_25_a_refusal_that_is_our_fault_pauses_the_channel_until_it_is_resumed(
    houses: Make, server: SmtpServer
) -> None:
    house = houses({"email": Smtp(server)})
    server.answering("550 5.7.26 unauthenticated mail is prohibited", at="RCPT")
    house.hear(*many(1))
    house.drain()
    house.hear(customer(), order("BX-9"), arrived("BX-9"))
    connections = server.connections
    house.drain()

    assert list(house.paused()) == ["email"]
    assert house.suppressions() == []
    assert server.connections == connections
    for name in ("BX-1", "BX-9"):
        assert house.entry(order=name).status is Status.SCHEDULED
        assert house.entry(order=name).reason.startswith("channel email is paused")

    server.accepting()
    house.resume("email")
    house.pass_time(timedelta(minutes=6))
    assert [house.entry(order=name).status for name in ("BX-1", "BX-9")] == [Status.ACCEPTED] * 2
    assert sorted(mail.to for mail in server.mails) == ["customer-1@example.com", MARIA]


def test_25_while_a_channel_is_paused_the_ladder_goes_on(houses: Make, server: SmtpServer) -> None:
    sms = MemoryChannel("sms")
    house = houses({"email": Smtp(server), "sms": sms}, rules_text=TWO_STEPS)
    server.answering("550 5.7.26 unauthenticated mail is prohibited", at="dot")
    house.hear(customer(), order(), arrived())
    house.drain()

    assert (house.entry().status, house.entry().channel) == (Status.ACCEPTED, "sms")
    assert sms.sent == 1


def test_26_cut_off_after_the_final_dot_it_is_sent_again_with_the_identical_message_id(
    houses: Make, server: SmtpServer
) -> None:
    house = houses({"email": Smtp(server)})
    server.answering(CUT, at="dot", times=1)
    house.hear(customer(), order(), arrived())
    house.drain()
    house.pass_time(timedelta(minutes=1))

    first, second = message_ids(server)
    assert first == second == house.entry().message_id
    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["unknown", "accepted"]


def test_26_the_ledger_knows_the_message_id_while_the_server_has_it_in_hand(
    houses: Make, server: SmtpServer
) -> None:
    house = houses({"email": Smtp(server)})
    house.hear(customer(), order(), arrived())
    seen = []
    taking = server.take

    def take(mail: Any) -> None:  # before the server answers the final dot
        seen.append(house.entry())
        taking(mail)

    server.take = take  # type: ignore[method-assign]
    house.drain()

    (entry,) = seen
    assert entry.status is Status.SENDING
    assert [entry.message_id] == message_ids(server)


def test_27_of_two_recipients_only_the_refused_one_fails(houses: Make, server: SmtpServer) -> None:
    house = houses({"email": Smtp(server)})
    server.answering("550 5.2.1 disabled", at="RCPT", to="customer-2@example.com")
    house.hear(*many(3))
    house.drain()

    assert [house.entry(order=f"BX-{n}").status for n in (1, 2, 3)] == [
        Status.ACCEPTED, Status.FAILED, Status.ACCEPTED,
    ]  # fmt: skip
    assert sorted(mail.to for mail in server.mails if mail.to.startswith("customer")) == [
        "customer-1@example.com", "customer-3@example.com",
    ]  # fmt: skip


def test_a_pause_keeps_its_first_reason_and_the_provider_s_words_out_of_it(houses: Make) -> None:
    mail = MemoryChannel("email")
    mail.fail_next(Misconfigured(f"login refused for {MARIA}", code="535"))
    house = houses({"email": mail})
    house.hear(customer(), order(), arrived())
    house.drain()

    assert house.paused() == {"email": "email: login refused for …"}
