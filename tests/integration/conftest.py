"""A module that says ``ALSO_ON_POSTGRES`` runs with its dealerships' ledgers in a file and in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration import dealership
from tests.integration.dealership import Dealership
from tests.postgres import database, postgres

__all__ = ["postgres"]

KEPT = "_kept_in"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if KEPT in metafunc.fixturenames and getattr(metafunc.module, "ALSO_ON_POSTGRES", False):
        metafunc.parametrize(KEPT, ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def _kept_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield
        return
    server = request.getfixturevalue("postgres")
    with ExitStack() as opened:
        known: dict[Path, str] = {}

        def where(folder: Path) -> str:
            if folder not in known:
                known[folder] = opened.enter_context(database(server))
            return known[folder]

        monkeypatch.setattr(dealership, "KEPT_IN", where)
        yield


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Callable[..., Dealership]]:
    """Make dealerships in one folder, each another daemon on the same ledger; all are closed at the end."""
    with ExitStack() as opened:

        def make(*args: Any, **settings: Any) -> Dealership:
            made = Dealership(tmp_path, *args, **settings)
            opened.callback(made.close)
            return made

        yield make
