"""The command shadow: what rules on trial would have said, beside what live rules said."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.errors import NotFound

if TYPE_CHECKING:
    from orchestrator.engine import Engine
    from orchestrator.model import Entry

COLUMNS = ("rule", "order", "customer", "at", "to", "would_say", "because", "live_said")
INDENT = 4
BESIDE = timedelta(hours=24)  # before or after: what somebody heard on about the same day


def shadow(
    ctx: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="[RULE]", help="Only this rule.", show_default=False)] = "",
    days: Annotated[int, typer.Option("--days", min=1, help="So many days back.")] = 7,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Show what rules in shadow would have said these days.

    Each line stands beside what live rules said to the same person about the same order, within a day before
    or after. What a rule on trial would not have said is counted, and `beforehand explain` says why.
    """
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.clock import SystemClock

    with engine_in_force(settings(ctx, config)) as engine:
        known = engine.book.rule(rule) if rule else None
        if rule and known is None:
            raise NotFound(f"no rule is called {rule!r}")
        tried = _tried(engine, rule, SystemClock().now() - timedelta(days=days))
        would = [entry for entry in tried if _would_say(entry)]
        rows = sorted(_rows(engine, would), key=lambda row: (row["rule"], row["order"], row["at"]))
        if form is Format.TABLE and sys.stdout.isatty():
            _on_terminal(rows)
        else:
            output.records([_shown(row) for row in rows] if form is Format.TABLE else rows, form, COLUMNS)
    beside = sum(bool(row["live_said"]) for row in rows)
    people = len({row["customer"] for row in rows})
    others = len(tried) - len(would)
    whom = f"about orders of {counted(people, 'customer')}"
    said = f"{counted(len(rows), 'notification')} would have gone out {whom}"
    output.sentence(
        f"{said}, {beside:,} of them within a day of what live rules said; {others:,} more would not have"
        if tried
        else f"no rule in shadow came to anything in {counted(days, 'day')}",
        form,
    )


def _tried(engine: Engine, rule: str, since: datetime) -> list[Entry]:
    """What came to an end on trial since then."""
    from orchestrator.model import FINAL

    with engine.ledger.read() as tx:
        found = tx.on_trial(since)
    return [entry for entry in found if entry.status in FINAL and rule in ("", entry.wanted.rule)]


def _would_say(entry: Entry) -> bool:
    from orchestrator.reasons import Code

    return entry.reason.code is Code.ON_TRIAL


def _rows(engine: Engine, would: list[Entry]) -> Iterator[dict[str, Any]]:
    from orchestrator.sight import look_at_facts
    from orchestrator.timing.send_time import order_zone

    with engine.ledger.read() as tx:
        orders = {entry.wanted.order for entry in would}
        have = tx.entries_of(orders)
        seen = look_at_facts(tx, engine.book, orders).orders
    for entry in would:
        wanted = entry.wanted
        at = entry.updated_at or entry.due_at
        place = seen[wanted.order].location if wanted.order in seen else None
        zone = order_zone(place, engine.book.policy.time_zone) if place else engine.book.policy.time_zone
        yield {
            "rule": wanted.rule,
            "order": wanted.order,
            "customer": wanted.customer,
            "at": at,
            "zone": zone,
            "to": wanted.role,
            "would_say": _what(entry, entry.reason.about),
            "because": wanted.because,
            "live_said": [
                {"at": other.updated_at, "said": _what(other, other.channel)}
                for other in have[wanted.order]
                if _is_beside(other, entry, at)
            ],
        }


def _is_beside(other: Entry, entry: Entry, at: datetime) -> bool:
    from orchestrator.planning.case import SAID

    wanted, tried = other.wanted, entry.wanted
    return (
        wanted.mode == "live"
        and other.status in SAID
        and (wanted.role, wanted.kind) == (tried.role, tried.kind)
        and other.updated_at is not None
        and abs(other.updated_at - at) <= BESIDE
    )


def _what(entry: Entry, channel: str) -> str:
    name = entry.wanted.template.partition("/")[2]
    return f"{name} by {channel}" if channel else name


def _on_terminal(rows: Sequence[dict[str, Any]]) -> None:
    """A heading for each rule; under it what it would have said, why, and what live rules said."""
    for rule, group in groupby(rows, key=lambda row: row["rule"]):
        print(output.styled(output.printable(rule), "bold", sys.stdout))
        for row in map(_shown, group):
            would = f"{row['order']}  {row['customer']}  to the {row['to']}, {row['at']}: {row['would_say']}"
            print(f"  {output.folded(would, INDENT)}")
            print(output.styled(f"{' ' * INDENT}{output.folded(row['because'], INDENT)}", "dim", sys.stdout))
            if row["live_said"]:
                print(f"{' ' * INDENT}{output.folded('live rules said ' + row['live_said'], INDENT)}")
        print()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a person: moments by the clocks of the order's place."""
    from orchestrator.timing.calendar import show

    live = "; ".join(f"{one['said']} {show(one['at'], row['zone'])}" for one in row["live_said"])
    return {**row, "at": show(row["at"], row["zone"]), "live_said": live}
