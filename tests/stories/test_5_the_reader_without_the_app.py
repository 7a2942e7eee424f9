"""Scene 5: she reads our mail and has not the app: the next mail she gets anyway has one line on it. Once."""

from typing import Any

from tests.builders import event
from tests.stories.telling import Told, car, maria_waits, tell

LINE = "P.S. Our app shows where your car is at any time."
BY_MAIL = event("preference.set", "maria", "2026-03-02 10:00", channels=["email"])
READS = event("customer.active", "maria", "2026-03-02 20:15", surface="email")
ARRIVED = car("milestone.reached", "2026-03-12 10:00", milestone="arrived")
READY = car("milestone.reached", "2026-03-16 10:00", milestone="prepared")


def mails(*more: dict[str, Any], reads: bool = True, **customer: Any) -> tuple[Told, dict[str, bool]]:
    """Her story by mail, and of each mail to her by template, whether it carried the line."""
    seen = [READS] if reads else []
    told = tell(
        maria_waits("2026-03-12", **customer), BY_MAIL, *seen, ARRIVED, READY, *more, until="2026-03-18 00:00"
    )
    mine = [line for line in told.lines if line.status == "accepted" and line.role == "customer"]
    names = {f"{line.order}/{line.rule}/{line.occasion}/{line.role}": line.template for line in mine}
    letters = [message for message in told.messages if message.id in names and message.channel == "email"]
    return told, {names[mail.id].partition("/")[2]: LINE in mail.text for mail in letters}


def test_the_next_mail_she_gets_anyway_carries_the_line_and_the_one_after_it_does_not() -> None:
    _, carried = mails()

    assert carried == {"arrived": True, "ready-to-collect": False}


def test_it_is_a_postscript_above_the_signature_and_stands_in_both_parts() -> None:
    told, _ = mails()

    (mail,) = [m for m in told.messages if LINE in m.text]
    body, footer = mail.text.split("\n-- \n")
    assert body.rstrip().splitlines()[-1].startswith(LINE)
    assert LINE not in footer
    assert mail.html.count(LINE) == 1


def test_it_is_never_a_reason_to_write() -> None:
    told = tell(maria_waits("2026-04-12"), BY_MAIL, READS, until="2026-03-10 00:00")

    assert told.transcript(to="customer") == ""


def test_who_has_the_app_or_was_never_seen_to_read_a_mail_is_not_told_of_it() -> None:
    assert not any(mails(devices=["maria-phone"])[1].values())
    assert not any(mails(reads=False)[1].values())


def test_who_wants_no_such_word_gets_the_mail_without_it() -> None:
    stop = event("consent.withdrawn", "maria", "2026-03-03 09:00", purpose="relationship", channel="email")

    assert mails(stop)[1] == {"arrived": False, "ready-to-collect": False}


def test_once_is_once_for_her_whichever_of_her_cars_the_mail_is_about() -> None:
    second = [
        {**document, "subject": "BX-200", "id": f"second-{number}"}
        for number, document in enumerate([*maria_waits("2026-03-12")[1:], ARRIVED])
    ]

    told, _ = mails(*second)

    assert sum(LINE in message.text for message in told.messages) == 1


def test_she_reads_it_in_the_language_of_the_mail() -> None:
    told, _ = mails(locale="de-DE")

    (mail,) = [message for message in told.messages if "P.S." in message.text]
    assert "In unserer App" in mail.text
