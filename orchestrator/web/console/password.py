"""``/console/account/password``: another password for oneself."""

import asyncio
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access import people, signing_in
from orchestrator.access.passwords import Passwords
from orchestrator.access.people import Refused
from orchestrator.access.roles import Action, Viewer
from orchestrator.access.signing_in import TooOften
from orchestrator.ledger import Transaction
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.session_door import SessionDoor
from orchestrator.web.signed_in import Allowed, address_of, form_of

PATH = "/console/account/password"
Self = Annotated[Viewer, Depends(Allowed(Action.OWN_ACCOUNT))]


def router(desk: Desk, door: SessionDoor, passwords: Passwords) -> APIRouter:
    """Return the routes by which somebody changes their password."""
    routes = APIRouter()

    @routes.get(PATH)
    async def ask(request: Request, _viewer: Self) -> Response:
        """Ask for both passwords."""
        return _page(request, {})

    @routes.post(PATH)
    async def change(request: Request, viewer: Self) -> Response:
        """Keep the new one; the session goes on under another token, and every other one ends."""
        form, now, address = await form_of(request), desk.now(), address_of(request)
        try:
            account = await desk.write(lambda tx: signing_in.attempt(tx, viewer.email, address, now))
        except TooOften:
            return _page(request, {"old": "that failed too often: wait some minutes"})
        fits = partial(signing_in.fits, passwords, account, form.get("old", ""))
        if not await asyncio.to_thread(fits) or account is None:
            return _page(request, {"old": "this is not the password you have"})
        new = form.get("password", "")
        try:
            choose = partial(people.chosen, passwords, new, viewer.name, viewer.email, desk.company)
            kept = await asyncio.to_thread(choose)
        except Refused as refused:
            return _page(request, refused.wrong)

        def keep(tx: Transaction) -> str | None:
            people.change_password(tx, viewer, kept, now)
            changed = tx.account(viewer.person)
            assert changed is not None
            return signing_in.succeed(tx, changed, address, now)

        token = await desk.write(keep)
        if token is None:
            return see("/console/sign-in")
        response = see("/console/account", "Your password is changed.")
        door.let_in(response, token)
        return response

    return routes


def _page(request: Request, wrong: Mapping[str, str]) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return render(request, "console/password.html", status=status, wrong=wrong)
