"""Names → channels: what the settings of one channel make of it."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from channels.base import Channel, Misconfigured
from channels.file import FileChannel

NAMES = ("email", "sms", "push")
"""Every channel a rule may name."""

LIVE = {"email": "channels.email:EmailChannel"}
"""Name → class, for channels that can reach somebody. Imported when used: clients are slow to load."""


def build(name: str, settings: Mapping[str, Any], *, outbox: Path) -> Channel:
    """Make the channel *name*: real if its settings say ``live = true``, else the *outbox*.

    The other settings are the class's own parameters. Raises :class:`~channels.base.Misconfigured`.
    """
    if name not in NAMES:
        raise Misconfigured(f"no channel is called {name!r}; there are {', '.join(NAMES)}")
    if settings.get("live", False) is not True:
        return FileChannel(outbox, name)
    if name not in LIVE:
        raise Misconfigured(f"{name} cannot be live yet: it goes to the outbox")
    module, _, attribute = LIVE[name].partition(":")
    made_by = getattr(import_module(module), attribute)
    options = {key: value for key, value in settings.items() if key != "live"}
    try:
        inspect.signature(made_by).bind(**options)
    except TypeError as error:
        raise Misconfigured(f"channel {name}: {error}") from None
    channel: Channel = made_by(**options)
    return channel
