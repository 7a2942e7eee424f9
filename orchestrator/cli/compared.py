"""What other rules would change over a history: by rule, order and customer, before and after."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from orchestrator.cli import output
from orchestrator.cli.output import Format, counted

if TYPE_CHECKING:
    from orchestrator.cli.simulated import Zones
    from orchestrator.simulation.differences import Difference, Run, Side

COLUMNS = ("rule", "order", "customer", "change", "to", "before", "after", "why_before", "why_after")
WORDS = {
    "more": "{} more",
    "less": "{} less",
    "time": "{} at another time",
    "channel": "{} by another channel",
    "text": "{} with another text",
}
INDENT = 6


class Comparison:
    """The differences between two runs over one history, counted while they are shown."""

    def __init__(self, before: Run, after: Run) -> None:
        self._runs = before, after
        self._counts: Counter[str] = Counter()
        self._changed = 0
        self._same = 0
        self._customers: set[str] = set()

    def show(self, form: Format, zones: Zones, *, everything: bool = False) -> None:  # noqa: ARG002
        """Write them to stdout: for people by rule, order and customer, for programs whole."""
        if form is Format.TABLE:
            found = sorted(self._differences(), key=lambda d: (d.rule, d.order, d.customer, d.occasion))
            if sys.stdout.isatty():
                _on_terminal(found, zones)
            else:
                output.records((_row(one, zones) for one in found), form, COLUMNS)
        else:
            output.records(map(asdict, self._differences()), form)

    def sentence(self) -> str:
        """``7 notifications for 9 customers differ: 4 more, 8 at another time; …``: how many, and how."""
        same = f"{counted(self._same, 'notification')} the same"
        if not self._changed:
            return f"nothing differs; {same}"
        counts = [WORDS[name].format(f"{self._counts[name]:,}") for name in WORDS if self._counts[name]]
        which = f"{counted(self._changed, 'notification')} for {counted(len(self._customers), 'customer')}"
        return f"{which} differ: {', '.join(counts)}; {same}"

    def _differences(self) -> Iterator[Difference]:
        from orchestrator.simulation.differences import differences

        for found in differences(*self._runs):
            if found is None:
                self._same += 1
                continue
            self._changed += 1
            self._counts.update(found.changes)
            self._customers.add(found.customer)
            yield found


def _row(one: Difference, zones: Zones) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "order": one.order,
        "customer": one.customer,
        "change": ", ".join(one.changes),
        "to": one.role,
        "before": _said(one.before, one, zones),
        "after": _said(one.after, one, zones),
        "why_before": one.why_before,
        "why_after": one.why_after,
    }


def _said(side: Side | None, one: Difference, zones: Zones) -> str:
    if side is None:
        return "not said"
    parts = (zones.shown(side.at, one.order), side.channel, side.template.partition("/")[2])
    return "  ".join(filter(None, parts))


def _on_terminal(found: list[Difference], zones: Zones) -> None:
    """A heading for each rule, a line for each order and customer, both sides and their reasons under it."""
    for rule, group in groupby(found, key=lambda one: one.rule):
        print(output.styled(output.printable(rule), "bold", sys.stdout))
        for one in group:
            who = f"  {one.order}  {one.customer}  to the {one.role}: {', '.join(one.changes)}"
            print(output.printable(who))
            for sign, side, why, style in (
                ("-", one.before, one.why_before, "red"),
                ("+", one.after, one.why_after, "green"),
            ):
                said = f"    {sign} {output.printable(_said(side, one, zones))}"
                print(output.styled(said, style, sys.stdout))
                print(output.styled(f"{' ' * INDENT}{output.folded(why, INDENT)}", "dim", sys.stdout))
        print()
