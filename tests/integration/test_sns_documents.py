"""Certificates of SNS come over HTTPS from whoever proves to be SNS, short, and without a detour."""

import ssl
from collections.abc import Iterator

import httpx
import pytest
import trustme

from channels.base import Unavailable
from channels.contract import Answer, HttpServer, Request
from channels.contract.http_server import CUT_WITHIN
from channels.reporters.amazon_ses import LARGEST, fetched
from tests.contracts.mail_callbacks import CERTIFICATE

pytestmark = pytest.mark.anyio
CA = trustme.CA()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Shows(HttpServer):
    """Whatever a test puts there."""

    shown = Answer(200, b"-----BEGIN CERTIFICATE-----")

    def answer(self, request: Request) -> Answer:
        return self.shown


def serving(name: str) -> Shows:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(context)
    return Shows(tls=context)


@pytest.fixture
def sns() -> Iterator[Shows]:
    with serving("sns.eu-central-1.amazonaws.com") as running:
        yield running


class Rerouted(httpx.AsyncHTTPTransport):
    """Reaches *server* under the name that was asked for, and believes our own authority alone."""

    def __init__(self, server: Shows) -> None:
        context = ssl.create_default_context()
        CA.configure_trust(context)
        super().__init__(verify=context)
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._server.host, port=self._server.port)
        return await super().handle_async_request(request)


async def test_a_document_of_sns_is_fetched(sns: Shows) -> None:
    assert await fetched(CERTIFICATE, Rerouted(sns)) == sns.shown.body


async def test_nobody_else_can_show_one() -> None:
    with serving("example.org") as other, pytest.raises(Unavailable):
        await fetched(CERTIFICATE, Rerouted(other))


@pytest.mark.parametrize(
    "shown",
    [
        Answer(302, b"", {"Location": "https://example.org/x.pem"}),
        Answer(404, b"no"),
        Answer(500, b"no"),
        Answer(200, b"x" * (LARGEST + 1)),
    ],
)
async def test_a_detour_a_failure_and_too_much_are_no_document(sns: Shows, shown: Answer) -> None:
    sns.shown = shown
    with pytest.raises(Unavailable):
        await fetched(CERTIFICATE, Rerouted(sns))


async def test_half_a_document_is_none(sns: Shows) -> None:
    sns.answering(CUT_WITHIN)
    with pytest.raises(Unavailable):
        await fetched(CERTIFICATE, Rerouted(sns))
