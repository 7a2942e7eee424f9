"""The command that shows what all this is for: a whole story on a virtual clock, in half a minute."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from orchestrator.cli import house, output
from orchestrator.errors import Misconfigured, Problems

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.intake import Incoming
    from orchestrator.sending.dispatch import Dispatcher

FOLDER = Path("demo")
MARK = ".beforehand-demo"  # only in a folder with this file anything is ever deleted
MARKED = "`beforehand demo` makes all here anew but rules and templates that differ from what it wrote:\n"
EDITABLE = ("rules", "templates")
WATCHABLE = 30.0  # seconds
LONGEST = 86_400.0
INSTANT = timedelta(microseconds=1)


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where it leaves its ledger and outbox.")
    ] = FOLDER,
    seconds: Annotated[
        float, typer.Option("--seconds", help="How long to take; 0 does not wait.")
    ] = WATCHABLE,
) -> None:
    """Watch a car dealership's month in half a minute.

    Three cars, three promises: one is missed, one moves, one is kept. The events of a month run on a virtual
    clock, through the real engine into a ledger of its own. The messages are in the outbox afterwards, as
    they would have been sent. Nothing leaves this machine. Rules and templates that you edited there are kept
    and played; the rest of the folder is made anew.
    """
    import asyncio

    from orchestrator import config

    if not 0 <= seconds <= LONGEST:  # nan is neither
        raise Misconfigured(f"--seconds is between 0 and {LONGEST:,.0f}")
    _prepare(directory)
    settings = config.load(directory / "config.toml", {})
    _title("Three cars, three promises, one month in half a minute")
    with _Stage(settings, seconds) as stage:
        asyncio.run(stage.play())
        stage.curtain(directory)


def _prepare(directory: Path) -> None:
    """A demo folder as `beforehand init` writes it; rules and templates that somebody edited are kept.

    Settings are always written anew, for a demo must neither send nor touch a ledger that is not its own.
    """
    from orchestrator.cli.admin import starter_files, write_starter
    from orchestrator.simulation.demo_story import events

    mark = directory / MARK
    if directory.exists() and not directory.is_dir():
        raise Misconfigured(f"{directory} is no folder; name another one")
    if directory.exists() and any(directory.iterdir()):
        if not mark.exists():
            raise Misconfigured(f"{directory} is not empty and no demo made it; name another folder")
        written = mark.read_text(encoding="utf-8").split()[-1:]
        if written == [_digest(directory)]:
            _remove(directory / name for name in EDITABLE)
        _remove([directory / "config.toml", directory / "outbox", *directory.glob("beforehand.db*")])
    if any((directory / name).exists() for name in EDITABLE):
        (directory / "config.toml").write_bytes(starter_files()["config.toml"].read_bytes())
        edited = " or ".join(str(directory / name) for name in EDITABLE)
        output.note(f"{edited} were edited: they are kept and played; delete {directory} to begin afresh")
    else:
        write_starter(directory)
        mark.write_text(f"{MARKED}{_digest(directory)}\n", encoding="utf-8")
    lines = (output.dumped(event) for event in events())
    (directory / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _digest(directory: Path) -> str:
    """What the rules and templates there say, as a short text to compare."""
    from hashlib import sha256

    digest = sha256()
    for path in sorted(path for name in EDITABLE for path in (directory / name).rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(directory).as_posix()}\0".encode())
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


class _Stage:
    """The engine, a virtual clock, and what the audience sees."""

    def __init__(self, settings: Settings, seconds: float) -> None:
        from orchestrator import activation
        from orchestrator.cli.demo_screen import Overheard, Screen
        from orchestrator.clock import VirtualClock
        from orchestrator.engine import Engine
        from orchestrator.ledger import Ledger
        from orchestrator.sending.dispatch import Dispatcher
        from orchestrator.simulation.demo_story import END, START

        self._start, self._end = datetime.fromisoformat(START), datetime.fromisoformat(END)
        self._clock = VirtualClock(self._start)
        found = house.written(settings)
        if found.problems:
            raise Problems(found.problems)
        self._ledger = Ledger.open(settings.ledger.url, upgrade=True)
        proposal = activation.propose(self._ledger, found.sources, found.book, self._start, most=1, share=1)
        activation.adopt(self._ledger, proposal, self._start)
        book = replace(found.book, activated={})
        self._engine: Engine = Engine(self._ledger, book)
        self._settings = settings
        composer = Overheard(house.composer(settings, found.renderer))
        self._screen = Screen(settings.company.time_zone, seconds, composer.messages)
        self._dispatcher: Dispatcher = Dispatcher(
            self._engine,
            composer,
            house.channels(settings),
            self._clock,
            live=False,
        )
        self._seen: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()

    async def play(self) -> None:
        """Let everything happen in its order, and show it."""
        for event in _incoming():
            await self._send_until(event.fact.heard - INSTANT)
            self._clock.set(event.fact.heard)
            self._engine.hear([event], self._clock.now())
            self._screen.happens(event)
            self._show_changes()
        await self._send_until(self._end)
        await self._dispatcher.close()

    async def _send_until(self, moment: datetime) -> None:
        while True:
            with self._ledger.read() as tx:
                due = tx.next_due()
            if due is None or due > moment:
                return
            self._clock.set(max(due, self._clock.now()))
            await self._dispatcher.drain()
            self._show_changes()

    def _show_changes(self) -> None:
        """What was said, withheld or taken back since the last look."""
        with self._ledger.read() as tx:
            entries = [entry for found in tx.entries_of(self._screen.orders).values() for entry in found]
        for entry in sorted(entries, key=lambda one: (one.updated_at, one.id)):
            state = (entry.status.value, str(entry.due_at))
            if self._seen.get(entry.key) != state:
                self._seen[entry.key] = state
                self._screen.became(entry)

    # ── afterwards ──

    def curtain(self, directory: Path) -> None:
        """The order's own story, one of the messages, and what to try next."""
        from orchestrator.cli.story import tell
        from orchestrator.simulation.demo_story import ORDER
        from orchestrator.views.story import story_of

        _title(f"The story of {ORDER}, as `beforehand explain {ORDER}` tells it")
        tell(story_of(self._engine, ORDER, self._clock.now()))
        sent = sorted(self._settings.outbox.path.rglob("*"))
        message = next((path for path in sent if _is_arrival(path)), None)
        if message is not None:  # edited rules may say something else
            _title(f"One of the messages, {message.relative_to(directory.parent)}")
            print(message.read_text(encoding="utf-8").strip())
        _title("What to try next")
        for command, why in _next_steps(directory, self._settings.outbox.path):
            print(f"  {output.styled(command, 'bold', sys.stdout)}\n      {why}")


def _next_steps(directory: Path, outbox: Path) -> Iterator[tuple[str, str]]:
    """Commands worth a try, with what they show."""
    program = _program()
    here = f"{program} --config {directory / 'config.toml'}"
    count = output.counted(sum(path.is_file() for path in outbox.rglob("*")), "message")
    yield f"ls {directory / outbox.name}", f"the outbox: {count}; an .eml opens in any mail program"
    yield f"{here} explain BX-101", "the car whose date moved three times in an afternoon, and was told once"
    yield f"{here} serve", "all of it as pages: open the link it prints, then search there for BX-100"
    yield f"{here} preview new-car/not-arrived-yet", "a template as its reader sees it"
    yield (
        f"${{EDITOR:-vi}} {directory / 'rules' / 'new-car.yaml'}",
        "say it in other words, later, or to somebody else",
    )
    yield f"{here} check", "every problem in what you wrote, at its place"
    yield f"{here} simulate --events {directory / 'events.jsonl'}", "the same month under your rules"


def _program() -> str:
    """The program that runs, as it can be called from here."""
    called = Path(sys.argv[0])
    on_path = shutil.which("beforehand")
    if on_path is not None and (called.name != "beforehand" or Path(on_path).samefile(called)):
        return "beforehand"
    beside = os.path.relpath(called)
    return str(called.resolve()) if beside.startswith(os.pardir) else beside


def _is_arrival(path: Path) -> bool:
    return path.is_file() and path.suffix == ".sms" and "not-arrived" in path.name


def _incoming() -> Iterator[Incoming]:
    from orchestrator.intake import Place, parse
    from orchestrator.simulation.demo_story import events

    for event in events():
        heard = parse(event, None, place=Place("demo"))
        assert not isinstance(heard, list), [str(problem) for problem in heard]
        yield heard


def _title(text: str) -> None:
    print(f"\n{output.styled(text, 'bold cyan', sys.stdout)}\n", flush=True)
