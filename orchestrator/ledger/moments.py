"""How a moment is stored: microseconds since 1970 in UTC on SQLite, ``timestamptz`` on PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE = "a moment needs a time zone; this one has none"
_SECOND = 1_000_000
_EXACT = 2**32 * _SECOND  # until 2106 a float tells microseconds apart, and is twice as fast


class Moment(TypeDecorator[datetime]):
    """An aware ``datetime``, given back in UTC to the microsecond; a naive one is refused (ValueError)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type for the database in use."""
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(DateTime(timezone=True) if native else Integer())

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Turn a moment into what the database keeps."""
        return _aware if dialect.name == "postgresql" else _to_number

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Turn what the database kept into a moment."""
        del coltype
        return _in_utc if dialect.name == "postgresql" else _from_number


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(NAIVE)
    return value


def _to_number(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(NAIVE)
    since = value - EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


def _from_number(value: int | None) -> datetime | None:
    if value is None:
        return None
    if 0 <= value < _EXACT:
        return datetime.fromtimestamp(value / _SECOND, UTC)
    return EPOCH + timedelta(microseconds=value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)
