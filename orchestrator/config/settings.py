"""Every setting with its default and its meaning; docs/reference/settings.md is made of these descriptions.

Times are :class:`datetime.timedelta`, paths absolute or seen from the working directory, sizes bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, SecretStr, model_validator

from channels.endpoints import Endpoint
from channels.kinds.email import Email
from channels.kinds.push import Push
from channels.kinds.sms import Sms
from channels.registry import NAMES
from channels.settings import ChannelSettings, ReporterSettings
from orchestrator import journey
from orchestrator.config import quiet_hours
from orchestrator.config.console import Console, EventsKey
from orchestrator.config.operations import Metrics, Port, Retention, Telemetry
from orchestrator.config.public_holidays import PublicHolidays, fault
from orchestrator.config.section import Section
from orchestrator.config.senders import Purposes, Sender
from orchestrator.config.values import (
    Address,
    Colour,
    Days,
    File,
    Hours,
    Layout,
    LedgerUrl,
    Length,
    Locale,
    Mailbox,
    Quiet,
    Size,
    Texts,
    Zone,
    refused,
)
from orchestrator.errors import Problem
from orchestrator.journey import BusinessCalendar, Policy
from orchestrator.model import Person, Purpose

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Count = Annotated[int, Field(ge=1, le=10_000)]
PositiveLength = Annotated[Length, Field(gt=timedelta())]


class Company(Section):
    """Who writes to the customer."""

    name: str = Field(default="", description="The company's name, as customers know it.")
    postal_address: str = Field(
        default="", description="The postal address on one line; marketing mail must carry one."
    )
    time_zone: Zone = Field(default="UTC", description="The zone of orders whose location names none.")
    locale: Locale = Field(default="en", description="The language of customers who named none.")
    phone: str = Field(default="", description="The number customers may call.")
    website: str = Field(default="", description="The company's website.")
    help: str = Field(
        default="", description="What whoever texts HELP is answered with; nothing unless given."
    )


class Ledger(Section):
    """The durable record of what was decided and sent."""

    url: LedgerUrl = Field(
        default="sqlite:///beforehand.db",
        validate_default=True,
        repr=False,  # it may hold a password
        description="The database: `sqlite:///FILE`, or `postgresql://USER@HOST/DATABASE`.",
    )


class Rules(Section):
    """What operations wrote."""

    path: File = Field(default=Path("rules"), validate_default=True, description="The folder of rule files.")


class Templates(Section):
    """What messages say."""

    path: File = Field(
        default=Path("templates"), validate_default=True, description="The folder of templates."
    )


class Outbox(Section):
    """Where messages of channels that are not live are kept for reading."""

    path: File = Field(
        default=Path("outbox"), validate_default=True, description="The folder messages are written into."
    )


class Staff(Section):
    """The manager of orders that name none: who gets a task that nobody acknowledged."""

    manager_name: str = Field(default="", description="The manager's name.")
    manager_email: Mailbox = Field(default="", description="The manager's mailbox.")
    manager_phone: str = Field(default="", description="The manager's telephone number.")

    @property
    def manager(self) -> Person:
        """The manager as the engine knows people."""
        return Person(self.manager_name, self.manager_email, self.manager_phone)


class QuietHours(Section):
    """Local hours of the recipient in which nothing of a purpose leaves: from-to, or `none`."""

    security: Quiet = Field(default=None, description="Quiet hours of security messages.")
    service: Quiet = Field(default=None, description="Quiet hours of service messages.")
    relationship: Quiet = Field(default=None, description="Quiet hours of relationship messages.")
    marketing: Quiet = Field(
        default="20:00-09:00", validate_default=True, description="Quiet hours of marketing."
    )
    law: File | None = Field(
        default=None,
        description="A file with the hours of the law, in place of the one that comes with Beforehand.",
    )

    @model_validator(mode="after")
    def _law_can_be_read(self) -> "QuietHours":
        try:
            quiet_hours.law(self.law)
        except quiet_hours.Unreadable as unreadable:
            hint = "docs/explanation/when-messages-leave.md shows such a file"
            raise refused("C025", f"{self.law}: {unreadable}", hint, key="law") from None
        return self


class Cap(Section):
    """How often a customer gets messages of this purpose at most, by their own days and weeks."""

    day: Count | None = Field(default=None, description="Messages on one day.")
    week: Count | None = Field(default=None, description="Messages in one week.")

    def limit(self) -> journey.Cap | None:
        """The cap as the engine knows it, if there is one."""
        return journey.Cap(self.day, self.week) if self.day or self.week else None


class Caps(Section):
    """How often a customer gets messages at most, by their own days and weeks (from Monday).

    Every message but security counts. Security is never kept back, service by `[caps.service]` alone.
    """

    day: Count | None = Field(default=None, description="Messages of all purposes on one day.")
    week: Count | None = Field(default=None, description="Messages of all purposes in one week.")
    service: Cap = Field(default_factory=Cap)
    relationship: Cap = Field(default_factory=Cap)
    marketing: Cap = Field(default_factory=Cap)

    def limits(self) -> dict[Purpose | None, journey.Cap]:
        """The caps as the engine knows them; under ``None`` the one of all purposes."""
        caps: dict[Purpose | None, Cap] = {None: Cap(day=self.day, week=self.week)}
        caps |= {purpose: getattr(self, purpose) for purpose in Purpose if purpose is not Purpose.SECURITY}
        return {purpose: limit for purpose, cap in caps.items() if (limit := cap.limit()) is not None}


class Habits(Section):
    """What is made of a customer's habits (`customer.habit`)."""

    before_end: PositiveLength = Field(
        default=journey.HABIT_LEAD,
        description="How long before the end of the hours in which they look a message is there.",
    )


class Calendar(Section):
    """A business calendar; orders name it by their location, and `default` is everybody else's."""

    mon: Hours | None = Field(
        default=None, description="Opening hours on Mondays, such as `09:00-18:00`; closed unless given."
    )
    tue: Hours | None = Field(default=None, description="Opening hours on Tuesdays.")
    wed: Hours | None = Field(default=None, description="Opening hours on Wednesdays.")
    thu: Hours | None = Field(default=None, description="Opening hours on Thursdays.")
    fri: Hours | None = Field(default=None, description="Opening hours on Fridays.")
    sat: Hours | None = Field(default=None, description="Opening hours on Saturdays.")
    sun: Hours | None = Field(default=None, description="Opening hours on Sundays.")
    holidays: Days = Field(
        default=(), description="Further days on which it is closed, such as `2026-12-24`."
    )
    country: str = Field(
        default="", description="ISO 3166 code of the country whose public holidays it keeps: `DE`."
    )
    subdivision: str = Field(
        default="", description="The part of the country, for its own public holidays: `BY`."
    )

    @model_validator(mode="after")
    def _opens_somewhere(self) -> "Calendar":
        if not any(getattr(self, day) for day in WEEKDAYS):
            raise refused(
                "C018", "this calendar never opens", 'give at least one day its hours: mon = "09:00-17:00"'
            )
        if self.subdivision and not self.country:
            raise refused(
                "C019", "a subdivision needs its country", 'write country = "DE"', key="subdivision"
            )
        if self.country and (wrong := fault(self.country, self.subdivision)):
            key, why, hint = wrong
            raise refused("C019", why, hint, key=key)
        return self

    def business(self) -> BusinessCalendar:
        """The calendar as the engine knows it."""
        hours = {number: hours for number, day in enumerate(WEEKDAYS) if (hours := getattr(self, day))}
        return BusinessCalendar(
            hours, PublicHolidays(self.country, self.subdivision, tuple(sorted(self.holidays)))
        )


class Brand(Purposes):
    """A brand of the house; orders name it by their location, and what it leaves out is the company's."""

    name: str = Field(default="", description="What customers call it; the section's name unless given.")
    accent: Colour = Field(default="", description="Its colour in mails, such as `#0b6b5d`.")
    accent_dark: Colour = Field(
        default="", description="The same on dark screens; a lighter one unless given."
    )
    logo: str = Field(default="", description="Its picture, among the templates: `shared/logos/lindner.png`.")
    layout: Layout = Field(
        default="",
        description="The layout of its mails, `shared/layouts/<layout>.html.j2`; its own name unless given.",
    )
    sender_name: str = Field(default="", description="The name beside the mailbox in From.")
    email: Mailbox = Field(default="", description="The mailbox in From.")
    reply_to: Mailbox = Field(default="", description="Where replies go to whoever has no owner.")
    imprint: str = Field(
        default="", description="What stands below its mails: the company behind it and its address."
    )


class Channels(Section):
    """The ways to reach people: these, and whatever else has a table (:mod:`.channels`)."""

    email: Email = Field(default_factory=Email)
    sms: Sms = Field(default_factory=Sms)
    push: Push = Field(default_factory=Push)

    def named(self) -> dict[str, ChannelSettings]:
        """Every channel there is, by its name."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    def kinds(self) -> dict[str, str]:
        """The kind of each channel that is ``email``, ``sms`` or ``push`` by another name."""
        return {name: chosen.kind for name, chosen in self.named().items() if chosen.kind in NAMES}


class Callbacks(Section):
    """What reads what providers report beside a channel: a table for each (:mod:`.channels`)."""

    def named(self) -> dict[str, ReporterSettings]:
        """Every reporter there is, by its name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class Staging(Section):
    """A system for trying things out."""

    allow: Texts = Field(
        default=(), description="If not empty, real messages go to these addresses and numbers only."
    )


class Limits(Section):
    """What a changed rule or setting may change before a person must look (facts never count)."""

    plan_entries: int = Field(default=500, ge=0, description="Entries created, moved or cancelled at once.")
    plan_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="And the share of all open entries that is moved or cancelled, once 20 are open.",
    )


class Intake(Section):
    """What is taken as an event."""

    future_tolerance: Length = Field(
        default=timedelta(hours=24),
        ge=timedelta(),
        description="How far in the future an event may claim to have happened.",
    )
    max_body: Size = Field(default=1_000_000, ge=65_536, description="The largest request, at least 64KiB.")


class Server(Section):
    """Where `beforehand serve` listens."""

    host: str = Field(
        default="127.0.0.1", description="The address; `0.0.0.0` is every network of the machine."
    )
    port: Port = Field(default=8000, description="The port.")
    public_url: Address = Field(
        default="",
        description="How it is reached from outside, such as `https://updates.example.com`; providers report "
        "to `/callbacks/NAME` below it.",
    )
    events_key: EventsKey = Field(
        default="auto",
        description="Whether `POST /events` asks for an API key (`required`, `open`); `auto` asks unless "
        "only this machine can reach it: listening on loopback, without `public_url`.",
    )
    signing_keys: SecretStr | None = Field(
        default=None,
        description="The keys that sign links and addresses in messages, separated by commas: the first "
        "signs, each is accepted.",
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The signing keys, the newest first."""
        given = self.signing_keys.get_secret_value() if self.signing_keys else ""
        return tuple(key.strip() for key in given.split(",") if key.strip())


class Daemon(Section):
    """How `beforehand run` works."""

    tick: PositiveLength = Field(
        default=timedelta(seconds=1), description="How often it looks for what is due."
    )
    lease: PositiveLength = Field(
        default=timedelta(minutes=2),
        description="How long a worker has an entry to itself before others may take it.",
    )
    batch: int = Field(default=500, ge=1, le=10_000, description="Entries claimed at once.")


class Log(Section):
    """What the program says about itself, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is worth a line."
    )
    format: Literal["text", "json"] = Field(default="text", description="Lines for people, or for programs.")


class Subscriber(Endpoint, Section):
    """Another system that is told what happens here."""

    types: Texts = Field(
        default=("notification.*", "message.*", "task.*"),
        description="Which events it is told of, by type; `task.*` is every type that begins with `task.`.",
    )


class Settings(Section):
    """All of it. ``origin`` says of every dotted name where its value came from."""

    company: Company = Field(default_factory=Company)
    ledger: Ledger = Field(default_factory=Ledger)
    rules: Rules = Field(default_factory=Rules)
    templates: Templates = Field(default_factory=Templates)
    outbox: Outbox = Field(default_factory=Outbox)
    sender: Sender = Field(default_factory=Sender)
    staff: Staff = Field(default_factory=Staff)
    quiet_hours: QuietHours = Field(default_factory=QuietHours)
    caps: Caps = Field(default_factory=Caps)
    habits: Habits = Field(default_factory=Habits)
    calendars: Mapping[str, Calendar] = Field(default_factory=dict)
    brands: Mapping[str, Brand] = Field(default_factory=dict)
    subscribers: Mapping[str, Subscriber] = Field(default_factory=dict)
    channels: Channels = Field(default_factory=Channels)
    callbacks: Callbacks = Field(default_factory=Callbacks)
    staging: Staging = Field(default_factory=Staging)
    limits: Limits = Field(default_factory=Limits)
    intake: Intake = Field(default_factory=Intake)
    server: Server = Field(default_factory=Server)
    console: Console = Field(default_factory=Console)
    daemon: Daemon = Field(default_factory=Daemon)
    log: Log = Field(default_factory=Log)
    metrics: Metrics = Field(default_factory=Metrics)
    retention: Retention = Field(default_factory=Retention)
    telemetry: Telemetry = Field(default_factory=Telemetry)

    _origin: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _lacking: tuple[Problem, ...] = PrivateAttr(default=())

    def with_origin(self, origin: Mapping[str, str], lacking: Sequence[Problem] = ()) -> "Settings":
        """The same settings, knowing where they came from, and what they lack to send."""
        self._origin, self._lacking = origin, tuple(lacking)
        return self

    @property
    def lacking(self) -> tuple[Problem, ...]:
        """What is wrong with them for whoever sends: secrets that this process does not have."""
        return self._lacking

    @property
    def origin(self) -> Mapping[str, str]:
        """Where each dotted name's value came from: ``default``, ``file:line``, ``environment NAME``."""
        return self._origin

    def policy(self) -> Policy:
        """What the company settled once for every rule."""
        quiet = {purpose: getattr(self.quiet_hours, purpose) for purpose in Purpose}
        return Policy(
            time_zone=self.company.time_zone,
            calendars={name: calendar.business() for name, calendar in self.calendars.items()},
            quiet={purpose: hours for purpose, hours in quiet.items() if hours is not None},
            manager=self.staff.manager,
            law=quiet_hours.law(self.quiet_hours.law),
            caps=self.caps.limits(),
            habit_lead=self.habits.before_end,
            kinds=self.channels.kinds(),
        )
