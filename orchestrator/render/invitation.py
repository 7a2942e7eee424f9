"""A promise as a file for the customer's calendar (RFC 5545, 5546): ``Calendar: invite collected for 1h``.

One order and milestone is one entry of the calendar for ever (its UID), so a promise that moves moves the
entry, and a cancelled order takes it out. ``icalendar`` writes the lines, folds and quotes them.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from orchestrator import literals
from orchestrator.findings import Wrong
from orchestrator.model import Kind, Milestone, Notification, Order, Promised
from orchestrator.render.attachments import File

_UIDS = UUID("0b8c9a4e-7d0e-4f5e-9a53-2f1f6a1d5c77")  # the name space of our UIDs; never change it
_DECLARED = re.compile(r"(?P<method>[a-z]+)\s+(?P<milestone>\w[\w.-]*)(?:\s+for\s+(?P<length>\w+))?\s*\Z")
LENGTH = timedelta(hours=1)  # of an appointment that names only when it begins
LONGEST = timedelta(days=1)
NAME = "appointment.ics"
PRODUCT = "-//Beforehand//EN"


class Method(StrEnum):
    """What a calendar is asked to do (RFC 5546 1.4)."""

    PUBLISH = "PUBLISH"  # something to know: it is offered, and nobody is asked to come
    REQUEST = "REQUEST"  # an appointment with the reader, who may accept it
    CANCEL = "CANCEL"  # it takes the entry out again


WORDS = {"publish": Method.PUBLISH, "invite": Method.REQUEST, "cancel": Method.CANCEL}


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a template declares: which milestone, how long, and in which words."""

    method: Method
    milestone: str
    length: timedelta = LENGTH
    title: str = ""
    place: str = ""


class Unreadable(ValueError):
    """A ``Calendar:`` line that cannot be read; says why."""


def read(text: str) -> Invitation:
    """Read ``invite collected``, ``publish delivered for 2h``; raises :class:`Unreadable`."""
    match = _DECLARED.match(text)
    if match is None:
        raise Unreadable("it is not read as `invite MILESTONE for LENGTH`")
    method = WORDS.get(match["method"])
    if method is None:
        raise Unreadable(f"a calendar cannot be asked to '{match['method']}'; write {', '.join(WORDS)}")
    return Invitation(method, match["milestone"], _length(match["length"]))


def _length(text: str | None) -> timedelta:
    if text is None:
        return LENGTH
    try:
        length = literals.parse_duration(text)
    except Wrong as wrong:
        raise Unreadable(wrong.message) from None
    span = timedelta(seconds=length.seconds)
    if length.days or length.business_days or length.business_minutes or not timedelta() < span <= LONGEST:
        raise Unreadable("an appointment lasts minutes or hours, `45m`, `2h`, and at most a day")
    return span


# ── the file ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who invites, or is invited."""

    email: str
    name: str = ""


def calendar_file(
    invitation: Invitation,
    wanted: Notification,
    order: Order,
    *,
    zone: str,
    now: datetime,
    organizer: Somebody,
    attendee: Somebody,
) -> File | None:
    """Return the file, or ``None`` where no day was told that a calendar could hold.

    A cancelled order cancels its entry, whatever the template asks.
    """
    milestone = order.milestones.get(invitation.milestone)
    value = _value(milestone, wanted)
    if milestone is None or value is None:
        return None
    if order.cancelled is not None:
        invitation = replace(invitation, method=Method.CANCEL)
    text = _written(
        invitation, value, zone, now, organizer, attendee,
        uid=str(uuid5(_UIDS, f"{order.id} {invitation.milestone}")),
        sequence=sequence(order, milestone, value, invitation.method),
    )  # fmt: skip
    return File(NAME, f"text/calendar; charset=utf-8; method={invitation.method}", text)


def _value(milestone: Milestone | None, wanted: Notification) -> Promised | None:
    """The promise that this message tells, or that was told; for staff the newest."""
    telling = next((t.value for t in wanted.tells if milestone and t.milestone == milestone.name), None)
    if telling is not None or milestone is None:
        return telling
    if wanted.kind is Kind.TASK or wanted.role != "customer":
        return milestone.promise.value if milestone.promise is not None else None
    return milestone.told.value if milestone.told is not None else None


def sequence(order: Order, milestone: Milestone, value: Promised, method: Method) -> int:
    """The entry's revision (RFC 5545 3.8.7.4): it grows with the promise's version and each retraction.

    A cancellation stands between two invitations: above the one it takes back, below the next.
    """
    versions = [promise.version for promise in milestone.promises if promise.value == value]
    version = max(versions, default=1)
    taken_back = sum(each.episode - 1 for each in order.milestones.values())
    number = 2 * (version - 1 + taken_back)
    if method is not Method.CANCEL:
        return number
    return number - 1 if order.cancelled is None and taken_back else number + 1


def _written(
    invitation: Invitation,
    value: Promised,
    zone: str,
    now: datetime,
    organizer: Somebody,
    attendee: Somebody,
    *,
    uid: str,
    sequence: int,
) -> bytes:
    import icalendar

    calendar, entry = icalendar.Calendar(), icalendar.Event()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("method", invitation.method.value)
    begins, ends = _span(value, invitation.length, zone)
    if isinstance(begins, datetime):
        calendar.add_component(_time_zone(zone, begins.year))
    entry.add("uid", uid)
    entry.add("sequence", sequence)
    entry.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    entry.add("dtstart", begins)
    entry.add("dtend", ends)
    entry.add("summary", invitation.title)
    if invitation.place:
        entry.add("location", invitation.place)
    entry.add("organizer", _address(organizer))
    if invitation.method is not Method.PUBLISH:
        invited = _address(attendee)
        invited.params |= {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
        entry.add("attendee", invited)
    cancelled = invitation.method is Method.CANCEL
    entry.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    entry.add("transp", "OPAQUE" if isinstance(begins, datetime) and not cancelled else "TRANSPARENT")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def _span(value: Promised, length: timedelta, zone: str) -> tuple[date, date] | tuple[datetime, datetime]:
    """When it begins and ends: a whole day, a window, or an instant and its length, on the order's clock."""
    if value.day is not None:
        return value.day, value.day + timedelta(days=1)
    assert value.start is not None
    clock = ZoneInfo(zone)
    ends = value.end if value.end is not None else value.start + length
    return value.start.astimezone(clock), ends.astimezone(clock)


def _address(who: Somebody) -> Any:
    import icalendar

    address = icalendar.vCalAddress(f"mailto:{who.email}")
    if who.name:
        address.params["CN"] = icalendar.vText(who.name)
    return address


@lru_cache(maxsize=64)
def _time_zone(zone: str, year: int) -> Any:
    """The zone's clock changes of that year and the next, which a calendar must be told (RFC 5545 3.6.5)."""
    import icalendar

    found = icalendar.Timezone.from_tzid(zone, first_date=date(year, 1, 1), last_date=date(year + 2, 1, 1))
    found.pop("COMMENT", None)
    return found
