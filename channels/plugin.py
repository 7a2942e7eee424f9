"""What a kind of channel, or of reporter, declares about itself: built in, or found by an entry point group.

A package names its declarations in its ``pyproject.toml``; nothing else has to be said to Beforehand::

    [project.entry-points."beforehand.channels"]
    pigeon = "beforehand_pigeon:KIND"

    [project.entry-points."beforehand.reporters"]
    pigeon_post = "beforehand_pigeon:REPORTER"
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.base import Abilities, Channel
from channels.reports import Reporting
from channels.settings import ChannelSettings, ReporterSettings

GROUP = "beforehand.channels"
REPORTERS = "beforehand.reporters"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel.

    ``settings`` is the model of its table in config.toml, and ``make`` turns a channel's name and its checked
    settings into the channel; it is called for live channels only and imports what it needs by itself, for a
    declaration must cost nothing. ``abilities`` are what every channel of the kind can do; a channel may
    differ in ``concurrency`` alone, by its settings. ``summary`` is a few words for lists.
    """

    summary: str
    settings: type[ChannelSettings]
    abilities: Abilities
    make: Callable[[str, Any], Channel]


@dataclass(frozen=True, slots=True)
class Reporter:
    """A kind of reporter: what reads a provider's callbacks beside the channel that its messages leave by.

    ``settings`` is the model of its table ``[callbacks.NAME]``, and ``make`` turns the checked settings into
    what reads; it imports what it needs by itself. ``summary`` is a few words for lists.
    """

    summary: str
    settings: type[ReporterSettings]
    make: Callable[[Any], Reporting]
