"""What a draft would change, worked out beside the pages: over every order, and over the latest history.

One trial runs in a process at a time. How far it is and what came of it is kept in the ledger, so that any
machine can show it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from orchestrator import activation
from orchestrator.access.audit import CONSOLE, By, Told, record
from orchestrator.activation import Proposal
from orchestrator.drafting import drafts
from orchestrator.drafting.bench import SETTINGS, RuleBench, files_of
from orchestrator.drafting.drafts import Draft
from orchestrator.drafting.history import latest
from orchestrator.errors import BeforehandError
from orchestrator.ledger import Ledger, RuleSetState, Transaction
from orchestrator.rules import edited
from orchestrator.simulation.differences import differences
from orchestrator.views.plans import by_rule

log = logging.getLogger(__name__)

DEAD = timedelta(minutes=2)  # without a word: the process that worked on it is gone
TELL = 1.0  # seconds between two words about how far it is
SHOWN = 40  # differences that are listed; the rest is counted
ORDERS = 150  # with the latest news; their history is heard under both sets of rules
_NAME = "trial/{}"


class Wish(StrEnum):
    """What somebody wants of a draft."""

    LOOK = "look"  # only what it would change
    APPLY = "apply"  # let it count, unless it changes too much
    ASK = "ask"  # let somebody else decide


@dataclass(frozen=True, slots=True)
class Who:
    """Who wants it, and why in their words."""

    person: int
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How far somebody's trial is, or what came of it; ``state`` is running, done or failed.

    ``rules`` are :class:`~orchestrator.views.plans.RuleChange`, ``history`` counts and lists
    :class:`~orchestrator.simulation.differences.Difference`, both as plain values. ``outcome`` says in a
    sentence what is in force or held now.
    """

    wish: str
    state: str
    at: datetime
    digest: str = ""
    orders: int = 0
    alarm: str = ""
    rules: tuple[Mapping[str, Any], ...] = ()
    history: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""
    wrong: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many notifications would change."""
        return sum(row["create"] + row["reschedule"] + row["cancel"] for row in self.rules)


def kept(ledger: Ledger, person: int, now: datetime) -> Trial | None:
    """Return somebody's newest trial; one whose process is gone has failed."""
    with ledger.read() as tx:
        text = tx.remembered(_NAME.format(person))
    if not text:
        return None
    found = orjson.loads(text)
    for row in found["history"].get("rows", ()):
        for side in filter(None, (row["before"], row["after"])):
            side["at"] = datetime.fromisoformat(side["at"])
    found |= {"at": datetime.fromisoformat(found["at"]), "rules": tuple(found["rules"])}
    trial = Trial(**found | {"wrong": tuple(found["wrong"])})
    if trial.state == "running" and now - trial.at > DEAD:
        return replace(trial, state="failed", wrong=("it was interrupted: begin again",))
    return trial


def digest(draft: Draft) -> str:
    """What tells one draft from another, so that nobody applies what another trial looked at."""
    return edited.digest("\0".join(f"{name}\0{one.text}" for name, one in sorted(draft.files.items())))


class Trials:
    """Runs trials over one ledger, one after the other, in a thread of its own."""

    def __init__(
        self,
        ledger: Ledger,
        bench: RuleBench,
        now: Callable[[], datetime],
        zone: str,
        wake: Callable[[], None],
    ) -> None:
        self._ledger, self._bench, self._now, self._zone, self._wake = ledger, bench, now, zone, wake
        self._busy = threading.Lock()
        self._planned = 0  # orders, of the trial that runs

    def begin(self, draft: Draft, wish: Wish, who: Who) -> bool:
        """Begin to work it out, and say whether it was begun: while another runs, it is not."""
        if not self._busy.acquire(blocking=False):
            return False
        trial = Trial(wish.value, "running", self._now(), digest(draft))
        self._keep(who.person, trial)
        threading.Thread(target=self._run, args=(draft, wish, who, trial), daemon=True).start()
        return True

    def _run(self, draft: Draft, wish: Wish, who: Who, trial: Trial) -> None:
        try:
            self._keep(who.person, self._tried(draft, wish, who, trial))
        except BeforehandError as error:
            problems = getattr(error, "problems", None)
            wrong = tuple(map(str, problems)) if problems else (str(error),)
            self._keep(who.person, replace(trial, state="failed", at=self._now(), wrong=wrong))
        except Exception as error:
            log.exception("a trial of rules failed")
            wrong = (f"it failed, and the log says why: {type(error).__name__}",)
            self._keep(who.person, replace(trial, state="failed", at=self._now(), wrong=wrong))
        finally:
            self._busy.release()

    def _tried(self, draft: Draft, wish: Wish, who: Who, trial: Trial) -> Trial:
        with self._ledger.read() as tx:
            active, held = tx.ruleset(RuleSetState.ACTIVE), tx.ruleset(RuleSetState.HELD)
        if wish is not Wish.LOOK and held is not None and held.person != who.person:
            words = f"what {held.by or 'the files'} changed waits for a second person: that is decided first"
            return replace(trial, state="failed", at=self._now(), wrong=(words,))
        folder = self._bench.folder
        before = files_of(active)
        in_force = edited.by_name(before, folder)
        if overtaken := draft.overtaken(in_force):
            wrong = tuple(f"{name} was changed by somebody else since you began" for name in overtaken)
            return replace(trial, state="failed", at=self._now(), wrong=wrong)
        after = {edited.path_of(name, folder): text for name, text in draft.over(in_force).items()}
        settled = active.sources.get(SETTINGS, "") if active is not None else ""
        book, problems = self._bench.understood(after, settled)
        if problems:
            return replace(trial, state="failed", at=self._now(), wrong=tuple(map(str, problems)))
        laid = edited.read(active.edits) if active is not None else ()
        changed = {name: one.text for name, one in draft.files.items()}
        edits = edited.written(edited.edited(in_force, laid, changed, who.name, self._now()))

        with self._telling(who.person, trial):
            proposed = activation.propose(
                self._ledger,
                {**after, SETTINGS: settled} if settled else after,
                book,
                self._now(),
                most=self._bench.most,
                share=self._bench.share,
                edits=edits,
                progress=self._progress,
            )
        proposed = replace(proposed, by=who.name, person=who.person, why=who.why)
        rows = tuple(asdict(row) for row in by_rule(proposed.plan, self._zone, self._now()))
        seen = replace(trial, orders=proposed.orders, alarm=proposed.alarm, rules=rows, at=self._now())
        if wish is Wish.LOOK:
            with self._telling(who.person, seen):
                history = self._compared(before, after)
            return replace(seen, state="done", at=self._now(), history=history)
        return replace(seen, state="done", at=self._now(), outcome=self._decided(proposed, wish, who))

    def _decided(self, proposed: Proposal, wish: Wish, who: Who) -> str:
        now = self._now()
        if wish is Wish.ASK or proposed.alarm:
            frozen = activation.hold(self._ledger, proposed, now, self._told(who, "propose rules", proposed))
            why = f": {proposed.alarm}" if proposed.alarm else ", as you asked"
            said = f"held for a second person{why}; {frozen:,} notifications wait with it"
        else:
            told = self._told(who, "apply rules", proposed)
            activation.put_in_force(self._ledger, proposed, now, who.name, told)
            self._wake()
            said = "in force"
        with self._ledger.transaction() as tx:
            drafts.keep(tx, Draft(who.person))
        return said

    def _told(self, who: Who, what: str, proposed: Proposal) -> Callable[[Transaction], None]:
        """What writes down who did it."""
        told = Told(what, "rules", after={"why": who.why, "version": proposed.digest[:12]})
        by = By(who.name, CONSOLE, who.person)
        return lambda tx: record(tx, by, told, self._now())

    def _compared(self, before: Mapping[str, str], after: Mapping[str, str]) -> Mapping[str, Any]:
        """Whom the latest history would have told more, less or otherwise."""
        with TemporaryDirectory(prefix="beforehand-") as place:
            folder = Path(place)
            events = folder / "events.jsonl"
            with self._ledger.read() as tx:
                orders = latest(tx, events, ORDERS)
            if not orders:
                return {"orders": 0, "counts": {}, "same": 0, "rows": []}
            runs = [
                self._bench.simulated(sources, events, folder / name, lambda _: None)
                for name, sources in (("before", before), ("after", after))
            ]
            counts: Counter[str] = Counter()
            rows: list[dict[str, Any]] = []
            same = changed = 0
            for one in differences(*runs):
                if one is None:
                    same += 1
                    continue
                changed += 1
                counts.update(one.changes)
                if len(rows) < SHOWN:
                    rows.append(asdict(one))
        return {"orders": orders, "counts": counts, "same": same, "changed": changed, "rows": rows}

    def _progress(self, orders: int) -> None:
        self._planned = orders

    @contextmanager
    def _telling(self, person: int, trial: Trial) -> Iterator[None]:
        """Say every now and then that it goes on, for the work itself holds one view of the ledger."""
        over = threading.Event()
        self._planned = trial.orders

        def tell() -> None:
            while not over.wait(TELL):
                self._keep(person, replace(trial, orders=self._planned, at=self._now()))

        self._keep(person, trial)
        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()

    def _keep(self, person: int, trial: Trial) -> None:
        with self._ledger.transaction() as tx:
            tx.remember(_NAME.format(person), orjson.dumps(trial).decode())
