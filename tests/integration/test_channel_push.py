"""Push as rules name it, with Firebase behind it: what one service promises, all of them together promise."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from channels.base import Channel, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, ChannelContract
from channels.fcm import FcmChannel
from channels.kinds.push import KIND
from channels.push import PushChannel
from tests.contracts.push_servers import Firebase


class TestPush(ChannelContract):
    declared = KIND.abilities
    message = replace(MESSAGE, to="fcm:d7Jk2:APA91b_maria")
    answers: ClassVar = {
        "404 UNREGISTERED": Rejected,
        "403 PERMISSION_DENIED": Misconfigured,
        "429 QUOTA_EXCEEDED": Unavailable,
        "503 UNAVAILABLE": Unavailable,
        "200 <html>": Unknown,
        "cut within": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[Firebase]:
        with Firebase() as running:
            yield running

    @pytest.fixture
    def channel(self, provider: Firebase) -> Channel:
        return PushChannel({"fcm": FcmChannel(provider.account, url=provider.url, timeout=0.5)})
