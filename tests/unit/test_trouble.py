"""A provider that fails is told to the log: at once, then once a minute, by ids and without addresses."""

from datetime import timedelta

import pytest

from orchestrator.sending.trouble import Trouble
from tests.builders import at

NOW = at("2026-03-12 10:00")
SECOND = timedelta(seconds=1)


def test_the_first_failure_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.note("email", "451", "451 try later", 7)
    trouble.tell(NOW)
    assert caplog.messages == ["channel email: an attempt failed, at last of entry 7: 451 try later"]


def test_more_of_the_same_is_counted_and_told_a_minute_later(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    for entry in range(1, 1001):
        trouble.note("email", "451", f"451 try later, queue {entry}", entry)
        trouble.tell(NOW + entry * SECOND / 100)
    assert len(caplog.messages) == 1
    trouble.tell(NOW + 61 * SECOND)
    assert caplog.messages[1:] == [
        "channel email: 999 attempts failed, at last of entry 1000: 451 try later, queue 1000"
    ]
    trouble.tell(NOW + timedelta(hours=1))
    assert len(caplog.messages) == 2


def test_another_channel_and_another_reason_are_told_by_themselves(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.note("email", "451", "451 try later", 1)
    trouble.note("sms", "451", "451 try later", 2)
    trouble.note("email", "", "nobody answers", 3)
    trouble.tell(NOW)
    assert len(caplog.messages) == 3


def test_a_warning_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.note("email", "", "<maria.keller@example.com> is unknown here", 1)
    trouble.tell(NOW)
    assert "maria" not in caplog.text
