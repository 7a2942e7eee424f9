"""What a kind of channel declares about itself: built in, or found by the entry point group of plugins.

A package names its declaration in its ``pyproject.toml``; nothing else has to be said to Beforehand::

    [project.entry-points."beforehand.channels"]
    pigeon = "beforehand_pigeon:KIND"
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.base import Abilities, Channel
from channels.settings import ChannelSettings

GROUP = "beforehand.channels"


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
