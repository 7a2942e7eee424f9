"""A ledger's file, copied while it is written to, and put back: a copy is whole and checked, or it is not."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url

from orchestrator.errors import LedgerAway, Misconfigured
from orchestrator.ledger.moments import EPOCH
from orchestrator.ledger.schema import HEAD
from orchestrator.ledger.sqlite import SqliteDatabase, file_of

PAGES = 2000  # copied between two looks at whether somebody wants to stop: some milliseconds
BESIDE = ("-wal", "-shm")  # what SQLite keeps beside a file in use
PAUSED = "restored from a backup: what was sent since would be sent again"

Progress = Callable[[int, int], object]  # of pages done, of all


@dataclass(frozen=True, slots=True)
class Copy:
    """A ledger's file that was checked: its size in bytes, its schema, and the last news in it."""

    size: int
    schema: str
    newest: datetime | None


def file_at(url: str) -> Path:
    """The ledger's file; raises :class:`Misconfigured` if it is in none."""
    where = make_url(url)
    file = file_of(where) if where.get_backend_name() == "sqlite" else None
    if file is None:
        raise Misconfigured("the ledger is in no file")
    return file.resolve()


def back_up(ledger: Path, target: Path, *, replace: bool, progress: Progress) -> Copy:
    """Copy the *ledger* as it is at one moment, check the copy, and only then give it its name.

    Others read and write it meanwhile. Raises :class:`Misconfigured` if it cannot be written there, and
    :class:`LedgerAway` if the copy is not sound.
    """
    if not ledger.exists():
        raise Misconfigured(f"there is no ledger at {ledger} to back up")
    _demand_free(target, ledger, replace=replace)
    with _made(target) as draft:
        _copied(ledger, draft, progress)
        found = checked(draft)
        _kept(draft, target)
    return found


def restore(backup: Path, ledger: Path, now: datetime, progress: Progress) -> tuple[Copy, Path | None]:
    """Put *backup* in the place of the *ledger*, with everything paused; return where what was there is now.

    No daemon may work on it. Raises :class:`LedgerBusy` if one does, :class:`Misconfigured` or
    :class:`LedgerAway` if the backup cannot be used; then nothing was changed.
    """
    if not backup.exists():
        raise Misconfigured(f"there is no file {backup}")
    if backup.resolve() == ledger:
        raise Misconfigured(f"{backup} is the ledger itself")
    found = checked(backup)
    if found.schema > HEAD:
        raise Misconfigured(
            f"the backup has schema {found.schema}, this program knows {HEAD}: update the program first"
        )
    database = SqliteDatabase(make_url(f"sqlite:///{ledger}"))
    with database.daemon_lock(), _made(ledger) as draft:
        _copied(backup, draft, progress)
        checked(draft)
        _paused(draft, now)
        aside = _set_aside(ledger, now)
        _kept(draft, ledger)
    return found, aside


def checked(file: Path) -> Copy:
    """Read all of a file; raises :class:`Misconfigured` if it is no ledger, LedgerAway if it is damaged."""
    try:
        with closing(_opened(file)) as connection:
            faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
            if faults != ["ok"]:
                raise LedgerAway(f"{file.name} is damaged: {faults[0].splitlines()[0]}")
            names = {
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            if not {"alembic_version", "facts", "entries"} <= names:
                raise Misconfigured(f"{file.name or file} is no ledger")
            (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            last = connection.execute("SELECT heard FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        raise Misconfigured(f"{file.name or file} is no ledger: {error}") from None
    newest = None if last is None else EPOCH + timedelta(microseconds=last[0])
    return Copy(file.stat().st_size, str(schema), newest)


def _demand_free(target: Path, ledger: Path, *, replace: bool) -> None:
    if not target.parent.is_dir():
        raise Misconfigured(f"there is no folder {target.parent}")
    if target.resolve() == ledger:
        raise Misconfigured("that is the ledger itself: name another file")
    if target.exists():
        if not replace:
            raise Misconfigured(f"{target} exists already: name another file, or use --replace")
        checked(target)  # whatever else it is, it is not ours to replace
    size, free = ledger.stat().st_size, shutil.disk_usage(target.parent).free
    if free < size:
        raise Misconfigured(f"there is no room for it: {size:,} bytes, and {free:,} are free")


@contextmanager
def _made(target: Path) -> Iterator[Path]:
    """Give an empty file beside *target* that nobody else may read; at the end it is gone, come what may."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield draft
    except OSError as error:
        raise Misconfigured(
            f"cannot write beside {target}: {(error.strerror or 'no room').lower()}"
        ) from error
    finally:
        for name in ("", *BESIDE):
            draft.with_name(draft.name + name).unlink(missing_ok=True)


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)


def _copied(source: Path, draft: Path, progress: Progress) -> None:
    """Copy page by page what one transaction sees: what others write meanwhile does not begin it anew."""
    try:
        with closing(_opened(source)) as old, closing(_opened(draft)) as new:
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            old.execute("ROLLBACK")
            new.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    except sqlite3.Error as error:
        raise LedgerAway(f"the ledger cannot be copied: {error}") from None


def _paused(file: Path, now: datetime) -> None:
    since = (now.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    with closing(_opened(file)) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO pauses (kind, name, since, reason) VALUES ('everything', '', ?, ?)",
            (since, PAUSED),
        )


def _set_aside(ledger: Path, now: datetime) -> Path | None:
    """Give what is there another name, with what SQLite kept beside it."""
    if not ledger.exists():
        return None
    with suppress(sqlite3.Error), closing(_opened(ledger)) as connection:  # a damaged one is kept as it is
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = ledger.with_name(f"{ledger.name}.before-{now:%Y%m%d-%H%M%S}")
    for name in ("-wal", ""):
        with suppress(FileNotFoundError):
            ledger.with_name(ledger.name + name).rename(aside.with_name(aside.name + name))
    ledger.with_name(f"{ledger.name}-shm").unlink(missing_ok=True)
    return aside


def _kept(draft: Path, target: Path) -> None:
    """Give the draft its name once the disk has all of it."""
    for path in (draft, draft.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if path == draft:
            draft.replace(target)
