"""``/console/rules``: journeys drawn as phases, each rule with what it did of late, and every version."""

import asyncio
from collections.abc import Mapping
from difflib import unified_diff
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access.roles import Action, Viewer
from orchestrator.drafting import drafts
from orchestrator.drafting.bench import Played, RuleBench, files_of
from orchestrator.journey import RuleBook
from orchestrator.ledger import Asked, RuleSet, RuleSetState, Stops, Transaction
from orchestrator.model import Status
from orchestrator.rules import edited
from orchestrator.views import rules as views
from orchestrator.views.now import share_of
from orchestrator.web.console.pausing import pause_or_resume
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Tries = Annotated[Viewer, Depends(Allowed(Action.TRY_RULES))]
Pauses = Annotated[Viewer, Depends(Allowed(Action.PAUSE))]
Proposes = Annotated[Viewer, Depends(Allowed(Action.PROPOSE_RULES))]

PAGE = 20  # versions
LAST = 15  # firings, and suppressions
ENDED = frozenset({Status.SUPPRESSED, Status.CANCELLED, Status.EXPIRED, Status.FAILED, Status.HELD})
FIRED = frozenset({Status.ACCEPTED, Status.UNKNOWN, Status.SENDING, Status.DISPATCHED, Status.SCHEDULED})


def router(desk: Desk) -> APIRouter:
    """Return the routes of the rules in force; none where nobody can read rule files."""
    routes = APIRouter()
    if desk.rules is None:
        return routes
    bench = desk.rules
    tests = _Tests(bench)

    @routes.get("/console/rules")
    async def overview(request: Request, viewer: Sees) -> Response:
        """Draw every journey in force."""
        return render(
            request, "console/rules/overview.html", **await desk.read(lambda tx: _overview(desk, tx, viewer))
        )

    @routes.get("/console/rules/rule/{name}")
    async def rule(request: Request, name: str, viewer: Sees) -> Response:
        """Show a rule: its source, its tests, what it said of late and what not."""
        found = await desk.read(lambda tx: _rule(desk, bench, tx, name, viewer))
        return render(request, "console/rules/rule.html", played=tests.known(found["files"], name), **found)

    @routes.post("/console/rules/rule/{name}/tests")
    async def play(name: str, _viewer: Tries) -> Response:
        """Run the tests of operations, and show those that see this rule."""

        def look(tx: Transaction) -> Mapping[str, str]:
            if desk.engine.follow(tx).rule(name) is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"no rule is called {name}")
            return files_of(tx.ruleset(RuleSetState.ACTIVE))

        files = await desk.read(look)
        played = await asyncio.to_thread(tests.run, files)
        failed = sum(not one.passed for one in played)
        said = (
            f"{len(played) - failed} tests passed, {failed} failed"
            if failed
            else f"{len(played)} tests passed"
        )
        return see(f"/console/rules/rule/{quote(name, safe='')}#tests", said)

    @routes.post("/console/rules/rule/{name}/pause")
    async def pause(request: Request, name: str, viewer: Pauses) -> Response:
        """Let a rule stand still, or go on."""
        form = await form_of(request)

        def work(tx: Transaction) -> str:
            if desk.engine.follow(tx).rule(name) is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"no rule is called {name}")
            return pause_or_resume(tx, viewer, Stops.RULE, name, form, desk.now())

        return see(f"/console/rules/rule/{quote(name, safe='')}", await desk.change(work))

    @routes.get("/console/rules/versions")
    async def versions(request: Request, _viewer: Sees, before: int = 0) -> Response:
        """List every set of rules that was in force or proposed."""
        return render(
            request,
            "console/rules/versions.html",
            **await desk.read(lambda tx: _versions(tx, bench.folder, before)),
        )

    @routes.get("/console/rules/versions/{number}")
    async def version(request: Request, number: int, _viewer: Sees) -> Response:
        """Show what one version changed, and how it differs from what is in force."""
        return render(
            request,
            "console/rules/version.html",
            **await desk.read(lambda tx: _version(tx, bench.folder, number)),
        )

    @routes.post("/console/rules/versions/{number}/back")
    async def back(number: int, viewer: Proposes) -> Response:
        """Make a draft of an old version."""

        def work(tx: Transaction) -> None:
            then, active = tx.ruleset_of(number), tx.ruleset(RuleSetState.ACTIVE)
            if then is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no version {number}")
            in_force = edited.by_name(files_of(active), bench.folder)
            draft = drafts.kept(tx, viewer.person)
            drafts.keep(tx, drafts.put_back(draft, then, in_force, bench.folder, desk.now()))

        await desk.change(work)
        return see(
            "/console/rules/draft", f"version {number} is a draft now: look at what it changes, and apply it"
        )

    return routes


class _Tests:
    """How the tests of operations ended for the files they were last run over, in this process."""

    def __init__(self, bench: RuleBench) -> None:
        self._bench = bench
        self._files: Mapping[str, str] = {}
        self._played: list[Played] | None = None

    def run(self, files: Mapping[str, str]) -> list[Played]:
        self._played, self._files = self._bench.played(files), files
        return self._played

    def known(self, files: Mapping[str, str], rule: str) -> list[Played] | None:
        """Those that saw this rule, or failed; nothing if these files were not tested yet."""
        if self._played is None or self._files != files:
            return None
        return [one for one in self._played if rule in one.rules or not one.passed]


def paused_rules(tx: Transaction) -> dict[str, str]:
    """Why rules stand still, by their id."""
    return {one.name: one.reason for one in tx.pauses() if one.kind is Stops.RULE}


def _overview(desk: Desk, tx: Transaction, viewer: Viewer) -> dict[str, Any]:
    book = desk.engine.follow(tx)
    active, held = tx.ruleset(RuleSetState.ACTIVE), tx.ruleset(RuleSetState.HELD)
    assert desk.rules is not None
    in_force = edited.by_name(files_of(active), desk.rules.folder)
    draft = drafts.kept(tx, viewer.person)
    return {
        "journeys": views.journeys(book, paused_rules(tx)),
        "active": active,
        "held": held,
        "draft": draft,
        "names": drafts.names(draft, in_force),
        "edited": [one for one in edited.read(active.edits if active is not None else "") if not one.seen],
    }


def _rule(desk: Desk, bench: RuleBench, tx: Transaction, name: str, viewer: Viewer) -> dict[str, Any]:
    book: RuleBook = desk.engine.follow(tx)
    rule = book.rule(name)
    if rule is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no rule is called {name}")
    files = files_of(tx.ruleset(RuleSetState.ACTIVE))
    share = share_of(viewer)
    said = tx.messages(Asked(rule=name, statuses=FIRED, share=share), limit=LAST)
    unsaid = tx.messages(Asked(rule=name, statuses=ENDED, share=share), limit=LAST)
    return {
        "rule": rule,
        "card": views.card(rule, paused_rules(tx).get(name, "")),
        "journey": book.journeys[rule.journey],
        "files": files,
        "file": edited.name_of(rule.path, bench.folder),
        "since": book.activated.get(name),
        "source": views.source_of(rule, book.journeys.values(), files.get(rule.path, "")),
        "fired": said,
        "kept_back": unsaid,
    }


def _versions(tx: Transaction, folder: str, before: int) -> dict[str, Any]:
    found = tx.rulesets(before=before or None, limit=PAGE + 1)
    rows = [
        (
            one,
            [
                edited.name_of(path, folder)
                for path in edited.changed_between(old.sources if old else {}, one.sources)
            ],
        )
        for one, old in zip(found, [*found[1:], None], strict=False)
    ][:PAGE]
    return {
        "rows": rows,
        "next": f"/console/rules/versions?before={rows[-1][0].id}" if len(found) > PAGE else "",
    }


def _version(tx: Transaction, folder: str, number: int) -> dict[str, Any]:
    found = tx.ruleset_of(number)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no version {number}")
    earlier = next(iter(tx.rulesets(before=number, limit=1)), None)
    active = tx.ruleset(RuleSetState.ACTIVE)
    return {
        "version": found,
        "changed": compared(earlier, found, folder),
        "apart": compared(active, found, folder) if active is not None and active.id != number else [],
    }


def compared(before: RuleSet | None, after: RuleSet, folder: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The files in which two sets of rules differ, each with its changed lines."""
    was = {} if before is None else before.sources
    return [
        (edited.name_of(path, folder), lines(was.get(path), after.sources.get(path)))
        for path in edited.changed_between(was, after.sources)
    ]


def lines(before: str | None, after: str | None) -> list[tuple[str, str]]:
    """The changed lines of a file with some around them, each with what it is: added, gone, same or place."""
    kinds = {"+": "added", "-": "gone", "@": "place"}
    found = unified_diff((before or "").splitlines(), (after or "").splitlines(), lineterm="", n=2)
    return [
        (kinds.get(line[:1], "same"), line if line[:1] == "@" else line[1:])
        for number, line in enumerate(found)
        if number > 1
    ]
