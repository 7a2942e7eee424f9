"""Every route says who may use it, and holds them to it: roles × actions over the application as served.

The application is wired as a daemon wires it; only who comes in is said by the test.
"""

import asyncio
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from orchestrator.access import keys
from orchestrator.access.audit import By
from orchestrator.access.keys import Scope
from orchestrator.access.roles import GRANTS, WHOLE_HOUSE, WORDS, Action, Grant, Role, Viewer
from orchestrator.cli.web import application
from orchestrator.web.api.keys import Key
from orchestrator.web.console.live import Watcher
from orchestrator.web.heads import is_stream
from orchestrator.web.hearing import writing
from orchestrator.web.signed_in import SAFE, Allowed, OpenDoor
from tests.web.installation import Installed, installed

PUBLIC = "https://updates.example.com"
OPEN = {
    "/": "it leads to the console",
    "/health": "a load balancer asks",
    "/ready": "a load balancer asks",
    "/metrics": "Prometheus asks, where the settings let it",
    "/callbacks/{name}": "the provider's signature proves it",
    "/inbox/{token}": "the token is the customer's",
    "/unsubscribe/{token}": "the signed link is the reader's",
    "/static/{version}/{name:path}": "nothing in it is anybody's",
    "/order/{token}": "the signed link is the customer's",
    "/preferences/{token}": "the signed link is the customer's",
    "/reply/{token}": "the signed link is the reader's",
    "/task/{token}": "the signed link is the colleague's to whom the task went",
    "/pages/": "what stands on customers' pages: nothing in it is anybody's",
    "/api/v1/openapi.json": "it says what can be asked, and nothing of anybody",
    "/console/sign-in": "here one comes in",
    "/console/welcome/{token}": "the link is good once",
}
"""What asks for nobody who is signed in and for no key, and why."""
DEEPER = {
    "/console/rules/held": "whoever proposed it may take it back; only others may release it",
}
"""Unsafe routes that more than one action opens, which ask themselves."""

WHO = [
    *(Viewer(n, str(role), "", role) for n, role in enumerate(Role, 1)),
    Viewer(9, "an admin of one location", "", Role.ADMIN, frozenset({"munich"})),
]


class Door(OpenDoor):
    """Lets in whoever a header names."""

    async def viewer(self, request: Request) -> Viewer | None:
        return WHO[int(request.headers["who"])] if "who" in request.headers else None


@dataclass
class Served:
    """The application, as a daemon serves it to the world."""

    app: FastAPI
    home: Installed
    door: Door

    def routes(self) -> Iterator[tuple[str, APIRoute]]:
        for route in self.app.state.routes:
            for method in sorted(route.methods or ()):
                yield method, route

    def asked(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Ask one after the other."""

        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
                return [await client.request(method, path, **more) for method, path, more in requests]

        return asyncio.run(run())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {"BEFOREHAND_SERVER__PUBLIC_URL": PUBLIC, "BEFOREHAND_SERVER__SIGNING_KEYS": "k" * 32}

    async def ready() -> bool:
        return True

    with (
        installed(tmp_path_factory.mktemp("access"), **settings) as home,
        writing(home.engine) as write,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        watcher = Watcher(home.engine.ledger.mark)
        app = application(home.settings, home.engine, write, {}, (), lambda: None, ready, watcher, server)
        watcher.close()  # so that /console/live ends at once
        app.state.door = door = Door(WHO[0])
        yield Served(app, home, door)


def declared(route: APIRoute) -> tuple[Action | None, Scope | None]:
    """The action and the scope that a route depends on."""
    found: list[Any] = []

    def walk(dependant: Dependant) -> None:
        found.append(dependant.call)
        for further in dependant.dependencies:
            walk(further)

    walk(route.dependant)
    actions = [each.action for each in found if isinstance(each, Allowed)]
    scopes = [each.scope for each in found if isinstance(each, Key)]
    return next(iter(actions), None), next(iter(scopes), None)


# ── the table ────────────────────────────────────────────────────────────────


def test_the_table_answers_for_every_role_and_action_and_every_action_has_words() -> None:
    assert set(GRANTS) == {(role, action) for role in Role for action in Action}
    assert set(WORDS) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_each_role_may_what_the_one_before_it_may(action: Action) -> None:
    rank = [Grant.NO, Grant.OF_OTHERS, Grant.YES]
    granted = [rank.index(GRANTS[role, action]) for role in Role]

    assert granted == sorted(granted)


def test_who_proposed_something_does_not_release_it_whatever_their_role() -> None:
    for viewer in WHO:
        if not viewer.is_limited:
            assert not viewer.may(Action.RELEASE, proposed_by=viewer.person)
    approver = next(one for one in WHO if one.role is Role.APPROVER)
    assert approver.may(Action.RELEASE, proposed_by=99)
    assert approver.may(
        Action.RELEASE, proposed_by=None
    )  # it came from the files, by nobody who is known here


def test_who_is_limited_to_a_location_touches_nothing_of_the_whole_house_and_sees_no_other() -> None:
    limited = next(one for one in WHO if one.role is Role.ADMIN and one.is_limited)

    assert not any(limited.may(action) for action in WHOLE_HOUSE)
    assert (limited.sees("munich"), limited.sees("berlin"), limited.sees("")) == (True, False, False)
    by_brand = Viewer(9, "", "", Role.OPERATOR, brands=frozenset({"nord"}))
    assert (by_brand.sees("munich", "nord"), by_brand.sees("munich", "lindner")) == (True, False)


# ── the routes ───────────────────────────────────────────────────────────────


def test_every_route_declares_an_action_or_a_scope_or_is_open_for_a_reason(served: Served) -> None:
    undeclared = {
        f"{method} {route.path}"
        for method, route in served.routes()
        if declared(route) == (None, None) and not route.path.startswith(tuple(OPEN))
    }

    assert not undeclared


def test_whatever_answers_get_answers_head_as_well(served: Served) -> None:
    paths = [re.sub(r"{.*?}", "x", route.path) for method, route in served.routes() if method == "GET"]
    asked = [path for path in paths if not is_stream(path)]

    gotten = served.asked(*(("GET", path, {}) for path in asked))
    headed = served.asked(*(("HEAD", path, {}) for path in asked))

    assert {"/unsubscribe/x", "/order/x", "/health", "/console/now", "/api/v1/orders"} <= set(asked)
    assert [one.status_code for one in headed] == [one.status_code for one in gotten]
    assert not any(one.content for one in headed)


def test_what_changes_something_declares_more_than_seeing(served: Served) -> None:
    careless = {
        f"{method} {route.path}"
        for method, route in served.routes()
        if method not in SAFE and declared(route)[0] is Action.SEE and route.path not in DEEPER
    }

    assert not careless


def test_every_route_of_the_console_holds_every_role_to_the_table(served: Served) -> None:
    """What is not theirs may be refused to who is limited for that alone."""
    asked, wanted = [], []
    proof = {"Origin": PUBLIC, "X-CSRF-Token": served.door.token(Request({"type": "http"}))}
    for method, route in served.routes():
        action, _ = declared(route)
        if action is None or method == "HEAD":
            continue
        path = re.sub(
            r"\{(\w+)(:\w+)?\}", lambda at: "999999" if at[1] == "number" else "nothing", route.path
        )
        for n, viewer in enumerate(WHO):
            more: dict[str, Any] = {"headers": {"who": str(n), **proof}}
            asked.append((method, path, more if method in SAFE else {**more, "data": {"nothing": ""}}))
            wanted.append((viewer, action, method, route.path))
    wrong = [
        f"{viewer.role}{' limited' if viewer.is_limited else ''}: {method} {path}: {answer.status_code}"
        for answer, (viewer, action, method, path) in zip(served.asked(*asked), wanted, strict=True)
        if answer.status_code == 500
        or (answer.status_code != 403 and not viewer.may(action))
        or (answer.status_code == 403 and viewer.may(action) and not viewer.is_limited)
    ]

    assert not wrong


def test_who_is_not_signed_in_is_led_to_the_door_from_every_page(served: Served) -> None:
    asked = [
        (method, re.sub(r"\{\w+(:\w+)?\}", "1", route.path), {})
        for method, route in served.routes()
        if declared(route)[0] is not None and method in SAFE
    ]
    doors = {answer.headers.get("location", "").partition("?")[0] for answer in served.asked(*asked)}

    assert doors == {"/console/sign-in"}


def test_40_every_form_without_its_token_is_403(served: Served) -> None:
    asked = [
        (method, re.sub(r"\{\w+(:\w+)?\}", "1", route.path), {"headers": {"who": "3", "Origin": PUBLIC}})
        for method, route in served.routes()
        if declared(route)[0] is not None and method not in SAFE
    ]
    answers = served.asked(
        *((method, path, {**more, "data": {"csrf": "0" * 43}}) for method, path, more in asked)
    )

    assert len(answers) > 5
    assert {answer.status_code for answer in answers} == {403}


# ── keys ─────────────────────────────────────────────────────────────────────

BY = By("root", "command line")
EVENT = {
    "specversion": "1.0", "id": "1", "source": "dealer", "type": "customer.upserted", "subject": "C-9",
    "time": "2026-03-02T08:00:00Z", "data": {"name": "Maria Keller"},
}  # fmt: skip


def sent(served: Served, *given: str) -> list[httpx.Response]:
    """Send an event with each of these keys."""
    kind = {"Content-Type": "application/cloudevents+json"}
    return served.asked(
        *(
            ("POST", "/events", {"json": EVENT, "headers": {**kind, "Authorization": key} if key else kind})
            for key in given
        )
    )


def test_40_a_key_that_may_only_read_does_not_write(served: Served) -> None:
    now = served.home.clock.now()
    with served.home.engine.ledger.transaction() as tx:
        _, reading = keys.add(tx, BY, now, "reporting", [Scope.ORDERS_READ])
        _, writing_key = keys.add(tx, BY, now, "dealer", [Scope.EVENTS_WRITE])
    refused, taken = sent(served, f"Bearer {reading}", f"Bearer {writing_key}")

    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert 'error="insufficient_scope", scope="events:write"' in refused.headers["www-authenticate"]
    assert "reporting lacks events:write" in refused.json()["detail"]
    assert taken.status_code in (200, 202)


def test_only_a_whole_good_key_opens_anything(served: Served) -> None:
    now = served.home.clock.now()
    with served.home.engine.ledger.transaction() as tx:
        key, whole = keys.add(tx, BY, now, "shop", [Scope.EVENTS_WRITE])
    wrong = [
        "", "Bearer", "Bearer ", f"Basic {whole}", f"Bearer {whole[:-1]}", f"Bearer {whole}x",
        f"Bearer bfh_{key.prefix}_", f"Bearer {key.digest}", f"Bearer bfh_{key.prefix}_{key.digest}",
        "Bearer bfh__", "Bearer x", f"Bearer {'x' * 5_000}",
    ]  # fmt: skip
    answers = sent(served, *wrong, f"bearer {whole}")

    assert [answer.status_code for answer in answers[:-1]] == [401] * len(wrong)
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers[:-1])
    assert answers[-1].status_code in (200, 202)


def test_two_keys_of_a_name_are_good_until_the_old_one_is_revoked(served: Served) -> None:
    now, ledger = served.home.clock.now(), served.home.engine.ledger
    with ledger.transaction() as tx:
        old, first = keys.add(tx, BY, now, "rotating", [Scope.EVENTS_WRITE])
        _, second = keys.rotate(tx, BY, now, "rotating")
        with pytest.raises(keys.Refused, match="revoke the older one first"):
            keys.rotate(tx, BY, now, "rotating")
    assert [a.status_code < 300 for a in sent(served, f"Bearer {first}", f"Bearer {second}")] == [True, True]
    with ledger.transaction() as tx:
        keys.revoke(tx, BY, now, old.prefix)
    assert [a.status_code for a in sent(served, f"Bearer {first}", f"Bearer {second}")] == [401, 200]
    with ledger.read() as tx:
        kept = [key for key in tx.api_keys() if key.name == "rotating"]
        assert all(key.used_at is not None for key in kept)
        everything = f"{tx.api_keys()} {tx.changes(limit=1_000)}"
        assert not [key.digest for key in kept if key.digest in everything]
    assert not [whole for whole in (first, second) if whole.rpartition("_")[2] in everything]
