"""What is wrong with settings only together: each may stand as it is, and the other forbids it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config import channels
from orchestrator.config.senders import Sender, unsigned
from orchestrator.config.settings import Settings
from orchestrator.config.toml_places import Path as Name
from orchestrator.findings import did_you_mean


@dataclass(frozen=True, slots=True)
class Across:
    """One problem, at the setting of that name, which was found by reading the settings *of* these names."""

    name: Name
    code: str
    message: str
    hint: str
    of: tuple[Name, ...]

    def rests_on(self, wrong: Sequence[Name]) -> bool:
        """Is one of those that it was found by told to be wrong itself?"""
        return any(name[: len(one)] == one[: len(name)] for name in wrong for one in self.of)


def across(settings: Settings, data: Mapping[str, Any], *, elsewhere: bool) -> Iterator[Across]:
    """Yield every problem; *data* is as written, and who sends nothing (*elsewhere*) needs no secrets."""
    if (settings.channels.email.live or _is_live(data)) and settings.sender.email == Sender().email:
        hint = 'in [sender], write email = "service@example.com"'
        live = (channels.CHANNELS, "email", "live")
        message = "live mail needs the mailbox it comes from"
        yield Across(live, "C022", message, hint, (("sender", "email"),))
    there = settings.channels.named()
    for table, reporter in settings.callbacks.named().items():
        if reporter.channel not in there:
            place = (channels.CALLBACKS, table, "channel")
            near = did_you_mean(reporter.channel, there)
            message = f"no channel is called {reporter.channel!r}"
            yield Across(place, "C038", message, near, (place,))
    for table, subscriber in settings.subscribers.items():
        for key, hint in (
            ("url", 'write url = "https://example.com/hooks"'),
            ("secret", f"set BEFOREHAND_SUBSCRIBERS__{table.upper()}__SECRET"),
        ):
            if not getattr(subscriber, key) and not (elsewhere and key == "secret"):
                message = f"{table} cannot be told anything: {key} is missing"
                whom = ("subscribers", table)
                yield Across(whom, "C036", message, hint, ((*whom, key),))
    for sharer, why, hint in channels.sharing_nothing(there):
        place = (channels.CHANNELS, sharer, "rate_of")
        other = (channels.CHANNELS, there[sharer].rate_of, "rate_of")
        yield Across(place, "C045", why, hint, (place, other))
    keys = settings.server.keys
    for found in unsigned(settings.sender, settings.brands, keys) if keys or not elsewhere else ():
        yield Across(
            found.setting, "C043", found.message, found.hint, (found.setting, ("server", "signing_keys"))
        )


def without(data: Mapping[str, Any], wrong: Sequence[Name]) -> dict[str, Any]:
    """The same without what is told to be wrong; of a list with one wrong part, without all of it.

    Of a channel that is wrong anywhere only the name is left, for what it needs may be what was wrong, and of
    a reporter nothing.
    """
    rest = dict(data)
    for name in wrong:
        table = len(name) > 1 and name[0] in (channels.CHANNELS, channels.CALLBACKS)
        _drop(rest, name[:2] if table else name)
        if table and name[0] == channels.CHANNELS and isinstance(rest.get(name[0]), Mapping):
            rest[name[0]][name[1]] = {}
    return rest


def _is_live(data: Mapping[str, Any]) -> bool:
    tables = data.get(channels.CHANNELS)
    table = tables.get("email") if isinstance(tables, Mapping) else None
    return isinstance(table, Mapping) and table.get("live") is True


def _drop(data: dict[str, Any], name: Name) -> None:
    head, *more = name
    inner = data.get(head)
    if more and isinstance(inner, Mapping):
        data[head] = dict(inner)
        _drop(data[head], tuple(more))
    elif head in data:
        del data[head]
