"""The names a template may use, as values that say what they are (docs/reference/template-variables.md).

What may be missing is there and empty, so that a template says ``{% if reason %}`` and only a typing
mistake is an undefined variable. :mod:`orchestrator.render.wording` makes these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from orchestrator.facts import value
from orchestrator.money import read_money
from orchestrator.render.local_dates import (
    day_and_month,
    day_text,
    full_day_text,
    time_text,
    weekday_text,
    zone_text,
)
from orchestrator.render.local_money import money_text


@value(frozen=True, slots=True)
class When:
    """A day, perhaps with a time, in the order's zone and the reader's language; false when there is none."""

    day: Annotated[date | None, "the date, for `| date_long`"] = None
    clock: Annotated[time | None, "the time of day, if one is known, for `| time`"] = None
    until: Annotated[time | None, "where it is a window: the time it ends"] = None
    today: date | None = None
    locale: str = "en"
    zone: Annotated[str, "the order's time zone, where the reader's clock reads otherwise"] = ""
    own: Annotated["When | None", "the same on the reader's own clock, where that reads otherwise"] = None

    def __bool__(self) -> bool:
        return self.day is not None

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The day in words, `Thursday, 12 March`; with the year if it is most of a year away"""
        if self.day is None:
            return ""
        far = self.today is not None and abs((self.day - self.today).days) > 300
        return (full_day_text if far else day_text)(self.day, self.locale)

    @property
    def short(self) -> str:
        """Day and month, `12 March`"""
        return day_and_month(self.day, self.locale) if self.day is not None else ""

    @property
    def weekday(self) -> str:
        """`Thursday`"""
        return weekday_text(self.day, self.locale) if self.day is not None else ""

    @property
    def time(self) -> str:
        """`17:30`, or `17:30–18:30` for a window, with `CET` for who is elsewhere; empty for a whole day"""
        if self.clock is None or self.day is None:
            return ""
        said = time_text(self.clock, self.locale)
        if self.until is not None:
            said = f"{said}–{time_text(self.until, self.locale)}"
        return f"{said} {zone_text(self.day, self.clock, self.zone, self.locale)}" if self.zone else said

    @property
    def days(self) -> int:
        """Days from today: 0 today, 1 tomorrow, negative in the past"""
        return (self.day - self.today).days if self.day is not None and self.today is not None else 0


@value(frozen=True, slots=True)
class Money:
    """A sum with its currency, in the reader's language; false when there is none."""

    amount: Annotated[Decimal | None, "the number"] = None
    currency: Annotated[str, "the currency's three letters, `EUR`"] = ""
    locale: str = "en"

    def __bool__(self) -> bool:
        return self.amount is not None

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The sum as the reader writes it, `€1,234.50`"""
        return "" if self.amount is None else money_text(self.amount, self.currency, self.locale)


def money(value: Any, locale: str) -> Money:
    """What a fact says of a sum (:func:`orchestrator.money.read_money`), for a reader; else nothing."""
    found = read_money(value)
    return Money(*found, locale) if found is not None else Money(locale=locale)


@value(frozen=True, slots=True)
class Contact:
    """Somebody who answers: false when nobody is named."""

    name: Annotated[str, "full name"] = ""
    given_name: Annotated[str, "the name's first word"] = ""
    email: Annotated[str, "mailbox"] = ""
    phone: Annotated[str, "telephone number as it was given"] = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        return self.name


@value(frozen=True, slots=True)
class CustomerWords:
    """Who waits."""

    name: Annotated[str, "full name"] = ""
    given_name: Annotated[str, "given name, if it is known apart"] = ""
    greeting: Annotated[str, "what to call them: the given name, else the full name"] = ""
    email: Annotated[str, "mailbox, for staff"] = ""
    phone: Annotated[str, "telephone number, for staff"] = ""
    attributes: Annotated[Mapping[str, Any], "what else is known, by name"] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.name or self.given_name)

    def __str__(self) -> str:
        return self.name


@value(frozen=True, slots=True)
class OrderWords:
    """What they wait for."""

    id: Annotated[str, "the order's number"] = ""
    attributes: Annotated[Mapping[str, Any], "the journey's attributes by name, `order.attributes.model`"] = (
        field(default_factory=dict)
    )

    def __str__(self) -> str:
        return self.id


@value(frozen=True, slots=True)
class Place:
    """Where the order is looked after."""

    name: Annotated[str, "name of the location"] = ""
    phone: Annotated[str, "telephone number"] = ""
    email: Annotated[str, "mailbox"] = ""
    brand: Annotated[str, "the brand customers know, else the company's name"] = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Company:
    """Who writes, from the settings."""

    name: Annotated[str, "name of the company"] = ""
    address: Annotated[str, "postal address on one line"] = ""
    email: Annotated[str, "mailbox"] = ""
    phone: Annotated[str, "telephone number"] = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Brand:
    """In whose clothes a message goes; chosen by the order's location, else the company's own."""

    name: Annotated[str, "the brand customers know, else the company's name"] = ""
    imprint: Annotated[str, "what stands below a mail: who answers for it, and where"] = ""
    accent: Annotated[str, "the brand's colour, `#0b6b5d`"] = "#0b6b5d"
    accent_dark: Annotated[str, "the same where the reader's screen is dark"] = "#6cd3c0"
    tint: Annotated[str, "the colour behind a date: a breath of the accent"] = "#eef6f4"
    tint_dark: Annotated[str, "the same where the reader's screen is dark"] = "#20302f"
    logo: Annotated[
        str, "in HTML the address of its picture, which goes with the mail; empty without one"
    ] = ""
    logo_file: str = ""  # the picture, among the templates
    layout: str = ""  # the layout, in shared/layouts/
    key: str = ""  # its name in the settings
    sender_name: str = ""
    sender_email: str = ""
    reply_to: str = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        return self.name


@value(frozen=True, slots=True)
class JourneyWords:
    """The declared path."""

    id: Annotated[str, "id, `new-car`"] = ""
    title: Annotated[str, "title as operations wrote it"] = ""

    def __str__(self) -> str:
        return self.title or self.id


@value(frozen=True, slots=True)
class Task:
    """What a member of staff must do; false in a message to a customer."""

    id: Annotated[str, "the task's id, for `task.acknowledged` and `task.done`"] = ""
    do: Annotated[str, "what to do in words, `call the customer`"] = ""
    to: Annotated[str, "who must do it"] = ""
    ack_by: Annotated[When, "acknowledge by then, or it goes on to the next person"] = When()
    escalated: Annotated[bool, "true when it came here because somebody did not react"] = False
    silent: Annotated[str, "who did not react"] = ""
    misaddressed: Annotated[
        bool, "true when an address or number is missing or may be wrong, and not only the hour was"
    ] = False

    def __bool__(self) -> bool:
        return bool(self.id)


@value(frozen=True, slots=True)
class OneOrder:
    """One of the orders a message speaks of."""

    id: Annotated[str, "the order's number"] = ""
    attributes: Annotated[Mapping[str, Any], "the journey's attributes by name, `one.attributes.model`"] = (
        field(default_factory=dict)
    )
    milestone: Annotated[str, "the milestone this is about"] = ""
    promise: Annotated[When, "what this message tells of it, else what was told"] = When()
    told: Annotated[When, "what the customer was last told, before this message"] = When()
    happened: Annotated[When, "when the milestone was reached"] = When()
    reason: Annotated[str, "the reason given with the newest promise, the retraction or the cancellation"] = (
        ""
    )
    event: Annotated[Mapping[str, Any], "the data of the event"] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.id


@value(frozen=True, slots=True)
class LinkWords:
    """The reader's own pages; empty where there is none for this reader, or no public URL."""

    order: Annotated[str, "their order: what was promised, what happened, what comes next"] = ""
    preferences: Annotated[str, "how and when they hear from us; for the customer"] = ""
    reply: Annotated[str, "a page to answer on, for who reads this where nobody can answer"] = ""
    task: Annotated[str, "the task, to be answered with one tap; for staff"] = ""

    def __bool__(self) -> bool:
        return bool(self.order or self.task)


@dataclass(frozen=True, slots=True)
class Words:
    """Everything a template may name; one field, one name."""

    customer: Annotated[CustomerWords, "who waits and reads this: the customer, or a party of the order"]
    ordered_by: Annotated[CustomerWords, "the customer, whoever reads this"]
    order: Annotated[OrderWords, "what they wait for"]
    orders: Annotated[
        tuple[OneOrder, ...],
        "every order this message speaks of: several where the rule says `combine`, else the one",
    ]
    owner: Annotated[Contact, "the person who looks after the order"]
    manager: Annotated[Contact, "that person's manager"]
    sender: Annotated[Contact, "who signs: owner, else manager, else location, else company"]
    location: Annotated[Place, "where the order is looked after"]
    company: Annotated[Company, "who writes, from the settings"]
    brand: Annotated[Brand, "in whose clothes it goes: by the location, else the company's own"]
    journey: Annotated[JourneyWords, "the declared path"]
    milestone: Annotated[str, "the milestone this is about, `arrived`"]
    promise: Annotated[
        When, "what this message tells of the milestone, else what was told; for staff the newest"
    ]
    told: Annotated[When, "what the customer was last told, before this message"]
    previous: Annotated[When, "the different value they were told before that"]
    direction: Annotated[str, "`later` or `sooner` when promise and told differ"]
    days_moved: Annotated[int, "by how many days they differ"]
    promises: Annotated[Mapping[str, When], "by milestone: what this message tells of it, else what was told"]
    awaited: Annotated[When, "the nearest day told, from today on, for what has not happened yet"]
    awaiting: Annotated[str, "the milestone of that day"]
    happened: Annotated[When, "when the milestone was reached"]
    apologies: Annotated[int, "how often the customer was told that this milestone is late"]
    waited_days: Annotated[int, "days past the first date the customer was told, until it happened or today"]
    next_update: Annotated[When, "the day the customer hears from us again at the latest, by the rules"]
    reason: Annotated[str, "the reason given with the newest promise, the retraction or the cancellation"]
    because: Annotated[str, "why this is due, in the planner's words; for staff"]
    task: Annotated[Task, "what to do, for staff"]
    event: Annotated[Mapping[str, Any], "the data of the event that made an `event:` rule due"]
    line: Annotated[
        str, "a line of their own that a colleague added for this message, see `message.line_added`"
    ]
    links: Annotated[LinkWords, "the reader's own pages, if `server.public_url` and `signing_keys` are set"]
    today: Annotated[When, "the day of writing"]
    locale: Annotated[str, "the language and country this is written in, `de-AT`"]
    zone: Annotated[str, "the order's time zone"]
    purpose: Annotated[str, "security, service, relationship or marketing"]


VALUES = (
    When, Money, Contact, CustomerWords, OrderWords, OneOrder, Place, Company, Brand, JourneyWords, LinkWords,
    Task,
)  # fmt: skip


# ── what is declared ─────────────────────────────────────────────────────────

FILTERS: Mapping[str, str] = {
    "day": "a date in words, `Thursday, 12 March`: `{{ order.attributes.built | day }}`",
    "time": "a time of day, `17:30`",
    "date_long": "a date with its year, `Thursday, 12 March 2026`",
    "money": "a sum as the reader writes it, `€1,234.50`, of `1234.50 EUR` or of its amount and currency",
}
"""The filters of ours; Jinja's own are there too."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One name: what it says, and what may follow a dot (``None``: anything, as in a mapping)."""

    says: str
    fields: Mapping[str, str] | None


@lru_cache(maxsize=1)
def declared() -> Mapping[str, Declared]:
    """Every name a template may use."""
    return MappingProxyType({name: _declared(kind) for name, kind in _hints(Words).items()})


def fields_of(kind: type) -> Mapping[str, str]:
    """What may follow a dot after a value of this class, with what each says."""
    plain = {name: get_args(kind)[1] for name, kind in _hints(kind).items() if get_origin(kind) is Annotated}
    worked_out = {
        name: (member.__doc__ or "") for name, member in vars(kind).items() if isinstance(member, property)
    }
    return plain | worked_out


def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _declared(hint: Any) -> Declared:
    kind, text = get_args(hint)
    if get_origin(kind) is not None:
        return Declared(text, None)
    return Declared(text, fields_of(kind) if kind not in {str, int} else {})


def _row(name: str, says: str) -> str:
    """A row of a table; a bar inside a cell would end it."""
    cell = (says[:1].lower() + says[1:]).replace("|", "\\|")
    return f"| `{name}` | {cell} |"


def page() -> str:
    """The reference of template variables, as Markdown."""
    lines = [
        "# Template variables",
        "",
        "Generated from `orchestrator/render/words.py` by `make docs`. Every name below is always there;",
        "what is not known is empty and false, so `{% if reason %}` works. `check` finds any other.",
        "",
        "| name | what it says |",
        "|---|---|",
    ]
    for name, entry in declared().items():
        fields = entry.fields or {}
        cells = [(name, entry.says), *((f"{name}.{inner}", says) for inner, says in fields.items())]
        if name == "orders":
            cells += [(f"orders[].{inner}", says) for inner, says in fields_of(OneOrder).items()]
        lines += [_row(*cell) for cell in cells]
    lines += [
        "",
        "In the HTML layout there are also `subject`, `preview` (the `Preview:` line), `body`, and `dir`,",
        "`start` and `end`: `ltr`, `left` and `right`, or `rtl` and the sides exchanged where a language",
        "runs from right to left.",
        "",
        "## Filters",
        "",
        "| filter | what it gives |",
        "|---|---|",
        *(_row(name, says) for name, says in FILTERS.items()),
        "",
    ]
    return "\n".join(lines)
