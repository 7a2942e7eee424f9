"""The ledger of the settings, opened for one command, with the rules that are in force there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import house
from orchestrator.cli.output import counted
from orchestrator.errors import Problems

if TYPE_CHECKING:
    from orchestrator.activation import Proposal
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.journey import RuleBook
    from orchestrator.ledger import Ledger


@contextmanager
def opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger; one that does not exist yet is made."""
    from orchestrator.ledger import Ledger

    with Ledger.open(settings.ledger.url, upgrade=is_new(settings)) as ledger:
        yield ledger


def is_new(settings: Settings) -> bool:
    """Nothing was ever written: making the tables takes nobody by surprise, migrating them might."""
    file = settings.ledger.url.removeprefix("sqlite:///")
    if file == settings.ledger.url or file.startswith((":memory:", "file:")):
        return False
    return not Path(file).exists() or not Path(file).stat().st_size


@contextmanager
def engine_in_force(settings: Settings) -> Iterator[Engine]:
    """Open the ledger with the rules in force; on an empty one those that are written come into force.

    Raises :class:`Problems` when none are in force and those that are written have problems.
    """
    from orchestrator import activation
    from orchestrator.clock import SystemClock
    from orchestrator.engine import Engine

    _before_it_is_made(settings)
    with opened(settings) as ledger:
        if activation.sources_in_force(ledger) is None:
            activation.adopt(ledger, _proposed(settings, ledger), SystemClock().now())
        yield Engine(ledger, book_in_force(settings, ledger))


def book_in_force(settings: Settings, ledger: Ledger) -> RuleBook:
    """Return the rules in force, each with the moment since when it counts."""
    from orchestrator import activation
    from orchestrator.clock import SystemClock

    sources = activation.sources_in_force(ledger) or {}
    with ledger.read() as tx:
        since = tx.activations()
    return activation.dated(house.understood(settings, sources).book, since, SystemClock().now())


def take_up(settings: Settings, ledger: Ledger) -> str:
    """Put the rules that are written into force if that changes little; say why not, or "".

    With problems in them, or when they would change too much, the rules in force stay.
    """
    from orchestrator import activation
    from orchestrator.clock import SystemClock

    try:
        proposed = _proposed(settings, ledger)
    except Problems as refused:
        return f"{counted(len(refused.problems), 'problem')} in the rules or templates (`beforehand check`)"
    if proposed.new and proposed.alarm:
        if activation.was_rejected(ledger, proposed):
            return "the rules as they are written were rejected; change them, or `beforehand apply --release`"
        activation.hold(ledger, proposed, SystemClock().now())
        return f"{proposed.alarm}; `beforehand plan` shows them, `beforehand apply --release` releases them"
    if proposed.new or activation.is_held(ledger):
        activation.adopt(ledger, proposed, SystemClock().now())
    return ""


@contextmanager
def proposal(settings: Settings) -> Iterator[tuple[Ledger, Proposal]]:
    """Open the ledger and plan the rules as they are written now; writes nothing.

    Raises :class:`Problems` when they have any: half a set of rules must not come into force.
    """
    _before_it_is_made(settings)
    with opened(settings) as ledger:
        yield ledger, _proposed(settings, ledger)


def _before_it_is_made(settings: Settings) -> None:
    """Make no ledger where no rules can come into force; raises what is wrong with them."""
    if is_new(settings) and (problems := house.written(settings).problems):
        raise Problems(problems)


def _proposed(settings: Settings, ledger: Ledger) -> Proposal:
    from orchestrator import activation
    from orchestrator.clock import SystemClock

    found = house.written(settings)
    if found.problems:
        raise Problems(found.problems)
    limits = settings.limits
    return activation.propose(
        ledger,
        found.sources,
        found.book,
        SystemClock().now(),
        most=limits.plan_entries,
        share=limits.plan_share,
    )
