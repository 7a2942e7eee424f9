"""Who of those that hold something has died, as far as this process can see.

=================  ====================  ==================================================================
its sign (lock)    its process           it is
=================  ====================  ==================================================================
shown              whatever it is        alive: it works, or stands still
not shown          gone                  dead: not a byte of it leaves any more
not shown          runs, or elsewhere    silent: dead, or cut off from the ledger
nobody can see it  gone                  dead
nobody can see it  runs, or elsewhere    alive, until its lease says otherwise
only mine counts   gone, or elsewhere    dead: one daemon works on a ledger in a file, and that is this one
only mine counts   runs                  alive
=================  ====================  ==================================================================

What the dead held comes back at once. Whoever is silent may be sending what they began, so only what they
never began comes back: to begin it they would have to write so, under a generation that is over by then.
"""

from collections.abc import Collection
from enum import Enum
from time import monotonic

from orchestrator.ledger import HANDED_OVER, Transaction
from orchestrator.ledger.workers import runs

PATIENCE = 3.0  # seconds of silence: a live worker shows its sign again within one, once the ledger answers


class Is(Enum):
    """What a worker is to others."""

    ALIVE = "alive"
    SILENT = "silent"
    DEAD = "dead"


def judged(shown: bool | None, process: bool | None, *, alone: bool) -> Is:
    """Read the table above; pure."""
    if shown:
        return Is.ALIVE
    if process is False:
        return Is.DEAD
    if alone:
        return Is.ALIVE if process else Is.DEAD
    return Is.ALIVE if shown is None else Is.SILENT


class Deaths:
    """What one worker knows of the others: since when each has been silent (monotonic)."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._silent: dict[str, float] = {}
        self._mourned: set[str] = set()

    def any(self, tx: Transaction) -> bool:
        """Is there something to be taken back from somebody now?"""
        dead, silent = self._seen(tx)
        return bool(dead or silent)

    def taken(self, tx: Transaction) -> tuple[set[str], set[str]]:
        """Those that are dead and those that are silent, of whom all and some comes back now.

        What was handed over comes back with them once: they may have been about to take it over.
        """
        dead, silent = self._seen(tx)
        news = (dead | silent) - self._mourned
        self._mourned |= silent
        return dead, silent | ({HANDED_OVER} if news else set())

    def _seen(self, tx: Transaction) -> tuple[set[str], set[str]]:
        others = tx.holders() - {self._own, HANDED_OVER}
        shown = tx.showing(others) if others else None
        dead: set[str] = set()
        silent: set[str] = set()
        now = monotonic()
        for worker in others:
            seen = None if shown is None else worker in shown
            is_now = judged(seen, runs(worker), alone=tx.is_alone())
            if is_now is Is.DEAD:
                dead.add(worker)
            elif is_now is Is.SILENT:
                if now - self._silent.setdefault(worker, now) >= PATIENCE:
                    silent.add(worker)
                continue
            self._silent.pop(worker, None)
        self._forget(others)
        return dead, silent

    def _forget(self, others: Collection[str]) -> None:
        """Whoever holds nothing more, or shows its sign again, is news the next time."""
        self._silent = {worker: since for worker, since in self._silent.items() if worker in others}
        self._mourned &= self._silent.keys()
