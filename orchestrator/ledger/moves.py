"""Moves of entries as SQL: which states a verb may leave, and which it enters (:data:`model.MOVES`)."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, literal_column

from orchestrator.ledger.tables import entries
from orchestrator.model import MOVES, Status


def one_of(column: ColumnElement[str], states: Collection[Status]) -> ColumnElement[bool]:
    """Say "in one of these states" with the states written out, as the partial indexes need it."""
    written: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in sorted(states)]
    return column == written[0] if len(written) == 1 else column.in_(written)


def may_become(to: Status, among: Collection[Status] = tuple(Status)) -> ColumnElement[bool]:
    """Say "may move to *to*", if the verb only leaves the states *among*."""
    allowed = {state for state in among if to in MOVES[state]}
    if not allowed:
        raise ValueError(f"nothing of {sorted(among)} may become {to}")
    return one_of(entries.c.status, allowed)
