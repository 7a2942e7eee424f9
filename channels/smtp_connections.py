"""Connections to one SMTP server: opened, secured and logged in, kept while they are good, given back."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from channels.base import Misconfigured, Unavailable
from channels.smtp import Stage, error

Tls = Literal["starttls", "implicit", "none"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_GOODBYE = 5.0  # seconds; a QUIT that is not answered keeps nobody waiting


class Connections:
    """Opens connections to one server and keeps those that wait for their next mail.

    Raises :class:`~channels.base.Misconfigured` for settings that cannot work.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: Tls,
        username: str,
        password: str,
        *,
        helo: str,
        timeout: float,
        tls_context: ssl.SSLContext | None,
        most: int = 8,
        rest: float = 60,
    ) -> None:
        if tls not in {"starttls", "implicit", "none"}:
            raise Misconfigured(f"email: tls is starttls, implicit or none, not {tls!r}")
        if tls == "none" and username and host not in _LOOPBACK:
            raise Misconfigured("email: a password does not travel without TLS")
        self._host, self._port, self._tls = host, port, tls
        self._username, self._password = username, password
        self._helo = helo or _own_name()
        self._timeout = timeout
        self._context = tls_context
        self._idle: list[SMTP] = []  # the one used last is used next, so that the rest may time out
        self._closed = False
        self._most, self._rest = most, rest
        self._unanswered = 0  # in a row
        self._next_try = 0.0  # of the loop's clock, once the server is taken to be stuck

    def unanswered(self) -> None:
        """Note that the server took longer than it was given, in whatever phase."""
        self._unanswered += 1
        if self._unanswered >= self._most:
            self._next_try = asyncio.get_running_loop().time() + self._rest

    def waiting(self) -> SMTP | None:
        """Take a connection that waits, if one does; it may have been dropped meanwhile."""
        return self._idle.pop() if self._idle and self._unanswered < self._most else None

    def keep(self, smtp: SMTP) -> None:
        """Let *smtp* wait for its next mail."""
        self._unanswered = 0
        if self._closed:
            smtp.close()
        else:
            self._idle.append(smtp)

    async def close(self) -> None:
        """Say goodbye on every connection that waits; one in use is closed when it is given back."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(smtp) for smtp in idle))

    async def open(self) -> SMTP:
        """Connect, secure, greet and log in; raise a :class:`~channels.base.ChannelError` if that fails.

        A server that let *most* mails in a row wait in vain is left alone for *rest* seconds, and is then
        tried by one at a time: whoever else comes is told at once, and holds nobody up.
        """
        self._try_or_leave()
        if self._tls != "none" and self._context is None:
            self._context = ssl.create_default_context()
        smtp = SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._password or None,
            local_hostname=self._helo,
            timeout=self._timeout,
            use_tls=self._tls == "implicit",
            start_tls=self._tls == "starttls",
            tls_context=self._context,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except SMTPResponseException as refused:
            smtp.close()
            raise error(Stage.SESSION, refused.code, refused.message) from None
        except (SMTPServerDisconnected, SMTPTimeoutError, SMTPConnectError, OSError) as broken:
            smtp.close()
            if isinstance(broken, SMTPTimeoutError):
                self.unanswered()
            raise Unavailable("the server cannot be reached", raw=str(broken)) from None
        except (SMTPException, UnicodeError) as wrong:  # no STARTTLS, no login it understands, no host name
            smtp.close()
            raise Misconfigured(
                "the server does not offer what the settings ask for", raw=str(wrong)
            ) from None
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _try_or_leave(self) -> None:
        if self._unanswered < self._most:
            return
        now = asyncio.get_running_loop().time()
        if now < self._next_try:
            raise Unavailable("the server answered nobody a moment ago")
        self._next_try = now + self._rest  # this one tries; the others wait for what it learns


def _own_name() -> str:
    """Name this machine in full, or by the literal of RFC 5321 4.1.3; without DNS."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


async def _quit(smtp: SMTP) -> None:
    with suppress(SMTPException):
        await smtp.quit(timeout=_GOODBYE)
    smtp.close()
