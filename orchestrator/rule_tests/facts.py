"""The facts of a test: customers and orders by short names, and what happens to them, as events.

Everything goes through intake like any event; what intake refuses is told at its place in the test.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.findings import suggestion
from orchestrator.intake import Incoming, Place, parse
from orchestrator.intake.reported import REPORTED
from orchestrator.intake.types import CORE
from orchestrator.intake.values import moment_text
from orchestrator.journey import Journey, RuleBook
from orchestrator.model import Kind, Location, Scope, scope_of
from orchestrator.rule_tests.shape import ANSWERS, FACT, FOR, REPORTS, SINCE
from orchestrator.rule_tests.source import Source, typed
from orchestrator.rule_tests.values import Answered, Given
from orchestrator.rules.positions import Node
from orchestrator.timing.send_time import order_zone

_TIMES = ("from", "to")  # local times inside the data of promises and slots
ANY_TIME = datetime(
    2026, 1, 1, tzinfo=UTC
)  # a fact without a usable time is still read for its other problems
_TASKS = ("task.acknowledged", "task.done")
_NAMING: Mapping[str, Mapping[str, str]] = {  # facts about something that was said or tasked, named in short
    **dict.fromkeys(_TASKS, ANSWERS),
    **dict.fromkeys(REPORTED, REPORTS),
}


class Cast:
    """Who waits for what in one test: customers, orders, their journeys and clocks."""

    def __init__(
        self, customers: Node | None, orders: Node | None, journey: str, book: RuleBook, source: Source
    ) -> None:
        self._source = source
        self._book = book
        self.customers = dict(source.mapping(customers)) if customers is not None else {}
        self.orders = dict(source.mapping(orders)) if orders is not None else {}
        self._default = journey
        self.zones = {name: self._zone_of(order) for name, order in self.orders.items()}

    @property
    def zone(self) -> str:
        """The clocks of the test itself: those of its first order."""
        return next(iter(self.zones.values()), self._book.policy.time_zone)

    @property
    def roles(self) -> list[str]:
        """Everybody who can be told something."""
        parties = [order.get("parties") for order in self.orders.values()]
        names = [name for node in parties if node and isinstance(node.value, dict) for name in node.value]
        return ["customer", "owner", "manager", *names]

    def journey_of(self, order: str) -> Journey | None:
        """The journey of an order of the test, if there is one of that name."""
        node = self.orders.get(order)
        named = node.get("journey") if node is not None else None
        return self._book.journeys.get(named.text if named is not None else self._default)

    def journeys(self) -> list[Journey]:
        """The journeys of all its orders."""
        found = [self.journey_of(name) for name in self.orders]
        return list({journey.id: journey for journey in found if journey is not None}.values())

    def introduced(self, first: datetime) -> list[Given]:
        """Customers and orders as facts, each heard at its ``since`` or else at *first*."""
        return [
            *self._upserts("customer.upserted", self.customers, first),
            *self._upserts("order.upserted", self.orders, first),
        ]

    def fact(self, node: Node, number: int, until: datetime | None) -> Given | None:
        """One fact of ``given:``, heard before the test ends, or ``None`` with what is wrong with it."""
        source = self._source
        keys = source.mapping(node, filled=FACT)
        if not isinstance(node.value, dict):
            return None
        before = len(source.problems)
        for name in ("at", "event"):
            if name not in keys:
                source.add(node.place, "X011", f"{name!r} is missing", f"add `{name}: …`")
        kind = source.text(keys.get("event"))
        about = "customer" if scope_of(kind) is Scope.CUSTOMER else "order"
        self._check_keys(node, kind, {"at", "heard", "event", about})
        subject = self._subject(node, about) if kind else ""
        zone = self._zone_for(about, subject)
        happened, heard = self._moments(keys, zone)
        last = heard or happened
        if until is not None and last is not None and last > until:
            source.add(node.place, "X022", "it is heard after the test ends", "set `until` later")
        data = {name: child for name, child in keys.items() if name not in ("at", "heard", "event", about)}
        self._check_milestone(data.get("milestone"), subject)
        answers = self._answers(data, kind, subject)
        written = self._data(data, kind, zone)
        if answers is not None:
            named = _NAMING[kind]
            about_what = {next(iter(named)): "-"}
            written = {name: value for name, value in written.items() if name not in named} | about_what
        if not kind or not subject:
            return None
        event = self._taken(node, kind, subject, (happened or ANY_TIME, heard), written, f"given-{number}")
        if event is None or happened is None or len(source.problems) > before:
            return None
        return Given(source.spot(node.place), event, answers)

    def _moments(self, keys: Mapping[str, Node], zone: str) -> tuple[datetime | None, datetime | None]:
        """When a fact happened, and when it was heard if that is said."""
        happened = self._source.moment(keys.get("at"), zone)
        heard = self._source.moment(keys.get("heard"), zone)
        if happened and heard and heard < happened:
            self._source.add(keys["heard"].place, "X022", "it is heard before it happens")
            heard = None
        return happened, heard if happened else None

    # ── customers and orders ─────────────────────────────────────────────────

    def _upserts(self, kind: str, nodes: Mapping[str, Node], first: datetime) -> list[Given]:
        made = []
        for name, node in nodes.items():
            known = self._source.mapping(node, [*sorted(CORE[kind].fields), SINCE])
            data = {key: typed(child) for key, child in known.items() if key != SINCE}
            zone = self.zones.get(name, self.zone)
            since = self._source.moment(node.get(SINCE), zone) or first
            if kind == "order.upserted":
                self._complete_order(node, data)
            event = self._taken(node, kind, name, (since, None), data, f"{kind}-{name}")
            if event is not None:
                made.append(Given(self._source.spot(node.place), event))
        return made

    def _complete_order(self, node: Node, data: dict[str, Any]) -> None:
        """Fill in the journey and the only customer; both must exist."""
        journey = node.get("journey")
        if journey is not None:
            self._source.word(journey, self._book.journeys, "X018", "journey")
        else:
            data["journey"] = self._default
        if node.get("customer") is not None:
            self._source.word(node.get("customer"), self.customers, "X012", "customer")
        elif len(self.customers) == 1:
            data["customer"] = next(iter(self.customers))
        else:
            hint = suggestion("", self.customers) or "describe one under `customers:`"
            self._source.add(node.place, "X011", "'customer' is missing", hint)

    def _zone_of(self, order: Node) -> str:
        location = order.get("location")
        zone = location.get("time_zone") if location is not None else None
        place = Location(time_zone=zone.text if zone is not None else "")
        return order_zone(place, self._book.policy.time_zone)

    def _zone_for(self, about: str, subject: str) -> str:
        """An order's clocks; for a customer, those of their first order."""
        if about == "order":
            return self.zones.get(subject, self.zone)
        theirs = (name for name, order in self.orders.items() if _text(order.get("customer")) == subject)
        return self.zones.get(next(theirs, ""), self.zone)

    # ── one fact ─────────────────────────────────────────────────────────────

    def _subject(self, node: Node, about: str) -> str:
        known = self.orders if about == "order" else self.customers
        named = node.get(about)
        if named is not None:
            return self._source.word(named, known, "X012", about)
        if len(known) == 1:
            return next(iter(known))
        hint = suggestion("", known) or f"describe one under `{about}s:`"
        self._source.add(node.place, "X011", f"{about!r} is missing", hint)
        return ""

    def _check_type(self, node: Node | None, kind: str) -> None:
        listened = {
            rule.trigger.event for journey in self._book.journeys.values() for rule in journey.rules
        } - {""}
        if node is not None and kind and kind not in CORE and kind not in listened:
            hint = suggestion(kind, [*CORE, *listened])
            if hint.startswith("did you mean"):
                self._source.add(node.place, "X017", f"no type of event called {kind!r}", hint)

    def _check_keys(self, node: Node, kind: str, own: set[str]) -> None:
        self._check_type(node.get("event"), kind)
        core = CORE.get(kind)
        extra = {FOR} if kind == "promise.made" else set(_NAMING.get(kind, ()))
        self._source.near_miss(node, sorted({*(core.fields if core else ()), *own, *extra, *FACT}))

    def _check_milestone(self, node: Node | None, subject: str) -> None:
        journey = self.journey_of(subject)
        if node is not None and journey is not None:
            self._source.word(node, journey.milestones, "X014", "milestone")

    def _answers(self, data: Mapping[str, Node], kind: str, subject: str) -> Answered | None:
        """The task or message a fact is about, by name; a whole key, with its slashes, is left as it is."""
        naming = _NAMING.get(kind)
        named = data.get(next(iter(naming))) if naming is not None else None
        if named is None or "/" in named.text:
            return None
        journey = self.journey_of(subject)
        rungs = [rung for rule in journey.rules for rung in rule.rungs] if journey else []
        what = Kind.TASK if kind in _TASKS else Kind.MESSAGE
        names = {rung.task.do for rung in rungs if rung.task} if what is Kind.TASK else set()
        names |= {rung.say for rung in rungs if rung.say} if what is Kind.MESSAGE else set()
        return Answered(
            self._source.word(named, sorted(names), "X015", "task" if what is Kind.TASK else "text"),
            self._source.word(data.get("to"), self.roles, "X019", "role"),
            self._source.text(data.get("rule")),
            what,
        )

    def _data(self, data: Mapping[str, Node], kind: str, zone: str) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for name, node in data.items():
            if kind == "promise.made" and name == FOR:
                moment = ":" in node.text
                written["at" if moment else "date"] = self._local(node, zone) if moment else typed(node)
            else:
                written[name] = self._localised(name, node, zone)
        return written

    def _localised(self, name: str, node: Node, zone: str) -> Any:
        """The value, with local times in it as moments."""
        if isinstance(node.value, dict):
            return {key: self._localised(key, child, zone) for key, child in node.value.items()}
        if isinstance(node.value, list):
            return [self._localised(name, child, zone) for child in node.value]
        return self._local(node, zone) if name in _TIMES and "-" in node.text else typed(node)

    def _local(self, node: Node, zone: str) -> str | None:
        moment = self._source.moment(node, zone)
        return moment_text(moment) if moment is not None else None

    # ── intake ───────────────────────────────────────────────────────────────

    def _taken(
        self,
        node: Node,
        kind: str,
        subject: str,
        times: tuple[datetime, datetime | None],
        data: Mapping[str, Any],
        name: str,
    ) -> Incoming | None:
        happened, heard = times
        document = {
            "specversion": "1.0",
            "id": name,
            "source": "rule-test",
            "type": kind,
            "subject": subject,
            "time": moment_text(happened),
            "data": data,
        }
        if heard is not None:
            document["recordedtime"] = moment_text(heard)
        taken = parse(document, None, place=Place(self._source.path))
        if isinstance(taken, Incoming):
            return taken
        for problem in taken:
            unknown = f"unknown key {problem.pointer.rpartition('/')[2]!r}"
            if problem.code == "E119" and any(one.message == unknown for one in self._source.problems):
                continue  # told as a key that the test may not have
            where = _pointed(node, problem.pointer)
            self._source.add(where.place, problem.code, problem.message.removeprefix("data."), problem.hint)
        return None


def _text(node: Node | None) -> str:
    return node.text if node is not None else ""


_NAMES = {"time": "at", "recordedtime": "heard", "type": "event"}


def _pointed(node: Node, pointer: str) -> Node:
    """The value at an event's *pointer* (``/data/location/time_zone``), as deep as the test has it."""
    for step in pointer.removeprefix("/data").strip("/").split("/"):
        short = node.get(FOR) if step in ("at", "date") else None
        inner = short or node.get(_NAMES.get(step, step))
        if inner is None and isinstance(node.value, list) and step.isdigit() and int(step) < len(node.value):
            inner = node.value[int(step)]
        if inner is None:
            return node
        node = inner
    return node
