"""Other systems hear what happened: all of it, in order, under one id, however badly they answer."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Answer, HttpServer, Request
from channels.contract.http_server import CUT_AFTER
from channels.signed_posts import SignedPosts
from orchestrator.ledger import Subscriber
from orchestrator.subscribers import Listener, Telling
from orchestrator.subscribers.patience import WAITS
from orchestrator.subscribers.telling import LEASE, PAGE
from tests.integration.dealership import Dealership, arrived, customer, order
from tests.integration.test_channel_webhook import verified

ALSO_ON_POSTGRES = True

SECRET = "whsec_" + base64.b64encode(b"a secret of the dealership's").decode()
NEXT = "whsec_" + base64.b64encode(b"the secret of the coming year").decode()
TYPES = ("notification.*", "message.*", "task.*")


class Crm(HttpServer):
    """A company's own system: takes what is signed, and notes every post."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        super().__init__()

    def answer(self, request: Request) -> Answer:
        assert verified(request, SECRET)
        assert request.headers["content-type"] == "application/cloudevents+json"
        self.posts.append((request.headers["webhook-id"], json.loads(request.body)))
        return Answer(204)

    @property
    def types(self) -> list[str]:
        return [said["type"] for _, said in self.posts]


@pytest.fixture
def crm() -> Iterator[Crm]:
    with Crm() as system:
        yield system


def telling(dealership: Dealership, crm: Crm, *secrets: str, types: tuple[str, ...] = TYPES) -> Telling:
    posts = SignedPosts(crm.url, secrets or [SECRET], allowed=[ip_network("127.0.0.0/8")], timeout=20)
    return Telling(dealership.ledger, {"crm": Listener(posts, types)}, dealership.clock)


def begin(dealership: Dealership) -> None:
    with dealership.ledger.transaction() as tx:
        tx.subscribe("crm")


def tell(told: Telling, times: int = 1) -> None:
    async def all_of_it() -> None:
        for _ in range(times):
            await told.tell("crm")
        for listener in told._listeners.values():
            await listener.posts.close()

    asyncio.run(all_of_it())


def known(dealership: Dealership) -> Subscriber:
    with dealership.ledger.read() as tx:
        (one,) = tx.subscribers()
    return one


@pytest.fixture
def lindner(tmp_path: Path, _kept_in: None) -> Iterator[Dealership]:
    with closing(Dealership(tmp_path)) as dealership:
        yield dealership


def car_comes(dealership: Dealership, number: str = "A-1") -> None:
    dealership.hear(customer(), order(number), arrived(number))
    dealership.drain()


def test_what_was_sent_is_told_as_a_signed_cloudevent(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    car_comes(lindner)
    tell(telling(lindner, crm))
    ((identity, said),) = crm.posts
    assert identity.startswith("evt_")
    assert (said["type"], said["subject"], said["source"]) == ("notification.accepted", "A-1", "beforehand")
    assert said["data"]["rule"] == "arrived"
    assert known(lindner).told_at == lindner.clock.now()


def test_a_new_subscriber_hears_nothing_of_what_was_before(lindner: Dealership, crm: Crm) -> None:
    car_comes(lindner)
    begin(lindner)
    car_comes(lindner, "A-2")
    tell(telling(lindner, crm))
    assert [said["subject"] for _, said in crm.posts] == ["A-2"]


def test_somebody_may_ask_for_other_types(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    car_comes(lindner)
    tell(telling(lindner, crm, types=("milestone.*", "notification.accepted")))
    assert crm.types == ["milestone.reached", "notification.accepted"]


@pytest.mark.parametrize(
    "answer", [Answer(500, b"sorry", {}), Answer(429, b"", {"Retry-After": "1"}), CUT_AFTER]
)
def test_what_is_not_taken_waits_and_comes_again_under_the_same_id_before_what_follows(
    lindner: Dealership, crm: Crm, answer: Answer | str
) -> None:
    begin(lindner)
    car_comes(lindner)
    car_comes(lindner, "A-2")
    crm.answering(answer, times=1)
    told = telling(lindner, crm)
    tell(told, times=2)  # the second look comes too early
    first = known(lindner)
    assert (first.failures, first.failing_since) == (1, lindner.clock.now())
    assert first.retry_at == lindner.clock.now() + WAITS[0]
    before = list(crm.posts)
    lindner.clock.set(first.retry_at)
    tell(told)
    assert [said["subject"] for _, said in crm.posts[len(before) :]] == ["A-1", "A-2"]
    assert all(post in crm.posts[len(before) :] for post in before)  # what it had before is the same post
    assert (known(lindner).failures, known(lindner).reason) == (0, "")


def test_nobody_is_given_up_and_the_waits_grow_to_an_hour(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    car_comes(lindner)
    crm.answering(Answer(503, b"", {}))
    told = telling(lindner, crm)
    waits = []
    for _ in range(8):
        lindner.clock.set(max(lindner.clock.now(), known(lindner).retry_at))
        tell(told)
        waits.append(known(lindner).retry_at - lindner.clock.now())
    assert waits == [*WAITS, timedelta(hours=1), timedelta(hours=1)]
    crm.accepting()
    lindner.clock.set(known(lindner).retry_at)
    tell(told)
    assert crm.types == ["notification.accepted"]


def test_whoever_died_over_it_leaves_it_to_the_next_after_the_lease(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    car_comes(lindner)
    now = lindner.clock.now()
    with lindner.ledger.transaction() as tx:
        assert tx.take_subscriber("crm", now, now + LEASE) is not None  # and then nothing more is heard of it
    told = telling(lindner, crm)
    tell(told)
    assert crm.posts == []
    lindner.clock.set(now + LEASE)
    tell(told)
    assert crm.types == ["notification.accepted"]


def test_a_late_one_does_not_set_back_who_went_on(lindner: Dealership) -> None:
    begin(lindner)
    car_comes(lindner)
    now = lindner.clock.now()
    with lindner.ledger.transaction() as tx:
        late = tx.take_subscriber("crm", now, now + LEASE)
        assert late is not None
        place, _ = tx.next_facts(late, PAGE)[-1]
    with lindner.ledger.transaction() as tx:
        mine = tx.take_subscriber("crm", now + LEASE, now + 2 * LEASE)
        assert mine is not None
        assert tx.give_back_subscriber(mine.at(place), now + 2 * LEASE)
        assert not tx.give_back_subscriber(late, now + LEASE)
        assert tx.next_facts(tx.subscribers()[0], 1) == []


def test_two_who_look_at_once_tell_it_once(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    for number in range(5):
        car_comes(lindner, f"A-{number}")
    told = telling(lindner, crm)

    async def at_once() -> None:
        await asyncio.gather(*(told.tell("crm") for _ in range(4)))
        for listener in told._listeners.values():
            await listener.posts.close()

    asyncio.run(at_once())
    tell(told)
    assert [said["subject"] for _, said in crm.posts] == [f"A-{number}" for number in range(5)]


def test_while_the_secret_changes_both_sign(lindner: Dealership, crm: Crm) -> None:
    begin(lindner)
    car_comes(lindner)
    tell(telling(lindner, crm, NEXT, SECRET))
    assert crm.types == ["notification.accepted"]
