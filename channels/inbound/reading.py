"""A mail that came in → reports and replies: proven bounces, withdrawals by mail, and answers."""

import re
from collections.abc import Sequence

from channels.inbound import bounces
from channels.inbound.automatic import is_automatic
from channels.inbound.mail import Mail, brief, digest
from channels.inbound.quoting import own_words
from channels.inbound.signed import Signing, Use
from channels.reports import Became, Reply, Report

_UNSUBSCRIBE = re.compile(r"\s*unsubscribe\s+<?([^<>\s]{1,200}@[^<>\s]{1,200})>?\s*", re.IGNORECASE)


def read(mail: Mail, signing: Signing, *, name: str = "") -> Sequence[Report | Reply]:
    """Return what a mail says; nothing for a report that nothing of ours proves.

    *name* is the same for the same mail, however often it is brought; by default its content's.
    """
    reports = bounces.read(mail)
    written = (mail.header("message-id"), mail.header("from"), mail.header("date"), mail.text)
    # reports without Message-ID and Date differ in nothing else: first "delayed", then "failed"
    became = (f"{one.became} {one.code} {one.at} {one.words} {one.ids}" for one in reports)
    name = name or digest(*written, *became)
    if reports or mail.headers.get_content_type() == "multipart/report":
        return [
            Report(
                id=f"{name}/{number}",
                became=said.became,
                at=said.at or mail.dated,
                message_id=message_id,
                dead=said.dead,
                code=said.code,
                reason=brief(said.words),
            )
            for number, said in enumerate(reports)
            if (message_id := _proven(mail, said, signing))
        ]
    sender = next(iter(mail.addresses("from")), "")
    asked = _UNSUBSCRIBE.fullmatch(mail.header("subject"))
    named = (f"<{asked[1]}>",) if asked else ()
    proven = next((one for at in mail.came_to if (one := signing.proven(at, Use.UNSUBSCRIBE, named))), "")
    if proven:
        return [Report(name, Became.UNSUBSCRIBED, mail.dated, message_id=proven)]
    if named:  # anybody may write such a subject
        return [Report(name, Became.UNSUBSCRIBED, mail.dated, message_id=named[0], to=sender, unproven=True)]
    if any(
        signing.proven(address, Use.BOUNCE, mail.ids("in-reply-to", "references")) for address in mail.came_to
    ):
        return []  # only machines write to the envelope's sender: an out-of-office, a challenge
    answers = tuple(dict.fromkeys([*mail.ids("in-reply-to"), *reversed(mail.ids("references"))]))
    proven = next((one for at in mail.came_to if (one := signing.proven(at, Use.REPLY, answers))), "")
    return [
        Reply(
            id=name,
            sender=sender,
            text=own_words(mail.text),
            to=next(iter(mail.came_to), ""),
            subject=mail.header("subject")[:300],
            at=mail.dated,
            answers=tuple(dict.fromkeys([proven, *answers])) if proven else answers,
            automatic=is_automatic(mail),
        )
    ]


def _proven(mail: Mail, said: bounces.Said, signing: Signing) -> str:
    """The Message-ID of ours that the report is about, if one of our addresses in it proves that."""
    named = (*mail.came_to, *said.about)
    return next((one for at in named if (one := signing.proven(at, Use.BOUNCE, said.ids))), "")
