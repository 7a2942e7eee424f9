"""What `beforehand doctor` looks at: each finding says whether it is well and, if not, what to do."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.cli import house, ledgers
from orchestrator.cli.channel_health import standings
from orchestrator.cli.output import counted
from orchestrator.cli.pauses import remedy
from orchestrator.errors import LedgerBehind, LedgerError, Misconfigured
from orchestrator.model import Status

if TYPE_CHECKING:
    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Ledger, Transaction

A_DAY = timedelta(days=1)
A_WHILE = timedelta(days=14)  # in which somebody should have read what people wrote
LATEST = 1000  # facts: whether their orders are planned is asked each time
LATE = timedelta(minutes=5)  # a daemon that runs is never so far behind
SHOWN = 10  # of each kind; the rest is counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    detail: str
    remedy: str = ""
    idle: bool = False  # nothing is wrong, and nothing is done

    @property
    def state(self) -> str:
        """One word for it."""
        return "idle" if self.idle else "well" if self.well else "look"


def well(what: str, detail: str) -> Finding:
    """All is as it should be."""
    return Finding(what, well=True, detail=detail)


def look(what: str, detail: str, remedy: str = "") -> Finding:
    """Somebody should look, and do what is said."""
    return Finding(what, well=False, detail=detail, remedy=remedy)


def findings(settings: "Settings") -> Iterator[Finding]:
    """Look at everything; one thing that cannot be looked at is a finding, and the others are still made."""
    open_ = "; ".join(dict.fromkeys(problem.message for problem in settings.lacking))
    also = f"; not here are secrets that only who sends needs: {open_}" if open_ else ""
    yield well("settings", f"can be used{also}")
    yield from _written(settings)
    yield from _channels(settings)
    if ledgers.is_new(settings):
        if wrong := ledgers.cannot_be_made(settings) or ledgers.gone(settings):
            yield look("ledger", *wrong)
        else:
            yield well("ledger", "not made yet: the first command that needs it does")
        return
    try:
        from orchestrator.ledger import Ledger

        with Ledger.open(settings.ledger.url) as ledger:
            yield well("ledger", settings.ledger.url.rpartition("@")[2])
            yield _daemon(settings, ledger)
            with ledger.read() as tx:
                yield from _in_force(settings, tx)
                yield from _planned(settings, ledger, tx)
                yield from _recorded(settings, tx)
            yield from _machines(ledger)
    except LedgerBehind as behind:
        words, _, remedy = str(behind).rpartition(": ")
        yield look("ledger", words, remedy.strip("`"))
    except LedgerError as error:
        ruined = "not a database" in str(error) or "malformed" in str(error)
        yield look("ledger", str(error), "beforehand db restore BACKUP, or set ledger.url" if ruined else "")


def _machines(ledger: "Ledger") -> Iterator[Finding]:
    """Clocks, daemons and databases."""
    from orchestrator.cli.ailments import ailments
    from orchestrator.clock import SystemClock

    now = SystemClock().now()
    server_time = ledger.time() if ledger.is_shared else now
    with ledger.read() as tx:
        yield from ailments(ledger, tx, now, server_time=server_time)


def _written(settings: "Settings") -> Iterator[Finding]:
    try:
        found = house.written(settings)
    except Misconfigured as error:
        yield look("rules", str(error), "beforehand init")
        return
    count = sum(len(journey.rules) for journey in found.book.journeys.values())
    if problems := house.refused(found):
        yield look("rules", f"{counted(len(problems), 'problem')} found", "beforehand check")
    elif not count:
        yield look("rules", f"none in {settings.rules.path}: nothing is said", "beforehand init")
    else:
        yield well("rules", f"{counted(count, 'rule')}, no problem")


def _channels(settings: "Settings") -> Iterator[Finding]:
    try:
        for name in settings.channels.named() if settings.lacking else house.channels(settings):
            live = settings.channels.named()[name].live
            if not live:
                detail = (
                    f"not live: nothing leaves this machine, messages are files in {settings.outbox.path}"
                )
                todo = f"channels.{name}.live = true sends for real"
                yield Finding(f"channel {name}", well=True, detail=detail, remedy=todo, idle=True)
                continue
            detail = "live"
            if not house.is_called_back(settings, name):
                detail += "; its provider cannot say what became of messages: set server.public_url"
            yield well(f"channel {name}", detail)
    except Misconfigured as error:
        yield look("channels", str(error))
    if not settings.sender.email.partition("@")[2].count("."):
        yield look("sender", f"mail would come from {settings.sender.email}", "set sender.email")


def _in_force(settings: "Settings", tx: "Transaction") -> Iterator[Finding]:
    """What is written and what counts are two things, and nobody need know unless they differ."""
    from orchestrator.activation import digest_of, is_rejected
    from orchestrator.ledger import RuleSetState
    from orchestrator.rules import edited, read

    active, held = tx.ruleset(RuleSetState.ACTIVE), tx.ruleset(RuleSetState.HELD)
    with suppress(Misconfigured):
        edits = edited.read(active.edits) if active is not None else ()
        over = edited.overlaid(read(settings.rules.path), edits, settings.rules.path.as_posix())
        written = ledgers.sources(settings, over.sources)
        names = ", ".join(edit.name for edit in over.clashes)
        if names:
            detail = f"changed as files, and edited in the console too: {names}"
            yield look("edited rules", detail, "beforehand rules pull, or beforehand apply --files")
            return
        digest = digest_of(written)
        if active is None or digest in {active.digest, held.digest if held is not None else ""}:
            return
        paths = written.keys() | active.sources.keys()
        changed = sorted(path for path in paths if written.get(path) != active.sources.get(path))
        detail = f"others are in force than are written: {', '.join(changed[:SHOWN])}"
        if is_rejected(tx, digest):
            todo = "put back what was rejected, or beforehand apply --release"
            yield look("rules and settings", f"{detail}; these were rejected", todo)
        else:
            yield look("rules and settings", detail, "beforehand plan; then beforehand apply")


def _planned(settings: "Settings", ledger: "Ledger", tx: "Transaction") -> Iterator[Finding]:
    """Whether the ledger holds what is wanted for the orders with the latest news that carry no mark.

    What it holds beyond that, such as what became useless while it was paused, ends when it is due.
    """
    from orchestrator.clock import SystemClock
    from orchestrator.engine import Engine
    from orchestrator.model import Scope, scope_of
    from orchestrator.planning.reconcile import reconcile

    now = SystemClock().now()
    news = tx.facts_after(max(tx.newest_fact() - LATEST, 0), LATEST)
    orders = {fact.subject for _, fact in news if scope_of(fact.type) is Scope.ORDER}
    orders -= {change.order for change in tx.changed(LATEST)}
    sight = Engine(ledger, ledgers.book_in_force(settings, tx)).look(tx, dict.fromkeys(orders, now), now)
    have = tx.entries_of(sight.decisions)
    missed = [order for order, one in sorted(sight.decisions.items()) if reconcile([one], have).create]
    if missed:
        detail = (
            f"something is wanted for {counted(len(missed), 'order')} and not planned, such as {missed[0]}"
        )
        yield look("plans", detail, "beforehand plan; then beforehand apply")


def _daemon(settings: "Settings", ledger: "Ledger") -> Finding:
    if not ledger.has_daemon():
        from orchestrator.clock import SystemClock

        with ledger.read() as tx:
            due = tx.backlog(SystemClock().now()).due
        if due:
            return look("daemon", f"not running, and {due:,} due", "beforehand run, or serve")
        detail = "not running: nothing is sent until `beforehand run` or `serve`"
        return Finding("daemon", well=True, detail=detail, idle=True)
    if sections := ledgers.outdated(settings, ledger):
        return look("daemon", f"running with older settings of {', '.join(sections)}", "restart it")
    return well("daemon", "running")


def _sending(settings: "Settings", tx: "Transaction", now: datetime) -> Iterator[Finding]:
    """How it goes with the providers."""
    from orchestrator.reasons.unsaid import no_channel

    for name, standing in sorted(standings(settings, tx, now).items()):
        if standing.well:
            yield well(f"sending by {name}", standing.words)
        else:
            yield look(f"sending by {name}", standing.words, standing.remedy)
    count, last = tx.retries(now)
    if last is not None:
        detail = f"{counted(count, 'message')} will be tried again; {last.wanted.order}: {last.reason}"
        yield look("tried again", detail, f"beforehand explain {last.wanted.order}")
    count, last = tx.ended({Status.FAILED}, now - A_DAY)
    if last is not None:
        detail = f"{counted(count, 'message')} in the last day; {last.wanted.order}: {last.reason}"
        yield look("failed", detail, f"beforehand explain {last.wanted.order}")
    count, last = tx.ended({Status.SUPPRESSED}, now - A_DAY, no_channel(()))
    if last is not None:
        detail = f"{counted(count, 'message')} of the last day found no channel in time; {last.wanted.order}"
        yield look("not said", f"{detail}: {last.reason.about}", f"beforehand explain {last.wanted.order}")
    count, last = tx.ended({Status.UNKNOWN}, now - A_DAY)
    if last is not None:
        detail = f"{counted(count, 'message')} of the last day may have left or not; {last.wanted.order}"
        yield look("unknown", f"{detail}: {last.reason}", f"beforehand explain {last.wanted.order}")


def _strays(tx: "Transaction", now: datetime) -> Iterator[Finding]:
    """What people wrote that belongs to no order, so that nobody was told."""
    from orchestrator.callbacks.whose import strays

    found = strays(tx, now - A_WHILE)
    for stray in found[:SHOWN]:
        detail = f"what came by {stray.source} at {stray.at:%Y-%m-%d %H:%M}Z belongs to no order"
        yield look(f"customer {stray.customer}", detail, f"beforehand export {stray.customer}")
    if len(found) > SHOWN:
        yield look("answers", f"and {len(found) - SHOWN:,} more belong to no order")


def _held(tx: "Transaction") -> Iterator[Finding]:
    """What waits for somebody: changed rules with all they would change, and what could not be written."""
    from orchestrator.ledger import RuleSetState
    from orchestrator.reasons.sending import FROZEN

    if tx.ruleset(RuleSetState.HELD) is not None:
        frozen = tx.held_for(FROZEN)
        detail = (
            f"changed rules or settings wait for a person, and {counted(frozen, 'notification')} with them"
        )
        yield look("held rules", detail, "beforehand plan; then beforehand apply --release or --reject")
    for entry in tx.held_otherwise(FROZEN, SHOWN):
        yield look(f"order {entry.wanted.order}", entry.reason, "mend the template, or the facts")


def _erasing(tx: "Transaction") -> Iterator[Finding]:
    """Whoever asked to be forgotten hears nothing any more; what is kept of them goes by a person's word."""
    from orchestrator.persons.personal import still_kept
    from orchestrator.persons.remains import still_left

    asked = tx.asked_to_be_erased()
    for customer in asked[:SHOWN]:
        detail = "asked to be erased, and what they said is still kept"
        yield look(f"customer {customer}", detail, f"beforehand erase {customer}")
    if len(asked) > SHOWN:
        yield look("erasure", f"and {len(asked) - SHOWN:,} customers more asked for it")
    for note in still_left(tx):
        for place in note.left[:SHOWN]:
            detail = f"was erased, and something of it still stands: {place.text}"
            yield look(f"customer {note.customer}", detail, "docs/how-to/privacy.md, Erase a person")
    for customer, other in [pair for pair in still_kept(tx) if pair[0] not in asked][:SHOWN]:
        detail = f"is one person with {other}, who was erased; what they said is still kept"
        todo = f"beforehand erase {customer}; customer.unmerged if they are two"
        yield look(f"customer {customer}", detail, todo)


def _recorded(settings: "Settings", tx: "Transaction") -> Iterator[Finding]:
    from orchestrator.clock import SystemClock
    from orchestrator.ledger import Stops

    moment = SystemClock().now()
    backlog = tx.backlog(moment)
    late = backlog.oldest is not None and moment - backlog.oldest > LATE
    detail = f"{backlog.due:,} due"
    if backlog.oldest is not None:
        detail += f", the oldest since {backlog.oldest:%Y-%m-%d %H:%M}Z"
    yield (
        look("what is due", detail, "is the daemon running? `beforehand run`")
        if late
        else well("what is due", detail)
    )
    for pause in (one for one in tx.pauses() if one.kind is not Stops.CHANNEL):
        since = f"since {pause.since:%Y-%m-%d %H:%M}Z"
        yield look(str(pause), f"paused {since}: {pause.reason}", remedy(pause.kind, pause.name))
    yield from _sending(settings, tx, moment)
    yield from _strays(tx, moment)
    yield from _held(tx)
    yield from _erasing(tx)
    yield from (
        look(f"order {row.id}", row.problem, f"beforehand explain {row.id}")
        for row in tx.list_orders(problems=True, limit=SHOWN)
    )
