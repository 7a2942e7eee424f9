"""Half a year at the dealership, for pictures of what changes over time: it learns to keep promises.

Everything is really heard and sent, on the virtual clock, and chance is seeded: it is always the same.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.builders import LINDNER, NORA, PAUL, event, promised, reached
from tests.web.installation import CAR, PEOPLE, START, Installed

WEEKS = 26
EACH_WEEK = 5  # orders
AUGSBURG = {**LINDNER, "id": "augsburg", "name": "Autohaus Lindner Augsburg"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def half_year(home: Installed) -> None:
    """Play it, from where the clock stands."""
    chance = Random(7)
    end = START + WEEKS * 7 * DAY
    told = [
        news
        for week in range(WEEKS)
        for number in range(EACH_WEEK)
        for news in _order(chance, week, number, START + 7 * week * DAY + chance.uniform(0, 5) * DAY)
    ]
    for moment, documents in sorted(told, key=lambda news: news[0]):
        if moment < end:
            home.until(moment)
            home.hear(*documents)
    home.until(end)


def _order(
    chance: Random, week: int, number: int, began: datetime
) -> Iterator[tuple[datetime, list[dict[str, Any]]]]:
    """What is heard of one order, and when; the later the week, the better the house does."""
    skill = week / WEEKS
    order, person = f"CX-{week:02}{number}", PEOPLE[chance.randrange(len(PEOPLE))]
    customer = f"C-{order}"
    place = chance.choice([LINDNER, LINDNER, AUGSBURG])
    due = _at(began + chance.randint(7, 20) * DAY, 0)
    yield began, [
        event("customer.upserted", customer, began, **person),
        event("order.upserted", order, began, customer=customer, journey="new-car",
              owner=NORA, manager=PAUL, location=place, attributes=CAR),
        reached(order, "ordered", began),
        promised(order, "arrived", f"{due:%Y-%m-%d}", began),
    ]  # fmt: skip
    came = _at(due, chance.uniform(7, 12))
    if chance.random() > 0.6 + 0.35 * skill:
        late = chance.randint(1, 4)
        came += late * DAY
        known = _at(due + DAY, 8) if chance.random() > skill else _at(due - 2 * DAY, 9)
        new = f"{due + late * DAY:%Y-%m-%d}"
        yield known, [promised(order, "arrived", new, known, reason="the carrier lost a day")]
    recorded = came + chance.uniform(2, 8) * (1.05 - skill) * HOUR
    if chance.random() < 0.6 * (1 - skill):  # the customer sees it in the yard before anybody writes
        asked = came + (recorded - came) / 2
        yield asked, [event("contact.logged", order, asked, direction="in", by="Nora Brandt")]
    yield recorded, [reached(order, "arrived", came, heard=recorded)]
    ready = came + chance.uniform(1, 2.8) * DAY
    yield ready, [reached(order, "prepared", ready)]
    collected = ready + chance.uniform(1, 4) * DAY
    yield collected, [reached(order, "collected", collected)]


def _at(day: datetime, hour: float) -> datetime:
    return day.replace(hour=0, minute=0) + hour * HOUR
