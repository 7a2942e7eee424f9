"""Imports point one way (DESIGN §5): read from the source, so that a slip fails here."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VALUES = (
    "model", "facts", "journey", "errors", "findings", "texts", "reasons", "reasons.codes", "reasons.due",
    "reasons.recognised", "reasons.sending", "reasons.unsaid",
)  # fmt: skip
DECISIONS = (
    "access.roles",
    "conditions", "conditions.errors", "conditions.fields", "conditions.text", "money", "planning.by_hand",
    "persons.consents", "persons.keywords", "persons.merging", "planning.answering", "planning.applying",
    "planning.audience",
    "planning.case", "planning.climbing", "planning.combining", "planning.correcting",
    "planning.crowding", "planning.delivery",
    "planning.explain", "planning.fold", "planning.foresight", "planning.missing", "planning.past",
    "planning.pending",
    "planning.planner", "planning.promises", "planning.reconcile", "planning.rungs", "planning.spelling",
    "planning.standing", "planning.superseding", "planning.tasks", "planning.triggers", "planning.wishing",
    "render.contrast",
    "render.dates", "render.replies", "render.several", "render.wording", "sending.guard", "sending.retry",
    "sending.riders", "timing.at_work",
    "timing.calendar", "timing.caps", "timing.gates", "timing.habits", "timing.hours", "timing.law",
    "timing.moves", "timing.send_time",
)  # fmt: skip

WORLD = {  # whoever imports one of these does I/O, reads a clock, rolls dice or writes a log
    "asyncio", "http", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3",
    "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
    "aiosmtplib", "alembic", "apscheduler", "fastapi", "httpx", "numpy", "rich", "sqlalchemy", "sqlmodel",
    "structlog", "typer", "uvicorn",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}  # of datetime and date


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, as ``package.module.name``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    """Our own modules that a file imports: ``model``, ``ledger``, ``channels.base``."""
    found = set()
    for name in imports(path):
        head, _, rest = name.partition(".")
        if head == "orchestrator":
            found.add(module(rest))
        elif head == "channels":
            found.add(f"channels.{rest.partition('.')[0]}")
    return found


def module(name: str) -> str:
    """The module of ours that *name* is in: ``planner.wanted`` → ``planner``, ``render.wording`` → itself."""
    package, _, rest = name.partition(".")
    inside = f"{package}.{rest.partition('.')[0]}"
    return inside if rest and source(inside).exists() else package


def source(name: str) -> Path:
    """The file of one of our modules."""
    path = ROOT / "orchestrator" / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", VALUES)
def test_values_import_the_standard_library_and_each_other(name: str) -> None:
    path = source(name)

    assert roots(path) <= set(sys.stdlib_module_names) | {"orchestrator"}
    assert not roots(path) & WORLD
    assert ours(path) <= set(VALUES)


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions_import_values_and_decisions_and_nothing_of_the_world(name: str) -> None:
    path = source(name)

    assert not roots(path) & WORLD
    assert ours(path) <= {
        *VALUES,
        *DECISIONS,
        "channels.reports",
        "plain_text",
        "render.words",
        "render.local_dates",
        "render.local_money",
        "render.telephones",
        "render.brands",
    }


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions_never_ask_what_time_it_is_and_open_nothing(name: str) -> None:
    tree = ast.parse(source(name).read_text("utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert not [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
    assert not [
        call.id for call in calls if isinstance(call, ast.Name) and call.id in {"open", "print", "input"}
    ]


def test_the_decisions_point_one_way_among_themselves() -> None:
    """case ← rungs ← triggers ← planner and case ← timing ← planner ← guard, explain: no ring anywhere."""
    graph = {name: ours(source(name)) & set(DECISIONS) for name in DECISIONS}
    while free := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for name in free:
            del graph[name]

    assert not graph, f"these import each other: {graph}"


def test_only_the_conditions_import_the_expression_library() -> None:
    importers = {name_of(path) for path in files("orchestrator") if "cel_expr_python" in roots(path)}

    assert importers == {"orchestrator/conditions/__init__.py"}


@pytest.mark.parametrize("path", files("channels"), ids=name_of)
def test_channels_import_nothing_of_the_engine(path: Path) -> None:
    assert "orchestrator" not in roots(path)


@pytest.mark.parametrize("path", files("orchestrator/ledger"), ids=name_of)
def test_the_ledger_imports_values_itself_and_its_database(path: Path) -> None:
    assert {name.partition(".")[0] for name in ours(path)} <= {"ledger", *VALUES}


@pytest.mark.parametrize("path", files("orchestrator"), ids=name_of)
def test_nothing_but_an_entry_point_imports_an_entry_point(path: Path) -> None:
    if path.relative_to(ROOT).parts[1] not in ("cli", "web"):
        assert not {name.partition(".")[0] for name in ours(path)} & {"cli", "web"}


@pytest.mark.parametrize("folder", ["planning", "timing"])
def test_the_folders_of_the_core_hold_nothing_but_decisions(folder: str) -> None:
    inside = {f"{folder}.{path.stem}" for path in files(f"orchestrator/{folder}") if path.stem != "__init__"}

    assert inside <= set(DECISIONS)


def test_every_module_of_the_core_is_still_there() -> None:
    """A module that moves takes its place in the lists above with it."""
    assert all(source(name).is_file() for name in (*VALUES, *DECISIONS))
