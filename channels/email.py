"""Email over SMTP: kept connections, serialised bytes, one recipient a mail (RFC 5321).

A mail has one recipient, so 250 for one and 550 for another are two mails and never half a success.
Until the body leaves, a broken connection is :class:`~channels.base.Unavailable`; from then on only the
server knows, and it is :class:`~channels.base.Unknown`: to be sent again with the same Message-ID.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from channels.base import (
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)
from channels.dkim import Signer
from channels.kinds.email import KIND
from channels.mime import address, compose
from channels.smtp import Stage, error
from channels.smtp_connections import Connections, Tls

_BROKEN = (SMTPServerDisconnected, SMTPTimeoutError)
_QUEUED = re.compile(r"(?:queued as |\bid=|\bok:? +(?!queued))<?([\w.@-]{6,})", re.IGNORECASE)


class EmailChannel:
    """Sends through one SMTP server over at most *connections* kept connections, in one event loop.

    *tls* is ``starttls`` (refuses a server without it), ``implicit`` or ``none``. *bounce* is the envelope
    sender, by default the message's; *dkim* signs each mail, and *marks* are header lines for the provider
    (``{message_id}``). *helo* is the name we greet with. Timeouts in seconds: *connect* for TCP, TLS,
    greeting and login, *answer* for each command, *final* for the answer to a whole mail; a shorter *final*
    makes duplicates, for servers deliver what they were slow to confirm (RFC 1047). A server that answers
    nobody is left alone for *rest*.
    """

    name = "email"

    def __init__(
        self,
        host: str,
        port: int = 587,
        tls: Tls = "starttls",
        username: str = "",
        password: str = "",
        *,
        connections: int = 8,
        bounce: str = "",
        dkim: Signer | None = None,
        marks: tuple[str, ...] = (),
        helo: str = "",
        connect: float = 30,
        answer: float = 60,
        final: float = 600,
        rest: float = 60,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        if connections < 1:
            raise Misconfigured("email: connections must be at least 1")
        self.abilities = replace(KIND.abilities, concurrency=connections)
        self._connections = Connections(
            host, port, tls, username, password, helo=helo, timeout=connect, tls_context=tls_context,
            most=connections, rest=rest,
        )  # fmt: skip
        self._dkim, self._marks = dkim, marks
        self._bounce = _ours(bounce) if bounce else ""
        self._answer, self._final = answer, final
        self._room = asyncio.Semaphore(connections)

    async def send(self, message: Message) -> Receipt:
        """Hand *message* over as one mail; the receipt has the server's queue id, or else the Message-ID."""
        mail = compose(message)
        for mark in self._marks:
            mail = f"{mark.format(message_id=message.message_id)}\r\n".encode() + mail
        if self._dkim is not None:
            mail = self._dkim.signed(mail, _ours(message.sender))
        bounces = _ours(message.return_path) if message.return_path else self._bounce or _ours(message.sender)
        answer = await self.deliver(bounces, address(message.to), mail)
        queued = _QUEUED.search(answer.message)
        return Receipt(
            provider_id=queued[1] if queued else message.message_id,
            raw={"code": answer.code, "answer": answer.message},
        )

    async def deliver(self, sender: str, to: str, mail: bytes) -> SMTPResponse:
        """Hand over a mail that is written already (CRLF line ends, dots not doubled)."""
        async with self._room:
            smtp = await self._begin(sender, mail)
            async with self._kept(smtp):
                await self._ask(smtp, Stage.RECIPIENT, f"RCPT TO:<{to}>")
                await self._ask(smtp, Stage.CONTENT, "DATA")
                answer = await self._hand_over(smtp, mail)
                if answer.code >= 400:
                    raise error(Stage.CONTENT, *answer)
        return answer

    async def close(self) -> None:
        """Give the connections back; one in use goes when its mail is done."""
        await self._connections.close()

    async def _begin(self, sender: str, mail: bytes) -> SMTP:
        """A connection on which the server took MAIL: a kept one, or a new one if that turns out closed."""
        smtp = self._connections.waiting()
        if smtp is not None:
            try:
                return await self._introduce(smtp, sender, mail)
            except Unavailable:
                if smtp.is_connected:
                    raise  # else it had timed out, or its share of mails was used up
        return await self._introduce(await self._connections.open(), sender, mail)

    async def _introduce(self, smtp: SMTP, sender: str, mail: bytes) -> SMTP:
        async with self._kept(smtp, afterwards=False):
            command = f"MAIL FROM:<{sender}>"
            if smtp.supports_extension("size"):
                command += f" SIZE={len(mail)}"
            if not mail.isascii():  # only an address makes it so
                if not smtp.supports_extension("smtputf8"):
                    raise Rejected("the server cannot deliver to or from an address with such letters")
                command += " BODY=8BITMIME SMTPUTF8"
            await self._ask(smtp, Stage.SENDER, command)
        return smtp

    @asynccontextmanager
    async def _kept(self, smtp: SMTP, *, afterwards: bool = True) -> AsyncIterator[None]:
        """Keep the connection for the next mail, unless something about it is in doubt."""
        try:
            yield
        except BaseException as problem:
            good = False
            try:
                if isinstance(problem, Unavailable | Rejected | Misconfigured):
                    with suppress(SMTPException):
                        good = (await smtp.execute_command(b"RSET", timeout=self._answer)).code == 250
            finally:
                self._connections.keep(smtp) if good else smtp.close()
            raise
        if afterwards:
            self._connections.keep(smtp)

    async def _ask(self, smtp: SMTP, stage: Stage, command: str) -> None:
        """Say *command*; return if the server agrees. Nothing of the mail has left yet."""
        try:
            answer = await smtp.execute_command(command.encode(), timeout=self._answer)
        except _BROKEN as broken:
            self._timed(broken)
            raise Unavailable(f"the connection broke before the {stage} was taken", raw=str(broken)) from None
        except SMTPResponseException as nonsense:
            smtp.close()
            raise error(stage, nonsense.code, nonsense.message) from None
        if answer.code // 100 != (3 if command == "DATA" else 2):
            raise error(stage, *answer)

    def _timed(self, broken: SMTPException) -> None:
        if isinstance(broken, SMTPTimeoutError):
            self._connections.unanswered()

    async def _hand_over(self, smtp: SMTP, mail: bytes) -> SMTPResponse:
        """Send the body and the final dot, and wait long for the answer."""
        protocol = smtp.protocol
        if protocol is None or not protocol.is_connected:
            raise Unavailable("the connection broke before the content left")
        protocol.write(mail.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        try:
            answer = await protocol.read_response(timeout=self._final)
        except (*_BROKEN, SMTPResponseException) as broken:
            self._timed(broken)
            raise Unknown("no answer to the whole mail: the server may have it", raw=str(broken)) from None
        if answer.code < 200 or 300 <= answer.code < 400:
            raise Unknown("the answer to the whole mail makes no sense", raw=str(answer))
        if answer.code == 421:
            smtp.close()
        return answer


def _ours(mailbox: str) -> str:
    """The address of a sender of ours."""
    try:
        return address(mailbox)
    except Rejected as invalid:
        raise Misconfigured("the sender is no mailbox", raw=invalid.raw) from None
