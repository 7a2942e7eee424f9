"""How Twilio's library asks for its lists over our connections, and forms as they are written.

Its own asynchronous client keeps no timeout, loses ``Retry-After`` and logs whom it writes to. Forms are
written by yarl: 3 µs for a text, where ``urlencode`` takes 17.
"""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from yarl import URL

from channels import sms_codes
from channels.http import Answer
from channels.http_client import HttpClient

_silent = logging.getLogger(__name__)
_silent.disabled = True


class Requests(AsyncHttpClient):  # type: ignore[misc]  # Twilio's library has no types
    """Carries the library's requests; what is no success leaves as a channel's error."""

    def __init__(self, client: HttpClient) -> None:
        super().__init__(_silent, is_async=True)
        self._client = client

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 -- the library gives none
        allow_redirects: bool = False,  # noqa: ARG002 -- no list is anywhere else
    ) -> Response:
        """Make one request of the library; raises :class:`~channels.base.ChannelError`."""
        login = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}
        url = str(URL(uri).update_query(params) if params else URL(uri))
        form = form_of(data) if data else b""  # its header is there already
        answer = await self._client.ask(method.upper(), url, {**(headers or {}), **login}, form)
        return Response(answer.status_code, taken(answer), answer.headers)


def taken(answer: Answer) -> str:
    """What Twilio answered; raises the :class:`~channels.base.ChannelError` that a refusal means."""
    if not answer.is_success:
        raise sms_codes.error(answer.status_code, answer.headers, answer.text)
    return answer.text


def form_of(values: Mapping[str, Any]) -> bytes:
    """*values* as ``application/x-www-form-urlencoded`` has them (WHATWG URL 5)."""
    return URL.build(query=values).raw_query_string.encode()
