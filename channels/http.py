"""One table: an HTTP answer, or its absence → the error it means (RFC 9110 §15, RFC 6585).

The provider's words stay in ``raw``: they often quote the recipient's address, which no reason may.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import httpx

from channels.base import ChannelError, Misconfigured, Rejected, Unavailable, Unknown

DAY = timedelta(days=1)
NO_TRUST = "the provider's certificate does not hold"
NO_ADDRESS = "the provider's address cannot be called"
NO_CONNECTION = "no connection to the provider"

_OURS = frozenset({401, 402, 403, 407})  # our login, our bill, our rights
_ELSEWHERE = frozenset({404, 405})  # nothing of the provider's is at that address
_NOT_NOW = frozenset({408, 425, 429})  # by their definitions nothing was done
_NO_ADDRESS = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
)
_NEVER_LEFT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of ``headers`` are found in any case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Is it 2xx?"""
        return 200 <= self.status_code < 300

    @property
    def text(self) -> str:
        """What it says, whatever it is."""
        return self.content.decode(errors="replace")


def refused(
    status: int,
    headers: Mapping[str, str],
    text: str = "",
    *,
    code: str = "",
    doubt: bool = True,
    recipient: bool = False,
) -> ChannelError:
    """The error that an answer with this *status* means; *code* is the provider's own.

    ::

        3xx                  Misconfigured: we follow no redirect
        401, 402, 403, 407   Misconfigured: our login, our bill, our rights
        404, 405             Misconfigured: not the provider's address
        408, 425, 429        Unavailable, not before Retry-After
        any other 4xx        Rejected, this message
        5xx                  Unknown; without *doubt* Unavailable, not before Retry-After
        anything else        Unknown

    Without *doubt* a 5xx means that nothing was taken, or that a copy would be recognised. A channel whose
    recipients are addresses of their own (push) asks its own table about 404 and 410 first, and says with
    *recipient* that others may be reached all the same.
    """
    reason = f"the provider answered {status}" + (f" ({code})" if code else "")
    code = code or str(status)
    if status in _OURS or status in _ELSEWHERE or 300 <= status < 400:
        return Misconfigured(reason, code=code, raw=text)
    if status in _NOT_NOW or (500 <= status < 600 and not doubt):
        wait = retry_after(headers)
        return Unavailable(reason, retry_after=wait, recipient=recipient, code=code, raw=text)
    if 400 <= status < 500:
        return Rejected(reason, code=code, raw=text)
    return Unknown(reason, code=code, raw=text)


def broken(error: Exception) -> ChannelError:
    """The error that no whole answer means: an exception of aiohttp or of httpx, over either transport.

    ::

        a certificate that does not hold       Misconfigured
        an address nobody can call             Misconfigured
        no connection, or none in time         Unavailable: the request never left
        anything later                         Unknown: the provider may have it

    Of httpx over aiohttp the cause is asked: it calls every broken connection a ``ConnectTimeout``, even one
    that broke after the whole request was read.
    """
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError | TimeoutError) else error
    raw = type(cause).__name__
    if _distrusts(error):
        return Misconfigured(NO_TRUST, raw=raw)
    if isinstance(cause, _NO_ADDRESS):
        return Misconfigured(NO_ADDRESS, raw=raw)
    if isinstance(cause, _NEVER_LEFT):
        return Unavailable(NO_CONNECTION, raw=raw)
    return Unknown("the connection broke after the request may have left", raw=raw)


def unconnected(error: Exception) -> ChannelError:
    """The error it means that no connection came about, or none in time: the request never left."""
    raw = type(error).__name__
    return Misconfigured(NO_TRUST, raw=raw) if _distrusts(error) else Unavailable(NO_CONNECTION, raw=raw)


def _distrusts(error: Exception) -> bool:
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _chain(error))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """What ``Retry-After`` asks for (RFC 9110 10.2.3), at most a day; ``None`` if it says nothing readable.

    A date is measured from the answer's own ``Date``: whose clock is right does not matter. Without one it is
    measured from our own, *now*.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), DAY)
    try:
        wait = parsedate_to_datetime(said) - (_dated(headers) or now or datetime.now(UTC))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), DAY)


def _dated(headers: Mapping[str, str]) -> datetime | None:
    """When the answer was written by the provider's clock."""
    try:
        return parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it came of, and so on: the clients wrap what the handshake says."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
