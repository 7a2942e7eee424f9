"""The ledger of the settings, opened for one command, with the rules and settings in force there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import house
from orchestrator.cli.output import counted
from orchestrator.drafting.bench import SETTINGS
from orchestrator.errors import LedgerBusy, Misconfigured, Problems

if TYPE_CHECKING:
    from orchestrator.activation import Proposal
    from orchestrator.cli.house import Written
    from orchestrator.clock import Clock
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.journey import RuleBook
    from orchestrator.ledger import Ledger, Transaction

WAITS = "what {} edited in the console waits for a second person"
DAEMON = "daemon"  # what the ledger remembers of the settings the daemon started with
LISTENS = "listens"  # and of where it is reached: `serve --port` may say other than the settings


@contextmanager
def opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger; one that does not exist yet is made, where there are rules for it.

    Raises :class:`Misconfigured` where there is no installation, or no folder for the ledger.
    """
    from orchestrator.ledger import Ledger

    new = is_new(settings)
    if new:
        demand_installation(settings)
        demand_folder(settings)
    with Ledger.open(settings.ledger.url, upgrade=new) as ledger:
        yield ledger


@contextmanager
def existing(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger for what can be done only where there is one; it is never made.

    Raises :class:`Misconfigured` if nothing was ever written to it.
    """
    if is_new(settings):
        demand_installation(settings)
        raise Misconfigured(
            f"there is no ledger at {shown(settings)} yet\n"
            "`beforehand run` makes it, or --config names another settings file"
        )
    with opened(settings) as ledger:
        yield ledger


def demand_installation(settings: Settings) -> None:
    """Raise :class:`Misconfigured` where there are neither settings nor rules nor a ledger.

    Whoever is in the wrong folder would otherwise pause, or forget, on an empty ledger that nobody reads.
    """
    if house.is_unconfigured(settings) and is_new(settings):
        raise Misconfigured(
            f"there is no installation here: no config.toml, no rules, and no ledger at {shown(settings)}\n"
            "use --config FILE, or `beforehand init` makes one"
        )


def demand_folder(settings: Settings) -> None:
    """Raise :class:`Misconfigured` where no ledger can be made."""
    if wrong := cannot_be_made(settings):
        raise Misconfigured("\n".join(wrong))


def cannot_be_made(settings: Settings) -> tuple[str, str] | None:
    """Why no ledger can be made in a file there, and what to do; ``None`` where it can, or is no file."""
    if not settings.ledger.url.startswith("sqlite:///"):
        return None
    folder = Path(settings.ledger.url.removeprefix("sqlite:///")).parent
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        return f"the ledger cannot be made: {folder} {what}", f"mkdir -p {folder}, or set ledger.url"
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "let this user write there, or set ledger.url"
        return f"the ledger cannot be made: {folder} cannot be written to", remedy
    return None


def gone(settings: Settings) -> tuple[str, str] | None:
    """That a daemon works on a ledger whose file is not there any more, and what to do; else ``None``."""
    from orchestrator.ledger.lock import daemon_lock, lock_of

    if not settings.ledger.url.startswith("sqlite:///"):
        return None
    file = Path(settings.ledger.url.removeprefix("sqlite:///"))
    if file.exists() or not (lock := lock_of(file)).exists():
        return None
    try:
        with daemon_lock(lock):
            return None
    except LedgerBusy as busy:
        return f"{busy}, whose file {file} was moved away", "put it back, or stop that process"


def shown(settings: Settings) -> str:
    """Where the ledger is, without who may open it."""
    return settings.ledger.url.removeprefix("sqlite:///").rpartition("@")[2]


def is_new(settings: Settings) -> bool:
    """Nothing was ever written: making the tables takes nobody by surprise, migrating them might."""
    file = settings.ledger.url.removeprefix("sqlite:///")
    if settings.ledger.url.startswith("postgresql:"):
        from orchestrator.ledger import Ledger

        return Ledger.is_empty(settings.ledger.url)
    if file == settings.ledger.url or file.startswith((":memory:", "file:")):
        return False
    return not Path(file).exists() or not Path(file).stat().st_size


def clock_of(ledger: Ledger) -> Clock:
    """The clock by which what is due in that ledger is due: its own, if machines share it."""
    from orchestrator.clock import SharedClock, SystemClock

    return SharedClock(ledger.time) if ledger.is_shared else SystemClock()


@contextmanager
def engine_in_force(settings: Settings) -> Iterator[Engine]:
    """Open the ledger with the rules in force; on an empty one those that are written come into force.

    Raises :class:`Problems` when none are in force and those that are written have problems.
    """
    from orchestrator import activation
    from orchestrator.clock import SystemClock
    from orchestrator.engine import Engine

    sound = _before_it_is_made(settings)
    with opened(settings) as ledger:
        if activation.sources_in_force(ledger) is None:
            now = SystemClock().now()
            activation.adopt(ledger, _proposed(settings, ledger, sound=sound), now, in_force(settings))
        with ledger.read() as tx:
            book = book_in_force(settings, tx)
        yield Engine(ledger, book, in_force=in_force(settings))


def in_force(settings: Settings) -> Callable[[Transaction], RuleBook]:
    """What reads the rules in force, for an engine that follows them."""
    return partial(book_in_force, settings)


def book_in_force(settings: Settings, tx: Transaction) -> RuleBook:
    """Return the rules in force at this transaction, with the settings that came into force with them.

    Each has the moment since when it counts. Only the ledger is asked: a text that is missing is missed when
    it is to be written.
    """
    from orchestrator import activation
    from orchestrator.clock import SystemClock
    from orchestrator.config.in_force import policy
    from orchestrator.journey import RuleBook
    from orchestrator.ledger import RuleSetState
    from orchestrator.rules import load

    active = tx.ruleset(RuleSetState.ACTIVE)
    if active is None:
        return RuleBook(policy=house.policy(settings))
    sources = dict(active.sources)
    settled = sources.pop(SETTINGS, "")  # a ledger of before has none
    book, _ = load(
        sources,
        channels=house.abilities(settings),
        policy=house.policy(settings, policy(settled) if settled else None),
    )
    return replace(activation.dated(book, tx.activations(), SystemClock().now()), number=active.id)


def take_up(settings: Settings, ledger: Ledger) -> str:
    """Put the rules that are written into force if that changes little; say why not, or "".

    With problems in them, or when they would change too much, the rules in force stay; also while somebody
    who edited them in the console waits for another person.
    """
    from orchestrator import activation
    from orchestrator.clock import SystemClock

    held = activation.held(ledger)
    if held is not None and held.by:
        return f"what {held.by} edited in the console waits for a person; `beforehand plan` shows it"
    try:
        proposed = _proposed(settings, ledger)
    except Problems as refused:
        return f"{counted(len(refused.problems), 'problem')} in the rules or templates (`beforehand check`)"
    if proposed.new and proposed.alarm:
        if activation.was_rejected(ledger, proposed):
            return "the rules as they are written were rejected; change them, or `beforehand apply --release`"
        activation.hold(ledger, proposed, SystemClock().now())
        return f"{proposed.alarm}; `beforehand plan` shows them, `beforehand apply --release` releases them"
    if proposed.new or held is not None:
        activation.adopt(ledger, proposed, SystemClock().now(), in_force(settings))
    else:
        activation.keep_edits(ledger, proposed)
    return ""


@contextmanager
def proposal(settings: Settings, *, edits: bool = True) -> Iterator[tuple[Ledger, Proposal]]:
    """Open the ledger and plan the rules as they are written now, the console's edits on top; writes nothing.

    What was edited in the console and waits for a person is in it. Without *edits* only the files count.
    Raises :class:`Problems` when they have any: half a set of rules must not come into force.
    """
    sound = _before_it_is_made(settings)
    with opened(settings) as ledger:
        yield ledger, _proposed(settings, ledger, edits=edits, sound=sound)


def _before_it_is_made(settings: Settings) -> Written | None:
    """Make no ledger where no rules can come into force: return those that can, or raise what is wrong."""
    return _sound(house.written(settings)) if is_new(settings) else None


def _sound(found: Written) -> Written:
    """Return what can come into force, or raise :class:`Problems`."""
    if problems := house.refused(found):
        raise Problems(problems)
    return found


def sources(settings: Settings, files: Mapping[str, str]) -> Mapping[str, str]:
    """What comes into force: the rule *files* (path → text), and the settings that planning depends on."""
    from orchestrator.config.in_force import planning

    return {**files, SETTINGS: planning(settings)}


def listens(ledger: Ledger) -> str:
    """The address at which a running daemon is reached on its machine, or ""."""
    if not ledger.has_daemon():
        return ""
    with ledger.read() as tx:
        return tx.remembered(LISTENS) or ""


def outdated(settings: Settings, ledger: Ledger) -> list[str]:
    """Name the sections of the settings that a running daemon knows as they were when it started."""
    from orchestrator.config.in_force import older

    if not ledger.has_daemon():
        return []
    with ledger.read() as tx:
        then = tx.remembered(DAEMON)
    return older(then, settings) if then else []


def _proposed(
    settings: Settings, ledger: Ledger, *, edits: bool = True, sound: Written | None = None
) -> Proposal:
    from orchestrator import activation
    from orchestrator.clock import SystemClock
    from orchestrator.ledger import RuleSetState
    from orchestrator.rules import edited, read

    files = read(settings.rules.path)
    with ledger.read() as tx:
        held, active = tx.ruleset(RuleSetState.HELD), tx.ruleset(RuleSetState.ACTIVE)
    edit = held if held is not None and held.by else None
    newest = edit or active
    laid = edited.read(newest.edits) if newest is not None and edits else ()
    folder = settings.rules.path.as_posix()
    over = edited.overlaid(files, laid, folder)
    if over.clashes:
        raise Problems(edited.clash(one, edited.path_of(one.name, folder)) for one in over.clashes)
    judged = sound is not None and sound.sources == over.sources  # a moment ago, before there was a ledger
    found = sound if sound is not None and judged else _sound(house.understood(settings, over.sources))
    limits = settings.limits
    proposed = activation.propose(
        ledger,
        sources(settings, found.sources),
        found.book,
        SystemClock().now(),
        most=limits.plan_entries,
        share=limits.plan_share,
        edits=edited.written(over.edits) if over.edits else "",
    )
    if edit is not None and edits:
        alarm = proposed.alarm or WAITS.format(edit.by)
        return replace(proposed, by=edit.by, why=edit.why, person=edit.person, alarm=alarm)
    return proposed
