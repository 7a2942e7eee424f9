"""How a story is told: facts happen at times, the real engine runs on a virtual clock, and what was
said is compared, line by line, with what the story says.

The rules, templates and settings are the repository's own; the clocks are those of Munich.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from channels.base import Message
from channels.memory import MemoryChannel
from orchestrator import config
from orchestrator.cli import house
from orchestrator.simulation.simulate import Line, Simulation
from tests.builders import BERLIN, LINDNER, NORA, PAUL, at, event, incoming

HERE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a story."""

    lines: tuple[Line, ...]
    messages: tuple[Message, ...]

    def transcript(self, *, to: str = "") -> str:
        """What was said, to whom, when: ``2026-03-12 17:30  customer  sms    not-arrived-yet``."""
        said = sorted(
            (line for line in self.lines if line.status == "accepted" and to in ("", line.role)),
            key=lambda line: (line.at, line.role, line.template),
        )
        return "\n".join(
            f"{_local(line.at)}  {line.role:<8}  {line.channel:<5}  {line.template.partition('/')[2]}"
            for line in said
        )

    def text(self, template: str) -> str:
        """The words of the only message made of that template."""
        (found,) = [
            m
            for m, line in zip(self.messages, self._sent(), strict=True)
            if line.template.endswith(f"/{template}")
        ]
        return f"{found.subject}\n{found.text}"

    def why(self, rule: str, status: str) -> str:
        """The reason of the only line of a rule that ended so."""
        (found,) = [line.reason for line in self.lines if line.rule == rule and line.status == status]
        return found

    def _sent(self) -> list[Line]:
        keys = {f"{line.order}/{line.rule}/{line.occasion}/{line.role}": line for line in self.lines}
        return [keys[message.id] for message in self.messages]


def _local(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(ZoneInfo(BERLIN)):%Y-%m-%d %H:%M}"


MARIA: Mapping[str, Any] = {
    "name": "Maria Keller",
    "given_name": "Maria",
    "locale": "en",
    "time_zone": BERLIN,
    "email": "maria.keller@example.com",
    "phone": "+493023125123",
}


def maria_waits(
    promised: str, *, on: str = "2026-03-02 10:00", owner: Mapping[str, Any] = NORA, **customer: Any
) -> list[dict[str, Any]]:
    """Maria Keller ordered a car; its arrival was promised for that day, and she was told."""
    return [
        event("customer.upserted", "maria", on, **{**MARIA, **customer}),
        event(
            "order.upserted", "BX-100", on, customer="maria", journey="new-car", owner=owner, manager=PAUL,
            location={**LINDNER, "calendar": "munich"},
            attributes={"model": "Aria Touring", "colour": "blue"},
        ),
        event("promise.made", "BX-100", on, milestone="arrived", date=promised),
    ]  # fmt: skip


def car(kind: str, time: str, /, **data: Any) -> dict[str, Any]:
    """Something happens to Maria's order."""
    return event(kind, "BX-100", time, **data)


def tell(
    *events: dict[str, Any] | Iterable[dict[str, Any]],
    until: str,
    rules: Path = HERE / "rules",
    undelivered: bool = False,
) -> Told:
    """Run the real engine over these events, with the repository's *rules* and templates.

    Every message counts as opened at once; with *undelivered* only if the story says so.
    """
    flat: list[dict[str, Any]] = []
    for item in events:
        flat += [item] if isinstance(item, dict) else list(item)
    history = sorted((incoming(document) for document in flat), key=lambda heard: heard.fact.heard)
    settings = config.load(HERE / "config.toml", {})
    written = house.written(settings, rules, HERE / "templates")
    assert not written.problems, [str(problem) for problem in written.problems]
    channels = {name: MemoryChannel(name) for name in ("email", "sms", "push")}
    simulation = Simulation(
        written.book,
        house.composer(settings, written.renderer),
        channels,
        start=history[0].fact.heard,
        undelivered=undelivered,
    )
    try:
        simulation.run(history, at(until))
        lines = tuple(simulation.lines())
    finally:
        simulation.close()
    messages = tuple(message for channel in channels.values() for message in channel.messages)
    return Told(lines, messages)
