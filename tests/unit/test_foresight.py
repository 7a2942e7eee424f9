"""A reason reads as the future until it has come to pass."""

from dataclasses import replace

import pytest

from orchestrator.model import Notification
from orchestrator.planning.foresight import because
from tests.builders import at, promised, reached
from tests.deciding import Told, book, decide, one

PROMISED = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")


def note(trigger: str, *told: Told, now: str) -> Notification:
    return one(decide(book(f"{{id: r, on: {trigger}, say: hello, channels: [sms]}}"), *told, now=now))


@pytest.mark.parametrize(
    ("trigger", "told", "ahead", "behind"),
    [
        (
            '{missed: arrived, closes: "17:30"}',
            PROMISED,
            "if arrived, promised for 2026-03-12, has not happened by Thu 2026-03-12 17:30",
            "arrived was promised for 2026-03-12 and had not happened by Thu 2026-03-12 17:30",
        ),
        (
            "{stuck: ordered, for: 21d}",
            reached("O-1", "ordered", "2026-03-02 10:00"),
            "if nothing happens for 21d since ordered on Mon 2026-03-02 10:00",
            "nothing happened for 21d, since ordered on Mon 2026-03-02 10:00",
        ),
        (
            "{silent: 14d}",
            PROMISED,
            "the order came on Sun 2026-03-01 09:00; if then nothing comes for 14d",
            "the order came on Sun 2026-03-01 09:00, then nothing for 14d",
        ),
        (
            "{after: ordered, by: 3d}",
            reached("O-1", "ordered", "2026-03-02 10:00"),
            "3d will have passed since ordered happened on Mon 2026-03-02 10:00",
            "3d have passed since ordered happened on Mon 2026-03-02 10:00",
        ),
        (
            "{reached: arrived}",
            reached("O-1", "arrived", "2026-03-04 10:00", heard="2026-03-04 09:59"),
            "arrived is recorded for Wed 2026-03-04 10:00",
            "arrived happened on Wed 2026-03-04 10:00",
        ),
    ],
)
def test_a_reason_reads_as_the_future_until_it_has_come_to_pass(
    trigger: str, told: Told, ahead: str, behind: str
) -> None:
    coming = note(trigger, told, now="2026-03-03 09:00")
    assert coming.trigger_at is not None

    assert because(coming, at("2026-03-03 09:00")) == ahead
    assert because(coming, coming.trigger_at) == behind == coming.because


def test_a_reason_of_another_kind_stays_as_it_is() -> None:
    coming = replace(note("{upcoming: arrived, before: 1d}", PROMISED, now="2026-03-03 09:00"))

    assert because(coming, at("2026-03-03 09:00")) == coming.because == "arrived is promised for 2026-03-12"
