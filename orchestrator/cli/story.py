"""One order's story as a page: what happened and was said, what comes next, what is not said and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestrator.cli import output
from orchestrator.cli.output import Format

if TYPE_CHECKING:
    from orchestrator.persons.consents import Word
    from orchestrator.planning.explain import Explanation, Next, NotSaid

Row = dict[str, Any]
STYLES = {
    "said": "green", "message": "green", "task": "yellow", "not said": "dim", "replaced": "dim",
    "shadow": "cyan", "held": "yellow",
}  # fmt: skip
INDENT = 32  # columns: under what happened, beside when and how


def tell(story: Explanation, *, everything: bool = False) -> None:
    """Write the story; what a newer message of the same rule replaced is shown only with *everything*."""
    zone = ZoneInfo(story.zone)
    known = [story.journey, story.customer, story.status]
    title = f"{story.order}: {', '.join(filter(None, known))}"
    print(output.styled(output.printable(title), "bold", sys.stdout))
    for problem in story.problems:
        print(output.styled(f"  problem: {output.printable(problem)}", "red", sys.stdout))
    past = [m for m in story.timeline if everything or m.kind != "replaced"]
    _timeline(
        "So far", [{"at": _local(m.at, zone), "": m.kind, "what": m.text, "why": m.detail} for m in past]
    )
    _timeline(
        "Next", [{"at": _local(n.at, zone), "": n.kind, "what": _who(n), "why": _why(n)} for n in story.next]
    )
    _consents(story.consents, zone)
    _silences("Nothing more to say", [n for n in story.not_said if n.spoke])
    _silences("Not said", [n for n in story.not_said if not n.spoke])
    replaced = len(story.timeline) - len(past)
    more = f" {output.replaced(replaced)}." if replaced else ""
    output.sentence(f"\nTimes are those of {story.zone}.{more}")


def _consents(words: Iterable[Word], zone: ZoneInfo) -> None:
    from orchestrator.persons.consents import line

    _timeline("Consent", [{"at": _local(w.said, zone), "": "", "what": line(w), "why": ""} for w in words])


def _silences(title: str, silences: Iterable[NotSaid]) -> None:
    """The same silence about several occasions of a rule is one row."""
    told = dict.fromkeys(
        (n.rule, n.reason, ", ".join(f"{name} = {value}" for name, value in n.values)) for n in silences
    )
    rows = [{"rule": rule, "why": why, "where": values} for rule, why, values in told]
    if rows:
        _heading(title)
        output.records(rows, Format.TABLE, _filled(rows))


def _who(coming: Next) -> str:
    by = f" by {', '.join(coming.channels)}" if coming.channels else ""
    return f"{coming.template} to the {coming.role}{by}"


def _why(coming: Next) -> str:
    unless = f"; unless {coming.unless}" if coming.unless else ""
    return f"{coming.because}{unless}" + (f" ({coming.why_then})" if coming.why_then else "")


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _heading(text: str) -> None:
    print(f"\n{output.styled(text, 'bold', sys.stdout)}")


def _filled(rows: list[Row]) -> list[str]:
    return [column for column in rows[0] if any(row[column] for row in rows)]


def _timeline(title: str, rows: list[Row]) -> None:
    """A terminal is too narrow for four columns: the reason stands under what it explains."""
    if not rows:
        return
    _heading(title)
    if not sys.stdout.isatty():
        output.records(rows, Format.TABLE, _filled(rows))
        return
    for before, row in zip([None, *rows], rows, strict=False):
        line = f"{row['at']}  {row['']:<8}  {output.folded(row['what'], INDENT)}"
        style = STYLES.get(row[""])
        print(output.styled(line, style, sys.stdout) if style else line)
        if row["why"] and (before is None or before["why"] != row["why"]):
            why = output.folded(row["why"], INDENT)
            print(output.styled(" " * INDENT + why, "dim", sys.stdout))
