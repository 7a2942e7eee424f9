"""A colleague adds a line to the next message, or calls in its place; both are events, and explained."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import Message
from orchestrator.model import Order, Outcome, OwnLine, Status
from orchestrator.planning.by_hand import lines_waiting
from orchestrator.planning.explain import explain
from tests.builders import event, promised
from tests.integration.dealership import RULES, START, Dealership, arrived, customer, order

MATS = "I have kept the <blue> mats for you."
TWO = (
    RULES
    + """\
  - id: ready
    on: {reached: prepared}
    say: arrived
    channels: [email]
    timing: {at: now, within: 6h}
  - id: moved
    on: {moved: arrived, by: 1d, settle: 2h}
    say: arrived
    channels: [email]
    timing: {at: now, within: 6h}
"""
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path, rules_text=TWO)
    made.hear(customer(), order())
    yield made
    made.close()


def line(text: str = MATS, **more: str) -> dict[str, object]:
    return event("message.line_added", "BX-1", "2026-03-12 10:00", text=text, by="Nora Brandt", **more)


def mails(made: Dealership) -> list[Message]:
    made.drain()
    return list(made.channels["email"].messages)  # type: ignore[attr-defined]


def prepared(time: str = "2026-03-12 10:30") -> dict[str, object]:
    return event("milestone.reached", "BX-1", time, milestone="prepared")


def story(made: Dealership) -> str:
    with made.ledger.read() as tx:
        now = made.clock.now()
        sight = made.engine.look(tx, {"BX-1": now}, now)
        told = sight.orders["BX-1"]
        found = explain(told, sight.customer_of(told), tx.order_facts(["BX-1"])["BX-1"],
                        tx.entries_of(["BX-1"])["BX-1"], sight.decisions["BX-1"], sight.book)  # fmt: skip
    return str(found)


def test_a_line_goes_with_the_next_message_and_with_no_other(made: Dealership) -> None:
    made.hear(line(), arrived())
    made.clock.advance(timedelta(hours=1))
    made.hear(prepared())
    first, *others = mails(made)
    assert MATS in first.text
    made.hear(event("order.upserted", "BX-1", "2026-03-12 10:40", attributes={"model": "Corsa"}))
    made.clock.advance(timedelta(hours=1))
    made.hear(event("milestone.reached", "BX-1", "2026-03-12 11:30", milestone="collected"))
    assert all(MATS not in one.text for one in [*others, *mails(made)[1:]])
    assert f"Nora Brandt wrote a line for the next message: {MATS}" in story(made)


def test_it_stands_above_the_signature_and_is_text_and_never_markup(made: Dealership) -> None:
    made.write("arrived/email.txt.en", "Subject: Here\n\nHello {{ customer.name }}.\n\n-- \nLindner\n")
    made.write("arrived/email.html.en", "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text>"
               "</mj-column></mj-section></mj-body></mjml>")  # fmt: skip
    made.dispatcher._composer = made.composer()
    made.hear(line(), line("And the <b>red</b> ones.", event_id="second"), arrived())
    (mail,) = mails(made)
    assert (
        mail.text.index("Maria")
        < mail.text.index(MATS)
        < mail.text.index("And the <b>red")
        < mail.text.index("-- \n")
    )
    assert "I have kept the &lt;blue&gt; mats for you.<br>And the &lt;b&gt;red&lt;/b&gt; ones." in mail.html


def test_a_text_that_prints_the_line_itself_prints_it_once(made: Dealership) -> None:
    made.write("arrived/email.txt.en", "Subject: Here\n\n{{ line }}\n\nHello {{ customer.name }}.\n")
    made.dispatcher._composer = made.composer()
    made.hear(line(), arrived())
    (mail,) = mails(made)
    assert mail.text.startswith(MATS)
    assert mail.text.count(MATS) == 1


def test_a_line_waits_until_a_message_is_taken_by_a_provider(made: Dealership) -> None:
    made.hear(line())
    assert mails(made) == []
    made.clock.advance(timedelta(days=1))
    made.hear(arrived(time="2026-03-13 09:00"))
    (mail,) = mails(made)
    assert MATS in mail.text


def test_whoever_takes_a_message_over_and_calls_has_it_not_sent(made: Dealership) -> None:
    made.hear(promised("BX-1", "arrived", "2026-03-20", "2026-03-12 09:00"),
              promised("BX-1", "arrived", "2026-03-24", "2026-03-12 10:00"))  # fmt: skip
    (entry,) = [one for one in made.entries() if one.wanted.rule == "moved"]
    made.hear(event("message.taken_over", "BX-1", "2026-03-12 10:05", message=entry.key, by="Nora Brandt"))
    assert "Nora Brandt, who took it over, notes a call" in story(made)
    made.clock.advance(timedelta(minutes=30))
    made.hear(event("contact.logged", "BX-1", "2026-03-12 10:20", direction="out", by="Nora Brandt"))
    made.pass_time(timedelta(hours=3))
    assert mails(made) == []
    (entry,) = [one for one in made.entries() if one.wanted.rule == "moved"]
    assert entry.status is Status.CANCELLED
    assert entry.reason == "Nora Brandt took it over and spoke with the customer on Thu 2026-03-12 10:20"


def test_if_nobody_called_by_then_it_goes_at_its_time(made: Dealership) -> None:
    made.hear(event("contact.logged", "BX-1", "2026-03-12 08:30", direction="out"),  # of before
              promised("BX-1", "arrived", "2026-03-20", "2026-03-12 09:00"),
              promised("BX-1", "arrived", "2026-03-24", "2026-03-12 10:00"))  # fmt: skip
    (before,) = [one for one in made.entries() if one.wanted.rule == "moved"]
    made.hear(event("message.taken_over", "BX-1", "2026-03-12 10:05", message=before.key, by="Nora Brandt"))
    (after,) = [one for one in made.entries() if one.wanted.rule == "moved"]
    assert after.due_at == before.due_at
    made.pass_time(timedelta(hours=3))
    assert len(mails(made)) == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * 301])
def test_a_line_is_a_line(text: str) -> None:
    from orchestrator.intake.types import settle

    assert isinstance(settle("message.line_added", {"text": text}, "BX-1"), list)


def test_a_line_written_after_a_message_went_goes_with_the_one_after_it(made: Dealership) -> None:
    made.hear(arrived())
    (first,) = mails(made)
    made.clock.advance(timedelta(hours=1))
    made.hear(
        event("message.line_added", "BX-1", "2026-03-12 11:00", text=MATS), prepared("2026-03-12 11:00")
    )
    _, second = mails(made)
    assert MATS not in first.text
    assert MATS in second.text


def test_a_line_is_not_lost_with_a_message_that_was_leaving_already() -> None:
    left = Outcome("BX-1/arrived/1/customer", "arrived", "1", "customer", "message", Status.ACCEPTED, START)
    before = START - timedelta(seconds=2)
    waiting = OwnLine(MATS, "Nora Brandt", before, beside=left.key)
    carried = OwnLine("This one it carried.", "Nora Brandt", before)
    order = Order("BX-1", outcomes={left.key: left}, lines=[waiting, carried])
    assert lines_waiting(order) == (waiting,)
