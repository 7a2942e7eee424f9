"""An installation to try commands on: a folder with everything `init` writes, and a story to tell it."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import main

BEFOREHAND = [sys.executable, "-c", "import sys; from orchestrator.cli import main; sys.exit(main())"]
ROOT = Path(__file__).parents[1]
LEDGER = "beforehand.db"
MOMENT = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Home:
    """A folder in which commands run, with everything `init` writes."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of one command."""
        self._capsys.readouterr()
        code = main(arguments)
        out, err = self._capsys.readouterr()
        return code, out, err

    def write(self, name: str, text: str) -> str:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def story(self, start: datetime = MOMENT, late: timedelta = timedelta(days=12)) -> str:
        """A file of events: Maria's car is promised in eleven days, and arrives *late* after the start."""
        day = (start + timedelta(days=11)).date().isoformat()
        return self.write(
            "events.jsonl",
            "\n".join(
                [
                    event(
                        "customer.upserted",
                        "C-1",
                        start,
                        name="Maria Keller",
                        locale="de",
                        email="maria@example.com",
                    ),
                    event(
                        "order.upserted",
                        "A-1",
                        start,
                        customer="C-1",
                        journey="new-car",
                        attributes=CAR,
                        owner=NORA,
                    ),
                    event("promise.made", "A-1", start, milestone="arrived", date=day),
                    event("milestone.reached", "A-1", start + late, milestone="arrived"),
                ]
            ),
        )


CAR = {"model": "Lumen 4", "colour": "blue"}
NORA = {"name": "Nora Brandt", "email": "nora.brandt@example.com"}


def event(kind: str, subject: str, at: datetime, **data: Any) -> str:
    """One CloudEvent as a line; the same arguments make the same event."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{kind}-{subject}",
            "source": "/dealer",
            "type": kind,
            "subject": subject,
            "time": at.isoformat(),
            "data": data,
        }
    )


def environment() -> dict[str, str]:
    """Ours, able to import the packages from anywhere, and without settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BEFOREHAND_")}
    return kept | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BEFOREHAND_")]:
        monkeypatch.delenv(name)
    assert main(["init"]) == 0
    return Home(tmp_path, capsys)


@pytest.fixture(scope="session")
def in_force(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that heard nothing, with the rules that `init` writes in force: made once, to be copied."""
    folder = tmp_path_factory.mktemp("in-force")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("BEFOREHAND_")]:
            patch.delenv(name)
        (folder / "nothing.jsonl").touch()
        assert main(["init"]) == 0
        assert main(["ingest", "nothing.jsonl"]) == 0
    return folder / LEDGER


@pytest.fixture
def begun(home: Home, in_force: Path) -> Home:
    """The folder once the first command has put its rules into force, which takes a while."""
    shutil.copy(in_force, home.folder)
    return home
