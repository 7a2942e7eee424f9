"""``/console/people``: who may sign in and as what; the page shows the keys of other systems too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from orchestrator.access import people
from orchestrator.access.audit import By
from orchestrator.access.keys import Scope
from orchestrator.access.people import Refused
from orchestrator.access.roles import Action, Role, Viewer
from orchestrator.errors import NotFound
from orchestrator.findings import did_you_mean
from orchestrator.ledger.access_values import Account, ApiKey
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render, see
from orchestrator.web.signed_in import Allowed, form_of

Admin = Annotated[Viewer, Depends(Allowed(Action.MANAGE_PEOPLE))]
PLACE = "/console/people"

ROLES = {
    Role.READ_ONLY: "sees everything, changes nothing",
    Role.OPERATOR: "also looks after orders: calls, promises, tasks, messages, pauses",
    Role.APPROVER: "also releases what somebody else proposed, and erases customers",
    Role.ADMIN: "also looks after people and keys",
}


@dataclass(frozen=True, slots=True)
class Everybody:
    """What the page shows."""

    accounts: list[Account]
    keys: list[ApiKey]
    locations: list[str]


def router(desk: Desk) -> APIRouter:
    """Return the routes about people and keys."""
    routes = APIRouter()
    pages = Pages(desk)

    @routes.get(PLACE)
    async def everybody(request: Request, _viewer: Admin) -> Response:
        """List people and keys."""
        return await pages.everybody(request)

    @routes.post(PLACE)
    async def add(request: Request, viewer: Admin) -> Response:
        """Let somebody in, and show their link once."""
        form = await form_of(request)
        try:
            given = await pages.given(form)
            account, token = await desk.write(
                lambda tx: people.add(tx, By.viewer(viewer), desk.now(), **given)
            )
        except Refused as refused:
            return await pages.everybody(request, form, refused.wrong)
        return pages.link(request, account, token)

    @routes.get(f"{PLACE}/{{number}}")
    async def somebody(request: Request, number: int, _viewer: Admin) -> Response:
        """Show somebody, to change what they may do."""
        return await pages.somebody(request, number)

    @routes.post(f"{PLACE}/{{number}}")
    async def change(request: Request, number: int, viewer: Admin) -> Response:
        """Change who somebody is here."""
        form = await form_of(request)
        try:
            given = await pages.given(form)
            account = await pages.known(
                lambda tx: people.change(tx, By.viewer(viewer), desk.now(), number, **given)
            )
        except Refused as refused:
            return await pages.somebody(request, number, form, refused.wrong)
        return see(PLACE, f"{account.name} is saved.")

    @routes.post(f"{PLACE}/{{number}}/disable")
    async def disable(request: Request, number: int, viewer: Admin) -> Response:
        """Let somebody in no more."""
        try:
            account = await pages.known(lambda tx: people.disable(tx, By.viewer(viewer), desk.now(), number))
        except Refused as refused:
            return await pages.somebody(request, number, {}, refused.wrong)
        return see(PLACE, f"{account.name} is disabled, and signed out everywhere.")

    @routes.post(f"{PLACE}/{{number}}/enable")
    async def enable(number: int, viewer: Admin) -> Response:
        """Let somebody in again."""
        account = await pages.known(lambda tx: people.enable(tx, By.viewer(viewer), desk.now(), number))
        return see(f"{PLACE}/{number}", f"{account.name} may sign in again.")

    @routes.post(f"{PLACE}/{{number}}/link")
    async def link(request: Request, number: int, viewer: Admin) -> Response:
        """Show a new one-time link for somebody, once."""
        try:
            account, token = await pages.known(
                lambda tx: people.link(tx, By.viewer(viewer), desk.now(), number)
            )
        except Refused as refused:
            return await pages.somebody(request, number, {}, refused.wrong)
        return pages.link(request, account, token)

    return routes


class Pages:
    """What both people and keys need of the page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def everybody(
        self,
        request: Request,
        given: Mapping[str, str] | None = None,
        wrong: Mapping[str, str] | None = None,
        scopes: Iterable[Scope] = (),
    ) -> Response:
        """The list of people and keys, with what somebody *given* typed and what is *wrong* with it."""
        found = await self._desk.read(
            lambda tx: Everybody(tx.accounts(), tx.api_keys(), sorted(filter(None, tx.locations())))
        )
        return render(
            request,
            "console/people.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
            found=found,
            roles=ROLES,
            scopes=tuple(Scope),
            chosen=frozenset(scopes),
            brands=sorted(self._desk.brands),
            given=given or {},
            wrong=wrong or {},
        )

    async def somebody(
        self,
        request: Request,
        number: int,
        given: Mapping[str, str] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> Response:
        """One person, with what is typed and what is wrong with it."""
        account, locations = await self._desk.read(
            lambda tx: (tx.account(number), sorted(filter(None, tx.locations())))
        )
        if account is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "nobody here has that number")
        kept = {
            "name": account.name,
            "email": account.email,
            "role": account.role,
            "locations": ", ".join(sorted(account.locations)),
            "brands": ", ".join(sorted(account.brands)),
        }
        return render(
            request,
            "console/person.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
            account=account,
            roles=ROLES,
            locations=locations,
            brands=sorted(self._desk.brands),
            given={**kept, **(given or {})},
            wrong=wrong or {},
        )

    def link(self, request: Request, account: Account, token: str) -> Response:
        """Somebody's one-time link."""
        base = self._desk.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        address = f"{base}/console/welcome/{token}"
        return render(request, "console/link_once.html", account=account, address=address)

    async def given(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Read the form; raises :class:`Refused` for what nobody has."""
        known = await self._desk.read(lambda tx: [place for place in tx.locations() if place])
        locations, brands = _several(form.get("locations", "")), _several(form.get("brands", ""))
        wrong = {}
        if (role := form.get("role", "")) not in set(Role):
            wrong["role"] = "choose what they may do"
        if known and (slip := next((one for one in locations if one not in known), "")):
            hint = did_you_mean(slip, known) or f"there are {', '.join(sorted(known)[:5])}"
            wrong["locations"] = f"no order is at {slip}; {hint}"
        if slip := next((one for one in brands if one not in self._desk.brands), ""):
            wrong["brands"] = f"no brand is called {slip}; {did_you_mean(slip, sorted(self._desk.brands))}"
        if wrong:
            raise Refused(wrong)
        return {
            "name": form.get("name", ""),
            "email": form.get("email", ""),
            "role": Role(role),
            "locations": locations,
            "brands": brands,
        }

    async def known(self, work: Any) -> Any:
        """Do something about somebody or something that may not be there (404)."""
        try:
            return await self._desk.write(work)
        except NotFound as missing:
            raise HTTPException(HTTPStatus.NOT_FOUND, str(missing)) from None


def _several(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
