"""What Amazon SES tells is read by its own documents, and only if SNS signed it for our topic."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import Unavailable
from channels.reporters.amazon_ses import AmazonSes
from channels.reports import Became, Forged
from tests.contracts.mail_callbacks import (
    ANSWER,
    CERTIFICATE,
    MARIA,
    NOW,
    OURS,
    TOPIC,
    Sns,
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


SNS = Sns()


class Documents:
    """What SNS shows at its addresses, and who asked."""

    def __init__(self, **pages: bytes) -> None:
        self.pages, self.asked = {CERTIFICATE: SNS.certificate, **pages}, list[str]()

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise Unavailable("nothing is there")
        return self.pages[url]


def ses(documents: Documents | None = None) -> AmazonSes:
    return AmazonSes([TOPIC], documents or Documents())


def ses_event(kind: str, **detail: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "mail": {
            "timestamp": "2026-03-02T11:59:38.237Z",
            "source": "service@autohaus-lindner.example",
            "messageId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
            "destination": [MARIA],
            "headers": [{"name": "Message-ID", "value": OURS}],
        },
        **detail,
    }


def bounce(kind: str, sub: str = "General", **recipient: str) -> dict[str, Any]:
    return {
        "bounceType": kind, "bounceSubType": sub, "timestamp": "2026-03-02T11:59:44.101Z",
        "bouncedRecipients": [{"emailAddress": MARIA, **recipient}],
    }  # fmt: skip


UNKNOWN_USER = {
    "action": "failed",
    "status": "5.1.1",
    "diagnosticCode": f"smtp; 550 5.1.1 <{MARIA}>... User unknown",
}


@pytest.mark.parametrize(
    ("event", "became", "dead"),
    [
        (ses_event("Send", send={}), Became.ACCEPTED, False),
        (
            ses_event("Delivery", delivery={"recipients": [MARIA], "smtpResponse": "250 ok"}),
            Became.DELIVERED,
            False,
        ),
        (
            ses_event(
                "DeliveryDelay",
                deliveryDelay={"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": MARIA}]},
            ),
            Became.DEFERRED,
            False,
        ),
        (ses_event("Bounce", bounce=bounce("Permanent", **UNKNOWN_USER)), Became.BOUNCED, True),
        (ses_event("Bounce", bounce=bounce("Permanent", "OnAccountSuppressionList")), Became.BOUNCED, True),
        (
            ses_event("Bounce", bounce=bounce("Permanent", action="failed", status="5.7.1")),
            Became.BOUNCED,
            False,
        ),
        (ses_event("Bounce", bounce=bounce("Transient", "MailboxFull")), Became.FAILED, False),
        (
            ses_event("Bounce", bounce=bounce("Transient", "General", action="failed", status="4.4.7")),
            Became.FAILED,
            False,
        ),
        (ses_event("Bounce", bounce=bounce("Transient", "General")), Became.DEFERRED, False),
        (ses_event("Bounce", bounce=bounce("Undetermined", "Undetermined")), Became.FAILED, False),
        (
            ses_event(
                "Complaint",
                complaint={
                    "complainedRecipients": [{"emailAddress": MARIA}],
                    "complaintFeedbackType": "abuse",
                },
            ),
            Became.COMPLAINED,
            False,
        ),
        (
            ses_event(
                "Complaint",
                complaint={
                    "complainedRecipients": [{"emailAddress": MARIA}],
                    "complaintFeedbackType": "not-spam",
                },
            ),
            None,
            False,
        ),
        (ses_event("Reject", reject={"reason": "Bad content"}), Became.FAILED, False),
        (ses_event("Rendering Failure", failure={"errorMessage": "no such attribute"}), Became.FAILED, False),
        (
            ses_event(
                "Open", open={"userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_3 like Mac OS X)..."}
            ),
            Became.OPENED,
            False,
        ),
        (ses_event("Open", open={"userAgent": "Mozilla/5.0"}), Became.MACHINE_OPEN, False),
        (ses_event("Click", click={"link": "https://example.com"}), Became.CLICKED, False),
        (ses_event("Something new"), None, False),
    ],
)
async def test_what_amazon_ses_tells(event: Any, became: Became | None, dead: bool) -> None:
    found = await reports(ses(), SNS.notification(event, Subject="Amazon SES Email Event Notification"))
    assert [(one.became, one.dead) for one in found] == ([(became, dead)] if became else [])
    for one in found:
        assert (one.message_id, one.provider_id) == (OURS, event["mail"]["messageId"])
        assert one.to == MARIA


async def test_the_older_notifications_of_amazon_ses_say_the_same_in_other_words() -> None:
    event = ses_event("Bounce", bounce=bounce("Permanent", **UNKNOWN_USER))
    event["notificationType"] = event.pop("eventType")
    found = await only(ses(), SNS.notification(event))
    assert (found.became, found.code, found.reason) == (
        Became.BOUNCED,
        "5.1.1",
        f"smtp; 550 5.1.1 <{MARIA}>... User unknown",
    )
    assert found.at == datetime(2026, 3, 2, 11, 59, 44, 101000, UTC)


async def test_one_notification_of_several_recipients_is_several_reports() -> None:
    several = bounce("Permanent")
    several["bouncedRecipients"].append({"emailAddress": "jonas.weber@example.com"})
    found = await reports(ses(), SNS.notification(ses_event("Bounce", bounce=several)))
    assert [one.to for one in found] == [MARIA, "jonas.weber@example.com"]
    assert len({one.id for one in found}) == 2


@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_versions_of_the_signature_of_sns_are_known_and_one_certificate_is_fetched_once(
    version: str,
) -> None:
    documents = Documents()
    reporter = ses(documents)
    for _ in range(2):
        await reporter.read(callback(SNS.signed(Message=json.dumps(ses_event("Send")), version=version)), NOW)
    assert documents.asked == [CERTIFICATE]


async def test_what_sns_did_not_sign_is_forged() -> None:
    good = SNS.signed(Message=json.dumps(ses_event("Send")))
    foreign = Sns().signed(Message=good["Message"])
    for forged in (
        {**good, "Message": good["Message"] + " "},
        {**good, "Signature": "%"},
        {**good, "Signature": ""},
        {**good, "SignatureVersion": "3"},
        {**good, "SignatureVersion": "1"},
        {**good, "Timestamp": "2026-03-02T12:00:01.675Z"},
        {**good, "Timestamp": "never"},
        {**good, "Type": "Anything"},
        {**good, "Subject": "said by somebody else"},
        foreign,
    ):
        assert isinstance(await refused(ses(), callback(forged)), Forged)


async def test_anybodys_topic_is_not_ours_however_well_it_is_signed() -> None:
    documents = Documents()
    said = SNS.notification(ses_event("Send"), TopicArn="arn:aws:sns:eu-central-1:999999999999:mail")
    assert isinstance(await refused(ses(documents), said), Forged)
    assert documents.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com.example.org/x.pem",
        "https://example.org/sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com@example.org/x.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/x.pem",
        "https://s3.eu-central-1.amazonaws.com/x.pem",
        "https://x.sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com\n.example.org/x.pem",
        "https://[::1/x.pem",
        "",
    ],
)
async def test_no_certificate_is_fetched_but_from_sns(url: str) -> None:
    documents = Documents(**{url: SNS.certificate} if url else {})
    said = callback(SNS.signed(Message="{}", SigningCertURL=url))
    assert isinstance(await refused(ses(documents), said), Forged)
    assert documents.asked == []


async def test_a_certificate_that_is_none_or_not_valid_now_proves_nothing() -> None:
    old = Sns(since=NOW - timedelta(days=800))
    for certificate, signer in ((b"no certificate", SNS), (old.certificate, old)):
        said = callback(signer.signed(Message="{}"))
        assert isinstance(await refused(ses(Documents(**{CERTIFICATE: certificate})), said), Forged)


CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"


async def test_the_subscription_of_our_topic_is_confirmed_and_that_of_another_is_not() -> None:
    words = {"Message": "You have chosen to subscribe", "Token": "abc", "SubscribeURL": CONFIRM}
    documents = Documents(**{CONFIRM: b"<ConfirmSubscriptionResponse/>"})
    said = callback(SNS.signed("SubscriptionConfirmation", **words))
    assert await ses(documents).read(said, NOW) == []
    assert documents.asked == [CERTIFICATE, CONFIRM]

    documents.asked.clear()
    other = callback(SNS.signed("SubscriptionConfirmation", TopicArn=f"{TOPIC}-2", **words))
    assert isinstance(await refused(ses(documents), other), Forged)
    elsewhere = callback(
        SNS.signed("SubscriptionConfirmation", **{**words, "SubscribeURL": "https://example.org/"})
    )
    assert isinstance(await refused(ses(documents), elsewhere), Forged)
    assert CONFIRM not in documents.asked


async def test_while_sns_shows_no_certificate_nobody_can_tell_and_it_is_asked_again() -> None:
    documents = Documents()
    documents.pages.clear()
    reporter = ses(documents)
    with pytest.raises(Unavailable):
        await reporter.read(SNS.notification(ses_event("Send")), NOW)
    documents.pages[CERTIFICATE] = SNS.certificate
    assert await reporter.read(SNS.notification(ses_event("Send")), NOW)


async def test_the_first_words_of_a_configuration_set_say_nothing_we_use() -> None:
    said = SNS.notification("Successfully validated SNS topic for Amazon SES event publishing.")
    assert await ses().read(said, NOW) == []


def received(content: str, encoding: str) -> dict[str, Any]:
    return {
        "notificationType": "Received",
        "mail": {"source": MARIA, "messageId": "jili9m351il3gkburn7o2f0u6788stij94c8ld01"},
        "receipt": {
            "recipients": ["reply@autohaus-lindner.example"],
            "action": {"type": "SNS", "topicArn": TOPIC, "encoding": encoding},
        },
        "content": content,
    }


@pytest.mark.parametrize("encoding", ["UTF8", "BASE64"])
async def test_a_reply_through_amazon_ses(encoding: str) -> None:
    import base64

    raw = f"{ANSWER}\nGern um zehn."
    content = raw if encoding == "UTF8" else base64.b64encode(raw.encode()).decode()
    found = await reply(ses(), SNS.notification(received(content, encoding)))
    assert (found.text, found.sender, found.answers) == ("Gern um zehn.", MARIA, (OURS,))
    assert found.to == "reply@autohaus-lindner.example"


async def test_a_mail_that_ses_left_elsewhere_is_said_to_be_missing() -> None:
    error = await refused(ses(), SNS.notification(received("", "UTF8")))
    assert "S3" in error.reason


@pytest.mark.parametrize("late", [timedelta(days=2), -timedelta(minutes=6)])
async def test_an_old_callback_is_refused_and_so_is_one_from_the_future(late: timedelta) -> None:
    assert isinstance(await refused(ses(), SNS.notification(ses_event("Send")), NOW + late), Forged)
