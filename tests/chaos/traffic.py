"""What happens in the world: orders with their milestones and dates that move, told until they are heard."""

import heapq
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from tests.chaos.house import MILESTONES

TYPE = {"content-type": "application/cloudevents-batch+json"}
TOGETHER = 20  # events that are told at once at most
PATIENCE = 5.0  # seconds to wait for an answer


@dataclass
class Story:
    """One order as the company's own systems know it."""

    order: str
    dates: list[str] = field(default_factory=list)  # promised for, the first included
    reached: list[str] = field(default_factory=list)


class Traffic(threading.Thread):
    """Begins *rate* orders a second, of which each goes on for *length* seconds or so, until told to end.

    Events are told one after another; what is not answered 2xx is told again, and at times what was, too.
    """

    def __init__(self, port: int, random: Random, rate: float, length: float) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._random = random
        self._rate = rate
        self._length = length
        self._numbers = count(1)
        self._ids = count(1)
        self._due: list[tuple[float, int, str, Story, Any]] = []
        self._ending = threading.Event()
        self.stories: dict[str, Story] = {}
        self.heard: list[str] = []  # ids of events that were answered 2xx
        self.answers: dict[str, int] = {}

    def end(self, patience: float) -> None:
        """Begin no further order, tell what is left of the others, and wait until all of it is heard."""
        self._ending.set()
        self.join(patience)

    def run(self) -> None:
        next_order = time.monotonic()
        while not self._ending.is_set() or self._due:
            now = time.monotonic()
            while now >= next_order and not self._ending.is_set():
                self._begin(now)
                next_order += self._random.expovariate(self._rate)
            batch: list[dict[str, Any]] = []
            while self._due and len(batch) < TOGETHER and (self._due[0][0] <= now):
                batch += self._written(*heapq.heappop(self._due)[2:])
            if batch:
                self._tell(batch)
            else:
                time.sleep(0.02)

    def _begin(self, now: float) -> None:
        story = Story(f"O-{next(self._numbers)}")
        self.stories[story.order] = story
        share = self._length / 4
        at = now
        self._plan(at, "begin", story, None)
        for milestone in MILESTONES:
            for _ in range(self._random.choice([0, 0, 1, 2]) if milestone != "delivered" else 0):
                self._plan(at + self._random.uniform(0, share), "moved", story, None)
            at += self._random.uniform(share / 2, share)
            self._plan(at, "reached", story, milestone)

    def _plan(self, at: float, what: str, story: Story, more: Any) -> None:
        heapq.heappush(self._due, (at, next(self._ids), what, story, more))

    def _written(self, what: str, story: Story, milestone: Any) -> list[dict[str, Any]]:
        number = int(story.order[2:])
        customer = f"C-{number}"
        if what == "begin":
            story.dates = [(date(2027, 1, 1) + timedelta(days=number % 30)).isoformat()]
            return [
                self._event("customer.upserted", customer, name="Maria Keller", locale="en",
                            email=f"customer-{number}@example.com", phone=f"+4930{23125000000 + number}",
                            devices=[f"fcm:device-{number}"]),
                self._event("order.upserted", story.order, customer=customer, journey="parcel"),
                self._event("promise.made", story.order, milestone="delivered", date=story.dates[0]),
            ]  # fmt: skip
        if what == "moved":
            last = date.fromisoformat(story.dates[-1])
            story.dates.append((last + timedelta(days=self._random.randint(2, 9))).isoformat())
            return [self._event("promise.made", story.order, milestone="delivered", date=story.dates[-1])]
        story.reached.append(milestone)
        return [self._event("milestone.reached", story.order, milestone=milestone)]

    def _event(self, kind: str, subject: str, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0", "id": f"E-{next(self._ids)}", "source": "/chaos", "type": kind,
            "subject": subject, "time": datetime.now(UTC).isoformat(), "data": data,
        }  # fmt: skip

    def _tell(self, batch: list[dict[str, Any]]) -> None:
        body = json.dumps(batch).encode()
        while not (status := self._answer(body)).startswith(("2", "4")):  # it would be refused for ever
            time.sleep(0.3)
        if status.startswith("2"):
            self.heard += [document["id"] for document in batch]
        if self._random.random() < 0.03:
            self._answer(body)  # told twice

    def _answer(self, body: bytes) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", "/events", body, TYPE)
            status = str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            status = type(error).__name__
        finally:
            connection.close()
        self.answers[status] = self.answers.get(status, 0) + 1
        return status
