"""A dealership in a folder: a real ledger on a file, rules and templates, channels, and a clock we move."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from channels.base import Channel, Message, Receipt
from channels.memory import MemoryChannel
from channels.rates import Limits
from orchestrator import rules
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine, Heard
from orchestrator.journey import Policy
from orchestrator.ledger import Ledger, Stops, Suppression, Transaction
from orchestrator.model import Entry, Status
from orchestrator.render import Renderer
from orchestrator.sending.dispatch import LEASE, Dispatcher
from orchestrator.sending.messages import Composer
from orchestrator.sending.senders import Sender
from orchestrator.sending.ways_back import WaysBack
from orchestrator.watching import NOBODY, Watch
from tests.builders import BERLIN, LINDNER, NORA, PAUL, at, event, incoming

T = TypeVar("T")


def in_a_file(folder: Path) -> str:
    """Say where a dealership in *folder* keeps its ledger."""
    return f"sqlite:///{folder / 'ledger.db'}"


KEPT_IN = in_a_file

START = at("2026-03-12 10:00")
COMPANY = {"name": "Autohaus Lindner", "address": "Ludwigstr. 1, 80539 Munich", "locale": "en"}
MARIA = "maria.keller@example.com"

RULES = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
  - id: arrived
    on: {reached: arrived}
    say: arrived
    channels: [email]
    timing: {at: now, within: 6h}
"""

WORDS = {
    "arrived/email.txt.en": "Subject: It is here\n\nHello {{ customer.name }}, it is here.\n",
    "arrived/sms.txt.en": "Hello {{ customer.name }}, it is here.\n",
    "reach-the-customer/email.txt.en": "Subject: Please call\n\n{{ because }}\n",
}


def entries_of(engine: Engine, order: str) -> list[Entry]:
    """Every entry of one order, oldest first."""
    with engine.ledger.read() as tx:
        return list(tx.entries_of([order]).get(order, ()))


class Dealership:
    """Everything the daemon has, in *folder*; a second one there is another daemon on the same ledger."""

    def __init__(
        self,
        folder: Path,
        channels: Mapping[str, Channel] | None = None,
        *,
        rules_text: str = RULES,
        words: Mapping[str, str] = WORDS,
        company: Mapping[str, str] = COMPANY,
        sender: Sender | None = None,
        clock: VirtualClock | None = None,
        live: bool = False,
        lease: timedelta = LEASE,
        batch: int = 200,
        allow: frozenset[str] | None = None,
        policy: Policy | None = None,
        limits: Mapping[str, Limits] | None = None,
        ways: WaysBack | None = None,
        watch: Watch = NOBODY,
    ) -> None:
        self.folder = folder
        self.clock = clock or VirtualClock(START)
        self.channels = channels if channels is not None else {"email": MemoryChannel("email")}
        self.company, self.sender = (
            company,
            sender
            or Sender("hello@lindner.example", "Autohaus Lindner", postal_address=company.get("address", "")),
        )
        self.ways = ways
        for name, text in words.items():
            self.write(name, text)
        self.policy = policy or Policy(time_zone=BERLIN)
        self.ledger = Ledger.open(KEPT_IN(folder), upgrade=True)
        book, problems = rules.load(
            {"rules/new-car.yaml": rules_text}, templates=None, channels=None, policy=self.policy
        )
        assert not problems, [str(problem) for problem in problems]
        self.engine = Engine(self.ledger, book, watch=watch)
        self.dispatcher = Dispatcher(
            self.engine, self.composer(), self.channels, self.clock,
            lease=lease, batch=batch, allow=allow, live=live, limits=limits,
        )  # fmt: skip

    def write(self, name: str, text: str) -> None:
        """Write a template, ``arrived/sms.txt.en``."""
        path = self.folder / "templates" / "new-car" / f"{name}.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def composer(self) -> Composer:
        """Read the templates as they are now."""
        renderer = Renderer(self.folder / "templates", self.company)
        return Composer(renderer, self.company, self.sender, self.policy, self.ways)

    def hear(self, *documents: dict[str, Any]) -> Heard:
        """Take events in, now."""
        return self.engine.hear([incoming(document) for document in documents], self.clock.now())

    def drain(self) -> int:
        """Send everything that is due, and give connections back."""
        return run(self.dispatcher.drain())

    def pass_time(self, by: timedelta) -> None:
        """Let time pass, and do what a daemon would do then."""
        self.clock.advance(by)
        self.drain()

    def entries(self, order: str = "BX-1") -> list[Entry]:
        """Every entry of one order, oldest first."""
        return entries_of(self.engine, order)

    def entry(self, rule: str = "arrived", *, order: str = "BX-1", kind: str = "message") -> Entry:
        """The only entry of a rule."""
        (found,) = [e for e in self.entries(order) if e.wanted.rule == rule and e.wanted.kind == kind]
        return found

    def task(self, do: str, *, order: str = "BX-1") -> Entry | None:
        """The task of that name, if there is one."""
        found = [e for e in self.entries(order) if e.wanted.template.endswith(f"/{do}")]
        return found[0] if found else None

    def outcomes(self, entry: Entry) -> list[str]:
        """What became of each attempt."""
        with self.ledger.read() as tx:
            return [attempt.outcome for attempt in tx.attempts(entry.id)]

    def suppressions(self) -> list[Suppression]:
        """Every address on the suppression list, as its hash."""
        with self.ledger.read() as tx:
            return tx.suppressions()

    def paused(self) -> dict[str, str]:
        """The paused channels and why."""
        with self.ledger.read() as tx:
            return {pause.name: pause.reason for pause in tx.pauses() if pause.kind is Stops.CHANNEL}

    def resume(self, channel: str) -> None:
        """Let a channel work again."""
        with self.ledger.transaction() as tx:
            tx.resume(Stops.CHANNEL, channel)

    def stored_text(self) -> str:
        """Every reason, detail and problem that the ledger keeps, as one text."""
        with self.ledger.read() as tx:
            entries = tx.entries_in(set(Status), limit=10_000)
            attempts = [attempt for entry in entries for attempt in tx.attempts(entry.id)]
            facts = [fact for _, fact in tx.facts_after(0, 10_000) if fact.source == "beforehand"]
            lines = [entry.reason for entry in entries]
            lines += [f"{attempt.code} {attempt.detail} {attempt.provider_id}" for attempt in attempts]
            lines += [str(fact.data.get("reason", "")) for fact in facts]
            lines += [pause.reason for pause in tx.pauses()]
            lines += [f"{one.reason} {one.evidence}" for one in tx.suppressions()]
            lines += [row.problem for row in tx.list_orders(limit=10_000)]
        return "\n".join(lines)

    def close(self) -> None:
        """Give everything back."""
        run(self.dispatcher.close())
        self.ledger.close()


class Scripted:
    """A channel that asks a function what to say; what the function returns is the provider's name for it."""

    def __init__(self, name: str, answer: Any, abilities: Any = None) -> None:
        from channels.base import Abilities

        self.name = name
        self.abilities = abilities or Abilities()
        self.answer = answer
        self.sent: list[Message] = []

    async def send(self, message: Message) -> Receipt:
        """Note the message, and do what the function says."""
        self.sent.append(message)
        said = self.answer(message)
        if isinstance(said, Coroutine):
            said = await said
        if isinstance(said, Exception):
            raise said
        return Receipt(said or "taken")

    async def close(self) -> None:
        """Nothing to give back."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one piece of work in an event loop of its own."""
    return asyncio.run(work)


def customer(who: str = "maria", time: datetime | str = "2026-03-12 08:00", **more: Any) -> dict[str, Any]:
    """Maria Keller with a mailbox and a telephone, and whatever a test says of her."""
    known = {
        "name": "Maria Keller", "given_name": "Maria", "locale": "en", "time_zone": BERLIN,
        "email": MARIA, "phone": "+493023125101",
    }  # fmt: skip
    return event("customer.upserted", who, time, **known | more)


def order(
    name: str = "BX-1", who: str = "maria", time: datetime | str = "2026-03-12 08:00", **more: Any
) -> dict[str, Any]:
    """The order of a new car, looked after by Nora Brandt and managed by Paul Lindner."""
    about = {"customer": who, "journey": "new-car", "owner": NORA, "manager": PAUL, "location": LINDNER}
    return event("order.upserted", name, time, **about | more)


def arrived(name: str = "BX-1", time: datetime | str = "2026-03-12 09:30", **more: Any) -> dict[str, Any]:
    """The car has arrived."""
    return event("milestone.reached", name, time, milestone="arrived", **more)


def many(count: int) -> Iterable[dict[str, Any]]:
    """So many customers, each with a car that arrived."""
    for number in range(1, count + 1):
        yield customer(f"customer-{number}", email=f"customer-{number}@example.com")
        yield order(f"BX-{number}", f"customer-{number}")
        yield arrived(f"BX-{number}")


def in_transaction(ledger: Ledger, work: Any) -> Any:
    """Do something in one transaction."""
    with ledger.transaction() as tx:
        assert isinstance(tx, Transaction)
        return work(tx)
