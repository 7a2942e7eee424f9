"""A second channel of a kind, under a name of its own, reaches whom the first one reaches."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.base import Message
from channels.file import FileChannel
from orchestrator.config import load
from orchestrator.journey import RuleBook
from orchestrator.model import Entry, Notification, Purpose, Status
from orchestrator.persons.consents import refused
from orchestrator.planning.planner import wanted
from orchestrator.sending.guard import Answer, Blocks, Send, Withhold, guard
from tests.builders import BERLIN, at, car_order, event, maria, reached
from tests.deciding import Told, book, decide, entry, fold, one

KINDS = {"sms_second": "sms", "email_second": "email"}
HERE = reached("O-1", "arrived", "2026-03-12 11:20")
NOON = "2026-03-12 11:20"


NO_BLOCKS = Blocks({}, {})


def by(*channels: str, timing: str = "{at: now, within: 6h}") -> RuleBook:
    rule = f"{{id: arrived, on: {{reached: arrived}}, say: arrived, timing: {timing}, "
    return book(f"{rule}channels: [{', '.join(channels)}]}}", kinds=KINDS)


def planned(rules: RuleBook, *told: Told) -> Notification:
    return one(decide(rules, HERE, *told, now=NOON))


def ask(rules: RuleBook, *told: Told, blocks: Blocks = NO_BLOCKS) -> Answer:
    claimed: Entry = entry(planned(rules), Status.DISPATCHED)
    order, customer = fold(car_order(), maria(), HERE, *told)
    blocks = replace(blocks, kinds=rules.policy.kinds)
    decision = wanted(order, customer, rules, at(NOON))
    return guard(claimed, decision, order, customer, blocks, at(NOON), BERLIN)


def test_it_writes_to_the_addresses_of_its_kind() -> None:
    answer = ask(by("sms_second"))
    assert isinstance(answer, Send)
    assert (answer.channel, answer.to) == ("sms_second", "+493023125101")


def test_who_said_stop_to_the_kind_hears_nothing_by_it() -> None:
    stop = event("consent.withdrawn", "C-1", NOON, channel="sms")
    assert isinstance(ask(by("sms_second"), stop), Withhold)
    own = event("consent.withdrawn", "C-1", NOON, channel="sms_second")
    assert isinstance(ask(by("sms_second"), own), Withhold)
    assert isinstance(ask(by("sms"), own), Send)


def test_a_yes_to_marketing_by_the_kind_is_one_to_it() -> None:
    yes = event("consent.given", "C-1", NOON, purpose="marketing", channel="sms", evidence={"how": "form"})
    _, customer = fold(car_order(), maria(), yes)
    assert not refused(customer, Purpose.MARKETING, "sms_second", "sms")
    assert refused(customer, Purpose.MARKETING, "sms_second")


@pytest.mark.parametrize("listed", ["sms", "sms_second"])
def test_an_address_that_is_dead_for_the_kind_or_for_it_is_not_written_to(listed: str) -> None:
    dead = Blocks({(listed, "+493023125101"): "21614"}, {})
    assert isinstance(ask(by("sms_second"), blocks=dead), Withhold)
    second_alone = listed == "sms_second"
    assert isinstance(ask(by("sms"), blocks=dead), Send) is second_alone


def test_a_preference_for_the_kind_is_one_for_it() -> None:
    prefers = event("preference.set", "C-1", NOON, channels=["email", "sms"])
    steps = [step.channel for step in planned(by("sms_second", "email_second"), prefers).steps]
    assert steps == ["email_second", "sms_second"]


def test_hours_chosen_for_the_kind_are_its_hours() -> None:
    evening = [{"days": ["thu"], "from": "19:00", "to": "21:00", "channel": "sms"}]
    prefers = event("preference.set", "C-1", NOON, windows=evening)
    rules = by("sms_second", timing="{at: preferred, within: 14h}")
    assert planned(rules, prefers).due_at == at("2026-03-12 19:00")


def test_the_settings_say_which_kind_a_channel_is_of(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[channels.sms_second]\nkind = "sms"\n', "utf-8")
    assert load(file, {}).policy().kinds == {"sms_second": "sms"}


def test_the_outbox_keeps_it_as_its_kind(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path, "email_second", kind="email")
    message = Message(
        "O-1/arrived/1/customer", "<1@example.com>", "email_second", "maria.keller@example.com",
        text="It is here.", subject="It is here", sender="hello@example.com", at=at(NOON),
    )  # fmt: skip
    asyncio.run(channel.send(message))
    (kept,) = tmp_path.iterdir()
    assert kept.suffix == ".eml"
    assert channel.abilities.attachments
