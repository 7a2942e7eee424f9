"""Which rules are in force, what other rules would change, and putting them in force.

Changed rules are planned before they count: over every order, with nothing written. What would change too
much is held for a person, and the rules in force stay (DESIGN §4.7; facts never count towards the limit).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.engine import BATCH, Engine
from orchestrator.errors import Stale
from orchestrator.journey import Mode, Rule, RuleBook
from orchestrator.ledger import Activation, Ledger, RuleSet, RuleSetState, Transaction
from orchestrator.ledger.verbs import batches
from orchestrator.model import WAITING, Status
from orchestrator.planning.reconcile import Plan, reconcile
from orchestrator.reasons import Code
from orchestrator.reasons.sending import FROZEN, THAWED

_REJECTED = "rejected_rules"  # the digest of rule files that a person threw away


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules that might come into force, and what they would change in the ledger.

    ``alarm`` says why a person should look first, "" if nobody needs to. ``book`` knows since when each
    of its rules would count.
    """

    sources: Mapping[str, str]
    book: RuleBook
    plan: Plan
    alarm: str
    orders: int
    new: bool  # these are not the rules in force
    over: int | None = None  # the number of what was in force when it was proposed
    edits: str = ""  # what the console laid over the files (:mod:`orchestrator.rules.edited`)
    by: str = ""  # who edited them in the console, and why; "": they are from the files
    why: str = ""
    person: int | None = None

    @property
    def digest(self) -> str:
        """What tells one set of rule files from another."""
        return digest_of(self.sources)


def digest_of(sources: Mapping[str, str]) -> str:
    """Return a hash of rule files (path → text); their order plays no part."""
    content = hashlib.sha256()
    for path, text in sorted(sources.items()):
        content.update(f"{len(path)} {path} {len(text)} {text}".encode("utf-8", "surrogateescape"))
    return content.hexdigest()


def rule_digest(rule: Rule) -> str:
    """Return a hash of what a rule watches for, and of whether it only tries to.

    Other words or channels do not make it another rule; a rule that goes live does not make up for its trial.
    """
    trigger = repr(rule.trigger).replace(
        ", before_closing=None", ""
    )  # was no part of it in ledgers of before
    watches = f"{rule.journey} {trigger} {rule.when.text if rule.when else ''}"
    if rule.mode is not Mode.LIVE:
        watches += f" {rule.mode}"
    return hashlib.sha256(watches.encode()).hexdigest()


def dated(book: RuleBook, since: Mapping[str, Activation], now: datetime) -> RuleBook:
    """Return *book* with the moment from which each rule counts: as before, or *now* for what is new.

    A rule that watches for something else is a new rule: it must not fire for what happened before.
    """
    rules = [rule for journey in book.journeys.values() for rule in journey.rules]
    kept = {name: active.at for name, active in since.items()}
    known = {name: active.digest for name, active in since.items()}
    return replace(
        book,
        activated={r.id: kept[r.id] if known.get(r.id) == rule_digest(r) else now for r in rules},
    )


def sources_in_force(ledger: Ledger) -> Mapping[str, str] | None:
    """Return the rule files in force (path → text), or ``None`` before any were."""
    with ledger.read() as tx:
        active = tx.ruleset(RuleSetState.ACTIVE)
    return None if active is None else active.sources


def propose(
    ledger: Ledger,
    sources: Mapping[str, str],
    book: RuleBook,
    now: datetime,
    *,
    most: int,
    share: float,
    edits: str = "",
    progress: Callable[[int], object] = lambda _: None,
) -> Proposal:
    """Plan every order under *book*, loaded from *sources*, and write nothing.

    More than *most* changes, or more than *share* of what waits, raise the alarm. *progress* is told how many
    orders were planned.
    """
    with ledger.read() as tx:
        active = tx.ruleset(RuleSetState.ACTIVE)
        candidate = dated(book, tx.activations(), now)
        engine = Engine(ledger, candidate)
        plan, orders, waiting = Plan(), 0, 0
        for ids in batches(tx.order_ids()):
            decisions = engine.look(tx, dict.fromkeys(ids, now), now).decisions
            have = tx.entries_of(ids)
            part = reconcile(decisions.values(), have)
            plan = Plan(
                plan.create + part.create, plan.reschedule + part.reschedule, plan.cancel + part.cancel
            )
            orders += len(ids)
            waiting += sum(entry.status in WAITING for entries in have.values() for entry in entries)
            progress(orders)
    return Proposal(
        sources=sources,
        book=candidate,
        plan=plan,
        alarm=plan.too_big(waiting, most, share),
        orders=orders,
        new=active is None or active.digest != digest_of(sources),
        over=None if active is None else active.id,
        edits=edits,
    )


def _nothing(_: Transaction) -> None:
    """Nothing else is to be done in that transaction."""


def adopt(
    ledger: Ledger,
    proposal: Proposal,
    now: datetime,
    in_force: Callable[[Transaction], RuleBook] | None = None,
    by: str = "",
    also: Callable[[Transaction], object] = _nothing,
) -> int:
    """Put a proposal in force and plan every order under it; return how many orders.

    The rules count from the first transaction on; orders are planned in batches after it, each from a
    durable mark, so that a crash in between loses nothing. *in_force* reads what somebody else may put in
    force in the meantime; *also* is done in the transaction that puts it in force. Raises :class:`Stale` as
    :func:`put_in_force` does.
    """
    book = put_in_force(ledger, proposal, now, by, also)
    return plan_marked(Engine(ledger, book, in_force=in_force), now)


def put_in_force(
    ledger: Ledger,
    proposal: Proposal,
    now: datetime,
    by: str = "",
    also: Callable[[Transaction], object] = _nothing,
) -> RuleBook:
    """Let the rules of a proposal count from now on, and mark every order; *by* is who decided that.

    *also* is done in the same transaction.
    Raises :class:`Stale` if others came into force since it was proposed, and either was edited in the
    console: one would undo the other unseen.
    """
    with ledger.transaction() as tx:
        book = _let_count(tx, proposal, now, by)
        also(tx)
        return book


def _let_count(tx: Transaction, proposal: Proposal, now: datetime, by: str) -> RuleBook:
    active = tx.ruleset(RuleSetState.ACTIVE)
    if active is None or active.digest != proposal.digest:
        if active is not None and active.id != proposal.over and (active.by or proposal.by):
            raise Stale("other rules came into force in the meantime: look at the plan again")
        tx.activate_ruleset(_kept(tx, proposal, now), now, by)
        tx.remember(_REJECTED, "")
        tx.wake_untried(now)  # what they wait for was said by the rules that were
    else:
        tx.reject_ruleset(by)
        _keep_edits(tx, active, proposal)
    _thaw(tx, now)
    _date(tx, proposal.book)
    tx.mark_all()
    return replace(proposal.book, number=tx.in_force())


def _kept(tx: Transaction, proposal: Proposal, now: datetime) -> int:
    """The number under which a proposal is kept: its own already, where just this one is held."""
    held = tx.ruleset(RuleSetState.HELD)
    if held is not None and held.digest == proposal.digest:
        return held.id
    return tx.store_ruleset(
        proposal.digest,
        proposal.sources,
        edits=proposal.edits,
        at=now,
        by=proposal.by,
        why=proposal.why,
        person=proposal.person,
    )


def keep_edits(ledger: Ledger, proposal: Proposal) -> None:
    """Write down which edits the files have by now, where just these rules are in force."""
    with ledger.transaction() as tx:
        active = tx.ruleset(RuleSetState.ACTIVE)
        if active is not None and active.digest == proposal.digest:
            _keep_edits(tx, active, proposal)


def _keep_edits(tx: Transaction, active: RuleSet, proposal: Proposal) -> None:
    if active.edits != proposal.edits:
        tx.keep_edits(active.id, proposal.edits)


def plan_marked(engine: Engine, now: datetime) -> int:
    """Plan every order that is marked, a batch in a transaction; return how many."""
    count = 0
    while planned := engine.plan_changed(now):
        count += planned
    return count


def hold(
    ledger: Ledger, proposal: Proposal, now: datetime, also: Callable[[Transaction], object] = _nothing
) -> int:
    """Keep a proposal for a person to look at, and return how many entries are frozen until then.

    *also* is done in the same transaction.
    The rules in force stay; but nothing is sent of what the proposal would change or take back.
    """
    with ledger.transaction() as tx:
        held = tx.ruleset(RuleSetState.HELD)
        if held is None or held.digest != proposal.digest:
            _thaw(tx, now)
        _kept(tx, proposal, now)
        also(tx)
        touched = [move.entry.id for move in proposal.plan.reschedule]
        return tx.hold([*touched, *(gone.entry.id for gone in proposal.plan.cancel)], FROZEN, now)


def held(ledger: Ledger) -> RuleSet | None:
    """Return what waits for a person, if anything does."""
    with ledger.read() as tx:
        return tx.ruleset(RuleSetState.HELD)


def release(
    ledger: Ledger,
    waits: RuleSet,
    book: RuleBook,
    now: datetime,
    by: str,
    also: Callable[[Transaction], object] = _nothing,
) -> None:
    """Put what is held in force, with its rules as *book*; *by* is who decided that.

    *also* is done in the same transaction.
    Raises :class:`Stale` if something else is held, or nothing, by now.
    """
    with ledger.transaction() as tx:
        newest = tx.ruleset(RuleSetState.HELD)
        if newest is None or newest.id != waits.id:
            raise Stale("somebody else decided about it in the meantime")
        proposal = Proposal(
            sources=waits.sources,
            book=dated(book, tx.activations(), now),
            plan=Plan(),
            alarm="",
            orders=0,
            new=True,
            over=tx.in_force(),
            edits=waits.edits,
            by=waits.by,
            why=waits.why,
            person=waits.person,
        )
        _let_count(tx, proposal, now, by)
        also(tx)


def reject(
    ledger: Ledger, now: datetime, by: str = "", also: Callable[[Transaction], object] = _nothing
) -> int | None:
    """Throw the held proposal away, and return how many entries wait again; ``None`` if none is held.

    The same rule files are not proposed again until they change. *by* is who decided that; *also* is done in
    the same transaction.
    """
    with ledger.transaction() as tx:
        held = tx.ruleset(RuleSetState.HELD)
        if held is None:
            return None
        tx.reject_ruleset(by)
        tx.remember(_REJECTED, held.digest)
        also(tx)
        return _thaw(tx, now)


def was_rejected(ledger: Ledger, proposal: Proposal) -> bool:
    """Did a person throw just these rules away?"""
    with ledger.read() as tx:
        return is_rejected(tx, proposal.digest)


def is_rejected(tx: Transaction, digest: str) -> bool:
    """Did a person throw away what has this digest, and put nothing in force since?"""
    return tx.remembered(_REJECTED) == digest


def _thaw(tx: Transaction, now: datetime) -> int:
    """Schedule again what waited for a proposal to be released or rejected."""
    count = after = 0
    while held := tx.entries_in({Status.HELD}, after=after, limit=BATCH):
        count += tx.unhold([entry.id for entry in held if entry.reason.code is Code.FROZEN], THAWED, now)
        after = held[-1].id
    return count


def _date(tx: Transaction, book: RuleBook) -> None:
    """Write down since when each rule counts; what is no longer a rule is forgotten."""
    known = tx.activations()
    rules = {rule.id: rule_digest(rule) for journey in book.journeys.values() for rule in journey.rules}
    by_moment: dict[datetime, dict[str, str]] = {}
    for name, digest in rules.items():
        if name not in known or known[name].digest != digest:
            by_moment.setdefault(book.activated[name], {})[name] = digest
    for moment, started in by_moment.items():
        tx.activate_rules(started, moment)
    tx.deactivate_rules(known.keys() - rules.keys())
