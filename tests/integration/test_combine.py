"""What a rule says of several orders of one person leaves in one message (`combine:`), on a real ledger."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Abilities, AfterUnknown, Rejected, Unavailable, Unknown
from channels.memory import MemoryChannel
from orchestrator.journey import Cap, Policy
from orchestrator.ledger import Stops
from orchestrator.model import Purpose, Status
from orchestrator.planning.explain import explain
from tests.builders import BERLIN, LINDNER, NORA, at, event, why
from tests.integration.dealership import MARIA, Dealership, Scripted, arrived, customer, order, run

ALSO_ON_POSTGRES = True

RULES = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email, sms]
    combine: 2h
    timing: {at: now, within: 6h}
"""
WORDS = {
    "arrived/email.txt.en": "Subject: News of your cars\n\n"
    "Hello {{ customer.name }}, here now:{% for one in orders %} {{ one.id }}{% endfor %}.\n",
    "arrived/sms.txt.en": "Here now:{% for one in orders %} {{ one.id }}{% endfor %}.\n",
    "reach-the-customer/email.txt.en": "Subject: Please call\n\n{{ because }}\n",
}
THREE = ("BX-1", "BX-2", "BX-3")


@pytest.fixture
def houses(houses: Any) -> Any:
    """Make dealerships whose rule combines."""

    def make(channels: Any = None, rules_text: str = RULES, **more: Any) -> Dealership:
        channels = channels or {"email": MemoryChannel("email"), "sms": MemoryChannel("sms")}
        made: Dealership = houses(channels, rules_text=rules_text, words=WORDS, **more)
        return made

    return make


def three_cars(house: Dealership) -> None:
    """Maria's three cars arrive at ten, at half past ten and at eleven."""
    house.hear(customer(), *(order(name) for name in THREE))
    for name, moment in zip(THREE, ("10:00", "10:30", "11:00"), strict=True):
        house.clock.set(at(f"2026-03-12 {moment}"))
        house.hear(arrived(name, f"2026-03-12 {moment}"))
        house.drain()


def noon(house: Dealership) -> None:
    """Two hours after the first."""
    house.clock.set(at("2026-03-12 12:00"))
    house.drain()


def mails(house: Dealership) -> list[Any]:
    """What the mail channel took."""
    channel = house.channels["email"]
    assert isinstance(channel, MemoryChannel)
    return channel.messages


def test_they_leave_together_so_long_after_the_first(houses: Any) -> None:
    house = houses()
    three_cars(house)
    assert not mails(house)
    house.clock.set(at("2026-03-12 11:59"))
    house.drain()
    assert not mails(house)
    noon(house)

    (mail,) = mails(house)
    assert mail.text == "Hello Maria Keller, here now: BX-1 BX-2 BX-3."
    entries = [house.entry(order=name) for name in THREE]
    assert {entry.status for entry in entries} == {Status.ACCEPTED}
    assert {entry.message_id for entry in entries} == {mail.message_id}
    house.clock.set(at("2026-03-12 18:00"))
    assert house.drain() == 0


def test_what_comes_later_waits_for_others_of_its_own(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1", "2026-03-12 10:00"))
    noon(house)
    house.clock.set(at("2026-03-12 12:10"))
    house.hear(arrived("BX-2", "2026-03-12 12:10"))
    house.drain()
    assert len(mails(house)) == 1
    house.clock.set(at("2026-03-12 14:10"))
    house.drain()

    assert [mail.text[-6:-1] for mail in mails(house)] == [" BX-1", " BX-2"]


def test_a_lone_order_is_told_alone(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order("BX-1"), arrived("BX-1", "2026-03-12 10:00"))
    noon(house)

    (mail,) = mails(house)
    assert mail.text == "Hello Maria Keller, here now: BX-1."
    assert house.entry().reason == ""


def test_the_earliest_expiry_ends_the_waiting_of_all(houses: Any) -> None:
    house = houses(rules_text=RULES.replace("within: 6h", "within: 90m"))
    house.hear(customer(), order("BX-1"), order("BX-2"))
    house.hear(arrived("BX-1", "2026-03-12 10:00"))
    house.clock.set(at("2026-03-12 11:00"))
    house.hear(arrived("BX-2", "2026-03-12 11:00"))
    assert house.entry(order="BX-1").due_at == at("2026-03-12 11:25")
    house.clock.set(at("2026-03-12 11:25"))
    house.drain()

    (mail,) = mails(house)
    assert mail.text.endswith("BX-1 BX-2.")


def test_a_wait_that_ends_in_the_night_goes_on_to_the_morning(houses: Any) -> None:
    text = RULES.replace("at: now, within: 6h", "within: 1d").replace(
        "rules:", 'hours: "08:00-20:00"\nrules:'
    )
    house = houses(rules_text=text)
    house.clock.set(at("2026-03-12 19:00"))
    house.hear(customer(), order("BX-1"), arrived("BX-1", "2026-03-12 19:00"))

    assert house.entry().due_at == at("2026-03-13 08:00")


def test_each_order_is_guarded_by_itself(houses: Any) -> None:
    house = houses()
    three_cars(house)
    composer = house.dispatcher._composer

    class TakenBack:
        """The second arrival is taken back while the message is written."""

        def compose(self, *what: Any) -> Any:
            if not house.entry(order="BX-2").reason:
                house.dispatcher._composer = composer
                house.hear(event("milestone.retracted", "BX-2", house.clock.now(), milestone="arrived"))
            return composer.compose(*what)

    house.dispatcher._composer = TakenBack()
    noon(house)

    (mail,) = mails(house)
    assert mail.text.endswith("here now: BX-1 BX-3.")
    assert house.entry(order="BX-2").status is Status.CANCELLED


def test_a_stop_between_claim_and_sending_withholds_all_of_them(houses: Any) -> None:
    house = houses()
    three_cars(house)
    composer = house.dispatcher._composer

    class StopsMeanwhile:
        def compose(self, *what: Any) -> Any:
            house.dispatcher._composer = composer
            house.hear(event("consent.withdrawn", "maria", house.clock.now()))
            return composer.compose(*what)

    house.dispatcher._composer = StopsMeanwhile()
    noon(house)

    assert not mails(house)
    assert {house.entry(order=name).status for name in THREE} == {Status.SUPPRESSED}


def test_nobody_leaves_early_when_the_first_is_not_said_after_all(houses: Any) -> None:
    house = houses()
    three_cars(house)
    house.clock.set(at("2026-03-12 11:55"))
    house.hear(event("milestone.retracted", "BX-1", "2026-03-12 11:55", milestone="arrived"))
    noon(house)
    assert not mails(house)
    house.clock.set(at("2026-03-12 12:30"))
    house.drain()

    (mail,) = mails(house)
    assert mail.text.endswith("here now: BX-2 BX-3.")


def test_nobody_is_taken_along_by_one_that_has_to_stay(houses: Any) -> None:
    house = houses()
    house.hear(customer(), order("BX-1"), *(order(name, location={"id": "berlin"}) for name in THREE[1:]))
    for name, moment in zip(THREE, ("10:00", "10:30", "11:00"), strict=True):
        house.clock.set(at(f"2026-03-12 {moment}"))
        house.hear(arrived(name, f"2026-03-12 {moment}"))
    with house.ledger.transaction() as tx:
        tx.pause(Stops.LOCATION, LINDNER["id"], house.clock.now(), "stocktaking")
    noon(house)
    assert not mails(house)
    assert {house.entry(order=name).status for name in THREE} == {Status.SCHEDULED}
    house.clock.set(at("2026-03-12 12:30"))
    house.drain()

    (mail,) = mails(house)
    assert mail.text.endswith("here now: BX-2 BX-3.")


def test_two_customers_are_two_messages(houses: Any) -> None:
    house = houses()
    house.hear(customer(), customer("jonas", email="jonas.weber@example.com", name="Jonas Weber"))
    house.hear(order("BX-1"), order("BX-2", "jonas"), order("BX-3"))
    house.hear(*(arrived(name, "2026-03-12 10:00") for name in THREE))
    noon(house)

    assert sorted((mail.to, mail.text.partition(": ")[2]) for mail in mails(house)) == [
        ("jonas.weber@example.com", "BX-2."),
        ("maria.keller@example.com", "BX-1 BX-3."),
    ]


def test_two_brands_do_not_share_a_message(houses: Any) -> None:
    house = houses()
    other = {**LINDNER, "brand": "classics"}
    house.hear(customer(), order("BX-1"), order("BX-2", location=other))
    house.hear(arrived("BX-1", "2026-03-12 10:00"), arrived("BX-2", "2026-03-12 10:00"))
    noon(house)

    assert len(mails(house)) == 2


def test_staff_hear_of_the_orders_of_many_customers_in_one_message(houses: Any) -> None:
    text = RULES.replace("    combine:", "    to: owner\n    combine:")
    house = houses(rules_text=text)
    house.hear(customer(), customer("jonas", email="jonas.weber@example.com"))
    house.hear(order("BX-1"), order("BX-2", "jonas"))
    house.hear(arrived("BX-1", "2026-03-12 10:00"), arrived("BX-2", "2026-03-12 10:00"))
    noon(house)

    (mail,) = mails(house)
    assert (mail.to, mail.text.partition(": ")[2]) == (NORA["email"], "BX-1 BX-2.")
    assert NORA["email"] not in house.entry(order="BX-1").wanted.joins


def test_a_newer_message_of_one_order_goes_on_with_the_wait_of_the_older(houses: Any) -> None:
    text = RULES.replace("{reached: arrived}", "{event: yard.note}").replace("2h", "90m")
    house = houses(rules_text=text)
    house.hear(customer(), order("BX-1"))
    for moment in ("10:00", "10:45", "11:15"):
        house.clock.set(at(f"2026-03-12 {moment}"))
        house.hear(event("yard.note", "BX-1", f"2026-03-12 {moment}", note=moment))
        house.drain()
    house.clock.set(at("2026-03-12 11:30"))
    house.drain()

    assert len(mails(house)) == 1
    said = [e for e in house.entries() if e.status is Status.ACCEPTED]
    assert [e.wanted.trigger_at for e in said] == [at("2026-03-12 11:15")]


# ── one outcome for all ──────────────────────────────────────────────────────


def test_a_retry_keeps_them_together_under_the_same_message_id(houses: Any) -> None:
    answers: list[Any] = [Unavailable("421"), None]
    email = Scripted("email", lambda _: answers.pop(0))
    house = houses({"email": email})
    three_cars(house)
    noon(house)
    waiting = [house.entry(order=name) for name in THREE]
    assert {entry.status for entry in waiting} == {Status.SCHEDULED}
    assert len({entry.not_before for entry in waiting}) == 1
    house.hear(order("BX-4"), arrived("BX-4", "2026-03-12 12:00"))
    house.pass_time(timedelta(minutes=1))

    first, again = email.sent
    assert (first.message_id, first.text) == (again.message_id, again.text)
    assert [house.outcomes(house.entry(order=name)) for name in THREE] == [["unavailable", "accepted"]] * 3
    assert house.entry(order="BX-4").status is Status.SCHEDULED


def test_who_is_missing_at_the_retry_is_not_taken_for_told(houses: Any) -> None:
    answers: list[Any] = [Unavailable("421"), None, None]
    email = Scripted("email", lambda _: answers.pop(0))
    house = houses({"email": email})
    three_cars(house)
    noon(house)
    third = house.entry(order="BX-3").id
    with house.ledger.transaction() as tx:
        tx.hold([third], why("a person looks"), house.clock.now())
    house.pass_time(timedelta(minutes=1))
    with house.ledger.transaction() as tx:
        tx.unhold([third], why("go on"), house.clock.now())
    house.clock.set(at("2026-03-12 13:00"))
    house.drain()

    assert [mail.text.partition(": ")[2] for mail in email.sent] == ["BX-1 BX-2 BX-3.", "BX-1 BX-2.", "BX-3."]
    assert house.entry(order="BX-3").message_id != house.entry(order="BX-1").message_id


def test_a_refusal_takes_all_of_them_to_the_next_step(houses: Any) -> None:
    email = Scripted("email", lambda _: Rejected("550 5.1.1", suppress=True))
    sms = MemoryChannel("sms")
    house = houses({"email": email, "sms": sms})
    three_cars(house)
    noon(house)

    assert [message.text for message in sms.messages] == ["Here now: BX-1 BX-2 BX-3."]
    assert {house.entry(order=name).channel for name in THREE} == {"sms"}


def test_what_nobody_knows_about_one_nobody_knows_about_any(houses: Any) -> None:
    once = Abilities(after_unknown=AfterUnknown.PERSON)
    email = Scripted("email", lambda _: Unknown("cut off"), once)
    house = houses({"email": email})
    three_cars(house)
    noon(house)

    assert [mail.to for mail in email.sent].count(MARIA) == 1
    assert {house.entry(order=name).status for name in THREE} == {Status.UNKNOWN}


def test_a_crash_while_sending_makes_all_of_them_unknown(houses: Any) -> None:
    class Crash(BaseException):
        """The process ends here."""

    def crash(_: Any) -> Any:
        raise Crash

    house = houses({"email": Scripted("email", crash)})
    three_cars(house)
    with pytest.raises(Crash):
        noon(house)
    assert {house.entry(order=name).status for name in THREE} == {Status.SENDING}

    house.clock.advance(timedelta(hours=1))
    assert asyncio.run(house.dispatcher.sweep()) == 3
    assert {house.entry(order=name).status for name in THREE} == {Status.UNKNOWN}


def test_a_crash_before_sending_loses_nobody(houses: Any) -> None:
    house = houses()
    three_cars(house)
    house.clock.set(at("2026-03-12 12:00"))
    others = [house.entry(order=name).id for name in THREE[1:]]
    with house.ledger.transaction() as tx:
        (first,) = tx.claim(house.clock.now(), 10, "somebody", timedelta(minutes=1))
        tx.claim_along(others, house.clock.now(), "somebody", timedelta(minutes=1))
    assert first.wanted.order == "BX-1"
    house.clock.advance(timedelta(minutes=2))
    run(house.dispatcher.sweep())
    house.drain()

    (mail,) = mails(house)
    assert mail.text.endswith("BX-1 BX-2 BX-3.")


def test_an_order_with_something_in_flight_is_not_taken_along(houses: Any) -> None:
    text = RULES + ("  - {id: note, on: {event: yard.note}, say: arrived, channels: [sms], timing: now}\n")
    house = houses(rules_text=text)
    three_cars(house)
    house.clock.set(at("2026-03-12 12:00"))
    house.hear(event("yard.note", "BX-2", "2026-03-12 11:59"))
    note = next(e for e in house.entries("BX-2") if e.wanted.rule == "note")
    with house.ledger.transaction() as tx:
        tx.claim_these([note.id], house.clock.now(), "somebody", timedelta(minutes=1))
    house.drain()

    (mail,) = mails(house)
    assert mail.text.endswith("here now: BX-1 BX-3.")
    assert house.entry("arrived", order="BX-2").status is Status.SCHEDULED


def test_one_order_whose_text_cannot_be_made_harms_no_other(houses: Any) -> None:
    house = houses()
    house.write(
        "arrived/email.txt.en",
        "Subject: News\n\n{% for one in orders %}{{ 1 // (one.id != 'BX-2') }}{{ one.id }} {% endfor %}\n",
    )
    house.dispatcher._composer = house.composer()
    three_cars(house)
    noon(house)

    assert sorted(mail.text for mail in mails(house)) == ["1BX-1", "1BX-3"]
    assert house.entry(order="BX-2").status is Status.HELD


def test_a_cap_counts_what_left_together_as_one_message(houses: Any) -> None:
    policy = Policy(time_zone=BERLIN, caps={Purpose.SERVICE: Cap(day=2)})
    house = houses(policy=policy)
    three_cars(house)
    noon(house)
    assert len(mails(house)) == 1
    house.clock.set(at("2026-03-12 13:00"))
    house.hear(order("BX-4"), order("BX-5"), arrived("BX-4", "2026-03-12 13:00"))
    house.clock.set(at("2026-03-12 15:00"))
    house.drain()

    assert [mail.text.partition(": ")[2] for mail in mails(house)] == ["BX-1 BX-2 BX-3.", "BX-4."]


# ── told by explain ──────────────────────────────────────────────────────────


def explained(house: Dealership, name: str) -> Any:
    now = house.clock.now()
    with house.ledger.read() as tx:
        sight = house.engine.look(tx, {name: now}, now)
        facts = tx.order_facts([name])[name]
    order_ = sight.orders[name]
    return explain(
        order_,
        sight.customer_of(order_),
        facts,
        house.entries(name),
        sight.decisions[name],
        house.engine.book,
    )


def test_explain_says_what_it_waits_for_and_with_what_it_left(houses: Any) -> None:
    house = houses()
    three_cars(house)
    (coming,) = explained(house, "BX-2").next
    assert coming.why_then == ("from Thu 2026-03-12 10:30 on with what this rule says of other orders")
    noon(house)

    (said,) = [moment for moment in explained(house, "BX-2").timeline if moment.kind == "said"]
    assert said.detail.endswith("; in one message with what was said of BX-1, BX-3")


def test_a_daemon_with_two_lanes_sends_one_message(houses: Any) -> None:
    house = houses(live=True, batch=1)
    three_cars(house)
    noon(house)

    assert len(mails(house)) == 1
