"""Names → kinds → channels: what is built in, what packages bring, and what settings make of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from channels.base import Channel, Misconfigured
from channels.plugin import GROUP, Kind
from channels.settings import ChannelSettings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

NAMES = ("email", "sms", "push")
"""The channels there are without any settings: to the outbox."""

BUILT_IN: Mapping[str, str] = {
    "email": "channels.kinds.email:KIND",
    "sms": "channels.kinds.sms:KIND",
    "push": "channels.kinds.push:KIND",
    "webhook": "channels.kinds.webhook:KIND",
    "apprise": "channels.kinds.apprise:KIND",
}
"""Kinds that come with us, declared as a plugin's are (``module:attribute``)."""

OURS = "built in"


class Broken(Misconfigured):
    """A kind of channel is installed and cannot be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind comes from: ``built in``, or the distribution that brings it."""

    name: str
    package: str = OURS


def find(name: str) -> Kind | None:
    """The kind of that name, or ``None``; raises :class:`Broken` if its package cannot be used.

    Packages are looked through only for what is not built in.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found: Kind = getattr(import_module(module), attribute)
        return found
    points = _installed().get(name, ())
    if len(points) > 1:
        raise Broken(f"several packages bring it: {', '.join(sorted(map(_package, points)))}")
    return _loaded(points[0]) if points else None


def sources() -> Iterator[Source]:
    """Every kind there is, ours first."""
    yield from map(Source, BUILT_IN)
    for name, points in sorted(_installed().items()):
        yield from (Source(name, _package(point)) for point in points)


def build(name: str, settings: ChannelSettings, *, outbox: Path) -> Channel:
    """Make the channel *name*: real if its settings say ``live = true``, else the *outbox*.

    Raises :class:`~channels.base.Misconfigured`.
    """
    if not settings.live:
        from channels.file import FileChannel  # 30 ms, and most commands send nothing

        return FileChannel(outbox, name)
    of = settings.kind or name
    kind = find(of)
    if kind is None:
        raise Misconfigured(f"there is no kind of channel called {of!r}")
    if not isinstance(settings, kind.settings):
        raise Misconfigured(f"the settings of {name} are not those of a channel of the kind {of!r}")
    return kind.make(name, settings)


def _loaded(point: "EntryPoint") -> Kind:
    try:
        found = point.load()
    except Exception as error:  # whatever a stranger's package does when it is imported
        raise Broken(f"{point.value} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, Kind):
        raise Broken(f"{point.value} is no channels.plugin.Kind")
    return found


def _package(point: "EntryPoint") -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "a package without a name"


@cache
def _installed() -> "Mapping[str, Sequence[EntryPoint]]":
    """What packages bring, by name; a name of ours stays ours."""
    from importlib.metadata import entry_points  # 40 ms, and most installations have no plugin

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        if point.name not in BUILT_IN:
            found.setdefault(point.name, []).append(point)
    return found
