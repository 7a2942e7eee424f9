"""What SendGrid tells is read by its own documents, and only if it signed it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.reporters.sendgrid import SendGrid
from channels.reports import Became, Forged, Report, Unreadable
from tests.contracts.mail_callbacks import (
    ANSWER,
    GONE,
    MARIA,
    NOW,
    OURS,
    SendGridSigner,
    basic,
    callback,
    multipart,
    only,
    refused,
    reply,
    reports,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


SENDGRID = SendGridSigner()


def sendgrid(**settings: str) -> SendGrid:
    return SendGrid([SENDGRID.public_key], **settings)


def sendgrid_event(**fields: Any) -> dict[str, Any]:
    return {
        "email": MARIA,
        "timestamp": 1772452800,
        "smtp-id": OURS,
        "sg_event_id": "nOSv8m0eTQ-vxvwNwt3fZQ",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        **fields,
    }


async def test_sendgrid_delivered() -> None:
    event = sendgrid_event(
        event="delivered", response="250 2.0.0 OK 1461095248 m143si2210036ioe.159 - gsmtp "
    )
    assert await only(sendgrid(), SENDGRID.signed([event])) == Report(
        id="nOSv8m0eTQ-vxvwNwt3fZQ",
        became=Became.DELIVERED,
        at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        provider_id="14c5d75ce93.dfd.64b469",
        message_id=OURS,
        to=MARIA,
        reason="250 2.0.0 OK 1461095248 m143si2210036ioe.159 - gsmtp",
        raw=event,
    )


@pytest.mark.parametrize(
    ("fields", "became", "dead"),
    [
        ({"event": "processed"}, [Became.ACCEPTED], False),
        ({"event": "deferred", "response": "450 later", "attempt": "5"}, [Became.DEFERRED], False),
        (
            {"event": "open", "useragent": "Mozilla/5.0 (Windows NT 10.0) Firefox/11.0"},
            [Became.OPENED],
            False,
        ),
        ({"event": "open", "sg_machine_open": False, "useragent": "x"}, [Became.OPENED], False),
        ({"event": "open", "sg_machine_open": True, "useragent": "x"}, [Became.MACHINE_OPEN], False),
        ({"event": "click", "url": "https://example.com"}, [Became.CLICKED], False),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": GONE}, [Became.BOUNCED], True),
        (
            {"event": "bounce", "type": "bounce", "status": "5.0.0", "reason": "550 5.1.1 unknown"},
            [Became.BOUNCED],
            True,
        ),
        (
            {"event": "bounce", "type": "bounce", "status": "5.2.2", "reason": "552 5.2.2 mailbox full"},
            [Became.BOUNCED],
            False,
        ),
        (
            {"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"},
            [Became.BOUNCED],
            True,
        ),
        (
            {"event": "bounce", "type": "bounce", "bounce_classification": "Reputation", "status": "5.1.1"},
            [Became.BOUNCED],
            False,
        ),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1"}, [Became.FAILED], False),
        ({"event": "dropped", "reason": "Bounced Address"}, [Became.BOUNCED], True),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, [Became.FAILED], False),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, [Became.FAILED, Became.UNSUBSCRIBED], False),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, [Became.FAILED, Became.COMPLAINED], False),
        ({"event": "spamreport"}, [Became.COMPLAINED], False),
        ({"event": "unsubscribe"}, [Became.UNSUBSCRIBED], False),
        ({"event": "group_unsubscribe", "asm_group_id": 1}, [Became.UNSUBSCRIBED], False),
        ({"event": "group_resubscribe", "asm_group_id": 1}, [], False),
        ({"event": "something new"}, [], False),
        ({}, [], False),
    ],
)
async def test_what_sendgrid_tells(fields: Mapping[str, Any], became: Sequence[Became], dead: bool) -> None:
    found = await reports(sendgrid(), SENDGRID.signed([sendgrid_event(**fields)]))
    assert [one.became for one in found] == became
    assert any(one.dead for one in found) is dead
    assert len({one.id for one in found}) == len(found)


async def test_sendgrid_without_its_signature_is_forged() -> None:
    body = [sendgrid_event(event="delivered")]
    good = SENDGRID.signed(body)
    for forged in (
        callback(body),
        SendGridSigner().signed(body),
        replace(good, body=good.body.replace(b"delivered", b"processed")),
        replace(good, headers={**good.headers, "x-twilio-email-event-webhook-timestamp": "1"}),
        replace(good, headers={**good.headers, "x-twilio-email-event-webhook-signature": "%%"}),
        replace(good, headers={**good.headers, "x-twilio-email-event-webhook-signature": ""}),
    ):
        assert isinstance(await refused(sendgrid(), forged), Forged)


async def test_of_two_keys_of_sendgrid_each_is_accepted() -> None:
    other = SendGridSigner()
    both = SendGrid(
        [other.public_key, f"-----BEGIN PUBLIC KEY-----\n{SENDGRID.public_key}\n-----END PUBLIC KEY-----"]
    )
    for signer in (SENDGRID, other):
        assert (
            await only(both, signer.signed([sendgrid_event(event="delivered")]))
        ).became is Became.DELIVERED


@pytest.mark.parametrize("body", [b"{}", b"", b"\xff\xfe", b"[", b"[NaN]", b"[" * 100_000])
async def test_what_sendgrid_signed_and_nobody_can_read_changes_nothing(body: bytes) -> None:
    assert isinstance(await refused(sendgrid(), SENDGRID.signed(body)), Unreadable)


async def test_a_reply_through_sendgrids_parsed_form_with_a_password() -> None:
    body, kind = multipart(
        {
            "headers": ANSWER,
            "text": "Danke, ich komme um zehn.\n\nAm 02.03. schrieb Nora:\n> Für Sie da.".encode("latin-1"),
            "charsets": '{"text":"iso-8859-1"}',
            "envelope": json.dumps({"to": ["reply@autohaus-lindner.example"], "from": MARIA}),
            "spam_score": "1.7",
        },
        files=["attachment1"],
    )
    said = callback(body, kind, authorization=basic("mail", "secret"))
    found = await reply(sendgrid(username="mail", password="secret"), said)
    assert (found.sender, found.text) == (MARIA, "Danke, ich komme um zehn.")
    assert found.subject == "Re: Ihr Wagen ist da ✓"
    assert found.answers == (OURS,)
    assert found.to == "reply@autohaus-lindner.example"
    assert not found.automatic


async def test_a_reply_through_sendgrids_raw_form_with_a_signature_and_foreign_bytes() -> None:
    raw = f"{ANSWER}Content-Type: text/plain; charset=iso-8859-1\n\nFür mich passt das.\n".encode("latin-1")
    body, kind = multipart({"email": raw, "envelope": json.dumps({"to": ["reply@autohaus-lindner.example"]})})
    assert (await reply(sendgrid(), SENDGRID.signed(body, kind=kind))).text == "Für mich passt das."


async def test_mail_from_sendgrid_with_neither_password_nor_signature_is_forged() -> None:
    body, kind = multipart({"headers": ANSWER, "text": "hello"})
    for said in (callback(body, kind), callback(body, kind, authorization=basic("mail", ""))):
        assert isinstance(await refused(sendgrid(), said), Forged)
        assert isinstance(await refused(sendgrid(username="mail", password="secret"), said), Forged)


@pytest.mark.parametrize("late", [timedelta(days=2), -timedelta(minutes=6)])
async def test_an_old_callback_is_refused_and_so_is_one_from_the_future(late: timedelta) -> None:
    said = SENDGRID.signed([sendgrid_event(event="delivered")])
    assert isinstance(await refused(sendgrid(), said, NOW + late), Forged)
