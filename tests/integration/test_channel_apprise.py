"""The chat channel through the real library, against a real room on this machine."""

import json
from collections.abc import Iterator
from typing import ClassVar

import pytest

from channels.apprise import AppriseChannel
from channels.base import Misconfigured, Unknown
from channels.contract import MESSAGE, Answer, ChannelContract, HttpServer, Request, Seen
from channels.contract.http_server import CUT_AFTER, CUT_BEFORE, SLOW
from channels.kinds.apprise import KIND
from orchestrator import config
from orchestrator.errors import Problems

# of a module that one of the library's services looks for, wherever it is loaded
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Room(HttpServer):
    """A chat room: everybody in it reads everything, and two equal lines are two lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__()

    def answer(self, request: Request) -> Answer:
        self.lines.append(json.loads(request.body)["message"])
        return Answer.of(200, {})

    def replying(self, answer: str) -> None:
        self.answering(Answer(int(answer), b"no") if answer.isdigit() else answer)

    def slow(self) -> None:
        self.answering(SLOW)

    def cutting_off(self) -> None:
        self.answering(CUT_AFTER)

    def seen(self) -> list[Seen]:
        return [Seen(MESSAGE.to, str(number), line) for number, line in enumerate(self.lines)]

    @property
    def address(self) -> str:
        """As Apprise writes it."""
        return f"json://{self.host}:{self.port}/"


@pytest.fixture
def provider() -> Iterator[Room]:
    with Room() as room:
        yield room


class TestApprise(ChannelContract):
    declared: ClassVar = KIND.abilities
    answers: ClassVar = {"400": Unknown, "401": Unknown, "429": Unknown, "500": Unknown, CUT_BEFORE: Unknown}

    @pytest.fixture
    def channel(self, provider: Room) -> AppriseChannel:
        return AppriseChannel("chat", provider.address, timeout=10)


def test_a_url_that_apprise_does_not_know_is_our_fault_and_not_repeated() -> None:
    with pytest.raises(Misconfigured) as caught:
        AppriseChannel("chat", "nonsense-with-a-token")
    assert "token" not in caught.value.reason


def test_without_the_library_a_live_channel_is_refused_where_settings_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("channels.kinds.apprise.find_spec", lambda _: None)
    ours = {"KIND": "apprise", "LIVE": "true", "URL": "json://127.0.0.1/"}
    with pytest.raises(Problems) as caught:
        config.load(None, {f"BEFOREHAND_CHANNELS__CHAT__{key}": value for key, value in ours.items()})
    (found,) = caught.value.problems
    assert (found.code, found.message) == ("C032", "Apprise is not installed")
    assert "beforehand[chat]" in found.hint


def test_settings_that_are_not_live_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.kinds.apprise.find_spec", lambda _: None)
    assert config.load(None, {"BEFOREHAND_CHANNELS__CHAT__KIND": "apprise"}).channels.named()["chat"]


def test_settings_make_a_channel(provider: Room) -> None:
    ours = {"KIND": "apprise", "LIVE": "true", "URL": provider.address}
    environ = {f"BEFOREHAND_CHANNELS__CHAT__{key}": value for key, value in ours.items()}
    assert KIND.make("chat", config.load(None, environ).channels.named()["chat"]).name == "chat"
