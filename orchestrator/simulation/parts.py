"""A long history on several processors: customers, and with them their orders, are dealt out to processes.

Orders share nothing but their customer, so no part needs what another one knows: whoever was ever one person
counts as one, also after they were parted again. Each process simulates
its part in a ledger of its own; the parent reads them one after the other, and looks whether one event's
id came to two parts with two bodies.
"""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from heapq import merge
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any
from zlib import crc32

from orchestrator.errors import Conflict
from orchestrator.intake import Incoming
from orchestrator.ledger import Ledger
from orchestrator.simulation.history import History
from orchestrator.simulation.simulate import Simulation

WORTH_IT = 25_000  # events for one more process: fewer are simulated before it has started
REPORT = 2_000  # events between two words about progress


def worth(events: int) -> int:
    """How many processes a history of so many events is worth on this machine."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return max(1, min(os.cpu_count() or 1, events // WORTH_IT))


def deal(customer_of: Mapping[str, str], hands: int, same_as: Mapping[str, str]) -> dict[str, int]:
    """Give each order a part, all orders of a person the same one, so that the parts are about equal.

    *same_as* names for customers who were ever merged the one who stands for all of them.
    """
    person_of = {order: same_as.get(customer, customer) for order, customer in customer_of.items()}
    orders = Counter(person_of.values())
    filled = [0] * hands
    part: dict[str, int] = {}
    for person, count in orders.most_common():
        part[person] = least = filled.index(min(filled))
        filled[least] += count
    return {order: part[person] for order, person in person_of.items()}


def part_of(subject: str, dealt: Mapping[str, int], hands: int) -> int:
    """The part of an order, also of one that nobody announced."""
    found = dealt.get(subject)
    return crc32(subject.encode()) % hands if found is None else found


def simulate(
    history: History,
    until: datetime,
    hands: int,
    make: Callable[[Path], Simulation],
    folder: Path,
    progress: Callable[[int], object],
) -> list[Path]:
    """Run *history* in that many processes; return the ledgers they leave in *folder*.

    *make* builds a simulation on a file, *progress* is told how many events were heard. What a process
    raises is raised here, and the others are stopped. Raises :class:`Conflict` if an event came before with
    another body, whichever processes heard the two.
    """
    files = [folder / f"part-{number}.db" for number in range(hands)]
    if hands == 1:
        simulation = make(files[0])
        simulation.run(_reported(iter(history), progress), until)
        simulation.close()
        return files
    dealt = deal(history.customer_of, hands, history.same_as)
    context = multiprocessing.get_context("fork")
    running: dict[Any, Any] = {}
    try:
        for number, file in enumerate(files):
            ours, theirs = context.Pipe(duplex=False)
            events = history.only(partial(_is_ours, number, dealt, hands))
            process = context.Process(target=_run, args=(make, file, events, until, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = process
        while running:
            for ready in wait(list(running)):
                _listen(ready, running, progress)
    finally:
        for process in running.values():
            process.terminate()
    _demand_one_body(files)
    return files


def _demand_one_body(files: Iterable[Path]) -> None:
    """Raise :class:`Conflict` if one event's id came with another body in another part."""
    before, clashes = ("", "", b""), []
    with ExitStack() as opened:
        ledgers = [opened.enter_context(Ledger.open(f"sqlite:///{file}", scratch=True)) for file in files]
        for identity in merge(*map(_identities, ledgers)):
            if identity[:2] == before[:2] and identity != before:
                clashes.append(identity[1])
            before = identity
    if clashes:
        raise Conflict(dict.fromkeys(clashes))


def _identities(ledger: Ledger) -> Iterator[tuple[str, str, bytes]]:
    after = ("", "")
    with ledger.read() as tx:
        while page := tx.identities(after=after):
            yield from page
            after = page[-1][:2]


def _is_ours(number: int, dealt: Mapping[str, int], hands: int, subject: str) -> bool:
    return part_of(subject, dealt, hands) == number


def _listen(ready: Any, running: dict[Any, Any], progress: Callable[[int], object]) -> None:
    """Take one word from a process: how far it is, or what it failed of; its silence is its end."""
    try:
        word = ready.recv()
    except EOFError:
        process = running.pop(ready)
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a process of the simulation ended with {process.exitcode}") from None
        return
    if isinstance(word, BaseException):
        raise word
    progress(word)


def _run(
    make: Callable[[Path], Simulation],
    file: Path,
    events: Iterator[Incoming],
    until: datetime,
    parent: Connection,
) -> None:
    """The work of one process."""
    try:
        simulation = make(file)
        simulation.run(_reported(events, parent.send), until)
        simulation.close()
    except Exception as error:  # noqa: BLE001  whatever it is, the parent raises it
        parent.send(error)
    finally:
        parent.close()


def _reported(events: Iterator[Incoming], progress: Callable[[int], object]) -> Iterator[Incoming]:
    count = 0
    for event in events:
        yield event
        count += 1
        if count == REPORT:
            progress(count)
            count = 0
    progress(count)
