"""When a message leaves: a table to be read and checked by hand, row by row, on a calendar (DESIGN §4.3).

The car has arrived, and the dealership in Munich says so. Every time is by the customer's own clocks.

    who     her zone, and the country and region that are known of her; `?` is no zone
    chosen  the hours Maria Keller chose, with a channel if only for that; Mon … Sun, or daily
    habit   when she usually looks
    rule    what the rule says, if not: purpose service, by push, hours 08:00-20:00, useful for two weeks
    had     what she was sent before
    news    when it happened and we heard of it
    leaves  the channel and when; `task`: a person must act; `-`: nothing
    why     part of the reason

Quiet hours by policy: service 21:00-08:00, relationship and marketing 20:00-09:00. Munich is open Monday
to Friday 09:00-17:00 and Saturday 10:00-13:00, but not on Good Friday, 3 April, and Easter Monday, 6 April.
Caps: 4 messages a day, and of marketing 1 a day and 2 a week; service is not kept back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import pytest

from orchestrator.config import quiet_hours
from orchestrator.journey import BusinessCalendar, Cap, RuleBook
from orchestrator.model import Decision, Kind, Purpose, Sent
from orchestrator.planning.planner import wanted
from orchestrator.timing import calendar
from tests.builders import BERLIN, at, car_order, event, maria, reached
from tests.deciding import Told, book, fold

TABLE = """
who                    | chosen                                | habit                | rule                    | had                                                            | news                 | leaves                     | why

# nobody chose anything: the default hours
Europe/Berlin          |                                       |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          |                                       |                      |                         |                                                                | Thu 2026-03-12 07:59 | push Thu 2026-03-12 08:00  | outside the default hours
Europe/Berlin          |                                       |                      |                         |                                                                | Thu 2026-03-12 19:59 | push Thu 2026-03-12 19:59  |
Europe/Berlin          |                                       |                      |                         |                                                                | Thu 2026-03-12 20:00 | push Fri 2026-03-13 08:00  | outside the default hours
Europe/Berlin          |                                       |                      |                         |                                                                | Thu 2026-03-12 23:30 | push Fri 2026-03-13 08:00  | outside the default hours
Europe/Berlin          |                                       |                      |                         |                                                                | Sun 2026-03-15 05:00 | push Sun 2026-03-15 08:00  | outside the default hours
Europe/Berlin          |                                       |                      | hours 10:00-12:00       |                                                                | Thu 2026-03-12 09:00 | push Thu 2026-03-12 10:00  | outside the default hours
Europe/Berlin          |                                       |                      | hours 10:00-12:00       |                                                                | Thu 2026-03-12 12:00 | push Fri 2026-03-13 10:00  | outside the default hours

# the rule's own time
Europe/Berlin          |                                       |                      | now                     |                                                                | Thu 2026-03-12 20:30 | push Thu 2026-03-12 20:30  |
Europe/Berlin          |                                       |                      | now                     |                                                                | Thu 2026-03-12 21:00 | push Fri 2026-03-13 08:00  | in the quiet hours
Europe/Berlin          |                                       |                      | now                     |                                                                | Thu 2026-03-12 07:59 | push Thu 2026-03-12 08:00  | in the quiet hours
Europe/Berlin          |                                       |                      | now                     |                                                                | Thu 2026-03-12 08:00 | push Thu 2026-03-12 08:00  |
Europe/Berlin          |                                       |                      | at 17:00                |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 17:00  | the rule sends at 17:00
Europe/Berlin          |                                       |                      | at 17:00                |                                                                | Thu 2026-03-12 17:00 | push Thu 2026-03-12 17:00  |
Europe/Berlin          |                                       |                      | at 17:00                |                                                                | Thu 2026-03-12 17:01 | push Fri 2026-03-13 17:00  | the rule sends at 17:00
Europe/Berlin          |                                       |                      | at 22:00                |                                                                | Thu 2026-03-12 11:20 | push Fri 2026-03-13 08:00  | in the quiet hours

# what the customer chose
Europe/Berlin          | Mon 19:00-21:00                       |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Mon 2026-03-16 19:00  | outside the hours the customer chose
Europe/Berlin          | Mon 19:00-21:00                       |                      |                         |                                                                | Mon 2026-03-16 20:59 | push Mon 2026-03-16 20:59  |
Europe/Berlin          | Mon 19:00-21:00                       |                      |                         |                                                                | Mon 2026-03-16 21:00 | push Mon 2026-03-23 19:00  | outside the hours the customer chose
Europe/Berlin          | Mon 19:00-21:00; Sat 10:00-12:00      |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Sat 2026-03-14 10:00  | outside the hours the customer chose
Europe/Berlin          | Mon 19:00-21:00 sms                   |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          | Mon 19:00-21:00; Sat 10:00-12:00 push |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Sat 2026-03-14 10:00  | outside the hours the customer chose
Europe/Berlin          | daily 20:00-22:00                     |                      |                         |                                                                | Thu 2026-03-12 21:30 | push Fri 2026-03-13 20:00  | in the quiet hours
Europe/Berlin          | Fri 23:00-09:00                       |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Sat 2026-03-14 08:00  | in the quiet hours
Europe/Berlin          | daily 22:00-06:00                     |                      |                         |                                                                | Thu 2026-03-12 11:20 | task                       | leave no moment
Europe/Berlin          | daily 18:00-19:00                     |                      | at 10:00                |                                                                | Thu 2026-03-12 11:20 | push Fri 2026-03-13 18:00  | outside the hours the customer chose
Europe/Berlin          | Mon 19:00-21:00                       |                      | now                     |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |

# when the customer usually looks
Europe/Berlin          |                                       | Mon 19:00-21:00      |                         |                                                                | Thu 2026-03-12 11:20 | push Mon 2026-03-16 20:30  | when the customer usually looks
Europe/Berlin          |                                       | Mon 19:00-21:00      |                         |                                                                | Mon 2026-03-16 19:10 | push Mon 2026-03-16 20:30  | when the customer usually looks
Europe/Berlin          |                                       | Mon 19:00-21:00      |                         |                                                                | Mon 2026-03-16 20:45 | push Mon 2026-03-16 20:45  |
Europe/Berlin          |                                       | Mon 19:00-21:00      |                         |                                                                | Mon 2026-03-16 21:00 | push Mon 2026-03-23 20:30  | when the customer usually looks
Europe/Berlin          |                                       | daily 12:00-12:15    |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 12:00  | when the customer usually looks
Europe/Berlin          |                                       | daily 07:30-08:10    |                         |                                                                | Thu 2026-03-12 07:00 | push Thu 2026-03-12 08:00  | in the quiet hours
Europe/Berlin          |                                       | daily 20:00-21:30    |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 20:00  | when the customer usually looks
Europe/Berlin          |                                       | daily 22:00-23:00    |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          | Sat 10:00-12:00                       | Mon 19:00-21:00      |                         |                                                                | Thu 2026-03-12 11:20 | push Sat 2026-03-14 10:00  | outside the hours the customer chose
Europe/Berlin          |                                       | Mon 19:00-21:00 sms  |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          |                                       | Mon 19:00-21:00      | at 17:00                |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 17:00  | the rule sends at 17:00
Europe/Berlin          |                                       | Mon 19:00-21:00      | now                     |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |

# a deadline beats them all: the next channel, then a person
Europe/Berlin          |                                       | Mon 19:00-21:00      | within 6h               |                                                                | Thu 2026-03-12 11:20 | task                       | not before Mon 2026-03-16 19:00, when the customer usually looks
Europe/Berlin          |                                       | Mon 19:00-21:00      | within 9h               |                                                                | Mon 2026-03-16 11:20 | push Mon 2026-03-16 19:00  | when the customer usually looks
Europe/Berlin          |                                       | Mon 19:00-21:00 push | push sms, within 6h     |                                                                | Thu 2026-03-12 11:20 | sms Thu 2026-03-12 11:20   |
Europe/Berlin          | Mon 19:00-21:00 push                  |                      | push sms, within 6h     |                                                                | Thu 2026-03-12 11:20 | sms Thu 2026-03-12 11:20   |
Europe/Berlin          |                                       |                      | within 6h               |                                                                | Thu 2026-03-12 20:30 | task                       | not before Fri 2026-03-13 08:00
Europe/Berlin          |                                       |                      | within 14h              |                                                                | Thu 2026-03-12 20:30 | push Fri 2026-03-13 08:00  | outside the default hours
Europe/Berlin          |                                       |                      | within 11h30m           |                                                                | Thu 2026-03-12 20:30 | task                       | not before Fri 2026-03-13 08:00
Europe/Berlin          |                                       |                      | relationship, within 6h |                                                                | Thu 2026-03-12 20:30 | -                          | not before Fri 2026-03-13 09:00

# the location's days, hours and holidays
Europe/Berlin          |                                       |                      | business days           |                                                                | Sun 2026-03-15 11:00 | push Mon 2026-03-16 08:00  | the location is closed
Europe/Berlin          |                                       |                      | business days           |                                                                | Sat 2026-03-14 16:00 | push Sat 2026-03-14 16:00  |
Europe/Berlin          |                                       |                      | business days           |                                                                | Fri 2026-04-03 11:00 | push Sat 2026-04-04 08:00  | the location is closed
Europe/Berlin          |                                       |                      | business days, at 10:00 |                                                                | Sun 2026-04-05 11:00 | push Tue 2026-04-07 10:00  | the rule sends at 10:00
Europe/Berlin          |                                       |                      | business hours          |                                                                | Fri 2026-03-13 17:00 | push Sat 2026-03-14 10:00  | the location is closed
Europe/Berlin          |                                       |                      | business hours          |                                                                | Sat 2026-03-14 13:00 | push Mon 2026-03-16 09:00  | the location is closed
Europe/Berlin          |                                       |                      | business hours          |                                                                | Thu 2026-04-02 18:00 | push Sat 2026-04-04 10:00  | the location is closed
America/New_York       |                                       |                      | business hours          |                                                                | Thu 2026-03-12 13:00 | push Fri 2026-03-13 08:00  | the location is closed
Europe/Berlin          |                                       |                      | skip holidays           |                                                                | Fri 2026-04-03 11:00 | push Sat 2026-04-04 08:00  | the location has a holiday
Europe/Berlin          |                                       |                      | skip holidays           |                                                                | Sun 2026-03-15 11:00 | push Sun 2026-03-15 11:00  |

# purposes, and the law
Europe/Berlin          |                                       |                      | security                |                                                                | Thu 2026-03-12 03:00 | push Thu 2026-03-12 03:00  |
Europe/Berlin          |                                       |                      | relationship            |                                                                | Thu 2026-03-12 08:30 | push Thu 2026-03-12 09:00  | in the quiet hours
Europe/Berlin DE       |                                       |                      | marketing, email, now   |                                                                | Thu 2026-03-12 20:00 | email Fri 2026-03-13 09:00 | in the quiet hours
America/Chicago US-TX  |                                       |                      | marketing, sms          |                                                                | Sun 2026-03-15 10:00 | sms Sun 2026-03-15 12:00   | the law allows marketing by sms in US-TX
America/Chicago US-TX  |                                       |                      | marketing, email        |                                                                | Sun 2026-03-15 10:00 | email Sun 2026-03-15 10:00 |
America/Chicago US-TX  |                                       |                      | sms                     |                                                                | Sun 2026-03-15 10:00 | sms Sun 2026-03-15 10:00   |
America/New_York US    |                                       |                      | marketing, sms          |                                                                | Thu 2026-03-12 09:30 | sms Thu 2026-03-12 10:00   | the law allows marketing by sms in US
America/New_York US-NY |                                       |                      | marketing, sms          |                                                                | Thu 2026-03-12 09:30 | sms Thu 2026-03-12 09:30   |
Europe/Paris FR        |                                       |                      | marketing, sms          |                                                                | Sat 2026-03-14 20:30 | sms Mon 2026-03-16 09:00   | the law allows marketing by sms in FR
Europe/Paris FR        |                                       |                      | marketing, sms          |                                                                | Tue 2026-07-14 11:00 | sms Wed 2026-07-15 09:00   | the law allows marketing by sms in FR
Europe/London GB       |                                       |                      | marketing, sms          |                                                                | Sun 2026-03-15 11:00 | sms Sun 2026-03-15 11:00   |

# a zone that is not known: the order's, and for marketing what is allowed all over the country
?                      |                                       |                      |                         |                                                                | Thu 2026-03-12 22:00 | push Fri 2026-03-13 08:00  | by the clocks of Europe/Berlin: their own time zone is not known
CEST                   |                                       |                      |                         |                                                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  | by the clocks of Europe/Berlin: their own time zone is none that we know
? US-TX                |                                       |                      | marketing, sms, now     |                                                                | Thu 2026-03-12 12:00 | sms Thu 2026-03-12 20:00   | allowed all over US: their own time zone is not known
? US-TX                |                                       |                      | sms, now                |                                                                | Thu 2026-03-12 12:00 | sms Thu 2026-03-12 12:00   | by the clocks of Europe/Berlin

# caps
Europe/Berlin          |                                       |                      | marketing, email        | marketing Thu 2026-03-12 10:30                                 | Thu 2026-03-12 11:20 | email Fri 2026-03-13 09:00 | and 1 a day is the most
Europe/Berlin          |                                       |                      | marketing, email        | marketing Wed 2026-03-11 23:59                                 | Thu 2026-03-12 11:20 | email Thu 2026-03-12 11:20 |
Europe/Berlin          |                                       |                      | marketing, email        | marketing Mon 2026-03-09 09:00; marketing Wed 2026-03-11 09:00 | Thu 2026-03-12 11:20 | email Mon 2026-03-16 09:00 | and 2 a week is the most
America/New_York       |                                       |                      | marketing, email        | marketing Wed 2026-03-11 23:30                                 | Thu 2026-03-12 11:20 | email Thu 2026-03-12 11:20 |
Europe/Berlin          |                                       |                      | relationship            | 4 service Thu 2026-03-12 09:00                                 | Thu 2026-03-12 11:20 | push Fri 2026-03-13 09:00  | and 4 a day is the most
Europe/Berlin          |                                       |                      | relationship            | 4 security Thu 2026-03-12 09:00                                | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          |                                       |                      |                         | 4 service Thu 2026-03-12 09:00                                 | Thu 2026-03-12 11:20 | push Thu 2026-03-12 11:20  |
Europe/Berlin          |                                       | Mon 19:00-21:00      | relationship            | 4 service Mon 2026-03-16 09:00                                 | Mon 2026-03-16 11:20 | push Mon 2026-03-23 19:00  | and 4 a day is the most

# the nights on which the clocks change
Europe/Berlin          |                                       |                      | security, at 02:30      |                                                                | Sat 2026-03-28 12:00 | push Sun 2026-03-29 03:00  | the rule sends at 02:30
Europe/Berlin          |                                       |                      | security, at 02:30      |                                                                | Sat 2026-10-24 12:00 | push Sun 2026-10-25 02:30  | the rule sends at 02:30
Europe/Berlin          | Sun 02:10-02:50                       |                      | loud                    |                                                                | Sat 2026-03-28 12:00 | push Sun 2026-03-29 03:00  | outside the hours the customer chose
Europe/Berlin          |                                       | Sun 01:45-03:15      | loud                    |                                                                | Sat 2026-03-28 12:00 | push Sun 2026-03-29 03:00  | when the customer usually looks
Europe/Berlin          |                                       |                      |                         |                                                                | Sat 2026-03-28 23:00 | push Sun 2026-03-29 08:00  | outside the default hours
Europe/Berlin          |                                       |                      |                         |                                                                | Sat 2026-10-24 23:00 | push Sun 2026-10-25 08:00  | outside the default hours
America/New_York       |                                       |                      |                         |                                                                | Sat 2026-03-07 23:00 | push Sun 2026-03-08 08:00  | outside the default hours

# clocks far from Munich's, on both sides of the date line
Pacific/Kiritimati     |                                       |                      |                         |                                                                | Thu 2026-03-12 23:00 | push Fri 2026-03-13 08:00  | outside the default hours
Pacific/Kiritimati     | Mon 19:00-20:00                       |                      |                         |                                                                | Sun 2026-03-15 21:00 | push Mon 2026-03-16 19:00  | outside the hours the customer chose
Pacific/Pago_Pago      | Mon 19:00-20:00                       |                      |                         |                                                                | Sun 2026-03-15 21:00 | push Mon 2026-03-16 19:00  | outside the hours the customer chose
Pacific/Auckland       |                                       | Mon 19:00-21:00      |                         |                                                                | Mon 2026-03-16 08:00 | push Mon 2026-03-16 20:30  | when the customer usually looks
Pacific/Chatham        |                                       |                      |                         |                                                                | Thu 2026-03-12 07:00 | push Thu 2026-03-12 08:00  | outside the default hours
Asia/Kathmandu         |                                       |                      |                         |                                                                | Thu 2026-03-12 20:00 | push Fri 2026-03-13 08:00  | outside the default hours
America/Los_Angeles    | Mon 20:30-21:00                       |                      |                         |                                                                | Mon 2026-03-16 12:00 | push Mon 2026-03-16 20:30  | outside the hours the customer chose
"""  # noqa: E501  a table is read along its lines

MUNICH = BusinessCalendar(
    {day: (time(9), time(17)) for day in range(5)} | {5: (time(10), time(13))},
    frozenset({date(2026, 4, 3), date(2026, 4, 6)}),
)
QUIET = {
    Purpose.SERVICE: (time(21), time(8)),
    Purpose.RELATIONSHIP: (time(20), time(9)),
    Purpose.MARKETING: (time(20), time(9)),
}
CAPS = {None: Cap(day=4), Purpose.MARKETING: Cap(day=1, week=2)}
OPT_IN = event("consent.given", "C-1", "2026-03-01 09:00", purpose="marketing", evidence="form")


@dataclass(frozen=True)
class Row:
    """One line of the table, with where it stands."""

    line: int
    who: str
    chosen: str
    habit: str
    rule: str
    had: str
    news: str
    leaves: str
    why: str

    @property
    def zone(self) -> str:
        zone = self.who.split()[0]
        return zone if "/" in zone else BERLIN


NOBODY = ("task", "-")


def name(row: Row) -> str:
    """How a failing test names its row."""
    return f"line-{row.line}"


def rows() -> Iterator[Row]:
    """The table without its heading, comments and empty lines."""
    for number, line in enumerate(TABLE.splitlines()[2:], 2):
        if line and not line.startswith("#"):
            yield Row(number, *(cell.strip() for cell in line.split("|")))


def moment(written: str, zone: str) -> datetime:
    """Read ``Thu 2026-03-12 11:20`` by the clocks of *zone*; the day of the week must be right."""
    found = at(written[4:], zone)
    assert f"{datetime.fromisoformat(written[4:]):%a}" == written[:3], f"{written} is another day of the week"
    return found


def customer(row: Row) -> Told:
    zone, _, place = row.who.partition(" ")
    country, _, region = place.partition("-")
    known = {"time_zone": "" if zone == "?" else zone, "country": country, "region": region}
    return maria(devices=["phone-1"], **known)


def hours(kind: str, written: str) -> list[Told]:
    """``Mon 19:00-21:00 push; Sat 10:00-12:00`` as the windows of an event."""
    windows = []
    for part in filter(None, map(str.strip, written.split(";"))):
        days, span, *channel = part.split()
        start, _, end = span.partition("-")
        windows.append({"days": days.lower(), "from": start, "to": end, "channel": "".join(channel)})
    return [event(kind, "C-1", "2026-03-02 09:00", windows=windows)] if windows else []


def rules_of(row: Row) -> RuleBook:
    """What the third column says, as a rule."""
    words = [word.strip() for word in row.rule.split(",")]
    timing, purpose, channels = {"within": "14d"}, "service", "push"
    for word in filter(None, words):
        key, _, value = word.partition(" ")
        if key in ("at", "within", "hours"):
            timing[key] = f'"{value}"'
        elif key == "now":
            timing["at"] = "now"
        elif key in ("business", "skip"):
            timing[word.replace(" ", "_")] = "true"
        elif key in tuple(Purpose):
            purpose = key
        elif key != "loud":
            channels = ", ".join(word.split())
    written = ", ".join(f"{key}: {value}" for key, value in timing.items())
    rule = (
        f"{{id: a, on: {{reached: arrived}}, say: a, channels: [{channels}], purpose: {purpose}, "
        f"timing: {{{written}}}}}"
    )
    return book(
        rule,
        head="" if "loud" in words else 'hours: "08:00-20:00"',
        quiet=None if "loud" in words else QUIET,
        calendars={"default": MUNICH},
        law=quiet_hours.law(),
        caps=CAPS,
    )


def had(row: Row) -> tuple[Sent, ...]:
    """``4 service Thu 2026-03-12 09:00; …`` as what was sent."""
    found: list[Sent] = []
    for part in filter(None, map(str.strip, row.had.split(";"))):
        count, _, rest = part.partition(" ") if part[0].isdigit() else ("1", "", part)
        purpose, _, when = rest.partition(" ")
        for _ in range(int(count)):
            key = f"O-9/{len(found)}/x/customer"
            found.append(Sent(moment(when, row.zone), Purpose(purpose), key, len(found)))
    return tuple(found)


def decided(row: Row) -> Decision:
    news = moment(row.news, row.zone)
    told = [car_order(), customer(row), OPT_IN, *hours("preference.set", row.chosen)]
    told += [*hours("customer.habit", row.habit), reached("O-1", "arrived", news)]
    order, who = fold(*told)
    who.sent = had(row)
    decision = wanted(order, who, rules_of(row), news)
    assert decision.errors == ()
    return decision


@pytest.mark.parametrize("row", list(rows()), ids=name)
def test_a_message_leaves_when_the_table_says(row: Row) -> None:
    decision = decided(row)
    messages = [note for note in decision.wanted if note.kind is Kind.MESSAGE and note.steps]
    if messages:
        (note,) = messages
        found = f"{note.steps[0].channel} {calendar.show(note.due_at, row.zone)}"
        why = note.steps[0].why
        assert note.due_at == note.steps[0].at
    else:
        found = "task" if any(note.kind is Kind.TASK for note in decision.wanted) else "-"
        why = "; ".join(silence.reason for silence in decision.silences)

    assert (found, row.why if row.why in why else why) == (row.leaves, row.why)
    assert row.why or not why


@pytest.mark.parametrize("row", [row for row in rows() if row.leaves not in NOBODY], ids=name)
def test_asked_again_when_it_leaves_it_still_leaves_then(row: Row) -> None:
    """The guard asks the planner again at that very moment, and a minute later."""
    due = moment(row.leaves.partition(" ")[2], row.zone)
    order, who = fold(
        car_order(), customer(row), OPT_IN, *hours("preference.set", row.chosen),
        *hours("customer.habit", row.habit), reached("O-1", "arrived", moment(row.news, row.zone)),
    )  # fmt: skip
    who.sent = had(row)
    (note,) = (one for one in wanted(order, who, rules_of(row), due).wanted if one.kind is Kind.MESSAGE)

    assert note.due_at == due or (row.had and note.due_at < due)  # on another day there was room before


def test_the_table_is_long_enough_and_says_nothing_twice() -> None:
    said = [replace(row, line=0) for row in rows()]

    assert len(said) >= 60
    assert len(set(said)) == len(said)
