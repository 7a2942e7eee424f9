"""A page reads a customer's inbox and follows it, over HTTP, from a real ledger."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from channels.contract import MESSAGE
from channels.inbox import InboxChannel, name_of
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.inbox.listeners import Listeners
from orchestrator.inbox.store import Inbox
from orchestrator.inbox.tokens import issue
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from orchestrator.web.app import create_app
from orchestrator.web.inbox import Door, inbox_router
from tests.builders import at

NOW = at("2026-03-12 18:00")
HOUR = timedelta(hours=1)
KEY, OLD = "k" * 32, "o" * 32
ORIGIN = "https://my.example.com"


@dataclass
class Site:
    """The inbox behind its routes, in the event loop that runs them."""

    engine: Engine
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOW))
    look: float = 60.0
    heartbeat: float = 60.0

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.engine, patience=0.3)
        self.channel = InboxChannel(self.inbox)
        self.listeners: Listeners

    @asynccontextmanager
    async def app(self) -> AsyncIterator[FastAPI]:
        self.listeners = Listeners(self.inbox, look=self.look, heartbeat=self.heartbeat)
        self.inbox.changed = self.listeners.ring
        telling = asyncio.create_task(self.listeners.run())
        door = Door((KEY, OLD), timedelta(hours=24), frozenset({ORIGIN}))

        async def never(*_: Any) -> Any:
            raise AssertionError

        yield create_app(
            never,
            now=self.clock.now,
            ready=never,
            routers=[inbox_router(self.inbox, self.listeners, door, self.clock.now)],
        )
        self.listeners.close()
        await telling

    async def put(self, number: int, to: str = "maria", **more: Any) -> str:
        """Send a message into an inbox, and name it."""
        message = replace(
            MESSAGE, channel="inbox", to=to, message_id=f"<{number}@example.com>",
            text=f"message {number}", at=self.clock.now(), **more,
        )  # fmt: skip
        await self.channel.send(message)
        return name_of(message.message_id)

    def path(self, rest: str = "", who: str = "maria", key: str = KEY, good: timedelta = HOUR) -> str:
        return f"/inbox/{issue(who, key, self.clock.now() + good)}{rest}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True)
    made = Site(Engine(ledger, RuleBook()))
    yield made
    made.inbox.close()
    ledger.close()


def visit(site: Site, do: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Be a page for a while."""

    async def run() -> None:
        async with site.app() as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await do(client)

    asyncio.run(run())


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    return str(response.json()["detail"])


# ── the feed ─────────────────────────────────────────────────────────────────


def test_a_page_shows_the_newest_first_and_what_was_not_read(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        name = await site.put(1, expires_at=NOW + HOUR)
        await site.put(2)
        await site.put(3, to="jonas")
        answer = await page.get(site.path())
        assert answer.status_code == 200
        content = answer.json()
        assert [item["text"] for item in content["items"]] == ["message 2", "message 1"]
        assert content["items"][1] == {
            "id": name, "title": MESSAGE.title, "text": "message 1", "link": MESSAGE.link,
            "at": NOW.isoformat(), "until": (NOW + HOUR).isoformat(), "read": None, "order": "",
            "locale": "de-DE",
        }  # fmt: skip
        assert (content["unread"], content["next"], content["number"]) == (2, None, 3)
        empty = await page.get(site.path(who="somebody"))
        assert (empty.json()["items"], empty.json()["unread"]) == ([], 0)

    visit(site, do)


def test_a_long_inbox_is_read_page_by_page(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        for number in range(7):
            await site.put(number)
        seen, before = [], ""
        while True:
            content = (await page.get(site.path(f"?limit=3{before}"))).json()
            seen += [item["text"] for item in content["items"]]
            if content["next"] is None:
                break
            before = f"&before={content['next']}"
        assert seen == [f"message {number}" for number in range(6, -1, -1)]

    visit(site, do)


def test_an_unchanged_page_is_not_sent_again(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        name = await site.put(1)
        tag = (await page.get(site.path())).headers["etag"]
        same = await page.get(site.path(), headers={"If-None-Match": f'"other", W/{tag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        await page.post(site.path(f"/items/{name}/read"))
        changed = await page.get(site.path(), headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag
        assert "private" in changed.headers["cache-control"]

    visit(site, do)


def test_what_is_past_is_shown_to_whoever_asks(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        await site.put(1, expires_at=NOW + HOUR)
        site.clock.advance(HOUR)
        assert (await page.get(site.path())).json()["items"] == []
        assert len((await page.get(site.path("?past=true"))).json()["items"]) == 1

    visit(site, do)


def test_reading_is_counted_once_and_asking_again_is_harmless(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        one, _, _ = [await site.put(number) for number in range(3)]
        for count in (1, 0):
            answer = await page.post(site.path(f"/items/{one}/read"))
            assert (answer.status_code, answer.json()) == (200, {"read": count})
        foreign = await page.post(site.path(f"/items/{one}/read", who="jonas"))
        assert foreign.json() == {"read": 0}
        for count in (2, 0):
            assert (await page.post(site.path("/read"))).json() == {"read": count}
        content = (await page.get(site.path())).json()
        assert content["unread"] == 0
        assert {item["read"] for item in content["items"]} == {NOW.isoformat()}

    visit(site, do)


def test_a_get_reads_nothing(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        name = await site.put(1)
        for path in (f"/items/{name}/read", "/read", "/active?surface=web"):
            assert (await page.get(site.path(path))).status_code == 405
        assert (await page.get(site.path())).json()["unread"] == 1

    visit(site, do)


# ── who is let in ────────────────────────────────────────────────────────────


def test_only_a_good_token_opens_an_inbox(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        await site.put(1)
        rest = ("", "/events")
        for path in rest:
            old = site.path(path, good=timedelta(seconds=-1))
            assert "too old" in problem(await page.get(old), 401)
            for wrong in (
                site.path(path, key="x" * 32),
                site.path(path, good=timedelta(hours=25)),
                f"/inbox/nothing{path}",
                f"/inbox/{'a' * 2_000}{path}",
            ):
                problem(await page.get(wrong), 403)
        for path in ("/read", "/active?surface=web"):
            problem(await page.post(site.path(path, key="x" * 32)), 403)
        assert (await page.get(site.path(key=OLD))).json()["unread"] == 1

    visit(site, do)


def test_pages_elsewhere_are_let_in_by_their_origin(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None)):
            for answer in (
                await page.get(site.path(), headers={"Origin": origin}),
                await page.get(site.path(key="x" * 32), headers={"Origin": origin}),
                await page.post(site.path("/read"), headers={"Origin": origin}),
                await page.options(site.path("/items/x/read"), headers={"Origin": origin}),
            ):
                assert answer.headers.get("access-control-allow-origin") == allowed
                assert answer.headers["vary"] == "Origin"
                assert "access-control-allow-credentials" not in answer.headers
        asked = await page.options(site.path("/read"), headers={"Origin": ORIGIN})
        assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "GET, POST")
        asked = await page.options(site.path("/read"), headers={"Origin": "https://evil.example"})
        assert "access-control-allow-methods" not in asked.headers

    visit(site, do)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "?limit=0", 400),
        ("GET", "?limit=101", 400),
        ("GET", "?limit=many", 400),
        ("GET", "?before=-1", 400),
        ("GET", "?before=99999999999999999999999", 400),
        ("GET", "?past=maybe", 400),
        ("GET", "/events?after=x", 400),
        ("POST", "/active", 400),
        ("POST", "/active?surface=%3Cscript%3E", 400),
        ("POST", "/items/..%2F..%2Fx/read", 404),
        ("POST", "/items/nothing/read", 404),
    ],
)
def test_what_makes_no_sense_is_refused(site: Site, method: str, path: str, status: int) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        answer = await page.request(method, site.path(path))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    visit(site, do)


def test_a_body_is_not_read(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        problem(await page.post(site.path("/read"), content=b"x" * 5_000), 413)
        assert (await page.post(site.path("/read"), content=b"{}")).status_code == 200

    visit(site, do)


def test_without_the_ledger_it_is_503_and_not_an_empty_inbox(site: Site, tmp_path: Path) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        await site.put(1)
        (tmp_path / "ledger.db").rename(tmp_path / "away.db")
        for answer in (
            await page.get(site.path()),
            await page.get(site.path("/events")),
            await page.post(site.path("/read")),
            await page.post(site.path("/active?surface=app")),
        ):
            assert "ledger" in problem(answer, 503)
            assert answer.headers["retry-after"] == "5"
        (tmp_path / "away.db").rename(tmp_path / "ledger.db")
        assert (await page.get(site.path())).json()["unread"] == 1

    visit(site, do)


def test_a_page_that_is_open_is_noted(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        assert (await page.post(site.path("/active?surface=app"))).status_code == 204
        with site.engine.ledger.read() as tx:
            (fact,) = tx.customer_facts(["maria"])["maria"]
        assert (fact.type, fact.happened, fact.data) == ("customer.active", NOW, {"surface": "app"})

    visit(site, do)


# ── following, on a real server ──────────────────────────────────────────────


class Server(uvicorn.Server):
    """Leaves signals to the test."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


Follow = Callable[[httpx.AsyncClient], Awaitable[None]]


def served(site: Site, do: Follow) -> None:
    """Be a page of a real server on loopback."""

    async def run() -> None:
        async with site.app() as app:
            with socket.create_server(("127.0.0.1", 0)) as listening:
                config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
                server = Server(config)
                serving = asyncio.create_task(server.serve([listening]))
                base = f"http://127.0.0.1:{listening.getsockname()[1]}"
                limits = httpx.Limits(max_connections=None)
                async with httpx.AsyncClient(base_url=base, limits=limits, timeout=20) as client:
                    await do(client)
                site.listeners.close()
                server.should_exit = True
                await asyncio.wait_for(serving, 20)

    asyncio.run(run())


@asynccontextmanager
async def following(page: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator["Stream"]:
    async with page.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


class Stream:
    """Server-sent events as a browser reads them."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last = ""

    async def next(self) -> tuple[str, Any]:
        """The next event and its data; comments are ``("", None)``, the end is ``("end", None)``."""
        kind, data = "message", ""
        async for line in self._lines:
            if line.startswith("id: "):
                self.last = line[4:]
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data += line[6:]
            elif line == ":":
                return "", None
            elif not line and data:
                return kind, json.loads(data)
        return "end", None


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  the server's own tasks ring no bell of ours
            await asyncio.sleep(0.01)


def test_a_page_that_listens_is_told_at_once_what_comes_what_is_read_and_what_goes(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")) as stream:
            await until(lambda: len(site.listeners) == 1)
            await site.put(9, to="jonas")
            name = await site.put(1, collapse_key="x")
            kind, item = await stream.next()
            assert (kind, item["id"], item["read"]) == ("item", name, None)
            await page.post(site.path(f"/items/{name}/read"))
            kind, item = await stream.next()
            assert (kind, item["id"], item["read"]) == ("item", name, NOW.isoformat())
            other = await site.put(2, collapse_key="x")
            assert await stream.next() == ("gone", {"id": name})
            assert (await stream.next())[1]["id"] == other

    served(site, do)


def test_a_page_that_comes_again_misses_nothing_and_hears_nothing_twice(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        feed = (await page.get(site.path())).json()
        await site.put(1)
        async with following(page, site.path(f"/events?after={feed['number']}")) as stream:
            assert (await stream.next())[1]["text"] == "message 1"
            last = stream.last
        await site.put(2)
        await site.put(3)
        again = site.path(f"/events?after={feed['number']}")
        async with following(page, again, **{"Last-Event-ID": last}) as stream:  # as a browser does
            assert [(await stream.next())[1]["text"] for _ in range(2)] == ["message 2", "message 3"]
            await site.put(4)
            assert (await stream.next())[1]["text"] == "message 4"

    served(site, do)


def test_what_comes_between_coming_in_and_asking_is_heard_once(site: Site) -> None:
    site.heartbeat = 0.05

    async def do(_: httpx.AsyncClient) -> None:
        listener = await site.listeners.enter("maria")
        await site.put(1)
        await until(lambda: bool(listener.waiting))
        told = site.listeners.follow(listener, 0, NOW + HOUR, site.clock.now)
        first = await anext(told)
        await site.put(2)
        second = await anext(told)
        assert [one.text for one in (first, second) if one] == ["message 1", "message 2"]
        assert await anext(told) is None  # silence

    served(site, do)


def test_a_number_from_the_future_is_taken_for_now(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events?after=999999")) as stream:
            await until(lambda: len(site.listeners) == 1)
            await site.put(1)
            assert (await stream.next())[1]["text"] == "message 1"

    served(site, do)


def test_what_another_process_writes_is_heard_too(site: Site, tmp_path: Path) -> None:
    site.look = 0.05

    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")) as stream:
            await until(lambda: len(site.listeners) == 1)
            site.inbox.changed = lambda: None  # nobody rings
            await site.put(1)
            assert (await stream.next())[1]["text"] == "message 1"

    served(site, do)


def test_who_follows_is_rung_for_what_changed_and_for_nothing_else(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        rings: list[None] = []
        site.inbox.changed = lambda: rings.append(None)
        await site.put(1)
        assert len(rings) == 1
        await site.put(1)
        await page.post(site.path("/active?surface=app"))
        assert len(rings) == 1
        await page.post(site.path("/read"))
        await page.post(site.path("/read"))
        assert len(rings) == 2

    visit(site, do)


def test_a_silent_line_is_kept_alive(site: Site) -> None:
    site.heartbeat = 0.05

    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")) as stream:
            assert [await stream.next() for _ in range(3)] == [("", None)] * 3

    served(site, do)


def test_the_stream_ends_with_the_token(site: Site) -> None:
    site.heartbeat = 0.05

    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")) as stream:
            assert await stream.next() == ("", None)
            site.clock.advance(HOUR)
            while (found := await stream.next()) == ("", None):
                pass
            assert found == ("end", None)

    served(site, do)


def test_streams_end_when_the_server_stops(site: Site) -> None:
    ended: list[tuple[str, Any]] = []

    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")) as stream:
            await until(lambda: len(site.listeners) == 1)
            site.listeners.close()
            ended.append(await stream.next())
            problem(await page.get(site.path("/events")), 429)

    served(site, do)
    assert ended == [("end", None)]


def test_whoever_goes_away_is_forgotten(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        for _ in range(3):
            async with following(page, site.path("/events")):
                await until(lambda: len(site.listeners) == 1)
            await until(lambda: len(site.listeners) == 0)

    served(site, do)


def test_one_customer_cannot_take_every_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.inbox.listeners.EACH", 1)

    async def do(page: httpx.AsyncClient) -> None:
        async with following(page, site.path("/events")):
            answer = await page.get(site.path("/events"))
            assert "too many" in problem(answer, 429)
            assert answer.headers["retry-after"] == "5"
            async with following(page, site.path("/events", who="jonas")):
                assert len(site.listeners) == 2

    served(site, do)


def test_three_hundred_idle_pages_hold_neither_threads_nor_connections(site: Site) -> None:
    async def do(page: httpx.AsyncClient) -> None:
        await site.put(0, to="nobody")
        threads = threading.active_count()
        opened: list[Any] = []
        for number in range(300):
            manager = following(page, site.path("/events", who=f"customer-{number}"))
            opened.append((manager, await manager.__aenter__()))
        await until(lambda: len(site.listeners) == 300)
        assert threading.active_count() <= threads + 32  # the pool that any loop has, whatever listens
        pool: Any = site.engine.ledger._database
        assert pool is not None
        await site.put(1, to="customer-7")
        assert (await opened[7][1].next())[1]["text"] == "message 1"
        for manager, _ in opened:
            await manager.__aexit__(None, None, None)
        await until(lambda: len(site.listeners) == 0)

    served(site, do)


def test_a_page_that_does_not_keep_up_is_cut_off_and_comes_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.inbox.listeners.BEHIND", 2)

    async def do(_: httpx.AsyncClient) -> None:
        listener = await site.listeners.enter("maria")
        for number in range(4):
            await site.put(number)
        await until(lambda: listener.ended)
        told = [
            item async for item in site.listeners.follow(listener, None, NOW + HOUR, site.clock.now) if item
        ]
        assert [item.text for item in told] == ["message 0", "message 1"]  # the rest when it comes again
        site.listeners.leave(listener)
        again = await site.listeners.enter("maria")
        rest = site.listeners.follow(again, told[-1].change, NOW + HOUR, site.clock.now)
        assert [item.text async for item in _first(rest, 2)] == ["message 2", "message 3"]

    served(site, do)


async def _first(items: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    async for item in items:
        yield item
        count -= 1
        if not count:
            return
