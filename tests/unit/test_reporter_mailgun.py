"""What Mailgun tells is read by its own documents, and only if it signed it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from channels.reporters.mailgun import Mailgun
from channels.reports import Became, Forged, Unreadable
from tests.contracts.mail_callbacks import (
    ANSWER,
    GONE,
    MAILGUN_KEY,
    MARIA,
    NOW,
    OURS,
    callback,
    mailgun_signature,
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


def mailgun_event(
    token: str = "651869375b9df3c98fc15c4889b102119add1235c38fc92824", **event: Any
) -> dict[str, Any]:
    return {
        "signature": mailgun_signature(token),
        "event-data": {
            "timestamp": 1772452800.153125,
            "id": "hTWCTD81RtiDN-",
            "message": {"headers": {"to": MARIA, "message-id": OURS.strip("<>"), "subject": "Testing"}},
            "recipient": MARIA,
            **event,
        },
    }


def status(code: int, message: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "description": "", "attempt-no": 1, **more}


@pytest.mark.parametrize(
    ("event", "became", "dead"),
    [
        ({"event": "accepted"}, Became.ACCEPTED, False),
        ({"event": "delivered", "delivery-status": status(250, "OK")}, Became.DELIVERED, False),
        ({"event": "rejected", "reject": {"reason": "Sandbox"}}, Became.FAILED, False),
        (
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "delivery-status": status(550, f"{GONE[4:]}"),
            },
            Became.BOUNCED,
            True,
        ),
        (
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "delivery-status": status(550, "No such user here"),
            },
            Became.BOUNCED,
            True,
        ),
        (
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "delivery-status": status(550, "5.7.1 blocked"),
            },
            Became.BOUNCED,
            False,
        ),
        (
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "suppress-bounce",
                "delivery-status": status(605, "Not delivering to previously bounced address"),
            },
            Became.BOUNCED,
            True,
        ),
        (
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "old",
                "delivery-status": status(602, "Too old"),
            },
            Became.FAILED,
            False,
        ),
        (
            {
                "event": "failed",
                "severity": "temporary",
                "reason": "generic",
                "delivery-status": status(498, "No MX"),
            },
            Became.DEFERRED,
            False,
        ),
        (
            {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": None},
            Became.BOUNCED,
            False,
        ),
        (
            {"event": "opened", "client-info": {"user-agent": "Mozilla/5.0 (X11) Gecko Firefox/115"}},
            Became.OPENED,
            False,
        ),
        ({"event": "opened", "client-info": {"user-agent": "Mozilla/5.0"}}, Became.MACHINE_OPEN, False),
        (
            {"event": "opened", "client-info": {"user-agent": "Mail", "bot": "apple"}},
            Became.MACHINE_OPEN,
            False,
        ),
        ({"event": "clicked", "url": "https://example.com"}, Became.CLICKED, False),
        ({"event": "unsubscribed"}, Became.UNSUBSCRIBED, False),
        ({"event": "complained"}, Became.COMPLAINED, False),
    ],
)
async def test_what_mailgun_tells(event: Mapping[str, Any], became: Became, dead: bool) -> None:
    found = await only(Mailgun(MAILGUN_KEY), callback(mailgun_event(**event)))
    assert (found.became, found.dead) == (became, dead)
    assert (found.message_id, found.to) == (OURS, MARIA)
    assert found.at == datetime(2026, 3, 2, 12, 0, 0, 153125, UTC)


async def test_what_mailgun_may_tell_one_day_is_no_error() -> None:
    assert await reports(Mailgun(MAILGUN_KEY), callback(mailgun_event(event="list_uploaded"))) == []


async def test_mailgun_without_its_signature_is_forged() -> None:
    told = mailgun_event(event="delivered")
    for signature in (
        None,
        {},
        {**told["signature"], "signature": "00"},
        {**told["signature"], "token": "another"},
        {**told["signature"], "timestamp": "1772452801"},
        {**told["signature"], "token": ""},
        mailgun_signature("t", key="another key"),
        [1],
    ):
        said = callback({**told, "signature": signature})
        assert isinstance(await refused(Mailgun(MAILGUN_KEY), said), Forged)


@pytest.mark.parametrize("body", [b"[]", b"7", b"", b"\xff", b'{"signature": NaN}'])
async def test_what_mailgun_cannot_have_meant_changes_nothing(body: bytes) -> None:
    assert isinstance(await refused(Mailgun(MAILGUN_KEY), callback(body)), Unreadable)


@pytest.mark.parametrize("urlencoded", [True, False])
async def test_a_reply_through_a_route_of_mailgun(urlencoded: bool) -> None:
    fields = {
        **mailgun_signature("06c96bafc3f42a66"),
        "recipient": "reply@autohaus-lindner.example",
        "sender": MARIA,
        "message-headers": json.dumps(
            [
                ["From", f"Maria Keller <{MARIA}>"],
                ["Subject", "Re: Ihr Wagen"],
                ["References", f"<x@example.org> {OURS}"],
            ]
        ),
        "body-plain": "Ja, gern.\r\n\r\n-----Ursprüngliche Nachricht-----\r\nVon: Nora Brandt",
        "stripped-text": "Ja",
    }
    body, kind = (
        (urlencode(fields).encode(), "application/x-www-form-urlencoded") if urlencoded else multipart(fields)
    )
    found = await reply(Mailgun(MAILGUN_KEY), callback(body, kind))
    assert (found.id, found.text, found.answers) == (
        "06c96bafc3f42a66",
        "Ja, gern.",
        (OURS, "<x@example.org>"),
    )


async def test_a_whole_mail_through_a_route_of_mailgun() -> None:
    body, kind = multipart(
        {
            **mailgun_signature("t"),
            "recipient": "reply@x.example",
            "sender": MARIA,
            "body-mime": f"{ANSWER}\nJa.",
        }
    )
    assert (await reply(Mailgun(MAILGUN_KEY), callback(body, kind))).text == "Ja."


@pytest.mark.parametrize("urlencoded", [True, False])
async def test_a_whole_mail_keeps_its_octets_whichever_form_it_comes_in(urlencoded: bool) -> None:
    mail = f"{ANSWER}Content-Type: text/plain; charset=iso-8859-1\n\nJa, für uns schön."
    fields = {**mailgun_signature("t"), "recipient": "reply@x.example", "sender": MARIA}
    whole = fields | {"body-mime": mail.encode("latin-1")}
    body, kind = (
        (urlencode(whole).encode(), "application/x-www-form-urlencoded") if urlencoded else multipart(whole)
    )
    assert (await reply(Mailgun(MAILGUN_KEY), callback(body, kind))).text == "Ja, für uns schön."


@pytest.mark.parametrize("late", [timedelta(days=2), -timedelta(minutes=6)])
async def test_an_old_callback_is_refused_and_so_is_one_from_the_future(late: timedelta) -> None:
    said = callback(mailgun_event(event="delivered"))
    assert isinstance(await refused(Mailgun(MAILGUN_KEY), said, NOW + late), Forged)


async def test_what_proves_a_callback_goes_with_what_it_says_so_that_it_is_used_up_for_good() -> None:
    said = callback(json.dumps(mailgun_event("t-1", event="delivered")).encode())
    other = callback(json.dumps(mailgun_event("t-1", event="complained")).encode())

    (first,) = await Mailgun(MAILGUN_KEY).read(said, NOW)
    (again,) = await Mailgun(MAILGUN_KEY).read(said, NOW)
    (forged,) = await Mailgun(MAILGUN_KEY).read(other, NOW)

    assert first.proof is not None
    assert forged.proof is not None
    assert first.proof == again.proof
    assert (first.proof[0], forged.proof[0]) == ("t-1", "t-1")
    assert first.proof[1] != forged.proof[1]
