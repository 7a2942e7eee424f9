"""Changing rules in the console: edit and check, see what it changes, apply it or ask somebody else."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.drafting import drafts, trials
from orchestrator.drafting.bench import RuleBench, files_of
from orchestrator.drafting.drafts import Draft
from orchestrator.drafting.trials import Trials, Who, Wish
from orchestrator.errors import Problem
from orchestrator.ledger import RuleSetState, Transaction
from orchestrator.rules import edited
from orchestrator.web.console.rules import lines
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Tries = Annotated[Viewer, Depends(Allowed(Action.TRY_RULES))]

SPARE = 12  # numbered lines below the text, to go on writing
LONGEST = 300  # characters of why


def router(desk: Desk) -> APIRouter:
    """Return the routes for changing rules; none where nobody can read rule files."""
    routes = APIRouter()
    if desk.rules is None:
        return routes
    bench = desk.rules
    running = Trials(desk.engine.ledger, bench, desk.now, desk.zone, desk.wake)

    @routes.get("/console/rules/files/{name:path}")
    async def file(request: Request, name: str, viewer: Sees) -> Response:
        """Show a file of rules as this person has it, to be changed."""
        draft, in_force = await desk.read(lambda tx: _mine(tx, bench, viewer))
        _demand_name(name)
        if name not in in_force and name not in draft.files and not request.query_params.get("new"):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no file {name}")
        return await _edit_page(request, bench, draft, in_force, name)

    @routes.post("/console/rules/files/{name:path}")
    async def check(request: Request, name: str, viewer: Tries) -> Response:
        """Keep what somebody wrote as their draft, and say everything that is wrong with it."""
        _demand_name(name)
        form = await form_of(request)
        text = form.get("text", "").replace("\r\n", "\n")
        gone = form.get("do") == "remove"

        def work(tx: Transaction) -> tuple[Draft, dict[str, str]]:
            draft, in_force = _mine(tx, bench, viewer)
            if form.get("do") == "discard":
                draft = draft.with_file(name, in_force.get(name), in_force.get(name), desk.now())
            elif form.get("do") == "mine":
                draft = draft.rebased(name, in_force.get(name))
            else:
                draft = draft.with_file(name, None if gone else text, in_force.get(name), desk.now())
            drafts.keep(tx, draft)
            return draft, in_force

        draft, in_force = await desk.change(work)
        if form.get("do") == "look" and not viewer.is_limited:
            running.begin(draft, Wish.LOOK, Who(viewer.person, viewer.name, draft.why))
        if form.get("do") in ("look", "remove", "mine"):
            return see("/console/rules/draft")
        if form.get("do") == "discard":
            known = name in in_force
            return see(
                f"/console/rules/files/{quote(name)}" if known else "/console/rules", "your changes are gone"
            )
        return await _edit_page(request, bench, draft, in_force, name)

    _draft_routes(routes, desk, bench, running)
    return routes


def _draft_routes(routes: APIRouter, desk: Desk, bench: RuleBench, running: Trials) -> None:
    """Add the routes of what somebody changed so far."""
    ledger = desk.engine.ledger

    @routes.get("/console/rules/draft")
    async def draft_page(request: Request, viewer: Sees) -> Response:
        """Show somebody's changes, what is wrong with them, and what they would change."""
        draft, in_force = await desk.read(lambda tx: _mine(tx, bench, viewer))
        trial = await asyncio.to_thread(trials.kept, ledger, viewer.person, desk.now())
        if (
            trial is not None
            and trial.digest != trials.digest(draft)
            and not (trial.outcome and not draft.files)
        ):
            trial = None  # of another draft
        found = await asyncio.to_thread(_findings, bench, draft, in_force)
        return render(
            request,
            "console/rules/draft.html",
            draft=draft,
            changes=[(name, lines(in_force.get(name), one.text), one) for name, one in draft.files.items()],
            overtaken=draft.overtaken(in_force),
            findings=found,
            trial=trial,
            most=bench.most,
            share=bench.share,
        )

    @routes.post("/console/rules/draft")
    async def wish(request: Request, viewer: Tries) -> Response:
        """Work out what it changes, let it count, or ask for somebody else; or throw it away."""
        form = await form_of(request)
        why = form.get("why", "").strip()[:LONGEST]
        if form.get("do") == "discard":
            await desk.change(lambda tx: drafts.keep(tx, Draft(viewer.person)))
            return see("/console/rules", "your changes are gone")
        if viewer.is_limited:  # what changes is shown with orders of every location
            raise HTTPException(HTTPStatus.FORBIDDEN, "rules are tried over the whole house")
        wanted = Wish(form.get("do", "look")) if form.get("do") in set(Wish) else Wish.LOOK
        if wanted is not Wish.LOOK and not viewer.may(Action.PROPOSE_RULES):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"{viewer.role} may not do this (propose rules)")
        draft, _ = await desk.read(lambda tx: _mine(tx, bench, viewer))
        if not draft.files:
            return see("/console/rules", "there is nothing to apply: you changed nothing")
        if not running.begin(draft, wanted, Who(viewer.person, viewer.name, why)):
            words = "changes are still being looked at, yours or somebody else's: press it again in a minute"
            return see("/console/rules/draft", words)
        return see("/console/rules/draft")


def _mine(tx: Transaction, bench: RuleBench, viewer: Viewer) -> tuple[Draft, dict[str, str]]:
    in_force = edited.by_name(files_of(tx.ruleset(RuleSetState.ACTIVE)), bench.folder)
    return drafts.kept(tx, viewer.person), in_force


def _demand_name(name: str) -> None:
    """Raise 404 for what can be no file below the folder of rules."""
    parts = name.split("/")
    bad = {"", ".", ".."} & set(parts) or "tests" in parts[:-1] or any(part.startswith(".") for part in parts)
    if (
        bad
        or not name.endswith((".yaml", ".yml"))
        or len(name) > 200
        or "\\" in name
        or not name.isprintable()
    ):
        raise HTTPException(HTTPStatus.NOT_FOUND, "a file of rules is called like new-car.yaml")


def _findings(bench: RuleBench, draft: Draft, in_force: Mapping[str, str]) -> list[Problem]:
    """Everything `beforehand check` would find in the files somebody changed."""
    if not draft.files:
        return []
    files = {edited.path_of(name, bench.folder): text for name, text in draft.over(in_force).items()}
    changed = {edited.path_of(name, bench.folder) for name in draft.files}
    return [problem for problem in bench.found(files) if problem.path in changed]


async def _edit_page(
    request: Request, bench: RuleBench, draft: Draft, in_force: Mapping[str, str], name: str
) -> Response:
    change = draft.files.get(name)
    text = (change.text if change is not None else in_force.get(name)) or ""
    path = edited.path_of(name, bench.folder)
    found = [one for one in await asyncio.to_thread(_findings, bench, draft, in_force) if one.path == path]
    wrong = {one.line for one in found}
    rows = text.count("\n") + 1 + SPARE
    return render(
        request,
        "console/rules/file.html",
        name=name,
        text=text,
        change=change,
        known=name in in_force,
        overtaken=name in draft.overtaken(in_force),
        apart=lines(in_force.get(name), text) if change is not None else [],
        findings=found,
        gutter=[(number, number in wrong) for number in range(1, rows + 1)],
        rows=rows,
    )
