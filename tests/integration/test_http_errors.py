"""What an HTTP answer, or its absence, means: by the table, and by real connections that break."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import httpx
import pytest
import trustme
from httpx_aiohttp import AiohttpTransport
from hypothesis import given
from hypothesis import strategies as st

from channels.base import ChannelError, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract.http_server import (
    CUT_AFTER,
    CUT_BEFORE,
    CUT_WITHIN,
    NONSENSE,
    SLOW,
    Answer,
    HttpServer,
)
from channels.contract.http_server import Request as Asked
from channels.http import DAY, broken, refused, retry_after

pytestmark = pytest.mark.anyio

DATE = "Thu, 12 Mar 2026 17:30:00 GMT"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Provider(HttpServer):
    """Takes everything."""

    def answer(self, request: Asked) -> Answer:
        return Answer.of(201, {"id": "1"})


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        yield server


# ── answers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Misconfigured), (302, Misconfigured), (307, Misconfigured), (400, Rejected),
        (401, Misconfigured), (402, Misconfigured), (403, Misconfigured), (404, Misconfigured),
        (405, Misconfigured),
        (407, Misconfigured), (408, Unavailable), (409, Rejected), (410, Rejected), (413, Rejected),
        (415, Rejected), (422, Rejected), (425, Unavailable), (429, Unavailable), (500, Unknown),
        (502, Unknown), (503, Unknown), (504, Unknown), (599, Unknown), (100, Unknown), (200, Unknown),
        (600, Unknown), (999, Unknown),
    ],
)  # fmt: skip
def test_an_answer_means_the_error_of_the_table(status: int, error: type[ChannelError]) -> None:
    meant = refused(status, {}, "it said maria.keller@example.com")
    assert type(meant) is error
    assert (meant.code, meant.raw) == (str(status), "it said maria.keller@example.com")
    assert "maria" not in meant.reason


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_without_doubt_is_not_now(status: int) -> None:
    meant = refused(status, {"Retry-After": "7"}, doubt=False)
    assert isinstance(meant, Unavailable)
    assert meant.retry_after == timedelta(seconds=7)


def test_the_providers_own_code_is_the_code() -> None:
    meant = refused(429, {}, code="20429")
    assert (meant.code, meant.reason) == ("20429", "the provider answered 429 (20429)")


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("0", timedelta()),
        ("99999999999999999999", DAY),
        ("Thu, 12 Mar 2026 17:31:30 GMT", timedelta(seconds=90)),
        ("Thursday, 12-Mar-26 17:31:30 GMT", timedelta(seconds=90)),
        ("Thu, 12 Mar 2026 17:29:00 GMT", timedelta()),
        ("Thu, 12 Mar 2126 17:29:00 GMT", DAY),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Thu, 32 Mar 2026 17:31:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, wait: timedelta | None) -> None:
    assert retry_after({"Retry-After": said, "Date": DATE}) == wait


@pytest.mark.parametrize("dated", [{}, {"Date": "yesterday"}])
def test_without_the_servers_clock_a_date_is_measured_by_ours(dated: dict[str, str]) -> None:
    now = parsedate_to_datetime(DATE)

    assert retry_after({"Retry-After": "Thu, 12 Mar 2026 17:31:30 GMT", **dated}, now) == timedelta(
        seconds=90
    )
    assert retry_after({"Retry-After": DATE, **dated}, now + timedelta(hours=1)) == timedelta()
    assert retry_after({"Retry-After": "Thu, 12 Mar 2126 17:29:00 GMT", **dated}) == DAY


@given(said=st.text(), date=st.text())
def test_no_retry_after_is_too_strange(said: str, date: str) -> None:
    wait = retry_after({"Retry-After": said, "Date": date})
    assert wait is None or timedelta() <= wait <= DAY


# ── no answer ────────────────────────────────────────────────────────────────


class Aiohttp:
    """aiohttp, with the one verb that the tests need."""

    def __init__(self) -> None:
        timeout = aiohttp.ClientTimeout(connect=0.2, sock_connect=0.2, sock_read=0.2)
        self.session = aiohttp.ClientSession(timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def post(self, url: str, content: bytes) -> None:
        async with self.session.post(url, data=content) as response:
            await response.read()


def _aiohttp() -> Any:
    return Aiohttp()


def _httpx() -> Any:
    return httpx.AsyncClient(timeout=0.2)


def _httpx_over_aiohttp() -> Any:
    return httpx.AsyncClient(timeout=0.2, transport=AiohttpTransport())


@pytest.fixture(
    params=[_aiohttp, _httpx, _httpx_over_aiohttp], ids=["aiohttp", "httpx", "httpx over aiohttp"]
)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    make: Callable[[], Any] = request.param
    async with make() as made:
        yield made


async def meaning(posted: Awaitable[Any]) -> ChannelError:
    with pytest.raises((aiohttp.ClientError, httpx.HTTPError, httpx.InvalidURL, TimeoutError)) as caught:
        await posted
    return broken(caught.value)


@pytest.mark.parametrize("misdeed", [CUT_AFTER, CUT_WITHIN, NONSENSE, SLOW, CUT_BEFORE])
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
async def test_what_breaks_after_the_request_left_is_unknown(
    provider: Provider, client: Any, misdeed: str, *, kept: bool
) -> None:
    if kept:
        await client.post(f"{provider.url}/", content=b"1")
    provider.answering(misdeed)
    assert isinstance(await meaning(client.post(f"{provider.url}/", content=b"x" * 5000)), Unknown)


async def test_what_nobody_listened_to_never_left(provider: Provider, client: Any) -> None:
    provider.refusing()
    assert isinstance(await meaning(client.post(f"{provider.url}/", content=b"1")), Unavailable)


async def test_an_address_that_nobody_can_call_is_our_mistake(client: Any) -> None:
    assert isinstance(await meaning(client.post("ftp://example.com/", content=b"1")), Misconfigured)


async def test_a_certificate_that_does_not_hold_is_not_talked_to(client: Any) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    meant = await meaning(client.post(f"https://localhost:{port}/", content=b"1"))
    server.close()
    assert isinstance(meant, Misconfigured)
    assert not any(heard)
