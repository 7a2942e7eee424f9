"""Names → kinds → channels: what is built in, what packages bring, and what settings make of it."""

from collections.abc import Mapping
from pathlib import Path

from channels.base import Channel, Misconfigured
from channels.declared import OURS, Broken, Declared, Source
from channels.plugin import GROUP, Kind
from channels.settings import ChannelSettings

__all__ = ["BUILT_IN", "KINDS", "NAMES", "OURS", "Broken", "Source", "build", "find", "sources"]

NAMES = ("email", "sms", "push")
"""The channels there are without any settings: to the outbox."""

BUILT_IN: Mapping[str, str] = {
    "email": "channels.kinds.email:KIND",
    "sms": "channels.kinds.sms:KIND",
    "push": "channels.kinds.push:KIND",
    "webhook": "channels.kinds.webhook:KIND",
    "apprise": "channels.kinds.apprise:KIND",
    "inbox": "channels.kinds.inbox:KIND",
}
"""Kinds that come with us, declared as a plugin's are (``module:attribute``)."""

KINDS = Declared(GROUP, BUILT_IN, Kind)
find = KINDS.find
sources = KINDS.sources


def build(name: str, settings: ChannelSettings, *, outbox: Path) -> Channel:
    """Make the channel *name*: real if its settings say ``live = true``, else the *outbox*.

    Raises :class:`~channels.base.Misconfigured`.
    """
    if not settings.live:
        from channels.file import FileChannel  # 30 ms, and most commands send nothing

        return FileChannel(outbox, name, kind=settings.kind)
    of = settings.kind or name
    kind = find(of)
    if kind is None:
        raise Misconfigured(f"there is no kind of channel called {of!r}")
    if not isinstance(settings, kind.settings):
        raise Misconfigured(f"the settings of {name} are not those of a channel of the kind {of!r}")
    return kind.make(name, settings)
