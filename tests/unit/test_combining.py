"""What leaves together, over random histories: never twice, never lost, every order at most once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import ChannelError, Message, Receipt, Rejected, Unavailable, Unknown
from channels.memory import MemoryChannel
from orchestrator.journey import Policy
from orchestrator.model import FINAL, Entry, Status
from orchestrator.rules import load
from orchestrator.sending.messages import Composer, message_id
from orchestrator.sending.senders import Sender
from orchestrator.simulation.simulate import Simulation
from tests.builders import BERLIN, at, event, incoming, maria

RULES = """\
version: 1
journey: new-car
milestones: [ordered, shipped, arrived, collected]
hours: "08:00-20:00"
rules:
  - {id: shipped, on: {reached: shipped}, say: x, combine: 1d, timing: {within: 3d}}
  - {id: arrived, on: {reached: arrived}, say: x, combine: 2h, timing: {at: now, within: 6h}}
  - {id: note, on: {event: yard.note}, say: x, combine: 90m, timing: {within: 1d}}
  - {id: alone, on: {event: yard.word}, say: x, timing: now}
"""
START = at("2026-03-23 08:00")
END = START + timedelta(days=12)
ORDERS = ("A", "B", "C", "D")


@st.composite
def happenings(draw: st.DrawFn) -> dict[str, Any]:
    """Something happens to one of four orders within three days, by the quarter of an hour."""
    moment = START + timedelta(minutes=15 * draw(st.integers(0, 3 * 96)))
    order = draw(st.sampled_from(ORDERS))
    kind = draw(st.sampled_from(["reached"] * 4 + ["retracted", "note", "note", "word", "hold", "stop"]))
    if kind in ("reached", "retracted"):
        milestone = draw(st.sampled_from(["shipped", "arrived"]))
        return event(f"milestone.{kind}", order, moment, milestone=milestone)
    if kind == "hold":
        return event(draw(st.sampled_from(["order.held", "order.released"])), order, moment)
    if kind == "stop":
        word = draw(st.sampled_from(["consent.given", "consent.withdrawn"]))
        return event(word, "C-1", moment, channel="email")
    return event(f"yard.{kind}", order, moment)


HISTORIES = st.lists(happenings(), min_size=1, max_size=16)
FAILURES = st.lists(
    st.sampled_from([None, None, Unavailable("421"), Rejected("550"), Unknown("cut off")]), max_size=6
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A message that says which orders it is about."""

    text: str
    subject: str = "News"
    html: str = ""
    title: str = ""
    link: str = ""
    locale: str = "en"
    files: tuple[Any, ...] = ()
    invitation: None = None


class Lists:
    """Renders every template to the orders it is about, and what they are told."""

    def render(self, template: str, channel: str, locale: str, context: Mapping[str, Any]) -> Listed:
        return Listed(" ".join(one.id for one in context["orders"]))


class Taking(MemoryChannel):
    """A channel that fails as it is told to, and keeps what it took."""

    def __init__(self, name: str, failures: Iterator[ChannelError | None]) -> None:
        super().__init__(name)
        self.failures = failures
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Receipt:
        if (error := next(self.failures, None)) is not None:
            self.fail_next(error)
        receipt = await super().send(message)
        self.taken.append(message)
        return receipt


def live(
    history: list[dict[str, Any]], failures: list[ChannelError | None]
) -> tuple[list[Entry], list[Message]]:
    """Run the engine over a history; what it has in its ledger then, and what left."""
    book, problems = load({"r.yaml": RULES}, templates=None, channels=None, policy=Policy(time_zone=BERLIN))
    assert problems == []
    known = [maria(time=START - timedelta(hours=1))]
    known += [
        event("order.upserted", order, START - timedelta(hours=1), customer="C-1", journey="new-car")
        for order in ORDERS
    ]
    heard = sorted((incoming(document) for document in [*known, *history]), key=lambda one: one.fact.heard)
    ahead = iter(failures)
    channels = {name: Taking(name, ahead) for name in ("email", "sms", "push")}
    simulation = Simulation(
        book, Composer(Lists(), {}, Sender(), book.policy), channels, start=heard[0].fact.heard
    )
    try:
        simulation.run(heard, END)
        with simulation.ledger.read() as tx:
            entries = tx.entries_in(tuple(Status), limit=1000)
    finally:
        simulation.close()
    return entries, [message for channel in channels.values() for message in channel.taken]


@settings(max_examples=60)
@given(HISTORIES, FAILURES)
def test_what_leaves_together_leaves_once_and_nothing_is_lost(
    history: list[dict[str, Any]], failures: list[ChannelError | None]
) -> None:
    entries, messages = live(history, failures)
    messages = [
        message for message in messages if "/alone/" not in message.id and ".unreached" not in message.id
    ]
    accepted = [e for e in entries if e.status is Status.ACCEPTED and e.channel and e.wanted.joins]

    told = Counter((message.message_id, order) for message in messages for order in message.text.split())
    assert max(told.values(), default=1) == 1, "an order is in a message once, and a message leaves once"
    assert told == Counter((entry.message_id, entry.wanted.order) for entry in accepted)
    assert len({message.message_id for message in messages}) == len(messages)
    for entry in entries:
        ended = entry.status in FINAL or entry.status is Status.UNKNOWN or entry.run_at >= END
        assert ended, f"{entry.key} was left behind as {entry.status}"
    for message in messages:
        together = [entry for entry in accepted if entry.message_id == message.message_id]
        assert message.at is not None
        for entry in together:
            assert entry.expires_at is None or message.at < entry.expires_at
            assert any(step.at <= message.at for step in entry.wanted.steps), (
                f"{entry.key} left before its hours"
            )


@settings(max_examples=25)
@given(HISTORIES)
def test_nobody_waits_longer_than_the_rule_says_while_nothing_fails(history: list[dict[str, Any]]) -> None:
    entries, messages = live(history, [])

    left = {message.message_id: message.at for message in messages}
    for entry in entries:
        if entry.status is Status.ACCEPTED and entry.wanted.joins:
            moment = left[entry.message_id]
            assert moment is not None
            assert moment <= max(entry.wanted.due_at, entry.wanted.steps[0].at)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_message_id_is_a_uuid_of_the_name_space_that_never_changes(key: str) -> None:
    ours = UUID("6f0d4f6e-3a55-4a0c-9e3e-0b6c5c1d2a11")
    assert message_id(key, "sms", "hello@example.com") == f"<{uuid5(ours, f'{key} sms')}@example.com>"


def test_what_is_gathered_for_staff_is_not_dealt_to_several_processes() -> None:
    def gathers(to: str) -> bool:
        text = RULES.replace("combine: 1d", f"to: {to}, combine: 1d")
        return load({"r.yaml": text}, templates=None, channels=None)[0].gathers_for_staff

    assert [gathers(to) for to in ("owner", "[customer, manager]", "customer", "co-buyer")] == [
        True, True, False, False,
    ]  # fmt: skip
