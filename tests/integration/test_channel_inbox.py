"""The inbox against a real ledger on a disk, which goes away, is busy, and comes back."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from channels.base import Channel, Message, Misconfigured, Rejected, Unavailable
from channels.contract import MESSAGE, ChannelContract, Seen
from channels.inbox import InboxChannel, name_of
from channels.kinds.inbox import KIND
from channels.kinds.inbox import Inbox as InboxSettings
from channels.registry import build
from channels.reports import Became
from orchestrator.cli import house as house_of
from orchestrator.config import load
from orchestrator.engine import Engine
from orchestrator.inbox.store import Inbox
from orchestrator.journey import Policy, RuleBook
from orchestrator.ledger import InboxItem, Ledger
from orchestrator.model import Purpose, Status
from orchestrator.persons.disclosure import as_text, disclose
from orchestrator.persons.erasure import erase
from tests.builders import BERLIN, at, event
from tests.integration.dealership import RULES, START, WORDS, Dealership, arrived, customer, order, run

TO_MARIA = replace(MESSAGE, channel="inbox", to="C-1", collapse_key="4711/arrived")
KEY = "0123456789abcdef0123456789abcdef"
RULE = RULES.replace("channels: [email]", "channels: [inbox, email]")
TITLED = "Title: It is here\nLink: https://example.com/o/{{ order.id }}\n\nHello {{ customer.name }}.\n"
PUSH = {"arrived/push.txt.en": TITLED}


class OnDisk:
    """The ledger that keeps the inbox, on a disk that fails."""

    def __init__(self, folder: Path) -> None:
        self.file, self._away = folder / "ledger.db", folder / "away.db"
        self.ledger = Ledger.open(f"sqlite:///{self.file}", upgrade=True)
        self.inbox = Inbox(Engine(self.ledger, RuleBook()), patience=0.3)
        self._other: sqlite3.Connection | None = None

    def accepting(self) -> None:
        if self._away.exists():
            self._away.rename(self.file)
        if self._other is not None:
            self._other.rollback()
            self._other.close()
            self._other = None

    def replying(self, answer: str) -> None:
        if answer == "somebody else writes":
            self.slow()
        else:
            assert answer == "the file was moved away"
            self.cutting_off()

    def slow(self) -> None:
        self._other = sqlite3.connect(self.file, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def cutting_off(self) -> None:
        self.file.rename(self._away)

    def seen(self) -> list[Seen]:
        self.accepting()
        with self.ledger.read() as tx:
            found = tx.inbox_changes(0)
        return [Seen(item.customer, item.item, item.text) for item in found if not item.replaced]

    def close(self) -> None:
        self.accepting()
        self.inbox.close()
        self.ledger.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[OnDisk]:
    made = OnDisk(tmp_path)
    yield made
    made.close()


class TestInbox(ChannelContract):
    declared = KIND.abilities
    message = TO_MARIA
    answers: ClassVar = {"somebody else writes": Unavailable, "the file was moved away": Unavailable}

    @pytest.fixture
    def provider(self, disk: OnDisk) -> OnDisk:
        return disk

    @pytest.fixture
    def channel(self, disk: OnDisk) -> Channel:
        return InboxChannel(disk.inbox)

    def another(self, number: int) -> Message:
        return replace(super().another(number), collapse_key=f"{number}/arrived")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def kept(disk: OnDisk, *customers: str) -> list[InboxItem]:
    with disk.ledger.read() as tx:
        return tx.whole_inbox(customers or ["C-1"])


@pytest.mark.anyio
async def test_a_newer_message_about_the_same_takes_the_place_of_the_older_and_a_late_copy_does_not(
    disk: OnDisk,
) -> None:
    channel = InboxChannel(disk.inbox)
    newer = replace(TO_MARIA, message_id="<2@example.com>", text="It is still here.")
    await channel.send(TO_MARIA)
    await channel.send(newer)
    await channel.send(TO_MARIA)
    assert [item.text for item in kept(disk) if not item.replaced] == ["It is still here."]


@pytest.mark.anyio
async def test_a_message_has_a_title_and_a_link_and_tells_until_when_it_is_useful(disk: OnDisk) -> None:
    until = TO_MARIA.at and TO_MARIA.at + timedelta(hours=6)
    await InboxChannel(disk.inbox).send(replace(TO_MARIA, expires_at=until, title=""))
    (item,) = kept(disk)
    assert (item.item, item.title, item.link) == (
        name_of(TO_MARIA.message_id), "Autohaus Lindner", "https://example.com/o/4711",
    )  # fmt: skip
    assert (item.at, item.expires_at, item.read_at) == (TO_MARIA.at, until, None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "file:///x"]
)
async def test_a_link_that_would_run_in_the_page_is_refused(disk: OnDisk, link: str) -> None:
    with pytest.raises(Rejected):
        await InboxChannel(disk.inbox).send(replace(TO_MARIA, link=link))
    assert kept(disk) == []


@pytest.mark.anyio
@pytest.mark.parametrize("link", ["https://example.com/o", "lindner://orders/4711", "/orders/4711", ""])
async def test_other_links_are_kept(disk: OnDisk, link: str) -> None:
    await InboxChannel(disk.inbox).send(replace(TO_MARIA, link=link))
    assert kept(disk)[0].link == link


@pytest.mark.anyio
async def test_what_no_database_keeps_is_taken_out(disk: OnDisk) -> None:
    await InboxChannel(disk.inbox).send(replace(TO_MARIA, text="one\0two \ud83d!"))
    assert kept(disk)[0].text == "onetwo ?!"


@pytest.mark.anyio
async def test_a_text_that_is_too_long_is_refused_and_not_cut(disk: OnDisk) -> None:
    channel = InboxChannel(disk.inbox)
    with pytest.raises(Rejected, match="too long"):
        await channel.send(replace(TO_MARIA, text="x" * 10_001))
    await channel.send(replace(TO_MARIA, text="x" * 10_000))
    assert len(kept(disk)[0].text) == 10_000


@pytest.mark.anyio
async def test_without_anybody_who_keeps_it_the_settings_are_wrong() -> None:
    with pytest.raises(Misconfigured):
        await InboxChannel().send(TO_MARIA)


@pytest.mark.anyio
async def test_many_at_once_are_all_kept(disk: OnDisk) -> None:
    channel = InboxChannel(disk.inbox)
    await asyncio.gather(
        *(
            channel.send(replace(TO_MARIA, message_id=f"<{n}@example.com>", collapse_key=f"{n}"))
            for n in range(200)
        )
    )
    assert len({item.item for item in kept(disk)}) == 200
    assert sorted(item.change for item in kept(disk)) == list(range(1, 201))


# ── through the whole house ──────────────────────────────────────────────────


class House(Dealership):
    """A dealership whose customers have an inbox."""

    def __init__(self, folder: Path, **more: Any) -> None:
        channel = InboxChannel()
        super().__init__(folder, {"inbox": channel, **more.pop("channels", {})}, words=WORDS | PUSH, **more)
        self.inbox = channel.feed = Inbox(self.engine)

    def items(self, who: str = "maria", **more: Any) -> list[InboxItem]:
        return list(self.inbox.page(who, self.clock.now(), **more).items)

    def close(self) -> None:
        self.inbox.close()
        super().close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, rules_text=RULE)
    yield made
    made.close()


def test_whoever_is_known_has_an_inbox_and_finds_the_text_of_the_push_there(house: House) -> None:
    house.hear(customer(email=None, phone=None), order(), arrived())
    house.drain()
    assert house.entry().status is Status.ACCEPTED
    (item,) = house.items()
    assert (item.title, item.text) == ("It is here", "Hello Maria Keller.")
    assert (item.link, item.order_id, item.locale) == ("https://example.com/o/BX-1", "BX-1", "en")
    assert item.key == house.entry().key


def test_a_text_for_the_inbox_goes_before_that_of_the_push(tmp_path: Path) -> None:
    house = House(tmp_path, rules_text=RULE)
    house.write("arrived/inbox.txt.en", "Title: Here\n\nAt more length: it is here.\n")
    house.dispatcher._composer = house.composer()
    house.hear(customer(), order(), arrived())
    house.drain()
    assert [item.text for item in house.items()] == ["At more length: it is here."]
    house.close()


def test_a_text_that_journeys_share_is_found_there_too(tmp_path: Path) -> None:
    house = House(tmp_path, rules_text=RULE)
    (tmp_path / "templates" / "new-car" / "arrived" / "push.txt.en.j2").unlink()
    (shared := tmp_path / "templates" / "shared" / "arrived").mkdir(parents=True)
    (shared / "push.txt.en.j2").write_text("Title: Here\n\nAs all say it.\n")
    house.dispatcher._composer = house.composer()
    house.hear(customer(), order(), arrived())
    house.drain()
    assert [item.text for item in house.items()] == ["As all say it."]
    house.close()


def test_colleagues_and_the_erased_have_none(tmp_path: Path) -> None:
    house = House(tmp_path, rules_text=RULES.replace("channels: [email]", "channels: [inbox]\n    to: owner"))
    house.hear(customer(), order(), arrived())
    house.drain()
    assert (house.entry().status, house.items("nora.brandt@example.com")) == (Status.SUPPRESSED, [])
    house.close()


def test_quiet_hours_are_not_for_what_wakes_nobody(tmp_path: Path) -> None:
    quiet = {Purpose.SERVICE: (time(20), time(8))}
    night = "2026-03-12 23:00"
    for silent, when in ((frozenset({"inbox"}), at(night)), (frozenset(), at("2026-03-13 08:00"))):
        folder = tmp_path / str(len(silent))
        folder.mkdir()
        policy = Policy(time_zone=BERLIN, quiet=quiet, silent=silent)
        rule = RULES.replace("channels: [email]", "channels: [inbox]").replace("6h", "20h")
        house = House(folder, rules_text=rule, policy=policy)
        house.clock.set(at(night))
        house.hear(customer(), order(), arrived(time=night))
        assert house.entry().wanted.steps[0].at == when
        house.close()


def test_the_settings_say_which_channels_wake_nobody(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[channels.inbox]\n[channels.ours]\nkind = 'webhook'\n")
    assert house_of.policy(load(tmp_path / "config.toml", {})).silent == {"inbox", "ours"}


def test_reading_it_is_news_of_the_order_once_and_opens_the_message(house: House) -> None:
    house.hear(customer(), order(), arrived())
    house.drain()
    for _ in range(2):
        assert run(house.inbox.read("maria", house.clock.now())) in (0, 1)
    with house.ledger.read() as tx:
        facts = [fact for fact in tx.order_facts(["BX-1"])["BX-1"] if fact.type == "message.opened"]
    assert [fact.data for fact in facts] == [
        {"message": house.entry().key, "channel": "inbox", "provider": "inbox"}
    ]
    assert facts[0].happened == house.clock.now()  # at once, and no scanner all the same
    with house.ledger.read() as tx:
        sight = house.engine.look(tx, {"BX-1": house.clock.now()}, house.clock.now())
    assert sight.orders["BX-1"].outcomes[house.entry().key].delivery == Became.OPENED


def test_that_somebody_looks_is_noted_once_a_minute(house: House) -> None:
    house.hear(customer(), order())
    for _ in range(3):
        run(house.inbox.active("maria", "web", house.clock.now()))
        house.clock.advance(timedelta(seconds=25))
    with house.ledger.read() as tx:
        facts = [fact for fact in tx.customer_facts(["maria"])["maria"] if fact.type == "customer.active"]
    assert [(fact.happened, fact.data) for fact in facts] == [(START, {"surface": "web"})]


def test_a_merged_customer_finds_the_messages_of_both_until_they_are_parted(house: House) -> None:
    house.hear(customer(), order(), arrived())
    house.hear(customer("m-keller"), order("BX-2", "m-keller"), arrived("BX-2"))
    house.drain()
    assert [len(house.items(who)) for who in ("maria", "m-keller")] == [1, 1]
    house.hear(event("customer.merged", "m-keller", START, into="maria"))
    assert [len(house.items(who)) for who in ("maria", "m-keller", "jonas")] == [2, 2, 0]
    assert run(house.inbox.read("maria", house.clock.now())) == 2
    house.hear(event("customer.unmerged", "m-keller", START + timedelta(minutes=1)))
    assert [len(house.items(who)) for who in ("maria", "m-keller")] == [1, 1]


def test_what_is_useless_is_found_only_when_it_is_asked_for(house: House) -> None:
    house.hear(customer(), order(), arrived())
    house.drain()
    house.clock.advance(timedelta(days=1))
    assert (house.items(), len(house.items(past=True))) == ([], 1)


def test_erasure_deletes_it_and_export_has_it(house: House, tmp_path: Path) -> None:
    house.hear(customer(), order(), arrived())
    house.drain()
    with house.ledger.read() as tx:
        document = disclose(tx, "maria", tmp_path / "outbox", house.clock.now())
    (item,) = document["inbox"]
    assert (item["order"], item["text"], item["read_at"]) == ("BX-1", "Hello Maria Keller.", None)
    assert any("It is here (not read)" in line for line in as_text(document))
    report = erase(house.engine, "maria", "she asked", house.clock.now(), tmp_path / "outbox")
    assert [(line.count, line.became) for line in report.lines if line.what == "messages in the inbox"] == [
        (1, "deleted")
    ]
    assert (report.left, house.items(past=True)) == ((), [])
    with pytest.raises(Rejected, match="erased"):
        run(InboxChannel(house.inbox).send(replace(TO_MARIA, to="maria", text="late")))


def test_what_is_old_is_dropped(house: House) -> None:
    house.hear(customer(), order(), arrived())
    house.drain()
    house.inbox.tidy(START)
    assert len(house.items(past=True)) == 1
    house.inbox.tidy(START + timedelta(seconds=1))
    assert house.items(past=True) == []


# ── settings ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        {"live": True},
        {"key": "short"},
        {"key": KEY, "previous_key": "short"},
        {"origins": ("https://my.example.com/",)},
        {"origins": ("*",)},
        {"origins": ("my.example.com",)},
        {"kind": "inbox"},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        InboxSettings(**wrong)


def test_settings_make_a_channel(tmp_path: Path) -> None:
    origins = ("https://my.example.com", "http://localhost:5173", "http://[::1]:80")
    settings = InboxSettings(live=True, key=KEY, origins=origins)  # type: ignore[arg-type]
    assert isinstance(build("inbox", settings, outbox=tmp_path), InboxChannel)
    assert settings.keys == (KEY,)
    with suppress(Misconfigured):
        run(build("inbox", settings, outbox=tmp_path).send(TO_MARIA))
