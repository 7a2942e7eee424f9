"""Whatever a provider signs is read or refused, and nothing else happens."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.reporters.amazon_ses import AmazonSes
from channels.reporters.mailgun import Mailgun
from channels.reporters.postmark import Postmark
from channels.reporters.sendgrid import SendGrid
from channels.reports import Refused, Unreadable
from tests.contracts.mail_callbacks import (
    MAILGUN_KEY,
    NOW,
    TOPIC,
    SendGridSigner,
    Sns,
    basic,
    callback,
    mailgun_signature,
)

SENDGRID, SNS = SendGridSigner(), Sns()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "event",
        "mail",
        "bounce",
        "bouncedRecipients",
        "headers",
        "delivery-status",
        "timestamp",
        "RecordType",
        "Type",
        "FromFull",
        "Headers",
        "ToFull",
        "eventType",
        "email",
        "sg_message_id",
        "message",
        "client-info",
        "Metadata",
        "receipt",
        "content",
        "complaint",
        "type",
        "reason",
        "status",
        "severity",
        "destination",
        "RawEmail",
    ]
)
VALUES = JSON | st.sampled_from(
    [
        "Bounce",
        "bounce",
        "failed",
        "open",
        "Open",
        "Received",
        "Delivery",
        "dropped",
        "HardBounce",
        "Complaint",
    ]
)
TOLD = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=6)


async def shown(_url: str) -> bytes:
    return SNS.certificate


@given(TOLD)
def test_whatever_a_provider_signs_is_read_or_refused(told: dict[str, Any]) -> None:
    said = (
        (SendGrid([SENDGRID.public_key]), SENDGRID.signed([told])),
        (Mailgun(MAILGUN_KEY), callback({"signature": mailgun_signature("t"), "event-data": told})),
        (Postmark("secret", username="postmark"), callback(told, authorization=basic("postmark", "secret"))),
        (AmazonSes([TOPIC], shown), SNS.notification(told)),
    )

    async def read() -> None:
        for reporter, one in said:
            try:
                found = await reporter.read(one, NOW)
            except Refused:
                continue
            assert all(isinstance(report.id, str) and report.id for report in found)

    asyncio.run(read())


@pytest.mark.parametrize("charset", ["utf-16", "utf-32", "utf-16-le"])
def test_json_that_is_not_utf_8_is_refused(charset: str) -> None:
    body = '{"RecordType": "Delivery"}'.encode(charset)
    said = callback(body, authorization=basic("beforehand", "secret"))
    with pytest.raises(Unreadable):
        asyncio.run(Postmark("secret", username="beforehand").read(said, NOW))
