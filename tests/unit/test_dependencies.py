"""What has to be installed is used, and what is pinned says nothing of where it was fetched from."""

import ast
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INSIDE = {"tzdata", "python-multipart"}  # zoneinfo and starlette import them by themselves
STARTED_WITH = {"httpx-aiohttp"}  # what a package of `channels new` imports


def imported() -> set[str]:
    """The distributions whose modules our code imports."""
    modules = set()
    for path in [*(ROOT / "orchestrator").rglob("*.py"), *(ROOT / "channels").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    found = packages_distributions()
    return {canonicalize_name(name) for module in modules for name in found.get(module, ())}


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_what_is_required_is_used() -> None:
    assert names(PROJECT["dependencies"]) - imported() <= INSIDE | STARTED_WITH


@pytest.mark.parametrize("extra", ["", "chat", "distributed", "test", "build"])
def test_what_is_required_is_pinned(extra: str) -> None:
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}
    assert names(wanted) <= pinned


def test_the_pins_name_no_place_on_the_net() -> None:
    assert "://" not in (ROOT / "requirements.txt").read_text("utf-8")
