"""What Postmark tells is read by its own documents, and only with the password."""

from datetime import UTC, datetime
from typing import Any

import pytest

from channels.reporters.postmark import Postmark
from channels.reports import Became, Callback, Forged
from tests.contracts.mail_callbacks import (
    ANSWER,
    MARIA,
    OURS,
    basic,
    callback,
    only,
    refused,
    reply,
    reports,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


POSTMARK = Postmark("secret", username="postmark")


def from_postmark(event: Any) -> Callback:
    return callback(event, authorization=basic("postmark", "secret"))


def postmark_event(record: str, **fields: Any) -> dict[str, Any]:
    return {
        "RecordType": record,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "ServerID": 23,
        "Metadata": {"message": OURS},
        "Tag": "welcome-email",
        **fields,
    }


@pytest.mark.parametrize(
    ("event", "became", "dead"),
    [
        (
            postmark_event("Delivery", Recipient=MARIA, DeliveredAt="2026-03-02T13:00:00.2735393+01:00"),
            Became.DELIVERED,
            False,
        ),
        (
            postmark_event(
                "Bounce", ID=901542550, Type="HardBounce", Email=MARIA, BouncedAt="2026-03-02T13:00:00Z"
            ),
            Became.BOUNCED,
            True,
        ),
        (postmark_event("Bounce", ID=1, Type="BadEmailAddress", Email=MARIA), Became.BOUNCED, True),
        (postmark_event("Bounce", ID=1, Type="SoftBounce", Email=MARIA), Became.FAILED, False),
        (postmark_event("Bounce", ID=1, Type="Transient", Email=MARIA), Became.DEFERRED, False),
        (postmark_event("Bounce", ID=1, Type="DnsError", Email=MARIA), Became.DEFERRED, False),
        (postmark_event("Bounce", ID=1, Type="Blocked", Email=MARIA), Became.FAILED, False),
        (postmark_event("Bounce", ID=1, Type="SpamNotification", Email=MARIA), Became.COMPLAINED, False),
        (postmark_event("Bounce", ID=1, Type="AutoResponder", Email=MARIA), None, False),
        (postmark_event("Bounce", ID=1, Type="Something new", Email=MARIA), None, False),
        (postmark_event("SpamComplaint", ID=1, Type="SpamComplaint", Email=MARIA), Became.COMPLAINED, False),
        (
            postmark_event(
                "Open", UserAgent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0", Recipient=MARIA
            ),
            Became.OPENED,
            False,
        ),
        (postmark_event("Open", UserAgent="Mozilla/5.0", Recipient=MARIA), Became.MACHINE_OPEN, False),
        (postmark_event("Click", OriginalLink="https://example.com", Recipient=MARIA), Became.CLICKED, False),
        (
            postmark_event(
                "SubscriptionChange",
                SuppressSending=True,
                SuppressionReason="ManualSuppression",
                Origin="Recipient",
            ),
            Became.UNSUBSCRIBED,
            False,
        ),
        (
            postmark_event(
                "SubscriptionChange",
                SuppressSending=True,
                SuppressionReason="ManualSuppression",
                Origin="Customer",
            ),
            None,
            False,
        ),
        (
            postmark_event(
                "SubscriptionChange", SuppressSending=True, SuppressionReason="HardBounce", Origin="Recipient"
            ),
            Became.BOUNCED,
            True,
        ),
        (
            postmark_event(
                "SubscriptionChange", SuppressSending=False, SuppressionReason=None, Origin="Recipient"
            ),
            None,
            False,
        ),
        (postmark_event("Something new"), None, False),
        ({}, None, False),
    ],
)
async def test_what_postmark_tells(event: Any, became: Became | None, dead: bool) -> None:
    found = await reports(POSTMARK, from_postmark(event))
    assert [(one.became, one.dead) for one in found] == ([(became, dead)] if became else [])
    assert all(one.message_id == OURS and one.provider_id == event["MessageID"] for one in found)


async def test_postmarks_repeats_have_one_name() -> None:
    event = postmark_event(
        "Bounce", Type="HardBounce", Email=MARIA, BouncedAt="2026-03-02T13:00:00.3963933+01:00",
        Details=f"smtp;550 5.1.1 <{MARIA}>... User unknown",
    )  # fmt: skip
    first, again = await only(POSTMARK, from_postmark(event)), await only(POSTMARK, from_postmark(event))
    assert first.reason == f"smtp;550 5.1.1 <{MARIA}>... User unknown"
    assert first.at == datetime(2026, 3, 2, 12, 0, 0, 396393, UTC)
    assert first == again
    other = await only(POSTMARK, from_postmark({**event, "BouncedAt": "2026-03-02T13:00:01Z"}))
    assert other.id != first.id


async def test_a_postmark_mail_of_nobody_names_no_message() -> None:
    event = postmark_event(
        "Bounce", ID=1, Type="HardBounce", MessageID="00000000-0000-0000-0000-000000000000", Metadata={}
    )
    found = await only(POSTMARK, from_postmark(event))
    assert (found.provider_id, found.message_id) == ("", "")


async def test_postmark_without_the_password_is_forged() -> None:
    event = postmark_event("Delivery")
    by_header = Postmark("secret", header="X-Beforehand")
    for said in (
        callback(event),
        callback(event, authorization=basic("postmark", "wrong")),
        callback(event, authorization=basic("other", "secret")),
        callback(event, authorization="Basic %%%"),
        callback(event, authorization="Bearer secret"),
    ):
        assert isinstance(await refused(POSTMARK, said), Forged)
        assert isinstance(await refused(by_header, said), Forged)
    assert isinstance(await refused(by_header, callback(event, authorization=basic("", "secret"))), Forged)
    assert await reports(by_header, callback(event, x_beforehand="secret"))


@pytest.mark.parametrize("raw", [True, False])
async def test_a_reply_through_postmark(raw: bool) -> None:
    event = {
        "FromFull": {"Email": MARIA, "Name": "Maria Keller", "MailboxHash": ""},
        "ToFull": [{"Email": "reply@autohaus-lindner.example", "Name": "", "MailboxHash": ""}],
        "OriginalRecipient": "reply@autohaus-lindner.example",
        "Subject": "Re: Ihr Wagen",
        "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
        "Date": "Mon, 2 Mar 2026 12:31:04 +0100",
        "TextBody": "Passt!\n\nOn Mon, 2 Mar 2026 at 12:00, Nora Brandt <nora@example.com>\nwrote:\n> Da.",
        "StrippedTextReply": "Passt!",
        "Headers": [{"Name": "Return-Path", "Value": f"<{MARIA}>"}, {"Name": "In-Reply-To", "Value": OURS}],
    }
    if raw:
        event["RawEmail"] = f"{ANSWER}\nPasst!"
    found = await reply(POSTMARK, from_postmark(event))
    assert (found.id, found.text, found.sender) == ("22c74902-a0c1-4511-804f-341342852c90", "Passt!", MARIA)
    assert found.answers == (OURS,)
    assert found.at == datetime(2026, 3, 2, 11, 31, 4, tzinfo=UTC)


async def test_an_automatic_answer_through_postmark_is_marked() -> None:
    event = {
        "FromFull": {"Email": MARIA},
        "Subject": "Urlaub",
        "MessageID": "m",
        "TextBody": "Ich bin weg.",
        "Headers": [{"Name": "Auto-Submitted", "Value": "auto-replied"}],
    }  # fmt: skip
    assert (await reply(POSTMARK, from_postmark(event))).automatic
