"""A row of a table, read with its mapping → what it says about an order and its customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from orchestrator.findings import Wrong
from orchestrator.intake.values import moment_text
from orchestrator.tables import values
from orchestrator.tables.flaws import Flaw, Flawed
from orchestrator.tables.mapping import Attribute, Bound, PromiseColumns
from orchestrator.tables.templates import Row, Template
from orchestrator.timing.calendar import local, valid_zone

MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class When:
    """When something happened, as the table has it; ``moment`` is ``None`` for later today: just now."""

    text: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class PromiseSaid:
    """A promise as a row has it: its value as a text, as event data, and when it was made if it says so."""

    text: str
    data: Mapping[str, Any]
    made: datetime | None


@dataclass(slots=True)
class Said:
    """Everything that one row says. A milestone without a date is ``None``: it has not happened."""

    line: int
    order: str
    customer: str
    about_customer: dict[str, Any] = field(default_factory=dict)
    about_order: dict[str, Any] = field(default_factory=dict)
    placed: datetime | None = None
    promises: dict[str, PromiseSaid] = field(default_factory=dict)
    milestones: dict[str, When | None] = field(default_factory=dict)
    cancelled: When | None = None
    cancel_reason: str = ""


class Reader:
    """Reads the rows of one table as of *now*; what happened may be *tolerance* later than that."""

    def __init__(self, bound: Bound, now: datetime, tolerance: timedelta) -> None:
        self._bound = bound
        self._now = now
        self._tolerance = tolerance

    def cells(self, written: Sequence[str]) -> list[str]:
        """The cells of a row without space around them; what means nothing is ""."""
        cells = [cell.strip() for cell in written]
        empty = self._bound.empty
        return ["" if cell in empty else cell for cell in cells] if empty else cells

    def wanted(self, row: Row) -> bool:
        """Say whether the mapping wants this row. Raises :class:`Flawed`."""
        return all(condition.holds(row) for condition in self._bound.only)

    def key(self, row: Row) -> str:
        """The id of the row's order; "" if it has none. Raises :class:`Flawed`."""
        return self._bound.order_id.complete(row)

    def say(self, line: int, row: Row) -> Said | list[Flaw]:
        """Return what a row says, or everything that is wrong with it."""
        return _OneRow(self._bound, self._now, self._tolerance, line, row).say()


class _OneRow:
    def __init__(self, bound: Bound, now: datetime, tolerance: timedelta, line: int, row: Row) -> None:
        self._bound = bound
        self._now = now
        self._tolerance = tolerance
        self._line = line
        self._row = row
        self._zone = "UTC"
        self._flaws: list[Flaw] = []

    def say(self) -> Said | list[Flaw]:
        bound = self._bound
        self._zone = self._its_zone()
        said = Said(self._line, self._its_id(bound.order_id), "")
        if bound.customer_id is not None:
            said.customer = self._its_id(bound.customer_id)
            said.about_customer = self._filled(bound.customer)
            self._attributes(said.about_customer, bound.customer_attributes)
        said.about_order = self._order(said.customer)
        placed = self._when(bound.placed, bound.day_at)
        said.placed = placed.moment if placed else None
        for name, columns in bound.promises.items():
            if (promise := self._promise(columns)) is not None:
                said.promises[name] = promise
        for name, (template, at) in bound.milestones.items():
            said.milestones[name] = self._when(template, at)
        if bound.cancelled is not None and self._holds(bound.cancelled.when):
            said.cancelled = self._when(bound.cancelled.at, bound.day_at) or When("", None)
            said.cancel_reason = self._text(bound.cancelled.reason)
        return self._flaws or said

    # ── parts ──

    def _order(self, customer: str) -> dict[str, Any]:
        bound = self._bound
        order = ({"customer": customer} if customer else {}) | self._filled(bound.order)
        for role, fields in bound.people.items():
            if person := self._filled(fields):
                order[role] = person
        location = self._filled(bound.location)
        if bound.has_zone and "time_zone" not in location:
            location["time_zone"] = self._zone
        if location:
            order["location"] = location
        self._attributes(order, bound.attributes)
        return order

    def _attributes(self, about: dict[str, Any], declared: Mapping[str, Attribute]) -> None:
        found: dict[str, Any] = {}
        for name, attribute in declared.items():
            text = self._text(attribute.template)
            if text:
                found[name] = self._typed(text, attribute)
        if found:
            about["attributes"] = found

    def _typed(self, text: str, attribute: Attribute) -> Any:
        if attribute.kind == "text":
            return text
        try:
            if attribute.kind == "number":
                return values.number(text, self._bound.decimal)
            if attribute.kind == "money":
                return values.money(text, self._bound.decimal)
            if attribute.kind == "flag":
                return values.flag(text)
            return self._read(text).isoformat()
        except Wrong as wrong:
            self._flaw(attribute.template, text, wrong)
            return None

    def _promise(self, columns: PromiseColumns) -> PromiseSaid | None:
        begin, end = self._day_or_moment(columns.begin), self._day_or_moment(columns.until)
        if begin is None and end is None:
            return None
        data: dict[str, Any]
        if columns.until is not None:
            if not isinstance(begin, datetime) or not isinstance(end, datetime):
                self._flaws.append(
                    Flaw(
                        self._line, columns.begin.column, "", "M115", "is no window: both ends need a time",
                        "without `until` a promise is a date or an instant",
                    )
                )  # fmt: skip
                return None
            text = f"{moment_text(begin)}--{moment_text(end)}"
            data = {"from": moment_text(begin), "to": moment_text(end)}
        elif isinstance(begin, datetime):
            text = moment_text(begin)
            data = {"at": text}
        else:
            assert begin is not None
            text = begin.isoformat()
            data = {"date": text}
        if columns.told is not None:
            data["told"] = columns.told
        if reason := self._text(columns.reason):
            data["reason"] = reason
        made = self._when(columns.made, self._bound.day_at)
        return PromiseSaid(text, data, made.moment if made else None)

    # ── cells ──

    def _its_id(self, template: Template) -> str:
        try:
            found = template.complete(self._row)
        except Flawed as flawed:
            self._flaws.append(flawed.at(self._line))
            return ""
        if not found:
            self._flaws.append(
                Flaw(self._line, template.column, "", "M107", "is empty, so the row has no id")
            )
        return found

    def _its_zone(self) -> str:
        zone = self._text(self._bound.zone)
        if zone and valid_zone(zone):
            return zone
        if zone or not self._flaws:
            said = "is no IANA time zone" if zone else "names no time zone"
            hint = "write it like Europe/Berlin"
            self._flaws.append(Flaw(self._line, self._bound.zone.column, zone, "M114", said, hint))
        return "UTC"

    def _filled(self, fields: Mapping[str, Template]) -> dict[str, Any]:
        return {name: text for name, template in fields.items() if (text := self._text(template))}

    def _text(self, template: Template | None) -> str:
        if template is None:
            return ""
        try:
            return template.fill(self._row)
        except Flawed as flawed:
            self._flaws.append(flawed.at(self._line))
            return ""

    def _holds(self, condition: Any) -> bool:
        try:
            return bool(condition.holds(self._row))
        except Flawed as flawed:
            self._flaws.append(flawed.at(self._line))
            return False

    def _read(self, text: str) -> date | datetime:
        found = values.day_or_moment(text, self._bound.date_order, self._bound.date_formats)
        if isinstance(found, datetime) and found.tzinfo is None:
            return local(found.date(), found.time(), self._zone)
        return found

    def _day_or_moment(self, template: Template | None) -> date | datetime | None:
        text = self._text(template)
        if not text or template is None:
            return None
        try:
            return self._read(text)
        except Wrong as wrong:
            self._flaw(template, text, wrong)
            return None

    def _when(self, template: Template | None, at: time) -> When | None:
        """When something happened; a bare day counts *at* that local time, today as soon as we hear of it."""
        found = self._day_or_moment(template)
        if found is None or template is None:
            return None
        if isinstance(found, datetime):
            latest = found - self._tolerance
            when = When(moment_text(found), found)
        else:
            latest = local(found, MIDNIGHT, self._zone)
            moment = local(found, at, self._zone)
            when = When(found.isoformat(), moment if moment <= self._now else None)
        if latest > self._now:
            value = self._text(template)
            said = f"is later than the import ({self._now.astimezone(UTC):%Y-%m-%d %H:%M}Z)"
            hint = "what will happen is a promise"
            self._flaws.append(Flaw(self._line, template.column, value, "M113", said, hint))
        return when

    def _flaw(self, template: Template, text: str, wrong: Wrong) -> None:
        self._flaws.append(Flaw(self._line, template.column, text, wrong.code, wrong.message, wrong.hint))
