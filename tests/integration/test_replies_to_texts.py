"""People answer our texts: keywords act at once, answers reach whoever looks after the order."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from channels.reports import Reply
from orchestrator import callbacks
from orchestrator.callbacks import Caller, House
from orchestrator.callbacks.whose import Stray, strays
from orchestrator.model import Fact, Status
from orchestrator.persons import erasure
from tests.builders import event
from tests.contracts.twilio_calling import TwilioCalling
from tests.contracts.twilio_server import TwilioServer
from tests.integration.calling_back import consent, events, house, listening, text_maria
from tests.integration.dealership import START, WORDS, Dealership, arrived, customer, order
from tests.integration.texting import TEXTED

MARIA = "+493023125101"
AYLIN = "+493023125102"
ROOT = Path(__file__).parents[2]
FORWARDED = {
    f"answer-the-customer/email.txt.{locale}": (
        ROOT / "templates" / "shared" / "answer-the-customer" / f"email.txt.{locale}.j2"
    )
    .read_text("utf-8")
    .replace('{% include "shared/task.txt" %}', "")
    for locale in ("en", "de")
}
NORA = "nora.brandt@example.com"
SLOTS = [{"id": "s1", "from": "2026-03-14T09:00:00+01:00", "to": "2026-03-14T10:00:00+01:00"}]
PARTY = TEXTED.replace("    say: arrived", "    to: neighbour\n    say: arrived")


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as server:
        yield server


@pytest.fixture
def mail() -> MemoryChannel:
    return MemoryChannel("email")


@pytest.fixture
def lindner(tmp_path: Path, twilio: TwilioServer, mail: MemoryChannel) -> Iterator[Dealership]:
    made = house(tmp_path, twilio, channels={"email": mail}, words=WORDS | FORWARDED)
    yield made
    made.close()


def says(made: Dealership, body: str, sender: str = MARIA, sid: str = "SM-in-1", **more: str) -> str:
    """What Twilio is answered with."""
    with listening(made, house=House("Autohaus Lindner: call +49 30 23125 100")) as caller:
        answer = caller.reply(sid, sender, body, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/xml")
    go_on(made)
    return answer.text


def go_on(made: Dealership) -> None:
    """What the daemon does once it is woken."""
    made.clock.advance(timedelta(seconds=1))
    made.engine.plan_changed(made.clock.now())
    made.drain()


def replies(made: Dealership, name: str = "BX-1") -> list[Fact]:
    return events(made.ledger, name, kind="message.replied")


def strays_of(made: Dealership) -> list[Stray]:
    with made.ledger.read() as tx:
        return strays(tx, START)


NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


# ── answers ──────────────────────────────────────────────────────────────────


def test_an_answer_is_on_the_order_and_reaches_its_owner_who_can_answer_at_once(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    said = lindner.entry().key
    assert says(lindner, "Please call me after six.\nI keep my plate & <b>thanks</b>") == NOTHING
    (reply,) = replies(lindner)
    assert (reply.data["message"], reply.data["channel"]) == (said, "sms")
    assert "from" not in reply.data
    (message,) = mail.messages
    assert (message.to, message.reply_to) == (NORA, "maria.keller@example.com")
    assert message.subject == "Maria Keller wrote, order BX-1"
    assert "Please call me after six.\nI keep my plate & <b>thanks</b>" in message.text
    assert "“arrived” by sms" in message.text
    assert "call +493023125101" in message.text


def test_the_same_answer_again_is_one_answer(lindner: Dealership, mail: MemoryChannel) -> None:
    text_maria(lindner)
    says(lindner, "Thanks!")
    says(lindner, "Thanks!")
    assert len(replies(lindner)) == 1
    assert mail.sent == 1


def test_two_answers_are_passed_on_both(lindner: Dealership, mail: MemoryChannel) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.reply("SM-in-1", MARIA, "Thanks!")
        caller.reply("SM-in-2", MARIA, "And please call me")
    go_on(lindner)
    assert ["Thanks!" in message.text for message in mail.messages] == [True, False]


def test_an_answer_goes_to_the_order_whose_message_came_last(lindner: Dealership) -> None:
    lindner.hear(customer(), order("BX-1"), order("BX-2", time="2026-03-12 08:30"))
    lindner.hear(arrived("BX-2"))
    lindner.drain()
    lindner.clock.advance(timedelta(minutes=5))
    lindner.hear(arrived("BX-1"))
    lindner.drain()
    says(lindner, "Thanks!")
    assert len(replies(lindner, "BX-1")) == 1
    assert replies(lindner, "BX-2") == []


def test_without_any_message_it_is_the_newest_open_order(lindner: Dealership) -> None:
    lindner.hear(customer(), order("BX-1"), order("BX-3", time="2026-03-12 08:40"))
    lindner.hear(order("BX-2", time="2026-03-12 08:30"))
    lindner.hear(event("order.cancelled", "BX-3", "2026-03-12 09:00"))
    says(lindner, "When does it come?")
    assert [len(replies(lindner, name)) for name in ("BX-1", "BX-2", "BX-3")] == [0, 1, 0]


def test_an_answer_about_an_order_that_is_over_is_passed_on_too(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    lindner.hear(customer(), order(), event("order.cancelled", "BX-1", "2026-03-12 09:00"))
    says(lindner, "Why?")
    assert "Why?" in mail.messages[0].text


def test_an_answer_to_an_order_on_hold_is_passed_on(lindner: Dealership, mail: MemoryChannel) -> None:
    lindner.hear(customer(), order(), event("order.held", "BX-1", "2026-03-12 09:00"))
    says(lindner, "Why?")
    assert mail.sent == 1


def test_an_order_without_an_owner_is_answered_by_the_manager(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    lindner.hear(customer(), order(owner=None))
    says(lindner, "Hello?")
    assert [message.to for message in mail.messages] == ["paul.lindner@example.com"]


def test_with_nobody_to_reach_it_stands_on_the_list_of_tasks(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    lindner.hear(customer(), order(owner=None, manager=None))
    says(lindner, "Hello?")
    assert mail.sent == 0
    (entry,) = [one for one in lindner.entries() if one.wanted.rule == "reply"]
    assert (entry.status, entry.wanted.kind) == (Status.ACCEPTED, "task")
    assert "list of tasks" in entry.reason


def test_a_rule_that_makes_a_task_of_every_answer_takes_the_place_of_ours(
    tmp_path: Path, twilio: TwilioServer, mail: MemoryChannel
) -> None:
    own = TEXTED + (
        "  - id: answered\n    on: {event: message.replied}\n"
        "    task: {for: manager, do: answer-the-customer}\n"
    )
    made = house(tmp_path, twilio, channels={"email": mail}, words=WORDS | FORWARDED, rules_text=own)
    made.hear(customer(), order())
    says(made, "Hello?")
    assert [message.to for message in mail.messages] == ["paul.lindner@example.com"]
    assert "Hello?" in mail.messages[0].text
    made.close()


def test_what_is_imported_from_years_ago_is_passed_on_to_nobody(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    lindner.hear(customer(), order())
    lindner.hear(event("message.replied", "BX-1", "2024-03-12 10:00", text="Thanks"))
    lindner.drain()
    assert mail.sent == 0


def test_a_neighbour_who_answers_is_on_the_order_they_were_told_about(
    tmp_path: Path, twilio: TwilioServer, mail: MemoryChannel
) -> None:
    made = house(tmp_path, twilio, channels={"email": mail}, words=WORDS | FORWARDED, rules_text=PARTY)
    neighbour = {"name": "Jonas Weber", "phone": "+49 30 23125 155"}
    made.hear(customer(), order(parties={"neighbour": neighbour}), arrived())
    made.drain()
    assert len(twilio.texts) == 1
    says(made, "It is with me", "+493023125155")
    (reply,) = replies(made)
    assert reply.data["by"] == "neighbour"
    says(made, "STOP", "+493023125155", "SM-in-2")
    assert [one.reason for one in made.suppressions()] == ["its owner said STOP"]
    says(made, "START", "+493023125155", "SM-in-3")
    assert made.suppressions() == []
    says(made, "STOP", "+493023125155", "SM-in-4")
    says(made, "START", "+493023125155", "SM-in-3")  # Twilio repeats it
    assert len(made.suppressions()) == 1
    made.close()


# ── of nobody ────────────────────────────────────────────────────────────────


def test_what_a_stranger_writes_is_kept_and_told_without_their_number(
    lindner: Dealership, caplog: pytest.LogCaptureFixture
) -> None:
    text_maria(lindner)
    with caplog.at_level(logging.INFO):
        says(lindner, "Who are you?", "+493023125199")
    (stray,) = strays_of(lindner)
    assert (stray.source, stray.id) == ("callback:sms", "SM-in-1")
    assert stray.customer.startswith("sms:")
    assert "SM-in-1" in caplog.text
    assert "+493023125199" not in caplog.text
    with lindner.ledger.read() as tx:
        (kept,) = [fact for _, fact in tx.facts_after(0, 1000) if fact.type == "customer.wrote"]
    assert (kept.data["text"], kept.data["from"]) == ("Who are you?", "+493023125199")


def test_a_customer_without_an_order_is_kept_as_theirs(lindner: Dealership) -> None:
    lindner.hear(customer())
    says(lindner, "I want a car")
    with lindner.ledger.read() as tx:
        assert [fact.type for fact in tx.customer_facts(["maria"])["maria"]][-1] == "customer.wrote"
    assert [stray.customer for stray in strays_of(lindner)] == ["maria"]


# ── keywords ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["STOP", "stop", "Unsubscribe", " Stop! "])
def test_a_stop_counts_at_once_and_is_not_answered(
    lindner: Dealership, twilio: TwilioServer, mail: MemoryChannel, word: str
) -> None:
    text_maria(lindner)
    assert says(lindner, word) == NOTHING  # Twilio confirms it
    given = consent(lindner.ledger)
    assert given is not None
    assert not given.given
    assert "STOP by sms" in given.evidence
    assert "SM-in-1" in given.evidence
    assert replies(lindner) == []
    assert mail.sent == 0
    lindner.hear(order("BX-2"), arrived("BX-2"))
    lindner.drain()
    assert len(twilio.texts) == 1
    assert lindner.entry(order="BX-2").status is Status.SUPPRESSED


def test_a_stop_is_everybodys_who_has_that_number(lindner: Dealership) -> None:
    lindner.hear(customer(), order(), customer("jonas", name="Jonas Weber"))
    says(lindner, "STOP")
    for who in ("maria", "jonas"):
        word = consent(lindner.ledger, who)
        assert word is not None
        assert not word.given


def test_a_stop_binds_the_number_for_whoever_has_it_later_and_who_is_told_apart_again(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    lindner.hear(
        customer(), order(), customer("jonas", name="Jonas Weber"),
        event("customer.merged", "jonas", "2026-03-12 07:00", into="maria"),
    )  # fmt: skip
    says(lindner, "STOP")
    lindner.hear(
        event("customer.unmerged", "jonas", "2026-03-12 09:00"),
        event("consent.given", "jonas", "2026-03-12 09:00", channel="sms", evidence={"how": "a form"}),
        customer("aylin", name="Aylin Demir"),
        order("BX-2", "jonas"), arrived("BX-2"), order("BX-3", "aylin"), arrived("BX-3"),
    )  # fmt: skip
    lindner.drain()

    assert twilio.texts == []
    assert "its owner said STOP" in lindner.entry(order="BX-2").reason
    assert "its owner said STOP" in lindner.entry(order="BX-3").reason
    says(lindner, "START", sid="SM-in-2")
    lindner.hear(order("BX-4", "aylin"), arrived("BX-4"))
    lindner.drain()
    assert len(twilio.texts) == 1


def test_a_start_repeated_after_a_stop_takes_no_number_off_the_list(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    says(lindner, "START", sid="SM-in-1")
    says(lindner, "STOP", sid="SM-in-2")
    says(lindner, "START", sid="SM-in-1")  # Twilio repeats the first
    lindner.hear(customer("jonas", name="Jonas Weber"), order("BX-2", "jonas"), arrived("BX-2"))
    lindner.drain()
    assert len(twilio.texts) == 1


def test_a_stop_is_not_theirs_who_gave_the_number_up(lindner: Dealership) -> None:
    lindner.hear(customer(), order(), customer("jonas", name="Jonas Weber"))
    lindner.hear(customer("jonas", "2026-03-12 09:00", name="Jonas Weber", phone=AYLIN))
    says(lindner, "STOP")
    assert consent(lindner.ledger, "jonas") is None


def test_a_german_customer_may_write_stopp(lindner: Dealership) -> None:
    lindner.hear(customer(locale="de-DE"), order())
    says(lindner, "Stopp")
    word = consent(lindner.ledger)
    assert word is not None
    assert not word.given


def test_what_twilio_took_for_a_stop_is_one_whatever_the_word(lindner: Dealership) -> None:
    lindner.hear(customer(), order())
    says(lindner, "Basta!", OptOutType="STOP")
    word = consent(lindner.ledger)
    assert word is not None
    assert not word.given


def test_start_takes_a_stop_back(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    says(lindner, "STOP")
    says(lindner, "start", sid="SM-in-2")
    word = consent(lindner.ledger)
    assert word is not None
    assert word.given
    lindner.hear(order("BX-2"), arrived("BX-2"))
    lindner.drain()
    assert len(twilio.texts) == 2


def test_a_stop_repeated_after_a_start_changes_nothing(lindner: Dealership) -> None:
    text_maria(lindner)
    says(lindner, "STOP")
    says(lindner, "START", sid="SM-in-2")
    says(lindner, "STOP")  # Twilio repeats the first
    word = consent(lindner.ledger)
    assert word is not None
    assert word.given


def test_help_is_answered_with_the_companys_words_unless_twilio_did(lindner: Dealership) -> None:
    text_maria(lindner)
    words = "<Message>Autohaus Lindner: call +49 30 23125 100</Message>"
    assert words in says(lindner, "HELP")
    assert says(lindner, "HELP", sid="SM-in-2", OptOutType="HELP") == NOTHING
    assert replies(lindner) == []


def test_a_call_for_help_is_kept_and_asks_nobody_for_anything_where_it_was_answered(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    says(lindner, "HELP")
    (kept,) = events(lindner.ledger, kind="message.help")
    assert kept.data["text"] == "HELP"
    assert mail.sent == 0


def test_a_call_for_help_that_nobody_answers_at_once_goes_to_the_owner(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:  # no words of the company
        caller.reply("SM-in-1", MARIA, "HELP")
    go_on(lindner)
    assert [reply.data["text"] for reply in replies(lindner)] == ["HELP"]
    writes(lindner, "Info", "m-1")
    assert [reply.data["text"] for reply in replies(lindner)] == ["HELP", "Info"]
    assert mail.sent == 2


def writes(
    made: Dealership, body: str, name: str, *answers: str, subject: str = "",
    sender: str = "maria.keller@example.com",
) -> None:  # fmt: skip
    """A mail comes in that says it is from Maria."""
    house = House("Autohaus Lindner: call +49 30 23125 100")
    answer = Reply(name, sender, body, subject=subject, answers=answers)
    with made.ledger.transaction() as tx:
        callbacks.take(made.engine, tx, Caller("mail", "email"), [answer], made.clock.now(), house)
    go_on(made)


@pytest.mark.parametrize("word", ["Yes", "Cancel", "End", "Quit"])
def test_a_word_of_carriers_is_an_answer_in_a_mail(lindner: Dealership, word: str) -> None:
    text_maria(lindner)
    writes(lindner, word, "m-1")
    assert consent(lindner.ledger, channel="email") is None
    assert [reply.data["text"] for reply in replies(lindner)] == [word]


def test_the_owner_reads_the_subject_of_a_mail_that_has_no_text(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    writes(lindner, "", "m-1", subject="Please call me after six")
    assert "Please call me after six" in mail.messages[-1].text


def test_the_owner_reads_where_an_answer_came_from_if_that_is_not_the_customers(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    ours = lindner.entry().message_id
    writes(lindner, "We come on Friday.", "m-1", ours, sender="jonas.weber@example.com")
    assert "Maria Keller answered" in mail.messages[-1].text
    assert ", from jonas.weber@example.com:" in mail.messages[-1].text
    writes(lindner, "Thanks.", "m-2", ours, sender="Maria.Keller@example.com")
    assert "from maria" not in mail.messages[-1].text.lower()


@pytest.mark.parametrize("word", ["Yes", "START"])
def test_a_forged_mail_takes_no_stop_back(lindner: Dealership, word: str) -> None:
    text_maria(lindner)
    elsewhere = lindner.entry().message_id  # a message of ours, and not to that mailbox
    writes(lindner, "STOP", "m-1")
    writes(lindner, word, "m-2")
    writes(lindner, word, "m-3", "<unknown@example.com>", elsewhere)
    given = consent(lindner.ledger, channel="email")
    assert given is not None
    assert not given.given
    assert [reply.data["text"] for reply in replies(lindner)] == [word, word]


def test_a_yes_to_times_that_were_offered_is_an_answer(lindner: Dealership, mail: MemoryChannel) -> None:
    text_maria(lindner)
    lindner.hear(order("BX-2", time="2026-03-12 08:30"))
    lindner.hear(event("slot.offered", "BX-2", "2026-03-12 09:45", slots=SLOTS))
    says(lindner, "YES")
    assert consent(lindner.ledger) is None
    (reply,) = replies(lindner, "BX-2")
    assert reply.data["text"] == "YES"
    assert mail.sent == 1


def test_a_yes_to_an_offer_that_was_taken_takes_a_stop_back(lindner: Dealership) -> None:
    text_maria(lindner)
    lindner.hear(event("slot.offered", "BX-1", "2026-03-12 09:45", slots=SLOTS))
    lindner.hear(event("slot.chosen", "BX-1", "2026-03-12 09:50", slot={"id": "s1"}))
    says(lindner, "STOP")
    says(lindner, "YES", sid="SM-in-2")
    word = consent(lindner.ledger)
    assert word is not None
    assert word.given
    assert not replies(lindner)


def test_a_yes_where_no_stop_stands_is_an_answer(lindner: Dealership, mail: MemoryChannel) -> None:
    text_maria(lindner)
    says(lindner, "Yes!")
    assert consent(lindner.ledger) is None
    assert [reply.data["text"] for reply in replies(lindner)] == ["Yes!"]
    assert mail.sent == 1


@pytest.mark.parametrize("subject", ["Stop", "unsubscribe"])
def test_a_mail_without_a_text_says_what_its_subject_says(lindner: Dealership, subject: str) -> None:
    text_maria(lindner)
    writes(lindner, "", "m-1", subject=subject)
    word = consent(lindner.ledger, channel="email")
    assert word is not None
    assert not word.given
    assert f"wording: {subject}" in word.evidence
    assert not replies(lindner)


def test_an_answer_that_only_begins_with_a_keyword_is_an_answer(lindner: Dealership) -> None:
    text_maria(lindner)
    says(lindner, "Stop by at nine?")
    assert consent(lindner.ledger) is None
    assert len(replies(lindner)) == 1


# ── who may say so ───────────────────────────────────────────────────────────


def test_a_forged_stop_changes_nothing(lindner: Dealership) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        forged = TwilioCalling(caller.url, "https://hooks.attacker.example").reply("SM-in-1", MARIA, "STOP")
    assert forged.status_code == 403
    assert consent(lindner.ledger) is None


def test_emoji_long_texts_and_nothing_at_all_are_answers(lindner: Dealership, mail: MemoryChannel) -> None:
    text_maria(lindner)
    for number, body in enumerate(
        ["👍🏽", "", "x" * 1600, "{{ 7 * 7 }} {% raw %}", "a\r\nBcc: x@example.com"]
    ):
        says(lindner, body, sid=f"SM-in-{number}")
    assert len(replies(lindner)) == 5
    assert "{{ 7 * 7 }} {% raw %}" in mail.messages[3].text
    assert "x" * 1600 in mail.messages[2].text


def test_an_erased_customer_who_writes_leaves_no_words(lindner: Dealership) -> None:
    text_maria(lindner)
    says(lindner, "My name is Maria Keller")
    erasure.erase(lindner.engine, "maria", "asked", START + timedelta(hours=1), lindner.folder / "outbox")
    for path in lindner.ledger.files():
        if path.exists():
            assert b"My name is" not in path.read_bytes()
            assert MARIA.encode() not in path.read_bytes()


def test_what_came_out_of_a_machine_is_kept_and_nothing_follows(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    text_maria(lindner)
    away = Reply("auto-1", MARIA, "STOP", automatic=True, key=lindner.entry().key)
    with lindner.ledger.transaction() as tx:
        callbacks.take(lindner.engine, tx, Caller("letters", "email"), [away], lindner.clock.now())
    go_on(lindner)
    (kept,) = events(lindner.ledger, kind="message.machine_reply")
    assert kept.data["text"] == "STOP"
    assert consent(lindner.ledger, channel="email") is None
    assert mail.sent == 0


def test_an_answer_by_mail_belongs_to_the_message_it_names(lindner: Dealership, mail: MemoryChannel) -> None:
    lindner.hear(customer(), order("BX-1"), order("BX-2", time="2026-03-12 08:30"), arrived("BX-1"))
    lindner.hear(event("slot.offered", "BX-2", "2026-03-12 09:45", slots=SLOTS))
    lindner.drain()
    said = lindner.entry(order="BX-1")
    answer = Reply("m-1", "somebody.else@example.com", "Thanks", answers=("<unknown@x>", said.message_id))
    with lindner.ledger.transaction() as tx:
        callbacks.take(lindner.engine, tx, Caller("letters", "email"), [answer], lindner.clock.now())
    (reply,) = replies(lindner, "BX-1")
    assert reply.data["message"] == said.key


def test_a_mailbox_is_known_however_it_is_spelt(lindner: Dealership) -> None:
    lindner.hear(customer(), order())
    answer = Reply("m-1", "Maria.Keller@Example.com", "When does it come?")
    with lindner.ledger.transaction() as tx:
        callbacks.take(lindner.engine, tx, Caller("letters", "email"), [answer], lindner.clock.now())
    assert len(replies(lindner)) == 1


def test_a_colleague_who_answers_a_task_is_kept_and_told_to_nobody(
    lindner: Dealership, mail: MemoryChannel
) -> None:
    lindner.hear(customer(), order())
    says(lindner, "Hello?")
    (task,) = [entry for entry in lindner.entries() if entry.wanted.rule == "reply"]
    answer = Reply("m-1", NORA, "I called her", key=task.key)
    with lindner.ledger.transaction() as tx:
        callbacks.take(lindner.engine, tx, Caller("letters", "email"), [answer], lindner.clock.now())
    go_on(lindner)
    assert len(events(lindner.ledger, kind="message.staff_reply")) == 1
    assert mail.sent == 1  # the task
