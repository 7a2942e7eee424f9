"""``/console/sign-in``, ``/console/sign-out`` and ``/console/welcome/TOKEN``, by which one comes in first."""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access import people, signing_in
from orchestrator.access.passwords import Passwords
from orchestrator.access.roles import Action, Viewer
from orchestrator.access.signing_in import TooOften
from orchestrator.access.tokens import digest
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import Account
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.session_door import SessionDoor
from orchestrator.web.signed_in import Allowed, address_of, demand_origin, form_of

BEGINNING = "/console"
_OURS = re.compile(r"/console(/[\w./~%=&?+:@-]*)?(\?[\w./~%=&?+:@-]*)?")  # no `//host`, no backslash
WRONG = "The address or the password is not right."


def router(desk: Desk, door: SessionDoor, passwords: Passwords) -> APIRouter:
    """Return the routes by which people come in and go out; all but the way out are open to everybody."""
    routes = APIRouter()
    pages = _Pages(desk, door, passwords)
    routes.add_api_route("/console/sign-in", pages.ask, methods=["GET"])
    routes.add_api_route("/console/sign-in", pages.sign_in, methods=["POST"])
    routes.add_api_route("/console/welcome/{token}", pages.welcome, methods=["GET"])
    routes.add_api_route("/console/welcome/{token}", pages.choose, methods=["POST"])

    @routes.post("/console/sign-out")
    async def sign_out(
        request: Request, _viewer: Annotated[Viewer, Depends(Allowed(Action.OWN_ACCOUNT))]
    ) -> Response:
        """End this browser's session."""
        token = door.session(request)
        await desk.write(lambda tx: tx.end_session(digest(token)))
        response = see("/console/sign-in", "You are signed out.")
        door.let_out(response)
        return response

    return routes


class _Pages:
    def __init__(self, desk: Desk, door: SessionDoor, passwords: Passwords) -> None:
        self._desk, self._door, self._passwords = desk, door, passwords

    async def ask(self, request: Request) -> Response:
        """Ask who it is."""
        after = _after(request.query_params)
        if await self._door.viewer(request) is not None:
            return see(after)
        return _sign_in_page(request, after=after)

    async def sign_in(self, request: Request) -> Response:
        """Let somebody in whose password fits."""
        demand_origin(request)
        form = await form_of(request)
        after, email = _after(form), form.get("email", "").strip().lower()
        address, now = address_of(request), self._desk.now()
        try:
            account = await self._desk.write(lambda tx: signing_in.attempt(tx, email, address, now))
        except TooOften as too_often:
            wait = max(1, int((too_often.until - now).total_seconds()))
            wrong = f"That failed too often. Try again in {_length(wait)}."
            response = _sign_in_page(request, HTTPStatus.TOO_MANY_REQUESTS, after, email, wrong)
            response.headers["Retry-After"] = str(wait)
            return response
        fits = partial(signing_in.fits, self._passwords, account, form.get("password", ""))
        if not await asyncio.to_thread(fits) or account is None:
            return _sign_in_page(request, HTTPStatus.UNPROCESSABLE_ENTITY, after, email, WRONG)
        return await self._in(request, account, after, address)

    async def welcome(self, request: Request, token: str) -> Response:
        """Ask for a password; the link stays good."""
        found = await self._desk.read(lambda tx: people.welcomed(tx, token, self._desk.now()))
        if found is None:
            return render(request, "console/welcome_over.html", status=HTTPStatus.GONE)
        account = found[1]
        return _welcome_page(request, account, {"name": "", "email": ""}, {})

    async def choose(self, request: Request, token: str) -> Response:
        """Keep the password, and let them in: the link is used."""
        demand_origin(request)
        form, now = await form_of(request), self._desk.now()
        found = await self._desk.read(lambda tx: people.welcomed(tx, token, now))
        if found is None:
            return render(request, "console/welcome_over.html", status=HTTPStatus.GONE)
        account = found[1]
        name, email = form.get("name", ""), form.get("email", "")
        known = (account.name, account.email) if account else (name, email)
        choose = partial(people.chosen, self._passwords, form.get("password", ""), *known, self._desk.company)
        try:
            kept = await asyncio.to_thread(choose)

            def use(tx: Transaction) -> Account | None:
                return people.welcome(tx, token, kept, now, name=name, email=email)

            new = await self._desk.write(use)
        except people.Refused as refused:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return _welcome_page(request, account, {"name": name, "email": email}, refused.wrong, status)
        if new is None:
            return render(request, "console/welcome_over.html", status=HTTPStatus.GONE)
        return await self._in(request, new, BEGINNING, address_of(request))

    async def _in(self, request: Request, account: Account, after: str, address: str) -> Response:
        old, now = self._door.session(request), self._desk.now()

        def succeed(tx: Transaction) -> str | None:
            if old:
                tx.end_session(digest(old))
            return signing_in.succeed(tx, account, address, now)

        token = await self._desk.write(succeed)
        if token is None:
            return _sign_in_page(request, HTTPStatus.UNPROCESSABLE_ENTITY, after, account.email, WRONG)
        response = see(after)
        self._door.let_in(response, token)
        return response


def _sign_in_page(
    request: Request, status: HTTPStatus = HTTPStatus.OK, after: str = "", email: str = "", wrong: str = ""
) -> Response:
    return render(request, "console/sign_in.html", status=status, after=after, email=email, wrong=wrong)


def _welcome_page(
    request: Request,
    account: Account | None,
    given: Mapping[str, str],
    wrong: Mapping[str, str],
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    return render(request, "console/welcome.html", status=status, account=account, given=given, wrong=wrong)


def _after(given: Mapping[str, str]) -> str:
    """Where to go then: a page of ours, whatever somebody wrote into the address."""
    after = given.get("next", "")
    return after if _OURS.fullmatch(after) and "//" not in after else BEGINNING


def _length(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
