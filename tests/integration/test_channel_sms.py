"""The SMS channel against a real HTTP server that plays Twilio, and then does not."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import sms_callback, sms_codes
from channels.base import (
    Abilities,
    Channel,
    ChannelError,
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)
from channels.contract import ChannelContract, Seen
from channels.contract.http_server import CUT_AFTER, CUT_BEFORE, CUT_WITHIN, MISDEEDS, NONSENSE, SLOW, Answer
from channels.kinds.sms import KIND
from channels.sms import LONGEST, SmsChannel, e164
from channels.sms_requests import form_of
from tests.contracts.twilio_server import ACCOUNT, SENDER, SERVICE, TOKEN, TwilioServer
from tests.integration.texting import MARIA, TEXT, to

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TwilioProvider(TwilioServer):
    """The server as the contract speaks to it."""

    def replying(self, answer: str) -> None:
        if answer in MISDEEDS:
            self.answering(answer)
        elif answer == "refused":
            self.refusing()
        elif answer.startswith("201 "):
            self.answering(Answer(201, answer[4:].encode(), {"Content-Type": "application/json"}))
        elif len(answer) == 3:
            self.answering(Answer(int(answer), b"<html>an error</html>", {"Content-Type": "text/html"}))
        else:
            status, _, code = answer.partition(" ")
            self.refuse(int(code), status=int(status))

    def slow(self) -> None:
        self.answering(SLOW)

    def cutting_off(self) -> None:
        self.answering(CUT_AFTER)

    def seen(self) -> list[Seen]:
        identities = [dict(parse_qsl(urlsplit(text.callback).query))["entry"] for text in self.texts]
        return [Seen(text.to, entry, text.body) for text, entry in zip(self.texts, identities, strict=True)]


class TestSms(ChannelContract):
    declared: ClassVar[Abilities | None] = KIND.abilities
    message: ClassVar[Message] = TEXT
    answers: ClassVar[Mapping[str, type[ChannelError]]] = {
        "400 21211": Rejected,
        "400 21610": Rejected,
        "400 21614": Rejected,
        "400 21617": Rejected,
        "400 21635": Rejected,
        "400 99999": Rejected,
        "400 21408": Misconfigured,
        "400 21606": Misconfigured,
        "400 21608": Misconfigured,
        "400 21611": Unavailable,
        "401 20003": Misconfigured,
        "403 20003": Misconfigured,
        "404 20404": Misconfigured,
        "429 20429": Unavailable,
        "429 63038": Unavailable,
        "500 20500": Unknown,
        "503 20503": Unknown,
        "500 21211": Unknown,
        "302": Misconfigured,
        "400": Rejected,
        "404": Misconfigured,
        "429": Unavailable,
        "502": Unknown,
        "200": Unknown,
        "204": Unknown,
        "201 ": Unknown,
        "201 {": Unknown,
        "201 []": Unknown,
        "201 {}": Unknown,
        '201 {"sid": null}': Unknown,
        '201 {"sid": 7}': Unknown,
        "201 <html>": Unknown,
        "refused": Unavailable,
        CUT_BEFORE: Unknown,
        CUT_AFTER: Unknown,
        CUT_WITHIN: Unknown,
        NONSENSE: Unknown,
        SLOW: Unknown,
    }

    @pytest.fixture
    def provider(self) -> Iterator[TwilioProvider]:
        with TwilioProvider() as server:
            yield server

    @pytest.fixture
    def channel(self, provider: TwilioProvider) -> Channel:
        return to(provider, connect=0.3, answer=0.3, callback="https://hooks.lindner.example/twilio")


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with TwilioServer() as running:
        yield running


async def sent(channel: SmsChannel, message: Message = TEXT) -> Receipt:
    try:
        return await channel.send(message)
    finally:
        await channel.close()


async def refused(channel: SmsChannel, message: Message = TEXT) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await sent(channel, message)
    return caught.value


# ── the request ──────────────────────────────────────────────────────────────


async def test_the_request_is_twilios(server: TwilioServer) -> None:
    receipt = await sent(to(server, callback="https://hooks.lindner.example/twilio"))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    callback = sms_callback.signed("https://hooks.lindner.example/twilio", TEXT.id, TOKEN)
    assert request.form == {"To": MARIA, "From": SENDER, "Body": TEXT.text, "StatusCallback": callback}
    assert receipt == Receipt("SM" + "1".zfill(32), {"status": "queued", "segments": "1"})


async def test_a_messaging_service_chooses_the_sender(server: TwilioServer) -> None:
    receipt = await sent(to(server, service=SERVICE))
    (request,) = server.requests
    assert request.form == {"To": MARIA, "MessagingServiceSid": SERVICE, "Body": TEXT.text}
    assert receipt.raw["status"] == "accepted"


async def test_nothing_in_the_environment_leads_elsewhere(
    server: TwilioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "elsewhere")
    await sent(to(server))
    assert [text.to for text in server.texts] == [MARIA]


async def test_connections_are_kept_and_no_more_than_allowed(server: TwilioServer) -> None:
    channel = to(server, connections=3)
    await asyncio.gather(*(channel.send(TEXT) for _ in range(30)))
    await channel.close()
    assert len(server.texts) == 30
    assert server.connections == 3


async def test_no_log_tells_whom_we_write_to(server: TwilioServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = to(server)
    await channel.send(TEXT)
    await channel.find(TEXT, datetime.now(UTC), ())
    server.refuse(21211)
    with pytest.raises(Rejected):
        await channel.send(TEXT)
    await channel.close()
    assert MARIA[1:] not in caplog.text
    assert "Keller" not in caplog.text


# ── numbers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("+49 30 23125 123", "", MARIA),
        ("030 23125-123", "DE", MARIA),
        ("0049 30 23125123", "DE", MARIA),
        ("(202) 555-0123", "US", "+12025550123"),
        ("+1 202 555 0123", "DE", "+12025550123"),
        ("tel:+49-30-23125-123", "", MARIA),
        ("\u0660\u0663\u0660 \u0662\u0663\u0661\u0662\u0665\u0661\u0662\u0663", "DE", MARIA),
    ],
)
def test_a_number_goes_as_e164(written: str, country: str, number: str) -> None:
    assert e164(written, country) == number


@pytest.mark.parametrize(
    ("written", "country", "why"),
    [
        ("030 23125123", "", "a number without its country"),
        ("maria.keller@example.com", "DE", "no telephone number"),
        ("", "DE", "no telephone number"),
        ("555", "US", "no telephone number: its length is wrong"),
        ("+49 30 " + "1" * 30, "", "no telephone number"),
        ("+999 1234567", "", "no telephone number"),
    ],
)
def test_a_number_that_is_none_is_rejected_and_says_why(written: str, country: str, why: str) -> None:
    with pytest.raises(Rejected) as caught:
        e164(written, country)
    assert caught.value.reason == why
    assert not caught.value.suppress


async def test_a_national_number_belongs_to_the_country_of_the_settings(server: TwilioServer) -> None:
    await sent(to(server, country="DE"), replace(TEXT, to="030 23125123"))
    assert [text.to for text in server.texts] == [MARIA]


async def test_a_number_without_country_reaches_nobody_and_asks_nobody(server: TwilioServer) -> None:
    error = await refused(to(server), replace(TEXT, to="030 23125123"))
    assert (type(error), error.reason) == (Rejected, "a number without its country")
    assert not server.requests


# ── length ───────────────────────────────────────────────────────────────────


async def test_the_longest_text_goes_and_one_character_more_does_not(server: TwilioServer) -> None:
    await sent(to(server), replace(TEXT, text="x" * LONGEST))
    error = await refused(to(server), replace(TEXT, text="x" * (LONGEST + 1)))
    assert isinstance(error, Rejected)
    assert [len(text.body) for text in server.texts] == [LONGEST]


async def test_emoji_count_as_twilio_counts_them(server: TwilioServer) -> None:
    """Twilio counts UTF-16 units: what we let through that it refuses is still only a rejected message."""
    error = await refused(to(server), replace(TEXT, text="🚗" * 801))
    assert isinstance(error, Rejected)
    assert not server.texts


# ── what Twilio says ─────────────────────────────────────────────────────────

SAID = [
    (21211, 400, Rejected, True),
    (21217, 400, Rejected, True),
    (21610, 400, Rejected, False),  # START takes it back
    (21614, 400, Rejected, True),
    (21635, 400, Rejected, True),
    (30004, 400, Rejected, True),
    (30005, 400, Rejected, True),
    (30006, 400, Rejected, True),
    (21602, 400, Rejected, False),
    (21612, 400, Rejected, False),
    (21617, 400, Rejected, False),
    (20003, 401, Misconfigured, False),
    (21408, 403, Misconfigured, False),
    (21606, 400, Misconfigured, False),
    (21608, 400, Misconfigured, False),
    (21660, 400, Misconfigured, False),
    (21703, 400, Misconfigured, False),
    (30002, 400, Misconfigured, False),
    (30007, 400, Misconfigured, False),
    (30034, 400, Misconfigured, False),
    (20429, 429, Unavailable, False),
    (21611, 400, Unavailable, False),
    (30001, 400, Unavailable, False),
    (30003, 400, Unavailable, False),
    (30008, 400, Unavailable, False),
    (63038, 429, Unavailable, False),
]


@pytest.mark.parametrize(("code", "status", "kind", "suppress"), SAID)
async def test_a_code_means_the_error_of_the_table(
    server: TwilioServer, code: int, status: int, kind: type[ChannelError], suppress: bool
) -> None:
    server.refuse(code, status=status)
    error = await refused(to(server))
    assert type(error) is kind
    assert (error.code, getattr(error, "suppress", False)) == (str(code), suppress)
    assert str(code) in error.raw
    assert SENDER not in error.reason
    assert not server.texts


def test_every_code_of_the_table_has_one_meaning_in_words() -> None:
    for code in sms_codes.CODES:
        meant = sms_codes.meaning(code)
        assert meant is not None
        assert meant.reason
        assert meant.code == str(code)
    assert sms_codes.meaning(12345) is None


def test_every_code_of_the_table_is_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/channels.md").read_text("utf-8")
    assert {code for code in sms_codes.CODES if str(code) not in page} == set()


@pytest.mark.parametrize(
    ("code", "wait", "floor"),
    [
        (20429, "7", timedelta(seconds=7)),
        (20429, "", None),
        (99999, "7", timedelta(seconds=7)),
        (21611, "", timedelta(minutes=30)),
        (63038, "", timedelta(hours=1)),
        (63038, "7200", timedelta(hours=2)),
    ],
)
async def test_28_too_many_requests_are_waited_for(
    server: TwilioServer, code: int, wait: str, floor: timedelta | None
) -> None:
    server.refuse(code, status=429, wait=wait)
    error = await refused(to(server))
    assert isinstance(error, Unavailable)
    assert error.retry_after == floor


async def test_a_wrong_token_is_our_mistake(server: TwilioServer) -> None:
    error = await refused(SmsChannel(ACCOUNT, "wrong", sender=SENDER, url=server.url))
    assert (type(error), error.code) == (Misconfigured, "20003")


@pytest.mark.parametrize(
    "settings",
    [
        {"account": "", "token": TOKEN, "sender": SENDER},
        {"account": ACCOUNT, "token": "", "sender": SENDER},
        {"account": ACCOUNT, "token": TOKEN},
        {"account": ACCOUNT, "token": TOKEN, "sender": SENDER, "country": "Germany"},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="sms: "):
        SmsChannel(**settings)


# ── the address of the report ────────────────────────────────────────────────


def query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@pytest.mark.parametrize("entry", ["4711/arrived/1/customer", "a&b=c#d?e", "ä €", " ", "~x"])
def test_the_report_names_the_entry_and_nobody_else_can(entry: str) -> None:
    address = sms_callback.signed("https://hooks.lindner.example/twilio?tenant=1", entry, TOKEN)
    assert query(address)["tenant"] == "1"
    assert sms_callback.entry_of(query(address), TOKEN) == entry
    assert sms_callback.entry_of(query(address), "another token") is None
    assert sms_callback.entry_of({**query(address), "entry": "4712/arrived/1/customer"}, TOKEN) is None
    assert sms_callback.entry_of({"entry": entry}, TOKEN) is None
    assert sms_callback.entry_of({**query(address), "proof": "é"}, TOKEN) is None
    assert sms_callback.entry_of({}, TOKEN) is None


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_a_form_reads_as_what_was_written(values: dict[str, str]) -> None:
    written = form_of(values).decode("ascii")
    assert dict(parse_qsl(written, keep_blank_values=True, strict_parsing=bool(values))) == values
