"""Text messages: settings and abilities."""

from channels.base import Abilities
from channels.kinds.pending import Pending, unavailable
from channels.plugin import Kind


class Sms(Pending):
    """Text messages; they only go to the outbox in this version."""


KIND = Kind(summary="text messages", settings=Sms, abilities=Abilities(), make=unavailable)
