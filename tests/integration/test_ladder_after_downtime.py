"""What a ladder says first after nobody sent for a while, with entries that were planned before."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from tests.builders import promised
from tests.integration.dealership import RULES, START, Dealership, customer, order

LADDER = (
    RULES
    + """\
  - id: late
    on: {missed: arrived, closes: "17:30"}
    channels: [email]
    timing: {within: 3h}
    rungs:
      - {say: first}
      - {after: 1d, say: second}
      - {after: 2d, say: third}
"""
)
SAID = {
    f"{name}/email.txt.en": f"Subject: {name}\n\n{name}\n" for name in ("arrived", "first", "second", "third")
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path, {"email": MemoryChannel("email")}, rules_text=LADDER, words=SAID)
    yield made
    made.close()


def subjects(house: Dealership) -> list[str]:
    channel = house.channels["email"]
    assert isinstance(channel, MemoryChannel)
    return [message.subject for message in channel.messages]


def test_who_missed_the_first_text_by_a_downtime_hears_it_first_and_then_what_follows(
    house: Dealership,
) -> None:
    day = (START + timedelta(days=1)).date()
    house.hear(customer(), order(), promised("BX-1", "arrived", day.isoformat(), START))
    house.drain()
    house.pass_time(
        timedelta(days=1, hours=14)
    )  # past the first text, which was planned and is useless by now
    assert subjects(house) == []
    for _ in range(48):
        house.pass_time(timedelta(hours=1))
    assert subjects(house) == ["first", "third"]
