"""What the audience of the demo sees, day by day: what happens, who is told or asked, what is not said."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestrator.cli import output
from orchestrator.reasons import Code

if TYPE_CHECKING:
    from channels.base import Message
    from orchestrator.intake import Incoming
    from orchestrator.model import Entry
    from orchestrator.sending.messages import Composes

INDENT = 21  # columns: two, the time, the mark, the kind
QUOTED = 2  # lines of a message that are shown
STYLES = {"happens": "bold", "tells": "green", "asks": "yellow", "not said": "dim"}
MARKS = {"happens": "•", "tells": "→", "asks": "→", "not said": "×"}
BEATS = {"happens": 1.0, "tells": 1.6, "asks": 1.2, "not said": 0.7}  # a text wants reading
BEATS_IN_ALL = 47.5  # of the whole story


class Overheard:
    """Composes like *composer*, and remembers what was written."""

    def __init__(self, composer: Composes) -> None:
        self._composer = composer
        self.messages: dict[str, Message] = {}

    def compose(self, go: Any, *facts: Any) -> Message:
        """Make the message or raise :class:`orchestrator.errors.RenderError`."""
        message = self.messages[go.wanted.key] = self._composer.compose(go, *facts)
        return message


class Screen:
    """Shows the story line by line; *seconds* is how long all of it takes."""

    def __init__(self, zone: str, seconds: float, messages: Mapping[str, Message]) -> None:
        self._zone = ZoneInfo(zone)
        self._beat = seconds / BEATS_IN_ALL
        self._next = time.monotonic()
        self._messages = messages
        self._day: date | None = None
        self._names: dict[str, str] = {}
        self._staff: dict[tuple[str, str], str] = {}

    @property
    def orders(self) -> list[str]:
        """The orders heard of so far."""
        return sorted({order for order, _ in self._staff})

    def happens(self, event: Incoming) -> None:
        """Show an event; that a customer is known is no news."""
        fact, data = event.fact, event.fact.data
        if fact.type == "customer.upserted":
            self._names[fact.subject] = data["name"]
            return
        if fact.type == "order.upserted":
            model, customer = data["attributes"]["model"], self._names[data["customer"]]
            self._names[fact.subject] = f"{customer}'s {model}"
            for role in ("owner", "manager"):
                self._staff[fact.subject, role] = data[role]["name"]
            text = f"{customer} orders an {model} ({fact.subject})"
        elif fact.type == "promise.made":
            day = date.fromisoformat(data["date"])
            why = f": {data['reason']}" if data.get("reason") else ""
            promised = f"{data['milestone']} promised for {day:%a} {day.day} {day:%b}{why}"
            text = f"{self._names[fact.subject]}: {promised}"
        elif fact.type == "milestone.reached":
            text = f"{self._names[fact.subject]}: {data['milestone']}"
        else:
            text = f"{data['by']} acknowledges the task about {self._names[fact.subject]}"
        self._line(fact.happened, "happens", text)

    def became(self, entry: Entry) -> None:
        """Show what became of a notification; what a newer one of its rule replaced is no news."""
        wanted, status, when = entry.wanted, entry.status.value, entry.updated_at or entry.due_at
        who = self._names.get(wanted.customer) or wanted.customer
        who = self._staff.get((wanted.order, wanted.role), who)
        what = wanted.template.partition("/")[2]
        if status == "accepted" and wanted.kind == "message":
            self._line(when, "tells", f"{who} by {entry.channel}: {what}", self._quoted(entry.key))
        elif status == "accepted":
            self._line(when, "asks", f"{who} by {entry.channel}: {what}")
        elif status == "cancelled" and (wanted.kind == "task" or entry.reason.code is Code.REPLACED):
            return
        elif status == "cancelled":
            self._line(when, "not said", f"{what} to {who}: {entry.reason}")
        elif status in ("suppressed", "expired", "failed", "unknown", "held"):
            self._line(when, "not said", f"{what} to {who}, {status}: {entry.reason}")

    def _quoted(self, key: str) -> str:
        """The message as it begins: a mail by its subject, anything else by its text."""
        message = self._messages.get(key)
        if message is None:
            return ""
        text = " ".join((message.subject or message.text).split())
        room = max(20, output.terminal_width() - INDENT)
        return f"“{output.begun(text, QUOTED * room - room // 4)}”"

    def _line(self, moment: datetime, kind: str, text: str, quoted: str = "") -> None:
        local = moment.astimezone(self._zone)
        if local.date() != self._day:
            gap = "\n" if self._day else ""
            self._day = local.date()
            print(f"{gap}{output.styled(f'{local:%A} {local.day} {local:%B}', 'bold cyan', sys.stdout)}")
        said = f"{MARKS[kind]} {kind:<8}  {output.folded(text, INDENT)}"
        print(f"  {local:%H:%M}  {output.styled(said, STYLES[kind], sys.stdout)}")
        if quoted:
            print(" " * INDENT + output.folded(quoted, INDENT))
        sys.stdout.flush()
        self._next += self._beat * BEATS[kind]  # by the clock, so that a slow machine takes no longer
        time.sleep(max(0.0, self._next - time.monotonic()))
