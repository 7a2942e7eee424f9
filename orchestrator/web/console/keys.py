"""The keys of other systems, which stand on ``/console/people``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access import keys
from orchestrator.access.audit import By
from orchestrator.access.keys import Scope
from orchestrator.access.people import Refused
from orchestrator.access.roles import Action, Viewer
from orchestrator.errors import NotFound
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import ApiKey
from orchestrator.web.console.people import PLACE, Pages
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, fields_of, form_of

Keeper = Annotated[Viewer, Depends(Allowed(Action.MANAGE_KEYS))]


def router(desk: Desk) -> APIRouter:
    """Return the routes that make, rotate and revoke keys."""
    routes = APIRouter()
    pages = Pages(desk)

    @routes.post("/console/keys")
    async def make_key(request: Request, viewer: Keeper) -> Response:
        """Make a key, and show it once."""
        form, scopes = await form_of(request), await fields_of(request, "scopes")
        chosen = [Scope(scope) for scope in scopes if scope in set(Scope)]
        try:
            key, whole = await desk.write(
                lambda tx: keys.add(tx, By.viewer(viewer), desk.now(), form.get("key_name", ""), chosen)
            )
        except Refused as refused:
            wrong = {f"key_{name}": why for name, why in refused.wrong.items()}
            return await pages.everybody(request, form, wrong, chosen)
        return render(request, "console/key_once.html", key=key, whole=whole)

    @routes.post("/console/keys/{prefix}/rotate")
    async def rotate_key(request: Request, prefix: str, viewer: Keeper) -> Response:
        """Make the key that follows this one, and show it once."""

        def rotated(tx: Transaction) -> tuple[ApiKey, str]:
            old = tx.api_key(prefix)
            if old is None:
                raise NotFound
            return keys.rotate(tx, By.viewer(viewer), desk.now(), old.name)

        try:
            key, whole = await pages.known(rotated)
        except Refused as refused:
            return see(PLACE, f"{refused}.".capitalize())
        return render(request, "console/key_once.html", key=key, whole=whole)

    @routes.post("/console/keys/{prefix}/revoke")
    async def revoke_key(prefix: str, viewer: Keeper) -> Response:
        """Let a key open nothing any more."""
        key = await pages.known(lambda tx: keys.revoke(tx, By.viewer(viewer), desk.now(), prefix))
        return see(PLACE, f"The key bfh_{key.prefix} of {key.name} is revoked.")

    return routes
