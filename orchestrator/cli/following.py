"""What a running daemon follows: what somebody else puts in force, and the texts on the disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import house
from orchestrator.cli.output import counted
from orchestrator.errors import BeforehandError

if TYPE_CHECKING:
    from datetime import datetime

    from channels.base import Message
    from orchestrator.clock import Clock
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.journey import Journey
    from orchestrator.model import Customer, Order
    from orchestrator.sending.guard import Send
    from orchestrator.sending.messages import Composer

log = logging.getLogger(__name__)


class Texts:
    """Makes messages of the texts as they were last read without a problem."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer

    def compose(self, go: Send, order: Order, customer: Customer, journey: Journey, now: datetime) -> Message:
        """Make the message or raise :class:`orchestrator.errors.RenderError`."""
        return self.composer.compose(go, order, customer, journey, now)


@dataclass
class Follower:
    """Puts into a running engine what changed: rules in force, and with them or alone the texts."""

    settings: Settings
    engine: Engine
    texts: Texts
    clock: Clock

    def __post_init__(self) -> None:
        self._rules = self._number()
        self._files = stamps(self.settings.templates.path)

    def __call__(self) -> None:
        """Look whether something changed, and take it up."""
        rules, files = self._number(), stamps(self.settings.templates.path)
        if rules == self._rules and files == self._files:
            return
        if rules != self._rules:
            log.info("other rules or settings are in force now")
            self.texts.composer = self.texts.composer.under(self.engine.book.policy)
        self._rules, self._files = rules, files
        self._read()

    def _read(self) -> None:
        """Take up the texts if all is well with them, and try again what could not be written."""
        try:
            renderer = house.texts(self.settings)
            problems = renderer.problems()
        except (BeforehandError, OSError) as error:
            log.error("the old texts are kept: %s", error)  # noqa: TRY400  the reason says it all
            return
        if problems:
            log.error(
                "the old texts are kept: %s in the templates, such as %s (`beforehand check`)",
                counted(len(problems), "problem"),
                problems[0],
            )
            return
        self.texts.composer = house.composer(self.settings, renderer, self.engine.book.policy)
        released = self.engine.release_parked(self.clock.now())
        log.info("the texts were read again; %s tried again", counted(released, "held notification"))

    def _number(self) -> int | None:
        """What tells the rules in force from those that were; the engine takes them up if it did not."""
        with self.engine.ledger.read() as tx:
            return self.engine.follow(tx).number


def stamps(folder: Path) -> Mapping[str, tuple[int, int]]:
    """When each file below a folder was last written, and its size."""
    found: dict[str, tuple[int, int]] = {}
    for path in folder.rglob("*"):
        try:
            seen = path.stat()
        except OSError:  # it is gone between two looks
            continue
        found[str(path)] = (seen.st_mtime_ns, seen.st_size)
    return found
