"""What a mail server says of a mail later: delivery status (RFC 3464) and complaints (RFC 5965)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string
from email.message import Message

from channels import smtp
from channels.base import Rejected
from channels.inbound.mail import Mail, date_of, decoded, parts
from channels.reports import Became

_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}")
_REPLY = re.compile(r"\b([45]\d\d)(?:[ -]|$)")
_BECAME = {
    "delayed": Became.DEFERRED,
    "delivered": Became.DELIVERED,
    "relayed": Became.ACCEPTED,  # to a server that will not report
    "expanded": Became.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Said:
    """One recipient's part of a report; ``ids`` are Message-IDs of the mail it is about, if it shows any.

    Neither an address in it nor a fault of ours is believed: whoever got one mail can write such a report.
    ``about`` are addresses of ours that it names beside the one it came to.
    """

    became: Became
    code: str = ""
    words: str = ""
    dead: bool = False
    at: datetime | None = None
    ids: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


def read(mail: Mail) -> list[Said]:
    """What a report says; nothing if it is none that can be understood."""
    if mail.headers.get_content_type() != "multipart/report":
        return []
    here = list(parts(mail.headers))
    ids = tuple(dict.fromkeys(one for part in here for one in _ids(part)))
    found = [said for part in here for said in _part(part, ids)]
    return [said for said in found if said is not None]


def gone(answer: str, status: str = "") -> bool:
    """Does a server's *answer* to a recipient mean that the address exists no more?

    *status* is the enhanced code (RFC 3463) where somebody read it already.
    """
    code = status_of(answer, status)
    code = "" if code.endswith(".0.0") else code
    reply = _REPLY.search(answer)
    error = smtp.error(smtp.Stage.RECIPIENT, int(reply[1]) if reply else 550, f"{code} {answer}".strip())
    return isinstance(error, Rejected) and error.suppress


def status_of(answer: str, status: str = "") -> str:
    """The enhanced code that says most: the *answer*'s, if *status* leaves it open (5.0.0), or ""."""
    given, precise = _STATUS.search(status), _STATUS.search(answer)
    if given and not (precise and given[0].endswith(".0.0")):
        return given[0]
    return precise[0] if precise else ""


def _part(part: Message, ids: tuple[str, ...]) -> Iterator[Said | None]:
    kind = part.get_content_type()
    if kind in ("message/delivery-status", "message/global-delivery-status"):
        for block in _blocks(part):
            if block.get("action") or block.get("status"):
                yield _delivery(block, ids)
    elif kind == "message/feedback-report":
        yield from (_feedback(block, ids) for block in _blocks(part))


def _delivery(block: Message, ids: tuple[str, ...]) -> Said | None:
    action = str(block.get("action", "")).split("(")[0].strip().lower()
    words = _typed(block, "diagnostic-code")
    code = status_of(words, str(block.get("status", "")))
    at = date_of(str(block.get("last-attempt-date", "")))
    if action in _BECAME:
        return Said(_BECAME[action], code, words, at=at, ids=ids)
    if action != "failed":
        return None
    came_back = not code.startswith("4")  # 4.4.7: it waited too long, and the address may be fine
    dead = came_back and gone(words, code)
    return Said(Became.BOUNCED if came_back else Became.FAILED, code, words, dead=dead, at=at, ids=ids)


def _feedback(block: Message, ids: tuple[str, ...]) -> Said | None:
    kind = str(block.get("feedback-type", "")).strip().lower()
    if kind not in ("abuse", "fraud", "opt-out"):
        return None
    about = tuple(str(line) for line in block.get_all("original-mail-from", []))
    became = Became.UNSUBSCRIBED if kind == "opt-out" else Became.COMPLAINED
    return Said(became, kind, at=date_of(str(block.get("arrival-date", ""))), ids=ids, about=about)


def _blocks(part: Message) -> list[Message]:
    """The groups of fields in a part that is a list of them, whichever way it was encoded."""
    payload = part.get_payload()
    inside = payload if isinstance(payload, list) else []
    if part.get("content-transfer-encoding", "7bit").strip().lower() not in ("7bit", "8bit", "binary", ""):
        text = decoded(message_from_string("\n\n".join(map(str, inside)))) if inside else decoded(part)
        inside = [message_from_string(group) for group in re.split(r"\n\s*\n", text.replace("\r\n", "\n"))]
    return [block for block in inside if isinstance(block, Message) and block.keys()]


def _ids(part: Message) -> Iterator[str]:
    """The Message-ID of a mail that a report has in it, whole or its headers."""
    kind = part.get_content_type()
    inside: list[Message] = []
    if kind in ("message/rfc822", "message/global"):
        payload = part.get_payload()
        inside = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
    elif kind in ("text/rfc822-headers", "message/global-headers"):
        inside = [message_from_string(decoded(part))]
    for one in inside:
        yield from (str(line).strip() for line in one.get_all("message-id", []))


def _typed(block: Message, name: str) -> str:
    """The value after the type of a field: ``rfc822; …``, ``smtp; …``."""
    value = " ".join(str(block.get(name, "")).split())
    return value.partition(";")[2].strip() if ";" in value else value
