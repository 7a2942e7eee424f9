"""Notifications on a device: settings and abilities."""

from channels.base import Abilities
from channels.kinds.pending import Pending, unavailable
from channels.plugin import Kind


class Push(Pending):
    """Notifications on a device; they only go to the outbox in this version."""


KIND = Kind(summary="notifications on a device", settings=Push, abilities=Abilities(), make=unavailable)
