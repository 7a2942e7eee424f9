"""What is paused waits with its reason, goes on when it is resumed, and expires honestly (DESIGN §4.7)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Message
from orchestrator.ledger import Stops
from orchestrator.model import Status
from orchestrator.reasons.sending import paused
from tests.builders import LINDNER
from tests.integration.dealership import Dealership, arrived, customer, order

WHERE = [
    (Stops.EVERYTHING, ""),
    (Stops.RULE, "arrived"),
    (Stops.LOCATION, "lindner"),
    (Stops.CHANNEL, "email"),
]
MINUTE = timedelta(minutes=1)
Make = Callable[..., Dealership]


@pytest.fixture
def houses(houses: Make) -> Make:
    def make(**more: Any) -> Dealership:
        made = houses(**more)
        made.hear(customer(), order(location={**LINDNER, "id": "lindner"}), arrived())
        return made

    return make


def pause(house: Dealership, kind: Stops, name: str) -> None:
    with house.ledger.transaction() as tx:
        tx.pause(kind, name, house.clock.now(), "wrong prices")


def resume(house: Dealership, kind: Stops, name: str) -> int:
    with house.ledger.transaction() as tx:
        assert tx.resume(kind, name)
        return tx.wake(paused(kind.value, name, ""), house.clock.now())


@pytest.mark.parametrize(("kind", "name"), WHERE)
def test_what_is_paused_waits_with_its_reason_and_goes_as_soon_as_it_is_resumed(
    houses: Make, kind: Stops, name: str
) -> None:
    house = houses()
    pause(house, kind, name)
    house.drain()

    assert house.entry().status is Status.SCHEDULED
    assert house.entry().reason == f"{kind} {name}".rstrip() + " is paused: wrong prices"
    assert house.outcomes(house.entry()) == []

    assert resume(house, kind, name) == 1
    house.drain()
    assert house.entry().status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("kind", "name"), [(Stops.RULE, "another"), (Stops.LOCATION, "berlin"), (Stops.CHANNEL, "sms")]
)
def test_what_is_not_meant_goes_on(houses: Make, kind: Stops, name: str) -> None:
    house = houses()
    pause(house, kind, name)
    house.drain()

    assert house.entry().status is Status.ACCEPTED


@pytest.mark.parametrize(("kind", "name"), WHERE[:3])
def test_what_is_useless_by_the_time_it_may_go_expires_and_says_that_it_was_paused(
    houses: Make, kind: Stops, name: str
) -> None:
    house = houses()
    pause(house, kind, name)
    for _ in range(13):
        house.pass_time(timedelta(minutes=30))

    assert house.entry().status is Status.EXPIRED
    assert house.entry().reason.startswith("too late: useful only until ")
    assert house.entry().reason.endswith(f"; {paused(kind, name, 'wrong prices')}")


def test_it_expires_at_the_moment_it_becomes_useless_and_not_at_the_next_look(houses: Make) -> None:
    house = houses()
    expires = house.entry().wanted.expires_at
    assert expires is not None
    house.clock.set(expires - MINUTE)
    pause(house, Stops.EVERYTHING, "")
    house.drain()
    house.pass_time(MINUTE)

    assert house.entry().status is Status.EXPIRED


def test_a_pause_between_rendering_and_sending_wins(houses: Make) -> None:
    house = houses()
    composer = house.dispatcher._composer

    class PausedMeanwhile:
        def compose(self, *what: Any) -> Message:
            pause(house, Stops.RULE, "arrived")
            return composer.compose(*what)

    house.dispatcher._composer = PausedMeanwhile()
    house.drain()

    assert house.outcomes(house.entry()) == []
    assert house.entry().reason == "rule arrived is paused: wrong prices"
