"""Which channels the settings name, of which kind each is, and so which settings it has."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, Field, create_model

from channels import registry
from channels.settings import ChannelSettings
from orchestrator.config.settings import Channels, Settings
from orchestrator.findings import did_you_mean

Tables = tuple[tuple[str, type[ChannelSettings]], ...]
Complain = Callable[[tuple[str, ...], str, str, str], None]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_VARIABLE = re.compile(r"BEFOREHAND_CHANNELS__([A-Z0-9_]+?)__([A-Z0-9_]+)")


class Unusable(ChannelSettings):
    """A table whose kind is told to be wrong: nothing else in it is looked at."""

    model_config = ConfigDict(extra="allow")


def chosen(written: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """Every channel that the file (*written* is its ``channels``) or the environment names: name → kind."""
    tables = written.items() if isinstance(written, dict) else ()
    kinds = {name: table.get("kind") or name for name, table in tables if isinstance(table, dict)}
    for variable, text in environ.items():
        if found := _VARIABLE.fullmatch(variable):
            name = found[1].lower()
            kinds.setdefault(name, name)
            if found[2] == "KIND" and text:
                kinds[name] = text
    return {name: kind for name, kind in kinds.items() if isinstance(kind, str)}


def model(kinds: Mapping[str, str], complain: Complain) -> type[Settings]:
    """The model of all settings, with a table for each of the channels (name → kind).

    Tells of kinds that do not exist or cannot be used. A name that is no kind and has none is left out.
    """
    return with_channels(tuple((name, _settings(name, of, complain)) for name, of in sorted(kinds.items())))


def _settings(name: str, of: str, complain: Complain) -> type[ChannelSettings] | None:
    try:
        kind = registry.find(of)
    except registry.Broken as broken:
        complain(("channels", name), "C034", f"the kind of channel {of!r} cannot be used", broken.reason)
        return Unusable
    if kind is None and of == name:
        return None
    if kind is None:
        complain(("channels", name, "kind"), "C033", f"there is no kind of channel called {of!r}", kinds(of))
        return Unusable
    if not _NAME.fullmatch(name):
        hint = "write small letters, digits and _, such as sms_marketing"
        complain(("channels", name), "C035", f"{name!r} cannot be the name of a channel", hint)
        return Unusable
    return kind.settings


def kinds(near: str) -> str:
    """The hint for a kind or channel that does not exist."""
    there = [source.name for source in registry.sources()]
    return did_you_mean(near, there) or f"there is: {', '.join(there)}; others come in packages"


@cache
def with_channels(tables: tuple[tuple[str, type[ChannelSettings] | None], ...]) -> type[Settings]:
    """The model of all settings, with these tables under ``channels`` beside those that are always there."""
    always = {name: info.annotation for name, info in Channels.model_fields.items()}
    new = {name: of for name, of in tables if of is not None and always.get(name) is not of}
    if not new:
        return Settings
    fields: dict[str, Any] = {name: (of, Field(default_factory=of)) for name, of in new.items()}
    channels = create_model("Channels", __base__=Channels, __doc__=Channels.__doc__, **fields)
    place: Any = (channels, Field(default_factory=channels))
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, channels=place)


def documented() -> type[Settings]:
    """The model of all settings, with a table for each kind that is built in."""
    return model({name: name for name in registry.BUILT_IN}, lambda *_: None)
