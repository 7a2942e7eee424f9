"""A STOP or an objection wins at every step before `sending`, by channel and by purpose (scene 9)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Abilities, AfterUnknown, Message, Unavailable, Unknown
from channels.memory import MemoryChannel
from orchestrator.model import Status
from orchestrator.planning.explain import explain
from tests.builders import event
from tests.integration.dealership import RULES, START, Dealership, Scripted, arrived, customer, order

Meanwhile = Callable[[], None]
STEPS: dict[str, Callable[[Dealership, Meanwhile], None]] = {}
PURPOSES = ("service", "relationship", "marketing")

ALSO_ON_POSTGRES = True


def step(install: Callable[[Dealership, Meanwhile], None]) -> Callable[[Dealership, Meanwhile], None]:
    STEPS[install.__name__.replace("_", " ")] = install
    return install


@step
def while_it_waits(house: Dealership, stop: Meanwhile) -> None:
    stop()


@step
def after_the_claim_before_rendering(house: Dealership, stop: Meanwhile) -> None:
    composer = house.dispatcher._composer

    class Composes:
        def compose(self, *what: Any) -> Message:
            stop()
            return composer.compose(*what)

    house.dispatcher._composer = Composes()


@step
def after_rendering(house: Dealership, stop: Meanwhile) -> None:
    composer = house.dispatcher._composer

    class Composes:
        def compose(self, *what: Any) -> Message:
            message = composer.compose(*what)
            stop()
            return message

    house.dispatcher._composer = Composes()


@step
def just_before_the_guard_is_asked_again(house: Dealership, stop: Meanwhile) -> None:
    outgoing = house.dispatcher._outgoing
    turn = outgoing.turn

    def turns(name: str) -> Any:
        stop()
        return turn(name)

    outgoing.turn = turns  # type: ignore[method-assign]  # taken right before the guard's transaction


@pytest.fixture
def make(houses: Callable[..., Dealership]) -> Callable[..., Dealership]:
    def of(purpose: str = "service", channels: Any = None, **more: Any) -> Dealership:
        rules = RULES.replace("    say: arrived\n", f"    say: arrived\n    purpose: {purpose}\n")
        return houses(channels, **{"rules_text": rules} | more)

    return of


def yes() -> dict[str, Any]:
    return event(
        "consent.given", "maria", "2026-03-12 08:00", purpose="marketing", channel="email", evidence="form"
    )


def withdrawn(**about: str) -> dict[str, Any]:
    return event("consent.withdrawn", "maria", START, **about)


def sent_with(house: Dealership, install: Callable[[Dealership, Meanwhile], None], **about: str) -> int:
    said: list[bool] = []

    def stop() -> None:
        if not said:
            said.append(True)
            house.hear(withdrawn(**about))

    house.hear(customer(), order(), yes(), arrived())
    install(house, stop)
    house.drain()
    assert said
    email = house.channels["email"]
    assert isinstance(email, MemoryChannel)
    return email.sent


@pytest.mark.parametrize("install", STEPS.values(), ids=STEPS)
def test_a_stop_of_somebody_who_turns_out_to_be_the_same_person_wins(make: Any, install: Any) -> None:
    house = make()
    house.hear(customer(), customer("maria-old"), order(), arrived())
    house.hear(event("consent.withdrawn", "maria-old", START))
    install(house, lambda: house.hear(event("customer.merged", "maria-old", START, into="maria")))
    house.drain()

    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.SUPPRESSED


@pytest.mark.parametrize("install", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("about", ["everything", "channel", "purpose", "both"])
def test_a_stop_wins(make: Any, install: Any, purpose: str, about: str) -> None:
    house = make(purpose)
    words = {"everything": {}, "channel": {"channel": "email"}, "purpose": {"purpose": purpose},
             "both": {"purpose": purpose, "channel": "email"}}  # fmt: skip

    assert sent_with(house, install, **words[about]) == 0
    assert house.entry().status is Status.SUPPRESSED
    assert house.entry().reason == "the customer withdrew consent for email on 2026-03-12"


@pytest.mark.parametrize("install", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(
    ("purpose", "about"),
    [
        ("service", {"purpose": "marketing"}),
        ("service", {"channel": "sms"}),
        ("relationship", {"purpose": "marketing"}),
        ("marketing", {"purpose": "service"}),
        ("marketing", {"purpose": "marketing", "channel": "sms"}),
        ("security", {}),
    ],
)
def test_a_no_to_something_else_stops_nothing(
    make: Any, install: Any, purpose: str, about: dict[str, str]
) -> None:
    assert sent_with(make(purpose), install, **about) == 1


@pytest.mark.parametrize("install", STEPS.values(), ids=STEPS)
def test_an_objection_to_marketing_outlives_every_general_yes(make: Any, install: Any) -> None:
    house = make("marketing")
    house.hear(event("consent.given", "maria", "2026-03-12 11:00", evidence="START"))
    assert sent_with(house, install, purpose="marketing") == 0


@pytest.mark.parametrize("install", STEPS.values(), ids=STEPS)
def test_a_stop_under_the_id_that_was_merged_away_wins(make: Any, install: Any) -> None:
    house = make()
    house.hear(
        customer(),
        customer("maria-old"),
        order(),
        event("customer.merged", "maria-old", START, into="maria"),
        arrived(),
    )
    said: list[bool] = []

    def stop() -> None:
        if not said:
            said.append(True)
            house.hear(event("consent.withdrawn", "maria-old", START, channel="email"))

    install(house, stop)
    house.drain()
    assert house.channels["email"].sent == 0
    assert house.entry().status is Status.SUPPRESSED


def test_a_stop_that_comes_while_sending_is_committed_is_heard_after_it(make: Any) -> None:
    """The guard and `sending` are one transaction: a STOP is before both or after both."""
    house = make()
    house.hear(customer(), order(), arrived())
    records = house.dispatcher._records
    begin, threads = records.begin, []

    def begins(*what: Any) -> Any:
        threads.append(threading.Thread(target=house.hear, args=(withdrawn(),)))
        threads[-1].start()
        return begin(*what)

    records.begin = begins
    house.drain()
    threads[0].join()
    assert house.channels["email"].sent == 1
    assert house.entry().status is Status.ACCEPTED

    house.hear(event("milestone.retracted", "BX-1", "2026-03-12 10:01", milestone="arrived"))
    house.hear(arrived(time="2026-03-12 10:02"))
    house.pass_time(timedelta(minutes=5))
    assert house.channels["email"].sent == 1


def stopped_after(make: Any, error: Exception, stop: Any = None) -> Dealership:
    """A mail whose first try ended so, and a STOP before the second."""
    answers: list[Any] = [error]
    email = Scripted(
        "email", lambda _: answers.pop() if answers else "taken", Abilities(after_unknown=AfterUnknown.REPEAT)
    )
    house = make(channels={"email": email})
    house.hear(customer(), order(), arrived())
    house.drain()
    house.hear(stop or withdrawn(channel="email"))
    house.pass_time(timedelta(hours=1))
    assert [message.to for message in email.sent] == ["maria.keller@example.com"]
    return house


def test_a_stop_between_two_tries_wins(make: Any) -> None:
    house = stopped_after(make, Unavailable("451"))
    assert house.entry().status is Status.SUPPRESSED


def test_what_may_have_left_before_a_stop_stays_unknown_and_says_so(make: Any) -> None:
    house = stopped_after(make, Unknown("cut"))
    entry = house.entry()
    assert entry.status is Status.UNKNOWN
    assert entry.reason == (
        "may have been said at Thu 2026-03-12 10:00; not repeated because "
        "the customer withdrew consent for email on 2026-03-12"
    )
    house.pass_time(timedelta(days=1))
    assert house.entry() == entry
    with house.ledger.read() as tx:
        sight = house.engine.look(tx, {"BX-1": house.clock.now()}, house.clock.now())
        facts = tx.order_facts(["BX-1"])["BX-1"]
    order = sight.orders["BX-1"]
    assert order.outcomes[entry.key].status is Status.UNKNOWN
    assert not order.contacts, "nobody was told"
    story = explain(
        order, sight.customer_of(order), facts, [entry], sight.decisions["BX-1"], house.engine.book
    )
    said = [moment for moment in story.timeline if "arrived to the customer" in moment.text]
    assert [(moment.kind, moment.detail) for moment in said] == [("said", entry.reason)]
    assert "nobody can say" in said[0].text


def test_what_may_have_left_before_the_order_was_cancelled_stays_unknown(make: Any) -> None:
    house = stopped_after(make, Unknown("cut"), event("order.cancelled", "BX-1", "2026-03-12 10:01"))
    assert house.entry().status is Status.UNKNOWN
    assert "may have been said at Thu 2026-03-12 10:00; not repeated because" in house.entry().reason


def test_a_stop_on_one_channel_leaves_the_next_step(make: Any) -> None:
    channels = {name: MemoryChannel(name) for name in ("sms", "email")}
    house = make(channels=channels, rules_text=RULES.replace("[email]", "[sms, email]"))
    house.hear(customer(), order(), withdrawn(channel="sms"), arrived())
    house.drain()
    assert (channels["sms"].sent, channels["email"].sent) == (0, 1)


# ── merged, and parted ───────────────────────────────────────────────────────


def merge() -> dict[str, Any]:
    return event("customer.merged", "maria-old", START, into="maria")


def part() -> dict[str, Any]:
    return event("customer.unmerged", "maria-old", "2026-03-12 12:00")


def test_neither_a_merge_nor_an_unmerge_sends_anything_again(make: Any) -> None:
    house = make()
    house.hear(
        customer(), customer("maria-old"), order(), order("BX-2", "maria-old"), arrived(), arrived("BX-2")
    )
    house.drain()
    keys = [entry.key for name in ("BX-1", "BX-2") for entry in house.entries(name)]
    for news in (merge(), part(), event("customer.merged", "maria-old", "2026-03-12 13:00", into="maria")):
        house.hear(news)
        house.pass_time(timedelta(minutes=30))
    assert house.channels["email"].sent == 2
    assert [entry.key for name in ("BX-1", "BX-2") for entry in house.entries(name)] == keys


def test_what_waits_follows_the_person_and_goes_back_when_they_are_parted(make: Any) -> None:
    house = make()
    house.hear(customer(), customer("maria-old"), order("BX-2", "maria-old"))
    with house.ledger.read() as tx:
        assert tx.orders(["BX-2"])["BX-2"].customer == "maria-old"
    house.hear(merge())
    with house.ledger.read() as tx:
        assert tx.orders(["BX-2"])["BX-2"].customer == "maria"
    house.hear(part())
    with house.ledger.read() as tx:
        assert tx.orders(["BX-2"])["BX-2"].customer == "maria-old"


def test_the_suppression_list_is_one_for_every_id(make: Any) -> None:
    from orchestrator.sending.suppressions import suppress

    house = make()
    with house.ledger.transaction() as tx:
        suppress(tx, "email", "old@example.com", "550 5.1.1", "", START)
    house.hear(
        customer(email=None), customer("maria-old", email="OLD@example.com"), order(), merge(), arrived()
    )
    house.drain()
    assert [m.to for m in house.channels["email"].messages] == ["nora.brandt@example.com"]  # her task
    assert "550 5.1.1" in house.entry().reason
