"""Which channels and reporters the settings name, of which kind each is, and so which settings it has."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from channels import registry, reporters
from channels.settings import CHANNEL, ChannelSettings, ReporterSettings
from orchestrator.config.section import Section
from orchestrator.config.settings import Callbacks, Channels, Settings
from orchestrator.findings import did_you_mean

Tables = tuple[tuple[str, type[BaseModel] | None], ...]
Complain = Callable[[tuple[str, ...], str, str, str], None]

_VARIABLE = re.compile(r"BEFOREHAND_(CHANNELS|CALLBACKS)__([A-Z0-9_]+?)__([A-Z0-9_]+)")
CHANNELS, CALLBACKS = "channels", "callbacks"


class Unusable(ChannelSettings):
    """A table whose kind is told to be wrong: nothing else in it is looked at."""

    model_config = ConfigDict(extra="allow")


class Unreadable(ReporterSettings):
    """The same of a reporter."""

    model_config = ConfigDict(extra="allow")


def chosen(section: str, written: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """Every table of *section* that the file (*written* is that section) or the environment names.

    The kind of each, by its name.
    """
    tables = written.items() if isinstance(written, dict) else ()
    kinds = {name: table.get("kind") or name for name, table in tables if isinstance(table, dict)}
    for variable, text in environ.items():
        found = _VARIABLE.fullmatch(variable)
        if found and found[1].lower() == section:
            name = found[2].lower()
            kinds.setdefault(name, name)
            if found[3] == "KIND" and text:
                kinds[name] = text
    return {name: kind for name, kind in kinds.items() if isinstance(kind, str)}


def model(channels: Mapping[str, str], callbacks: Mapping[str, str], complain: Complain) -> type[Settings]:
    """The model of all settings, with a table for each of the channels and of the reporters (name → kind).

    Tells of kinds that do not exist or cannot be used. A name that is no kind and has none is left out.
    """
    senders = tuple((name, _settings(name, of, complain)) for name, of in sorted(channels.items()))
    readers = tuple((name, _reporter(name, of, complain)) for name, of in sorted(callbacks.items()))
    return with_tables(senders, readers)


def _settings(name: str, of: str, complain: Complain) -> type[ChannelSettings] | None:
    try:
        kind = registry.find(of)
    except registry.Broken as broken:
        complain((CHANNELS, name), "C034", f"the kind of channel {of!r} cannot be used", broken.reason)
        return Unusable
    if kind is None and of == name:
        return None
    if kind is None:
        complain((CHANNELS, name, "kind"), "C033", f"there is no kind of channel called {of!r}", kinds(of))
        return Unusable
    if not CHANNEL.fullmatch(name):
        hint = "write small letters, digits and _, such as sms_marketing"
        complain((CHANNELS, name), "C035", f"{name!r} cannot be the name of a channel", hint)
        return Unusable
    return kind.settings


def _reporter(name: str, of: str, complain: Complain) -> type[ReporterSettings]:
    try:
        kind = reporters.KINDS.find(of)
    except registry.Broken as broken:
        complain((CALLBACKS, name), "C034", f"the kind of reporter {of!r} cannot be used", broken.reason)
        return Unreadable
    if kind is None:
        place = (CALLBACKS, name) if of == name else (CALLBACKS, name, "kind")
        complain(place, "C037", f"there is no kind of reporter called {of!r}", _reporters(of))
        return Unreadable
    if not CHANNEL.fullmatch(name):
        hint = "write small letters, digits and _, such as sendgrid_eu"
        complain((CALLBACKS, name), "C035", f"{name!r} cannot be the name of callbacks", hint)
        return Unreadable
    return kind.settings


def _reporters(near: str) -> str:
    there = [source.name for source in reporters.KINDS.sources()]
    listed = f"there is: {', '.join(there)}; others come in packages" if there else "they come in packages"
    return did_you_mean(near, there) or listed


def kinds(near: str) -> str:
    """The hint for a kind or channel that does not exist."""
    there = [source.name for source in registry.sources()]
    return did_you_mean(near, there) or f"there is: {', '.join(there)}; others come in packages"


@cache
def with_tables(
    channels: tuple[tuple[str, type[ChannelSettings] | None], ...],
    callbacks: tuple[tuple[str, type[ReporterSettings] | None], ...] = (),
) -> type[Settings]:
    """The model of all settings, with these tables beside those that are always there."""
    places: dict[str, Any] = {}
    for section, base, tables in (
        (CHANNELS, Channels, _new(Channels, channels)),
        (CALLBACKS, Callbacks, _new(Callbacks, callbacks)),
    ):
        if tables:
            fields: dict[str, Any] = {name: (of, Field(default_factory=of)) for name, of in tables.items()}
            made = create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)
            places[section] = (made, Field(default_factory=made))
    if not places:
        return Settings
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **places)


def _new(base: type[Section], tables: Tables) -> dict[str, type[BaseModel]]:
    always = {name: info.annotation for name, info in base.model_fields.items()}
    return {name: of for name, of in tables if of is not None and always.get(name) is not of}


def documented() -> type[Settings]:
    """The model of all settings, with a table for each kind that is built in."""
    senders = {name: name for name in registry.BUILT_IN}
    readers = {name: name for name in reporters.BUILT_IN}
    return model(senders, readers, lambda *_: None)


def sharing_nothing(named: Mapping[str, ChannelSettings]) -> Iterator[tuple[str, str, str]]:
    """The channels that are to share the rates of one that has none of its own, why, and what to write."""
    for name, chosen in named.items():
        other = named.get(chosen.rate_of)
        if chosen.rate_of and other is None:
            hint = did_you_mean(chosen.rate_of, named)
            yield name, f"no channel is called {chosen.rate_of!r}", hint
        elif chosen.rate_of and other is not None and (other.rate_of or chosen.rate_of == name):
            yield name, "that one shares itself", "name the one that has the rate"
