"""The tables of who may do what: people, sessions, one-time links, failures, API keys, changes."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, Table, Text, UniqueConstraint
from sqlmodel import Field

from orchestrator.ledger.moments import Moment
from orchestrator.ledger.tables import Base, RowId, metadata


class AccountTable(Base, table=True):
    """Somebody who may sign in; ``password`` is a slow hash, or nothing until they chose one."""

    __tablename__ = "accounts"
    __table_args__: ClassVar[Any] = (UniqueConstraint("email"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    locations: str = Field(sa_type=Text)
    brands: str = Field(sa_type=Text)
    password: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=Moment)
    signed_in_at: datetime | None = Field(sa_type=Moment)
    disabled_at: datetime | None = Field(sa_type=Moment)


class SessionTable(Base, table=True):
    """A browser in which somebody is signed in, known by the hash of what its cookie holds."""

    __tablename__ = "sessions"
    __table_args__: ClassVar[Any] = (Index("ix_sessions_account", "account"),)

    digest: str = Field(primary_key=True, sa_type=Text)
    account: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=Moment)
    seen_at: datetime = Field(sa_type=Moment)


class OneTimeLinkTable(Base, table=True):
    """A link that lets somebody choose a password once; for no account it makes the first admin."""

    __tablename__ = "one_time_links"
    __table_args__: ClassVar[Any] = (Index("ix_one_time_links_account", "account"),)

    digest: str = Field(primary_key=True, sa_type=Text)
    account: int | None = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=Moment)


class FailureTable(Base, table=True):
    """How often in a row signing in failed, for an account or from an address, each by its hash."""

    __tablename__ = "sign_in_failures"

    name: str = Field(primary_key=True, sa_type=Text)
    failures: int
    last_at: datetime = Field(sa_type=Moment)


class ApiKeyTable(Base, table=True):
    """A key of another system, known by its prefix and the hash of its secret."""

    __tablename__ = "api_keys"
    __table_args__: ClassVar[Any] = (UniqueConstraint("prefix"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    name: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=Moment)
    made_by: str = Field(sa_type=Text)
    used_at: datetime | None = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(sa_type=Moment)


class ChangeTable(Base, table=True):
    """What a person changed: who, when, through which door, what about what, and what it was before."""

    __tablename__ = "changes"
    __table_args__: ClassVar[Any] = (
        Index("ix_changes_about", "about", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    at: datetime = Field(sa_type=Moment)
    account: int | None = Field(sa_type=BigInteger)
    who: str = Field(sa_type=Text)
    door: str = Field(sa_type=Text)
    what: str = Field(sa_type=Text)
    about: str = Field(sa_type=Text)
    before: str = Field(sa_type=Text)
    after: str = Field(sa_type=Text)


def _core(model: type[Base]) -> Table:
    return metadata.tables[str(model.__tablename__)]


accounts = _core(AccountTable)
sessions = _core(SessionTable)
one_time_links = _core(OneTimeLinkTable)
sign_in_failures = _core(FailureTable)
api_keys = _core(ApiKeyTable)
changes = _core(ChangeTable)
