"""The ledger's tables; :mod:`orchestrator.ledger.migrations` brings older files to this shape."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from orchestrator.ledger.functions import this_transaction
from orchestrator.ledger.moments import Moment

# what begins alike stands together in an index, whatever language the server sorts by
Plain = Text().with_variant(Text(collation="C"), "postgresql")

# SQLite numbers rows by itself only where the type is exactly INTEGER
RowId = BigInteger().with_variant(Integer(), "sqlite")

SCHEDULED = "status = 'scheduled'"
JOINING = "joins <> '' AND status IN ('dispatched', 'held', 'scheduled', 'sending')"
WAITING_FOR = "status = 'scheduled' AND waits_for <> ''"
HELD = "status = 'held'"
ON_TRIAL = "status = 'scheduled' AND mode = 'shadow'"
WHERE = ("location", "brand")  # of an order, for whoever may see only some of them
FLYING = "status IN ('dispatched', 'sending')"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


class Base(SQLModel):
    """Keeps the ledger's tables apart from those of any other library in the process."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
    )


class FactTable(Base, table=True):
    """One accepted event, numbered in the order of acceptance."""

    __tablename__ = "facts"
    # numbers are never given out again, so `facts_after` misses nothing when a late one was erased
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("source", "event_id"),
        Index("ix_facts_subject", "scope", "subject"),
        _partial("ix_facts_erased", "subject", where="type = 'customer.erased'"),
        _partial("ix_facts_active", "heard", "seq", where="type = 'customer.active'"),
        _partial("ix_facts_pruned", "subject", where="type = 'order.pruned'"),
        _partial("ix_facts_written", "written", where="written IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    source: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    happened: datetime = Field(sa_type=Moment)
    heard: datetime = Field(sa_type=Moment)
    data: str = Field(sa_type=Text)
    extensions: str | None = Field(sa_type=Text)
    digest: bytes
    written: int | None = Field(
        default=None, sa_type=BigInteger, sa_column_kwargs={"server_default": this_transaction()}
    )  # by which transaction; only where many write at once


class OrderTable(Base, table=True):
    """What the planner keeps about an order: its fold as a cache, and whether it must be planned.

    ``changed`` counts the marks an order was given and never goes back, ``planned`` is the mark the
    last plan saw: an order waits for the planner while they differ. ``quiet_since`` is when the last news of
    a closed order was heard.
    """

    __tablename__ = "orders"
    __table_args__: ClassVar[Any] = (
        Index("ix_orders_customer", "customer"),
        _partial("ix_orders_changed", "heard_to", "id", where="changed > planned"),
        _partial("ix_orders_quiet", "quiet_since", "id", where="quiet_since IS NOT NULL"),
        _partial("ix_orders_silent", "silent_since", "id", *WHERE, where="silent_since IS NOT NULL"),
        _partial("ix_orders_promise", "promise_ends", "id", *WHERE, where="promise_ends IS NOT NULL"),
        _partial("ix_orders_tasks", "tasks_since", "id", *WHERE, where="tasks_since IS NOT NULL"),
        _partial("ix_orders_problem", "id", *WHERE, where="problem <> ''"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    customer: str = Field(sa_type=Text)
    journey: str = Field(sa_type=Text)
    location: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    phase: str = Field(sa_type=Text)
    milestone: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    changed: int = Field(sa_type=BigInteger)
    planned: int = Field(sa_type=BigInteger)
    heard_to: datetime | None = Field(sa_type=Moment)
    problem: str = Field(sa_type=Text)
    quiet_since: datetime | None = Field(default=None, sa_type=Moment)
    owner: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    brand: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    promise: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    promised: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    tasks: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    silent_since: datetime | None = Field(sa_type=Moment)
    promise_ends: datetime | None = Field(sa_type=Moment)
    tasks_since: datetime | None = Field(sa_type=Moment)


class MergeTable(Base, table=True):
    """Which customers were ever merged: an index over the facts, so that either finds the other."""

    __tablename__ = "merges"
    __table_args__: ClassVar[Any] = (Index("ix_merges_into", "into"),)

    customer: str = Field(primary_key=True, sa_type=Text)
    into: str = Field(primary_key=True, sa_type=Text)


class PlaceTable(Base, table=True):
    """Where a customer was ever said to be reached: an index over the facts, for whoever writes from there.

    ``place`` is a number (E.164) or a mailbox in small letters.
    """

    __tablename__ = "places"
    __table_args__: ClassVar[Any] = (Index("ix_places_customer", "customer"),)

    place: str = Field(primary_key=True, sa_type=Text)
    customer: str = Field(primary_key=True, sa_type=Text)


class NameTable(Base, table=True):
    """The words of the names a customer was ever given: an index over the facts, for whoever looks for one.

    ``word`` is in small letters and without accents, and sorted by its characters alone.
    """

    __tablename__ = "names"
    __table_args__: ClassVar[Any] = (Index("ix_names_customer", "customer"),)

    word: str = Field(primary_key=True, sa_type=Plain)
    customer: str = Field(primary_key=True, sa_type=Text)


class ErasureTable(Base, table=True):
    """A customer whose payload was erased: what is heard about them later is kept without any."""

    __tablename__ = "erasures"

    customer: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=Moment)


class LineTable(Base, table=True):
    """Which mail under way carries a line to a customer, and up to when nobody else may."""

    __tablename__ = "lines"

    customer: str = Field(primary_key=True, sa_type=Text)
    line: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    until: datetime = Field(sa_type=Moment)


class InboxTable(Base, table=True):
    """A message that a customer finds when they log in; ``item`` is its public name, ``change`` its newest.

    What a newer one took the place of stays without its words, so that no late copy of it comes back.
    """

    __tablename__ = "inbox"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("item"),
        Index("ix_inbox_customer", "customer", "id"),
        Index("ix_inbox_change", "change", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    item: str = Field(sa_type=Text)
    customer: str = Field(sa_type=Text)
    order_id: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    about: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    link: str = Field(sa_type=Text)
    locale: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(sa_type=Moment)
    read_at: datetime | None = Field(sa_type=Moment)
    replaced: bool
    change: int = Field(sa_type=BigInteger)


class EntryTable(Base, table=True):
    """One notification and what became of it. ``run_at`` is the later of ``due_at`` and ``not_before``."""

    __tablename__ = "entries"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("key"),
        Index("ix_entries_order", "order_id"),
        _partial("ix_entries_run", "run_at", "id", where=SCHEDULED),
        _partial("ix_entries_order_run", "order_id", "run_at", "id", where=SCHEDULED),
        _partial("ix_entries_one_in_flight", "order_id", where=FLYING, unique=True),
        _partial("ix_entries_joins", "joins", where=JOINING),
        _partial("ix_entries_lease", "lease_until", where=FLYING),
        _partial("ix_entries_waits_for", "waits_for", "due_at", "id", where=WAITING_FOR),
        _partial("ix_entries_held", "id", where=HELD),
        _partial("ix_entries_on_trial", "mode", "run_at", where=ON_TRIAL),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    key: str = Field(sa_type=Text)
    order_id: str = Field(sa_type=Text)
    customer: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    occasion: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    template: str = Field(sa_type=Text)
    purpose: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    due_at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(sa_type=Moment)
    not_before: datetime | None = Field(sa_type=Moment)
    run_at: datetime = Field(sa_type=Moment)
    step: int
    generation: int
    lease_until: datetime | None = Field(sa_type=Moment)
    worker: str = Field(sa_type=Text)
    attempts: int
    message_id: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    reason_code: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    reason_about: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    by_person: bool
    wanted: str = Field(sa_type=Text)
    joins: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    waits_for: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class AttemptTable(Base, table=True):
    """One try to hand an entry's message to a provider; ``n`` counts from 1 for each entry.

    ``address`` is the keyed hash of where it went, so that whoever answers from there is found.
    """

    __tablename__ = "attempts"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("entry_id", "n"),
        _partial("ix_attempts_provider_id", "provider_id", where="provider_id <> ''"),
        _partial("ix_attempts_message_id", "message_id", where="message_id <> ''"),
        _partial("ix_attempts_address", "address", where="address <> ''"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    entry_id: int = Field(sa_type=BigInteger)
    n: int
    channel: str = Field(sa_type=Text)
    started_at: datetime = Field(sa_type=Moment)
    finished_at: datetime | None = Field(sa_type=Moment)
    outcome: str = Field(sa_type=Text)
    provider_id: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)
    message_id: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    address: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})


class SuppressionTable(Base, table=True):
    """An address nothing is sent to any more, known only by its keyed hash."""

    __tablename__ = "suppressions"

    channel: str = Field(primary_key=True, sa_type=Text)
    address_hash: str = Field(primary_key=True, sa_type=Text)
    reason: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)


class UnsuppressionTable(Base, table=True):
    """What was taken off the suppression list, when and why; it may be on it again."""

    __tablename__ = "unsuppressions"
    __table_args__: ClassVar[Any] = (Index("ix_unsuppressions_address", "channel", "address_hash"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    channel: str = Field(sa_type=Text)
    address_hash: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    removed_at: datetime = Field(sa_type=Moment)
    why: str = Field(sa_type=Text)


class PauseTable(Base, table=True):
    """What stands still: a channel, a rule, a location or everything; what is not here works."""

    __tablename__ = "pauses"

    kind: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    since: datetime = Field(sa_type=Moment)
    reason: str = Field(sa_type=Text)


class HealthTable(Base, table=True):
    """A channel that does not do well, as far as sending learnt; one that is not here does."""

    __tablename__ = "health"

    channel: str = Field(primary_key=True, sa_type=Text)
    failures: int
    trips: int
    since: datetime = Field(sa_type=Moment)
    until: datetime | None = Field(sa_type=Moment)
    probe_until: datetime | None = Field(sa_type=Moment)
    asked: bool
    reason: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)


class RateTable(Base, table=True):
    """Up to when the rate of a channel, or of one of its senders, is used."""

    __tablename__ = "rates"

    name: str = Field(primary_key=True, sa_type=Text)
    used_to: datetime = Field(sa_type=Moment)


class ProofTable(Base, table=True):
    """What proved a callback and covers none of what it says, with a hash of that; used up for a day."""

    __tablename__ = "proofs"
    __table_args__: ClassVar[Any] = (Index("ix_proofs_at", "at"),)

    caller: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(primary_key=True, sa_type=Text)
    told: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)


class EarlyReportTable(Base, table=True):
    """What a provider said of a message by an id of its own that nobody knew yet; kept for some minutes."""

    __tablename__ = "early_reports"
    __table_args__: ClassVar[Any] = (Index("ix_early_reports_at", "at"),)

    caller: str = Field(primary_key=True, sa_type=Text)
    report: str = Field(primary_key=True, sa_type=Text)
    channel: str = Field(sa_type=Text)
    provider_id: str = Field(sa_type=Text)
    said: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)


class RuleSetTable(Base, table=True):
    """The rule files as they were at one time: in force, held for a person, rejected, or replaced."""

    __tablename__ = "rulesets"

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    digest: str = Field(sa_type=Text)
    sources: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    activated_at: datetime | None = Field(sa_type=Moment)
    edits: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    proposed_at: datetime | None = Field(sa_type=Moment)
    by: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    why: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    decided_by: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    person: int | None = Field(sa_type=BigInteger)


class ActivationTable(Base, table=True):
    """Since when a rule counts."""

    __tablename__ = "activations"

    rule: str = Field(primary_key=True, sa_type=Text)
    digest: str = Field(sa_type=Text)
    activated_at: datetime = Field(sa_type=Moment)


class DaemonTable(Base, table=True):
    """A process that works on the ledger, or died over it; one that ended in order is not here.

    ``scanned_at`` is when it last looked for what is due, if that is its part.
    """

    __tablename__ = "daemons"

    id: str = Field(primary_key=True, sa_type=Text)
    role: str = Field(sa_type=Text)
    host: str = Field(sa_type=Text)
    pid: int
    version: str = Field(sa_type=Text)
    schema_: str = Field(sa_column=Column("schema", Text, nullable=False))
    started_at: datetime = Field(sa_type=Moment)
    seen_at: datetime = Field(sa_type=Moment)
    scanned_at: datetime | None = Field(sa_type=Moment)


class SubscriberTable(Base, table=True):
    """Somebody who is told what happens here, and up to which fact they were: ``written`` and ``seq``.

    ``written`` is a transaction of PostgreSQL's; in SQLite ``seq`` alone is the order of the facts.
    """

    __tablename__ = "subscribers"

    name: str = Field(primary_key=True, sa_type=Text)
    written: int | None = Field(
        default=None, sa_type=BigInteger, sa_column_kwargs={"server_default": this_transaction()}
    )
    seq: int = Field(sa_type=BigInteger)
    told_at: datetime | None = Field(sa_type=Moment)
    failures: int
    failing_since: datetime | None = Field(sa_type=Moment)
    retry_at: datetime = Field(sa_type=Moment)
    reason: str = Field(sa_type=Text)
    lease_until: datetime = Field(sa_type=Moment)


class SettingTable(Base, table=True):
    """A value the engine remembers by name."""

    __tablename__ = "settings"

    name: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


metadata = Base.metadata


def _core(model: type[Base]) -> Table:
    return metadata.tables[str(model.__tablename__)]


facts = _core(FactTable)
orders = _core(OrderTable)
merges = _core(MergeTable)
places = _core(PlaceTable)
names = _core(NameTable)
erasures = _core(ErasureTable)
lines = _core(LineTable)
inbox = _core(InboxTable)
entries = _core(EntryTable)
attempts = _core(AttemptTable)
suppressions = _core(SuppressionTable)
unsuppressions = _core(UnsuppressionTable)
pauses = _core(PauseTable)
health = _core(HealthTable)
rates = _core(RateTable)
proofs = _core(ProofTable)
early_reports = _core(EarlyReportTable)
rulesets = _core(RuleSetTable)
activations = _core(ActivationTable)
daemons = _core(DaemonTable)
subscribers = _core(SubscriberTable)
settings = _core(SettingTable)
