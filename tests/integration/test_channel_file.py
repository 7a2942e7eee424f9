"""The channels that reach nobody: the outbox on a real disk, and memory."""

import email
import email.policy
import json
import resource
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from channels.base import (
    Abilities,
    Attachment,
    Channel,
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)
from channels.contract import MESSAGE, ChannelContract, Seen
from channels.file import FileChannel
from channels.kinds.email import Email
from channels.memory import MemoryChannel
from channels.mime import compose
from channels.outbox import is_attached, kept_for
from channels.plugin import Kind
from channels.registry import BUILT_IN, build, find
from channels.settings import ChannelSettings

KINDS = ("email", "sms", "push")


class Other(ChannelSettings):
    """Settings of no kind that is known."""


def every_kind() -> Iterator[tuple[str, Kind]]:
    """Every kind that is built in, by its name."""
    for name in BUILT_IN:
        kind = find(name)
        assert kind is not None
        yield name, kind


class Disk:
    """A directory for the outbox on a disk that may be full, or that turns out to be a file."""

    def __init__(self, place: Path, kind: str) -> None:
        self.outbox = place / "outbox"
        self.kind = kind
        self.full = False

    def accepting(self) -> None:
        self.full = False
        if self.outbox.is_file():
            self.outbox.unlink()
        self.outbox.mkdir(exist_ok=True)

    def replying(self, answer: str) -> None:
        if answer == "a file stands there":
            self.outbox.rmdir()
            self.outbox.write_text("")
        else:
            assert answer == "the disk is full"
            self.cutting_off()

    def slow(self) -> None:
        self.cutting_off()

    def cutting_off(self) -> None:
        self.full = True

    def seen(self) -> list[Seen]:
        if not self.outbox.is_dir():
            return []
        return [self._seen(path) for path in sorted(self.outbox.iterdir()) if not is_attached(path)]

    def _seen(self, path: Path) -> Seen:
        if path.suffix == ".eml":
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            part = mail.get_body(("plain",))
            assert part is not None
            return Seen(mail["To"].addresses[0].addr_spec, path.name, part.get_content())
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            return Seen(content["to"], path.name, content["text"])
        head, _, text = path.read_bytes().decode().partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        return Seen(fields["To"], path.name, text)


class OnDisk(FileChannel):
    """The channel itself; while the disk is full, no file of this process can grow past ten octets.

    The limit holds for the write alone: the test runner writes files too.
    """

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.outbox, disk.kind)
        self._disk = disk

    async def send(self, message: Message) -> Receipt:
        if not self._disk.full:
            return await super().send(message)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            return await super().send(message)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class TestFile(ChannelContract):
    answers: ClassVar = {"a file stands there": Misconfigured, "the disk is full": Unavailable}

    @pytest.fixture
    def provider(self, tmp_path: Path, kind: str) -> Iterator[Disk]:
        disk = Disk(tmp_path, kind)
        disk.accepting()
        yield disk
        disk.accepting()

    @pytest.fixture
    def channel(self, provider: Disk) -> Channel:
        return OnDisk(provider)


class Memory:
    """The test itself is the provider."""

    def __init__(self, channel: MemoryChannel) -> None:
        self.channel = channel

    def accepting(self) -> None:
        """It does, after each failure."""

    def replying(self, answer: str) -> None:
        self.channel.fail_next(TestMemory.answers[answer](answer))

    def slow(self) -> None:
        self.channel.fail_next(Unavailable("slow"))

    def cutting_off(self) -> None:
        self.channel.fail_next(Unknown("cut off"))

    def seen(self) -> list[Seen]:
        return [Seen(taken.to, taken.message_id, taken.text) for taken in self.channel.messages]


class TestMemory(ChannelContract):
    answers: ClassVar = {
        kind.__name__.lower(): kind for kind in (Misconfigured, Unavailable, Rejected, Unknown)
    }

    @pytest.fixture
    def channel(self, kind: str) -> MemoryChannel:
        return MemoryChannel(kind)

    @pytest.fixture
    def provider(self, channel: MemoryChannel) -> Memory:
        return Memory(channel)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def only(outbox: Path) -> Path:
    (path,) = outbox.iterdir()
    return path


def names(outbox: Path) -> list[str]:
    return sorted(path.name for path in outbox.iterdir())


def remove(outbox: Path) -> None:
    only(outbox).unlink()
    outbox.rmdir()


def place(file: Path) -> None:
    file.write_text("")


async def test_an_email_in_the_outbox_is_the_bytes_that_would_be_sent(outbox: Path) -> None:
    await FileChannel(outbox, "email").send(MESSAGE)
    assert only(outbox).read_bytes() == compose(MESSAGE)


async def test_an_sms_reads_like_a_note(outbox: Path) -> None:
    await FileChannel(outbox, "sms").send(replace(MESSAGE, to="+493023125001", text="Ihr Wagen ist da. 🚗"))
    assert only(outbox).read_text() == (
        "To: +493023125001\nFrom: Autohaus Lindner\nId: 4711/arrived/1/customer\n\nIhr Wagen ist da. 🚗\n"
    )


async def test_a_push_has_its_title_and_link(outbox: Path) -> None:
    await FileChannel(outbox, "push").send(MESSAGE)
    content = json.loads(only(outbox).read_text())
    assert (content["title"], content["link"]) == (MESSAGE.title, MESSAGE.link)


async def test_a_name_sorts_by_time_and_can_be_read(outbox: Path, kind: str) -> None:
    channel = FileChannel(outbox, kind)
    assert MESSAGE.at
    for hours in (3, 1, 2):
        at = MESSAGE.at + timedelta(hours=hours)
        await channel.send(replace(MESSAGE, at=at, message_id=f"<{hours}@example.com>"))
    assert [name[:18] for name in names(outbox)] == [
        "2026-03-12T183000Z",
        "2026-03-12T193000Z",
        "2026-03-12T203000Z",
    ]
    assert all(f"_4711-arrived-1-customer_{kind}_" in name for name in names(outbox))


@pytest.mark.parametrize(
    "identity", ["../../etc/passwd", "/etc/passwd", "a\0b", "..", "C:\\x", "ö" * 400, ""]
)
async def test_no_id_escapes_the_outbox(outbox: Path, kind: str, identity: str) -> None:
    await FileChannel(outbox, kind).send(replace(MESSAGE, id=identity))
    assert only(outbox).is_file()
    assert names(outbox.parent) == ["outbox"]


async def test_a_later_attempt_overwrites_its_file_even_after_a_restart(outbox: Path, kind: str) -> None:
    assert MESSAGE.at
    await FileChannel(outbox, kind).send(MESSAGE)
    await FileChannel(outbox, kind).send(
        replace(MESSAGE, at=MESSAGE.at + timedelta(hours=1), text="Noch einmal.")
    )
    assert "Noch einmal." in only(outbox).read_text()


async def test_kinds_share_an_outbox_without_meeting(outbox: Path) -> None:
    for kind in KINDS:
        await FileChannel(outbox, kind).send(MESSAGE)
    assert {Path(name).suffix for name in names(outbox)} == {".eml", ".json", ".sms"}


async def test_an_outbox_that_disappears_is_made_again(outbox: Path, kind: str) -> None:
    channel = FileChannel(outbox, kind)
    await channel.send(MESSAGE)
    remove(outbox)
    with pytest.raises(Unavailable):
        await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    assert only(outbox).is_file()


async def test_an_outbox_that_is_a_file_is_a_wrong_setting(outbox: Path, kind: str) -> None:
    place(outbox)
    with pytest.raises(Misconfigured):
        await FileChannel(outbox, kind).send(MESSAGE)


async def test_a_message_without_a_moment_is_a_mistake_of_the_caller(outbox: Path, kind: str) -> None:
    with pytest.raises(ValueError, match=r"Message\.at"):
        await FileChannel(outbox, kind).send(replace(MESSAGE, at=None))


async def test_memory_can_count_without_keeping() -> None:
    channel = MemoryChannel("sms", keep=False)
    for _ in range(3):
        await channel.send(MESSAGE)
    assert channel.sent == 3
    assert channel.messages == ()


async def test_memory_fails_as_often_as_it_is_told_and_has_the_abilities_it_is_given() -> None:
    channel = MemoryChannel("push", abilities=Abilities(concurrency=1))
    assert channel.abilities.concurrency == 1
    channel.fail_next(Rejected("no"), times=2)
    for _ in range(2):
        with pytest.raises(Rejected):
            await channel.send(MESSAGE)
    assert (await channel.send(MESSAGE)).provider_id == "push-1"


async def test_nothing_is_live_that_does_not_say_so(outbox: Path) -> None:
    for name, kind in every_kind():
        channel = build(name, kind.settings(), outbox=outbox)
        assert isinstance(channel, FileChannel)
        assert channel.name == name


async def test_a_live_email_channel_has_its_settings(outbox: Path) -> None:
    channel = build("email", Email(live=True, host="mx.example.com", connections=3), outbox=outbox)
    assert channel.name == "email"
    assert channel.abilities.concurrency == 3


@pytest.mark.parametrize(
    ("name", "settings"), [("emial", Email(live=True, host="mx.example.com")), ("email", Other(live=True))]
)
async def test_settings_that_mean_nothing_are_refused(
    outbox: Path, name: str, settings: ChannelSettings
) -> None:
    with pytest.raises(Misconfigured):
        build(name, settings, outbox=outbox)


# ── what is attached ─────────────────────────────────────────────────────────

TERM = Attachment("appointment.ics", "text/calendar; charset=utf-8; method=REQUEST", b"BEGIN:VCALENDAR")
LIST = Attachment("mitbringen.pdf", "application/pdf", b"%PDF-1.7")


def beside(outbox: Path) -> list[Path]:
    return [path for path in outbox.iterdir() if is_attached(path)]


async def test_what_is_attached_lies_beside_the_mail_to_be_opened(outbox: Path) -> None:
    picture = Attachment("logo.png", "image/png", b"png", cid="logo@example.com")
    mail = replace(MESSAGE, attachments=(TERM, LIST, picture))
    await FileChannel(outbox, "email").send(mail)

    stem = names(outbox)[0].partition(".")[0]
    assert names(outbox) == sorted([
        f"{stem}.eml", f"{stem}.appointment.ics", f"{stem}.mitbringen.pdf",
    ])  # fmt: skip
    assert (outbox / f"{stem}.mitbringen.pdf").read_bytes() == LIST.data


async def test_a_mail_that_is_written_again_leaves_no_old_file_beside_it(outbox: Path) -> None:
    channel = FileChannel(outbox, "email")
    await channel.send(replace(MESSAGE, attachments=(TERM, LIST)))
    await channel.send(replace(MESSAGE, attachments=(replace(TERM, data=b"moved"),)))

    assert [name.partition(".")[2] for name in names(outbox)] == ["appointment.ics", "eml"]
    assert [path.read_bytes() for path in beside(outbox)] == [b"moved"]
    await channel.send(MESSAGE)
    assert [name.partition(".")[2] for name in names(outbox)] == ["eml"]


async def test_two_files_of_one_name_take_no_place_from_each_other(outbox: Path) -> None:
    twice = (replace(TERM, data=b"1"), replace(TERM, data=b"2"), replace(TERM, name="x.eml", data=b"3"))
    await FileChannel(outbox, "email").send(replace(MESSAGE, attachments=twice))

    assert sorted(path.read_bytes() for path in beside(outbox)) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "", "a/b.txt"])
async def test_no_name_of_a_file_leaves_the_outbox(outbox: Path, name: str) -> None:
    with pytest.raises(Rejected):
        await FileChannel(outbox, "email").send(replace(MESSAGE, attachments=(replace(TERM, name=name),)))
    assert names(outbox.parent) == []


async def test_who_looks_for_somebodys_mails_finds_what_was_attached_too(outbox: Path) -> None:
    channel = FileChannel(outbox, "email")
    await channel.send(replace(MESSAGE, attachments=(TERM,)))
    await channel.send(replace(MESSAGE, message_id="<other@example.com>", to="other@example.org"))

    found = {path.suffix for path in kept_for(outbox, {MESSAGE.to}, (), ())}
    assert found == {".eml", ".ics"}
    beside(outbox)[0].with_suffix("").with_suffix(".eml").unlink()
    assert {path.suffix for path in kept_for(outbox, (), (), {MESSAGE.message_id})} == {".ics"}
