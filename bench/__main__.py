"""``python -m bench [--scale S] [FIGURE …]``: measure, and print one table (docs/reference/figures.md)."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from bench.progress import said
from bench.report import Line, table
from bench.sizes import scale
from orchestrator import garbage

FIGURES = (
    "email", "channels", "memory", "claims", "intake", "importing", "planning", "flights", "latency", "start",
    "idle", "machines", "console", "backlog", "shared", "engines", "outage",
)  # fmt: skip
MODULES = {"email": "mail", "start": "starting"}  # not named as the figure is


def main(asked: Sequence[str]) -> int:
    """Measure the figures *asked* for, or all; return 1 if a target is missed."""
    if asked[:1] == ["--scale"]:
        scale(float(asked[1]))
        asked = asked[2:]
    unknown = [name for name in asked if name not in FIGURES]
    if unknown:
        print(f"there is no figure {', '.join(unknown)}; there is: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    garbage.seldom()
    lines: list[Line] = []
    for name in asked or FIGURES:
        said(f"measuring {name} …")
        measure: Callable[[], list[Line]] = import_module(f"bench.{MODULES.get(name, name)}").measure
        lines += measure()
    print(table(lines))
    return 1 if any(line.met is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
