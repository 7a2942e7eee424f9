"""``/console/account/sessions``: where one is signed in, and signing out elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access.audit import By, Told, record
from orchestrator.access.passwords import Passwords
from orchestrator.access.roles import Action, Viewer
from orchestrator.access.tokens import digest
from orchestrator.ledger import Transaction
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.session_door import SessionDoor
from orchestrator.web.signed_in import Allowed, form_of

PATH = "/console/account/sessions"
Self = Annotated[Viewer, Depends(Allowed(Action.OWN_ACCOUNT))]
SHOWN = 16  # letters of a session's hash, by which a form names it; nobody comes in by a hash


def router(desk: Desk, door: SessionDoor, _passwords: Passwords) -> APIRouter:
    """Return the routes about one's own sessions."""
    routes = APIRouter()

    @routes.get(PATH)
    async def listed(request: Request, viewer: Self) -> Response:
        """List the browsers in which they are signed in."""
        ages, now, own = door.ages, desk.now(), digest(door.session(request))
        found = await desk.read(lambda tx: tx.sessions_of(viewer.person))
        alive = [one for one in found if ages.holds(one, now)]
        rows = [(one.digest[:SHOWN], one, one.digest == own) for one in alive]
        return render(request, "console/sessions.html", rows=rows, ages=ages)

    @routes.post(PATH)
    async def end(request: Request, viewer: Self) -> Response:
        """End one of the others, or all of them; the one that asks goes on."""
        which, own, now = (await form_of(request)).get("which", ""), digest(door.session(request)), desk.now()

        def work(tx: Transaction) -> int:
            if which == "others":
                ended = tx.end_sessions(viewer.person, but=own)
            else:
                found = [one.digest for one in tx.sessions_of(viewer.person) if one.digest[:SHOWN] == which]
                ended = len(found) if own not in found else 0
                for one in found if ended else ():
                    tx.end_session(one)
            if ended:
                about = f"{viewer.name} <{viewer.email}>"
                told = Told("sign out elsewhere", about, after={"browsers": ended})
                record(tx, By.viewer(viewer), told, now)
            return ended

        ended = await desk.write(work)
        if not ended:
            return see(PATH, "That one was over already.")
        return see(PATH, f"Signed out in {ended} other {'browser' if ended == 1 else 'browsers'}.")

    return routes
