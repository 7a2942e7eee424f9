"""What is held for a second person: looked at, released, rejected, or taken back by whoever proposed it."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator import activation
from orchestrator.access.audit import By, Told, record
from orchestrator.access.roles import Action, Viewer
from orchestrator.drafting import trials
from orchestrator.drafting.bench import SETTINGS, RuleBench, files_of
from orchestrator.errors import Stale
from orchestrator.ledger import RuleSet, RuleSetState, Transaction
from orchestrator.reasons.sending import FROZEN
from orchestrator.views.now import proposed_by
from orchestrator.web.console.rules import compared
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
FROZEN_SHOWN = 25


def router(desk: Desk) -> APIRouter:
    """Return the routes of what is held; none where nobody can read rule files."""
    routes = APIRouter()
    if desk.rules is None:
        return routes
    bench = desk.rules
    ledger = desk.engine.ledger

    @routes.get("/console/rules/held")
    async def held_page(request: Request, viewer: Sees) -> Response:
        """Show what is held, by whom and why, and what waits with it."""
        found = await desk.read(lambda tx: _held(tx, bench, viewer))
        trial = None
        if (waits := found["held"]) is not None and waits.person is not None and not viewer.is_limited:
            trial = await asyncio.to_thread(trials.kept, ledger, waits.person, desk.now())
        return render(request, "console/rules/held.html", trial=trial, **found)

    @routes.post("/console/rules/held")
    async def decide(request: Request, viewer: Sees) -> Response:
        """Release what is held, reject it, or take back what one proposed oneself."""
        form = await form_of(request)
        waits = await asyncio.to_thread(activation.held, ledger)
        if waits is None or str(waits.id) != form.get("number"):
            return see("/console/rules/held", "somebody else decided about it in the meantime")
        own = waits.person == viewer.person and viewer.may(Action.PROPOSE_RULES)
        if not viewer.may(Action.RELEASE, proposed_by=waits.person) and not (
            own and form.get("do") == "reject"
        ):
            words = "a second person releases it" if own else f"{viewer.role} may not release rules"
            raise HTTPException(HTTPStatus.FORBIDDEN, words)
        if form.get("do") == "reject":
            thawed = await asyncio.to_thread(
                activation.reject, ledger, desk.now(), viewer.name, _told(desk, viewer, "reject rules", waits)
            )
            desk.wake()
            return see("/console/rules", f"rejected; {thawed or 0:,} notifications that waited for it may go")
        try:
            await asyncio.to_thread(_release, desk, bench, waits, viewer)
        except Stale as late:
            return see("/console/rules/held", str(late))
        desk.wake()
        return see("/console/rules", "released: these rules are in force")

    return routes


def _release(desk: Desk, bench: RuleBench, waits: RuleSet, viewer: Viewer) -> None:
    book, problems = bench.understood(files_of(waits), waits.sources.get(SETTINGS, ""))
    if problems:  # a text they say may be gone since
        raise HTTPException(HTTPStatus.CONFLICT, f"they have problems by now: {problems[0]}")
    told = _told(desk, viewer, "release rules", waits)
    activation.release(desk.engine.ledger, waits, book, desk.now(), viewer.name, told)


def _told(desk: Desk, viewer: Viewer, what: str, waits: RuleSet) -> Callable[[Transaction], None]:
    """What writes down who decided."""
    told = Told(what, f"version {waits.id}", after={"proposed by": waits.by or "the files"})
    return lambda tx: record(tx, By.viewer(viewer), told, desk.now())


def _held(tx: Transaction, bench: RuleBench, viewer: Viewer) -> dict[str, Any]:
    held, active = tx.ruleset(RuleSetState.HELD), tx.ruleset(RuleSetState.ACTIVE)
    if held is None:
        return {"held": None}
    frozen = tx.held_for(FROZEN)
    return {
        "held": held,
        "proposed_by": proposed_by(tx, held),
        "changed": compared(active, held, bench.folder),
        "frozen": frozen,
        "entries": [] if viewer.is_limited else tx.frozen(FROZEN, FROZEN_SHOWN),
        "own": held.person == viewer.person,
        "may": viewer.may(Action.RELEASE, proposed_by=held.person),
    }
