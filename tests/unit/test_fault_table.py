"""Every fault of the page about faults has a test that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"
ROW = re.compile(r"\| (?:(\d+)\. )?[^|]+ \| [^|]+ \| `(\w+\.py)` `(test_\w+)` \|")
ROWS = [row.groups() for row in map(ROW.fullmatch, PAGE.read_text("utf-8").splitlines()) if row]


@cache
def named_in(name: str) -> frozenset[str]:
    """Every test of the file of that name."""
    paths = [*(ROOT / "tests").rglob(name), *(ROOT / "channels" / "contract").rglob(name)]
    assert len(paths) == 1, f"{name} is not the name of one file: {paths}"
    nodes = ast.walk(ast.parse(paths[0].read_text("utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("number", "file", "test"), ROWS)
def test_a_test_that_is_named_is_there(number: str, file: str, test: str) -> None:
    assert test in named_in(file), number


def test_every_fault_of_machines_and_channels_has_a_row() -> None:
    numbers = {int(number) for number, _, _ in ROWS if number}
    assert numbers >= {*range(1, 14), *range(25, 36), 37, 38, 39}
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert len(table) == len(ROWS) + 1  # and every row can be read
