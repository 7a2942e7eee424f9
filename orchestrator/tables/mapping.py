"""MAP.yaml → a mapping, and a mapping × the header of a table → what reads its rows; all problems at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import Problem, Problems
from orchestrator.findings import suggestion
from orchestrator.rules.positions import DEEPEST, START, Findings, Node, parse
from orchestrator.rules.schema_problems import shape
from orchestrator.tables import templates
from orchestrator.tables.schema import SHAPES, ConditionShape, MapShape
from orchestrator.tables.templates import Template
from orchestrator.timing.calendar import valid_zone

STAND_IN = "x"
NOON = time(12)  # before any closing time, in no gap of a clock change, the same day in most other zones
CUSTOMER = ("name", "given_name", "locale", "time_zone", "country", "region", "email", "phone")
PERSON = ("name", "email", "country", "phone", "locale", "time_zone")
NAMED = 4  # of the columns of a table that is another one
LONGEST = 80  # characters of their names
LOCATION = ("id", "name", "time_zone", "calendar", "brand", "country", "email", "phone")


@dataclass(frozen=True, slots=True)
class Condition:
    """What the cell of a row must hold."""

    template: Template
    among: frozenset[str] | None
    not_among: frozenset[str]
    filled: bool | None

    def holds(self, row: templates.Row) -> bool:
        """Say whether a row is like that."""
        text = self.template.fill(row)
        return (
            (self.among is None or text in self.among)
            and text not in self.not_among
            and self.filled in (None, bool(text))
        )


@dataclass(frozen=True, slots=True)
class Attribute:
    """A template and the kind of value its text is."""

    template: Template
    kind: str


@dataclass(frozen=True, slots=True)
class PromiseColumns:
    """Where a promise stands in a row."""

    begin: Template
    until: Template | None
    made: Template | None
    told: bool | None
    reason: Template | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """When an order counts as cancelled."""

    when: Condition
    at: Template | None
    reason: Template | None


@dataclass(frozen=True, slots=True)
class Bound:
    """A mapping that fits the table it was bound to."""

    table: str
    names: tuple[str, ...]
    empty: frozenset[str]
    date_order: str
    date_formats: tuple[str, ...]
    decimal: str
    day_at: time
    zone: Template
    only: tuple[Condition, ...]
    customer_id: Template | None
    customer: Mapping[str, Template]
    customer_attributes: Mapping[str, Attribute]
    order_id: Template
    order: Mapping[str, Template]
    placed: Template | None
    people: Mapping[str, Mapping[str, Template]]
    location: Mapping[str, Template]
    has_zone: bool
    attributes: Mapping[str, Attribute]
    promises: Mapping[str, PromiseColumns]
    milestones: Mapping[str, tuple[Template, time]]
    cancelled: Cancelled | None

    def columns_of(self, pointer: str) -> str:
        """The column that a place in an event's data came from (``/data/email``), or ""."""
        _, _, path = pointer.partition("/data/")
        head, _, rest = path.partition("/")
        places: Mapping[str, Template] = {**self.customer, **self.order}
        if head in self.people or head == "location":
            places = self.people.get(head, self.location)
            head = rest
        template = places.get(head)
        return template.column if template else ""


@dataclass(frozen=True, slots=True)
class MapFile:
    """A MAP.yaml whose shape is right; it may still name columns that a table does not have.

    With ``problems`` its shape is what remains without them: good for finding more, and for nothing else.
    """

    path: str
    text: str
    root: Node
    shape: MapShape
    problems: tuple[Problem, ...] = ()

    def bind(self, names: Sequence[str], zone: str) -> Bound:
        """Return the mapping for a table with these columns; *zone* is that of local times if it names none.

        Raises :class:`Problems` with everything that does not fit.
        """
        findings = Findings(self.path, self.text)
        binder = _Binder(self, names, findings)
        bound = binder.bind(zone)
        if findings.problems:
            raise Problems(
                findings.problems if binder.knows_any else _another_table(findings.problems, names)
            )
        return bound


def _another_table(problems: Sequence[Problem], names: Sequence[str]) -> Iterator[Problem]:
    """Say once that no column at all is in the table, and whatever else is wrong."""
    missing = [problem for problem in problems if problem.code == "M001"]
    if len(missing) > 1:
        head = (", ".join(map(repr, names[:NAMED])) + (", …" if len(names) > NAMED else ""))[:LONGEST]
        yield replace(
            missing[0],
            message=f"the table has none of the {len(missing)} columns that are named here; it has {head}",
            hint="is it the right file? `header` says which of its lines has the names of the columns",
        )
    else:
        yield from missing
    yield from (problem for problem in problems if problem.code != "M001")


def load(path: str, text: str) -> MapFile:
    """Read a MAP.yaml; raises :class:`Problems` with all that is wrong with it."""
    found = attempt(path, text)
    if found.problems:
        raise Problems(found.problems)
    return found


def attempt(path: str, text: str) -> MapFile:
    """Read a MAP.yaml as far as it can be understood; raises :class:`Problems` where nothing of it can."""
    findings = Findings(path, text)
    root = parse(text, findings)
    if root is not None and not isinstance(root.value, dict):
        findings.add(root.place, "R013", "a mapping is expected here", "begin with `version: 1`")
        root = None
    elif root is None and not findings.problems:
        findings.add(START, "R004", "the file is empty", "begin with `version: 1` and `table: …`")
    found = shape(MapShape, root, findings, SHAPES) if root is not None else None
    if root is not None and found is None:
        found = _what_remains(root.plain())
    if root is None or found is None:
        raise Problems(findings.problems)
    return MapFile(path, text, root, found, tuple(findings.problems))


def _what_remains(written: dict[str, Any]) -> MapShape | None:
    """The shape without every value that has none, and with a stand-in for what is missing."""
    for _ in range(DEEPEST):  # what is taken away at one depth may be missing then
        try:
            return MapShape.model_validate(written)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                _take_away(written, found["loc"], missing=found["type"] == "missing")
    return None


def _take_away(written: dict[str, Any], path: Sequence[int | str], *, missing: bool) -> None:
    if path == ("version",):
        written["version"] = "1"
        return
    parts = [written]
    for step in path[:-1]:
        inner = parts[-1].get(str(step))
        if not isinstance(inner, dict):
            break
        parts.append(inner)
    last = str(path[len(parts) - 1])
    if missing and len(parts) == len(path):
        parts[-1][last] = {} if path == ("order",) else STAND_IN
    else:
        parts[-1].pop(last, None)


class _Binder:
    def __init__(self, file: MapFile, names: Sequence[str], findings: Findings) -> None:
        self.knows_any = False  # of the columns that are named
        self._shape = file.shape
        self._root = file.root
        self._names = names
        self._findings = findings
        self._positions = {name: index for index, name in enumerate(names) if names.count(name) == 1}
        self._words = dict(file.shape.words or {})

    def bind(self, zone: str) -> Bound:
        found = self._shape
        order = found.order
        return Bound(
            table=found.table,
            names=tuple(self._names),
            empty=frozenset(found.empty or ()),
            date_order=found.date_order,
            date_formats=tuple(found.date_formats or ()),
            decimal=found.decimal,
            day_at=found.day_at or NOON,
            zone=self._zone(zone),
            only=tuple(self._condition(("only", index), each) for index, each in enumerate(found.only or ())),
            customer_id=self._maybe(("customer", "id")),
            customer=self._fields(("customer",), CUSTOMER),
            customer_attributes=self._attributes(("customer", "attributes")),
            order_id=self._id(("order", "id")),
            order=self._fields(("order",), ("customer", "journey")),
            placed=self._maybe(("order", "placed"), column=True),
            people={
                role: self._fields(("order", role), PERSON)
                for role in ("owner", "manager")
                if getattr(order, role) is not None
            },
            location=self._fields(("order", "location"), LOCATION),
            has_zone=found.zone is not None,
            attributes=self._attributes(("order", "attributes")),
            promises={name: self._promise(name) for name in found.promises or ()},
            milestones={
                name: (self._column(("milestones", name, "column")), part.at or found.day_at or NOON)
                for name, part in (found.milestones or {}).items()
            },
            cancelled=self._cancelled(),
        )

    # ── parts ──

    def _fields(self, path: tuple[str, ...], names: Sequence[str]) -> dict[str, Template]:
        return {name: self._template((*path, name)) for name in names if self._node((*path, name))}

    def _attributes(self, path: tuple[str, ...]) -> dict[str, Attribute]:
        node = self._node(path)
        declared = (self._shape.customer if path[0] == "customer" else self._shape.order) if node else None
        return {
            name: Attribute(self._template((*path, name, "value")), part.as_)
            for name, part in ((declared and declared.attributes) or {}).items()
        }

    def _promise(self, name: str) -> PromiseColumns:
        path = ("promises", name)
        declared = (self._shape.promises or {})[name]
        return PromiseColumns(
            self._column((*path, "column")),
            self._maybe((*path, "until"), column=True),
            self._maybe((*path, "made"), column=True),
            declared.told,
            self._maybe((*path, "reason")),
        )

    def _cancelled(self) -> Cancelled | None:
        declared = self._shape.cancelled
        if declared is None:
            return None
        path = ("cancelled",)
        return Cancelled(
            self._condition(path, declared),
            self._maybe((*path, "at"), column=True),
            self._maybe((*path, "reason")),
        )

    def _condition(self, path: tuple[str | int, ...], declared: ConditionShape) -> Condition:
        if declared.is_ is None and declared.is_not is None and declared.filled is None:
            node = self._node(path)
            place = node.place if node else START
            self._findings.add(place, "R011", "`is`, `is_not` or `filled` is missing", "add `is: […]`")
        return Condition(
            self._column((*path, "column")),
            None if declared.is_ is None else frozenset(declared.is_),
            frozenset(declared.is_not or ()),
            declared.filled,
        )

    def _zone(self, company: str) -> Template:
        node = self._node(("zone",))
        if node is None:
            return Template((templates.Part(company),), {}, {})
        template = self._template(("zone",))
        constant = template.constant()
        if constant and not valid_zone(constant):
            self._findings.add(
                node.place, "M005", f"{constant!r} is no IANA time zone", "write it like Europe/Berlin"
            )
        for name in {part.words for part in self._parts(node) if part.words in self._words}:
            for word, zone in self._words[name].items():
                listed = self._node(("words", name, word))
                if not valid_zone(zone) and listed is not None:
                    self._findings.add(listed.place, "M005", f"{zone!r} is no IANA time zone")
        return template

    # ── templates ──

    def _maybe(self, path: tuple[str | int, ...], *, column: bool = False) -> Template | None:
        if self._node(path) is None:
            return None
        return self._column(path) if column else self._template(path)

    def _id(self, path: tuple[str | int, ...]) -> Template:
        template = self._template(path)
        node = self._node(path)
        if node is not None and not any(part.column for part in self._parts(node)):
            hint = f"write {{{node.text}}}" if node.text in self._positions else "write {Column}"
            self._findings.add(node.place, "M003", "every row would have the same id", hint)
        return template

    def _column(self, path: tuple[str | int, ...]) -> Template:
        return self._template(path, bare=True)

    def _template(self, path: tuple[str | int, ...], *, bare: bool = False) -> Template:
        node = self._node(path)
        parts = self._parts(node, bare=bare) if node is not None else ()
        fits = [part for part in parts if self._fits(part, node)] if node is not None else []
        return Template(fits, self._positions, self._words)

    def _parts(self, node: Node, *, bare: bool = False) -> Sequence[templates.Part]:
        if bare and "{" not in node.text:
            return (templates.Part("", node.text),)
        try:
            return templates.parse(node.text)
        except templates.Malformed as malformed:
            self._findings.add(
                node.place_of(malformed.offset), "M003", str(malformed), "a brace that is meant is doubled"
            )
            return ()

    def _fits(self, part: templates.Part, node: Node | None) -> bool:
        if not part.column or node is None:
            return True
        place = node.place_of(part.offset)
        fits = True
        twice = part.column in self._names
        self.knows_any = self.knows_any or twice
        if part.column not in self._positions:
            self._findings.add(
                place, "M001",
                f"the table has {'two columns' if twice else 'no column'} called {part.column!r}",
                "rename one of them" if twice else suggestion(part.column, self._names),
            )  # fmt: skip
            fits = False
        if part.words and part.words not in self._words:
            hint = suggestion(part.words, self._words)
            self._findings.add(place, "M004", f"there are no words called {part.words!r}", hint)
            fits = False
        return fits

    def _node(self, path: Sequence[str | int]) -> Node | None:
        """The value at that path; a text that stands for a mapping stands for its first key."""
        node: Node | None = self._root
        for step in path:
            if node is None:
                return None
            if isinstance(node.value, str):
                return node if step in ("column", "value") else None
            node = node.value[step] if _listed(node, step) else node.get(str(step))  # type: ignore[index]
        return node


def _listed(node: Node, step: str | int) -> bool:
    return isinstance(node.value, list) and isinstance(step, int)
