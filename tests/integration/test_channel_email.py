"""The email channel against a real SMTP server that behaves, and then does not."""

import asyncio
import email
import email.message
import email.policy
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import dkim
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channels.base import Channel, ChannelError, Misconfigured, Rejected, Unavailable, Unknown
from channels.contract import MESSAGE, ChannelContract, Seen
from channels.dkim import Signer
from channels.email import EmailChannel
from channels.kinds.email import KIND, MARKS
from tests.contracts.smtp_server import CUT, SLOW, SmtpServer

PATIENT = {"connect": 10.0, "answer": 10.0, "final": 10.0}


def the_content(mail: bytes) -> email.message.EmailMessage:
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(parsed, email.message.EmailMessage)
    return parsed


class SmtpProvider(SmtpServer):
    """The server as the contract speaks to it."""

    def replying(self, answer: str) -> None:
        at, _, reply = answer.partition(": ")
        self.answering(reply, at=at)

    def slow(self) -> None:
        self.answering(SLOW, at="dot")

    def cutting_off(self) -> None:
        self.answering(CUT, at="dot")

    def seen(self) -> list[Seen]:
        return [self._seen(mail.to, the_content(mail.content)) for mail in self.mails]

    def _seen(self, to: str, mail: email.message.EmailMessage) -> Seen:
        part = mail.get_body(("plain",))
        assert part is not None
        return Seen(to, mail["Message-ID"], part.get_content())


class TestEmail(ChannelContract):
    declared: ClassVar = KIND.abilities
    answers: ClassVar = {
        "connect: 421 4.3.2 too busy": Unavailable,
        "connect: 554 5.7.1 your address is blocked": Misconfigured,
        "connect: cut": Unavailable,
        "connect: slow": Unavailable,
        "connect: hello": Unavailable,
        "EHLO: cut": Unavailable,
        "MAIL: 421 4.7.0 slow down": Unavailable,
        "MAIL: 451 4.3.0 later": Unavailable,
        "MAIL: 550 5.1.8 who is that": Misconfigured,
        "MAIL: 552 5.3.4 too large": Rejected,
        "MAIL: cut": Unavailable,
        "MAIL: slow": Unavailable,
        "RCPT: 421 4.7.0 slow down": Unavailable,
        "RCPT: 450 4.2.0 greylisted": Unavailable,
        "RCPT: 550 5.1.1 no such user": Rejected,
        "RCPT: 550 5.2.2 mailbox full": Rejected,
        "RCPT: 550 5.7.26 not authenticated": Misconfigured,
        "RCPT: 530 5.7.0 login first": Misconfigured,
        "RCPT: cut": Unavailable,
        "RCPT: nonsense": Unavailable,
        "DATA: 451 4.3.0 later": Unavailable,
        "DATA: cut": Unavailable,
        "DATA: slow": Unavailable,
        "dot: 421 4.7.0 slow down": Unavailable,
        "dot: 451 4.3.0 later": Unavailable,
        "dot: 550 5.7.26 not authenticated": Misconfigured,
        "dot: 554 5.6.0 no": Rejected,
        "dot: slow": Unknown,
        "dot: nonsense": Unknown,
        "dot: cut": Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[SmtpProvider]:
        with SmtpProvider() as server:
            yield server

    @pytest.fixture
    def channel(self, provider: SmtpProvider) -> Channel:
        return EmailChannel(provider.host, provider.port, "none", connect=0.2, answer=0.2, final=0.2)


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


async def hung_up(server: SmtpServer) -> None:
    """Let TLS say its goodbyes, which closing only begins."""
    await asyncio.to_thread(server.dropping_idle)
    loop = asyncio.get_running_loop()
    while len(loop._selector.get_map()) > 1:  # type: ignore[attr-defined]  # noqa: ASYNC110 -- its own pipe stays
        await asyncio.sleep(0)


async def refused(channel: EmailChannel, to: str = MESSAGE.to) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await channel.send(replace(MESSAGE, to=to))
    await channel.close()
    return caught.value


def to(server: SmtpServer, **settings: object) -> EmailChannel:
    return EmailChannel(server.host, server.port, **{"tls": "none", **PATIENT, **settings})  # type: ignore[arg-type]


async def test_the_receipt_has_the_servers_queue_id_and_its_answer(server: SmtpServer) -> None:
    channel = to(server)
    receipt = await channel.send(MESSAGE)
    await channel.close()
    assert receipt.provider_id == "0000000001"
    assert receipt.raw == {"code": 250, "answer": "2.0.0 Ok: queued as 0000000001"}


@pytest.mark.parametrize(
    ("reply", "wait"),
    [
        ("421 4.7.0 slow down", timedelta(minutes=30)),
        ("450 4.2.0 mailbox busy", timedelta(minutes=30)),
        ("450 4.7.1 greylisted, try again in 300 seconds", timedelta(minutes=5)),
        ("451 4.7.1 Please retry after 2 hours", timedelta(hours=2)),
        ("451 4.7.1 wait 99999 hours", timedelta(days=1)),
    ],
)
async def test_not_now_waits_half_an_hour_unless_the_server_says_otherwise(
    server: SmtpServer, reply: str, wait: timedelta
) -> None:
    server.answering(reply, at="RCPT")
    error = await refused(to(server))
    assert isinstance(error, Unavailable)
    assert error.retry_after == wait
    assert error.raw == reply


@pytest.mark.parametrize(
    ("reply", "dead"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.1.2 no such host", True),
        ("556 5.1.10 null MX", True),
        ("550 <maria.keller@example.com>: Recipient address rejected: User unknown in table", True),
        ("550 No such user here", True),
        ("550 mailbox unavailable", False),
        ("550 5.2.1 mailbox disabled", False),
        ("550 5.1.6 moved", False),
        ("554 rejected", False),
    ],
)
async def test_only_an_address_that_does_not_exist_is_suppressed(
    server: SmtpServer, reply: str, dead: bool
) -> None:
    server.answering(reply, at="RCPT")
    error = await refused(to(server))
    assert isinstance(error, Rejected)
    assert error.suppress is dead
    assert MESSAGE.to not in error.reason


async def test_of_two_recipients_only_the_refused_one_fails(server: SmtpServer) -> None:
    server.answering("550 5.1.1 no such user", at="RCPT", to="jonas.weber@example.com")
    channel = to(server)
    good, bad = await asyncio.gather(
        channel.send(MESSAGE),
        channel.send(replace(MESSAGE, to="jonas.weber@example.com", message_id="<2@example.com>")),
        return_exceptions=True,
    )
    await channel.close()
    assert isinstance(bad, Rejected)
    assert not isinstance(good, BaseException)
    assert [mail.to for mail in server.mails] == [MESSAGE.to]


async def test_a_mail_cut_off_after_the_dot_is_repeated_byte_for_byte(server: SmtpServer) -> None:
    server.answering(CUT, at="dot", times=1)
    channel = to(server)
    with pytest.raises(Unknown):
        await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    await channel.close()
    first, second = server.mails
    assert first.content == second.content


async def test_the_answer_to_the_whole_mail_is_waited_for_longer_than_the_others(server: SmtpServer) -> None:
    channel = to(server, answer=10.0, final=0.05)
    server.answering(SLOW, at="dot")
    assert isinstance(await refused(channel), Unknown)


async def test_connections_are_kept_and_never_more_than_allowed(server: SmtpServer) -> None:
    channel = to(server, connections=3)
    await asyncio.gather(*(channel.send(MESSAGE) for _ in range(30)))
    await channel.close()
    assert server.count == 30
    assert server.connections == server.most_open == 3
    assert server.commands["QUIT"] == 3


async def test_a_kept_connection_that_was_dropped_is_opened_again_unnoticed(server: SmtpServer) -> None:
    channel = to(server)
    await channel.send(MESSAGE)
    server.dropping_idle()
    await channel.send(MESSAGE)
    await channel.close()
    assert server.count == server.connections == 2


@pytest.mark.parametrize("end", [CUT, "421 4.7.0 too many mails in this connection"])
async def test_a_kept_connection_that_ends_at_mail_is_opened_again_once(server: SmtpServer, end: str) -> None:
    channel = to(server)
    await channel.send(MESSAGE)
    server.answering(end, at="MAIL", times=1)
    await channel.send(MESSAGE)
    assert server.count == server.connections == 2
    server.answering(end, at="MAIL")
    assert isinstance(await refused(channel), Unavailable)
    assert server.connections == 3


@pytest.mark.parametrize("reply", ["450 4.2.0 busy", "550 5.1.1 no such user"])
async def test_a_refused_recipient_costs_no_connection(server: SmtpServer, reply: str) -> None:
    channel = to(server)
    server.answering(reply, at="RCPT", times=1)
    with pytest.raises(ChannelError):
        await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    await channel.close()
    assert server.connections == 1
    assert server.count == 1


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "dot"])
async def test_421_gives_the_connection_up(server: SmtpServer, at: str) -> None:
    channel = to(server)
    server.answering("421 4.7.0 slow down", at=at, times=1)
    with pytest.raises(Unavailable):
        await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    await channel.close()
    assert server.connections == 2
    assert server.count == 1


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "dot"])
async def test_a_cancelled_send_gives_its_connection_up(server: SmtpServer, at: str) -> None:
    channel = to(server)
    server.answering(SLOW, at=at, times=1)
    sending = asyncio.create_task(channel.send(MESSAGE))
    await asyncio.to_thread(server.stalled.wait, 10)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await channel.send(MESSAGE)
    await channel.close()
    assert server.connections == 2
    assert server.count == 1


async def test_a_mail_under_way_when_the_channel_closes_arrives_and_leaves_no_connection(
    server: SmtpServer,
) -> None:
    channel = to(server)
    server.answering(SLOW, at="RCPT", times=1)
    sending = asyncio.create_task(channel.send(MESSAGE))
    await asyncio.to_thread(server.stalled.wait, 10)
    await channel.close()
    server.going_on()
    await sending
    await asyncio.to_thread(server.left_alone)
    assert server.count == 1


async def test_a_refused_connection_is_not_now(server: SmtpServer) -> None:
    server.refusing()
    assert isinstance(await refused(to(server)), Unavailable)


async def test_a_host_that_cannot_exist_is_a_wrong_setting() -> None:
    assert isinstance(await refused(EmailChannel("mx..example.com", 25, "none")), Misconfigured)


async def test_a_mail_that_is_signed_arrives_so_that_anybody_can_verify_it(server: SmtpServer) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    channel = to(server, dkim=Signer("summer26", pem))
    await channel.send(replace(MESSAGE, text=".\n..\nIhr Wagen ist da.  \n\n"))
    await channel.close()
    asked = []

    def record(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + b64encode(public)

    assert dkim.verify(server.mails[0].content, dnsfunc=record)
    assert asked == [b"summer26._domainkey.%b." % MESSAGE.sender.partition("@")[2].encode()]
    assert not dkim.verify(server.mails[0].content.replace(b"Wagen", b"Wagon"), dnsfunc=record)


async def test_a_provider_that_must_be_told_keeps_our_message_id(server: SmtpServer) -> None:
    channel = to(server, marks=MARKS["postmark"])
    await channel.send(MESSAGE)
    await channel.close()
    content = the_content(server.mails[0].content)
    assert content["X-PM-KeepID"] == "true"
    assert content["X-PM-Metadata-message"] == content["Message-ID"] == MESSAGE.message_id


async def test_a_message_may_have_a_return_path_of_its_own(server: SmtpServer) -> None:
    channel = to(server, bounce="bounces@autohaus-lindner.example")
    await channel.send(replace(MESSAGE, return_path="bounces+abc@autohaus-lindner.example"))
    await channel.close()
    assert server.mails[0].sender == "bounces+abc@autohaus-lindner.example"


async def test_the_envelope_carries_the_bounce_address_if_there_is_one(server: SmtpServer) -> None:
    for bounce in ("", "bounces@autohaus-lindner.example"):
        channel = to(server, bounce=bounce)
        await channel.send(MESSAGE)
        await channel.close()
    assert [mail.sender for mail in server.mails] == [MESSAGE.sender, "bounces@autohaus-lindner.example"]
    assert the_content(server.mails[1].content)["From"].addresses[0].addr_spec == MESSAGE.sender


async def test_a_domain_beyond_ascii_goes_out_in_ascii(server: SmtpServer) -> None:
    channel = to(server)
    await channel.send(replace(MESSAGE, to="maria@münchen.example"))
    await channel.close()
    assert server.mails[0].to == "maria@xn--mnchen-3ya.example"


async def test_a_local_part_beyond_ascii_needs_a_server_that_can() -> None:
    with SmtpServer() as plain:
        error = await refused(to(plain), to="jörg@example.com")
        assert isinstance(error, Rejected)
        assert not error.suppress
    with SmtpServer(extensions="8BITMIME SMTPUTF8") as able:
        channel = to(able)
        await channel.send(replace(MESSAGE, to="jörg@example.com"))
        await channel.close()
        assert able.mails[0].to == "jörg@example.com"


def without_certificates(purpose: int) -> ssl.SSLContext:
    """TLS that encrypts without anybody showing a certificate: this machine has no authority to sign one."""
    context = ssl.SSLContext(purpose)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if purpose == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


@pytest.fixture
def safe_server() -> Iterator[SmtpServer]:
    with SmtpServer(tls=without_certificates(ssl.PROTOCOL_TLS_SERVER), login=True) as running:
        yield running


async def test_login_happens_behind_starttls(safe_server: SmtpServer) -> None:
    channel = EmailChannel(
        safe_server.host,
        safe_server.port,
        "starttls",
        "autohaus-lindner",
        "not a secret",
        tls_context=without_certificates(ssl.PROTOCOL_TLS_CLIENT),
    )
    await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    await channel.close()
    assert safe_server.count == 2
    assert safe_server.connections == safe_server.commands["AUTH"] == 1


async def test_a_refused_login_is_a_wrong_setting(safe_server: SmtpServer) -> None:
    safe_server.answering("535 5.7.8 no", at="AUTH")
    tls = without_certificates(ssl.PROTOCOL_TLS_CLIENT)
    channel = EmailChannel(
        safe_server.host, safe_server.port, "starttls", "lindner", "wrong", tls_context=tls
    )
    assert isinstance(await refused(channel), Misconfigured)
    await hung_up(safe_server)


async def test_a_server_that_proves_nothing_gets_neither_password_nor_mail(safe_server: SmtpServer) -> None:
    channel = EmailChannel(safe_server.host, safe_server.port, "starttls", "lindner", "not a secret")
    assert isinstance(await refused(channel), Unavailable)
    assert safe_server.commands["AUTH"] == safe_server.count == 0
    context = channel._connections._context
    assert context
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signs certificates for this run of the tests, and is forgotten with it."""
    return trustme.CA()


@pytest.fixture
def implicit_server(authority: trustme.CA) -> Iterator[SmtpServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with SmtpServer(tls=context, implicit=True, login=True) as running:
        yield running


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_implicit_tls_is_safe_from_the_first_byte(
    implicit_server: SmtpServer, authority: trustme.CA
) -> None:
    channel = to(
        implicit_server,
        tls="implicit",
        username="lindner",
        password="not a secret",
        tls_context=trusting(authority),
    )
    await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    await channel.close()
    await hung_up(implicit_server)
    assert implicit_server.count == 2
    assert implicit_server.connections == implicit_server.commands["AUTH"] == 1
    assert implicit_server.commands["STARTTLS"] == 0


@pytest.mark.parametrize("other", ["a stranger's authority", "another name"])
async def test_implicit_tls_asks_for_a_certificate_of_that_very_server(
    implicit_server: SmtpServer, authority: trustme.CA, other: str
) -> None:
    strange = other != "another name"
    channel = to(
        implicit_server,
        tls="implicit",
        tls_context=trusting(trustme.CA() if strange else authority),
    )
    if not strange:
        assert implicit_server.tls
        authority.issue_cert("mx.example.org").configure_cert(implicit_server.tls)
    assert isinstance(await refused(channel), Unavailable)
    await hung_up(implicit_server)
    assert implicit_server.count == 0


async def test_implicit_tls_with_a_server_that_speaks_plainly_sends_nothing(server: SmtpServer) -> None:
    channel = to(server, tls="implicit", connect=0.2)
    assert isinstance(await refused(channel), Unavailable)
    assert server.commands["MAIL"] == server.count == 0


STUCK = {"connect": 0.2, "answer": 0.2, "final": 0.2}


@pytest.mark.parametrize("at", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
async def test_a_server_that_is_stuck_holds_up_hardly_more_mails_than_there_are_connections(
    server: SmtpServer, at: str
) -> None:
    stage = {"connect": "connect", "EHLO": "connect", "dot": "final"}.get(at, "answer")
    channel = to(server, connections=3, **{stage: 3.0})  # the others take what a busy machine needs
    server.answering(SLOW, at=at)
    tried = await asyncio.gather(*(channel.send(MESSAGE) for _ in range(30)), return_exceptions=True)
    waited = [error for error in tried if str(error) != "the server answered nobody a moment ago"]
    assert {type(error) for error in waited} == {Unknown if at == "dot" else Unavailable}
    assert server.connections == len(waited)
    assert 3 <= len(waited) < 2 * 3  # one may begin when the first wait ended and the third did not yet
    assert all(isinstance(error, Unavailable) for error in tried if error not in waited)
    await channel.close()


async def test_a_server_that_was_stuck_is_tried_by_one_and_then_by_all(server: SmtpServer) -> None:
    channel = to(server, connections=3, **STUCK)
    server.answering(SLOW, at="connect")
    await asyncio.gather(*(channel.send(MESSAGE) for _ in range(9)), return_exceptions=True)
    channel._connections._next_try = 0  # the time of rest is over
    await asyncio.gather(*(channel.send(MESSAGE) for _ in range(9)), return_exceptions=True)
    assert server.connections == 3 + 1
    server.accepting()
    channel._connections._next_try = 0  # the time of rest is over
    await channel.send(MESSAGE)
    await asyncio.gather(*(channel.send(MESSAGE) for _ in range(9)))
    await channel.close()
    assert server.count == 10


async def test_a_server_without_starttls_gets_no_mail(server: SmtpServer) -> None:
    assert isinstance(await refused(EmailChannel(server.host, server.port)), Misconfigured)
    assert server.commands["MAIL"] == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"tls": "ssl"},
        {"tls": "none", "username": "lindner"},
        {"connections": 0},
        {"bounce": "nobody"},
    ],
)
async def test_settings_that_cannot_work_are_refused_at_once(settings: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        EmailChannel("mx.example.com", **settings)  # type: ignore[arg-type]
