"""What every ledger promises of that which comes back: messages and people are found by what they go by."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.ledger import Begin, EarlyReport, Finish, Ledger
from orchestrator.model import Entry, Fact, Kind, Notification, Purpose, Status
from tests.builders import why

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Item:
    """An event on its way in."""

    fact: Fact
    digest: bytes = b"body"
    extensions: dict[str, Any] = field(default_factory=dict)


def told(ledger: Ledger, order: str, at: datetime = NOW, *, channel: str = "sms", **begun: str) -> Entry:
    """A message of *order* is being sent."""
    note = Notification(
        order, "arrived", f"arrived#{at.minute}", "customer", "C-1", Kind.MESSAGE, "new-car/arrived",
        Purpose.SERVICE, at, at + timedelta(days=1),
    )  # fmt: skip
    with ledger.transaction() as tx:
        tx.create([note], at)
        (entry,) = tx.claim(at, 10, "w", MINUTE)
        named = {"message_id": f"<{order}@x>", "address": "", **begun}
        begin = Begin(entry.id, entry.generation, channel, named["message_id"], address=named["address"])
        assert not tx.begin_many([begin], at)
    return entry


def ended(ledger: Ledger, entry: Entry, provider_id: str, status: Status = Status.ACCEPTED) -> None:
    with ledger.transaction() as tx:
        finish = Finish(entry.id, entry.generation, status, provider_id=provider_id)
        assert not tx.finish_many([finish], NOW)


def person(ledger: Ledger, who: str, event_id: str, **data: str) -> None:
    with ledger.transaction() as tx:
        tx.append([Item(Fact("crm", event_id, "customer.upserted", who, NOW, NOW, data))])


class ReturningContract:
    def test_a_message_is_found_by_its_message_id_from_its_first_byte_on(self, ledger: Ledger) -> None:
        one, _ = told(ledger, "O-1"), told(ledger, "O-2")
        with ledger.read() as tx:
            assert [e.id for e in tx.entries_by_message_id(["<O-1@x>", "<no@x>"])] == [one.id]
            assert tx.entries_by_message_id([""]) == []

    def test_a_message_is_found_by_its_providers_id_on_its_own_channel(self, ledger: Ledger) -> None:
        one, other = told(ledger, "O-1"), told(ledger, "O-2", channel="push")
        ended(ledger, one, "SM1")
        ended(ledger, other, "SM1")
        with ledger.read() as tx:
            assert [e.id for e in tx.entries_by_provider_id("sms", "SM1")] == [one.id]
            assert [e.id for e in tx.entries_by_provider_id("push", "SM1")] == [other.id]
            assert tx.entries_by_provider_id("sms", "") == []

    def test_an_earlier_try_keeps_its_names(self, ledger: Ledger) -> None:
        entry = told(ledger, "O-1")
        with ledger.transaction() as tx:
            tx.back_to_schedule(entry.id, entry.generation, step=0, not_before=NOW, reason=why("no"), now=NOW)
            (again,) = tx.claim(NOW + MINUTE, 10, "w", MINUTE)
            tx.begin_sending(again.id, again.generation, "email", "<later@x>", NOW + MINUTE)
            assert [e.id for e in tx.entries_by_message_id(["<O-1@x>"])] == [entry.id]
            assert [one.message_id for one in tx.attempts(entry.id)] == ["<O-1@x>", "<later@x>"]

    def test_what_went_to_an_address_last_is_found_by_its_hash(self, ledger: Ledger) -> None:
        told(ledger, "O-1", address="h1")
        last = told(ledger, "O-2", NOW + MINUTE, address="h1")
        told(ledger, "O-3", NOW + 2 * MINUTE, address="h2")
        with ledger.read() as tx:
            found = tx.last_sent_to("sms", "h1")
            assert found is not None
            assert found.id == last.id
            assert tx.last_sent_to("email", "h1") is None
            assert tx.last_sent_to("sms", "") is None

    def test_what_a_provider_calls_others_at_an_address_is_known(self, ledger: Ledger) -> None:
        one = told(ledger, "O-1", address="h1")
        other = told(ledger, "O-2", NOW + MINUTE, address="h1")
        there = told(ledger, "O-3", NOW + 2 * MINUTE, address="h2")
        mail = told(ledger, "O-4", NOW + 3 * MINUTE, channel="email", address="h1")
        told(ledger, "O-5", NOW + 4 * MINUTE, address="h1")  # and nobody knows yet what it is called
        for entry, name in ((one, "SM1"), (other, "SM2"), (there, "SM3"), (mail, "M4")):
            ended(ledger, entry, name)
        with ledger.read() as tx:
            assert tx.provider_ids_of_others("sms", "h1", [one.id]) == {"SM2"}
            assert tx.provider_ids_of_others("sms", "h1", [one.id, other.id]) == set()
            assert tx.provider_ids_of_others("sms", "h1", [there.id]) == {"SM1", "SM2"}
            assert tx.provider_ids_of_others("sms", "", [one.id]) == set()

    def test_what_was_unknown_becomes_known_once(self, ledger: Ledger) -> None:
        entry = told(ledger, "O-1")
        ended(ledger, entry, "", Status.UNKNOWN)
        with ledger.transaction() as tx:
            assert not tx.known_now(entry.id, "email", "accepted", NOW)
            assert tx.known_now(entry.id, "sms", "accepted", NOW, provider_id="SM1", detail="reported")
            assert not tx.known_now(entry.id, "sms", "failed", NOW)
            (attempt,) = tx.attempts(entry.id)
        assert (attempt.outcome, attempt.provider_id, attempt.detail) == ("accepted", "SM1", "reported")

    def test_customers_are_found_where_they_were_ever_said_to_be_reached(self, ledger: Ledger) -> None:
        person(ledger, "C-1", "e1", phone="+493023125101", email="Maria@Example.com")
        person(ledger, "C-2", "e2", phone="+493023125101")
        person(ledger, "C-1", "e3", phone="+493023125102")
        with ledger.read() as tx:
            assert tx.customers_at("+493023125101") == ["C-1", "C-2"]
            assert tx.customers_at("maria@EXAMPLE.com") == ["C-1"]
            assert tx.customers_at("+493023125102") == ["C-1"]
            assert tx.customers_at("+493023125199") == []

    def test_a_forgotten_customer_is_found_nowhere(self, ledger: Ledger) -> None:
        person(ledger, "C-1", "e1", phone="+493023125101")
        person(ledger, "C-2", "e2", phone="+493023125101")
        entry = told(ledger, "O-1", address="h1")
        ended(ledger, entry, "SM1")
        with ledger.transaction() as tx:
            tx.forget_customers(["C-1"])
            tx.forget_attempts([entry.id])
        with ledger.read() as tx:
            assert tx.customers_at("+493023125101") == ["C-2"]
            assert tx.last_sent_to("sms", "h1") is None
            assert tx.entries_by_provider_id("sms", "SM1") == []
            assert tx.entries_by_message_id(["<O-1@x>"]) == []

    def test_a_token_proves_one_thing_and_that_as_often_as_it_comes(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.prove("mail", "t1", "a", NOW)
            assert tx.prove("mail", "t1", "a", NOW + MINUTE)
            assert not tx.prove("mail", "t1", "b", NOW + MINUTE)
            assert tx.prove("other", "t1", "b", NOW)
        with ledger.transaction() as tx:
            assert not tx.prove("mail", "t1", "b", NOW)
            assert tx.forget_proofs(NOW + MINUTE) == 2
            assert tx.prove("mail", "t1", "b", NOW)

    def test_a_report_that_came_early_is_given_once_its_message_is_known(self, ledger: Ledger) -> None:
        said = {"id": "r1", "provider_id": "P1", "became": "delivered"}
        early = EarlyReport("postmark", "email", "r1", "P1", said)
        one = told(ledger, "O-1", channel="email")
        with ledger.transaction() as tx:
            assert tx.keep_early(early, NOW, 2)
            assert tx.keep_early(early, NOW, 2), "the same again is the same"
            assert tx.keep_early(EarlyReport("postmark", "sms", "r2", "P1", {**said, "id": "r2"}), NOW, 2)
            assert not tx.keep_early(EarlyReport("postmark", "email", "r3", "P3", said), NOW, 2)
            assert tx.early_known(9) == []
        ended(ledger, one, "P1")
        with ledger.transaction() as tx:
            assert tx.early_known(9) == [early]
            tx.early_done("postmark", "r1")
            assert tx.early_known(9) == []
            assert tx.forget_early(NOW) == 0
            assert tx.forget_early(NOW + MINUTE) == 1

    def test_what_proves_a_callback_proves_nothing_else_until_it_is_too_old_anyway(
        self, ledger: Ledger
    ) -> None:
        with ledger.transaction() as tx:
            assert tx.prove("mailgun", "t", "delivered", NOW)
            assert tx.prove("mailgun", "t", "delivered", NOW + MINUTE)
            assert not tx.prove("mailgun", "t", "complained", NOW + MINUTE)
            assert tx.prove("another", "t", "complained", NOW)
            assert tx.forget_proofs(NOW) == 0
            assert tx.forget_proofs(NOW + MINUTE) == 2
            assert tx.prove("mailgun", "t", "complained", NOW + MINUTE)
