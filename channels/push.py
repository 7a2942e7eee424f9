"""Push to every device of a customer: which service takes a device, its kind says.

A customer with three devices gets one message: they have it once one device took it. What another device
said meanwhile is kept beside: the dead ones, each to be struck off the list, and what operations should know.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from channels import devices, notice
from channels.base import (
    Channel,
    ChannelError,
    Message,
    Misconfigured,
    Receipt,
    Rejected,
    Unavailable,
    Unknown,
)

_WORST = (Unknown, Misconfigured, Unavailable, Rejected)  # what counts when no device took it


class PushChannel:
    """Sends through the service of each device: *services* maps ``fcm``, ``apns`` and ``web`` to theirs."""

    name = "push"

    def __init__(self, services: Mapping[str, Channel]) -> None:
        if not services:
            raise Misconfigured(f"push: live push needs one of {', '.join(devices.KINDS)}")
        self._services = dict(services)
        self.abilities = notice.ABILITIES

    async def send(self, message: Message) -> Receipt:
        """Try all devices at once; the receipt is the first one's that took it."""
        places = tuple(dict.fromkeys((message.to, *message.others)))
        if message.others:
            each = (self._one(replace(message, to=to, others=())) for to in places)
            said = await asyncio.gather(*each)
        else:
            said = [await self._one(message)]
        dead = {
            to: answer.reason
            for to, answer in zip(places, said, strict=True)
            if isinstance(answer, Rejected) and answer.suppress
        }
        errors = [answer for answer in said if isinstance(answer, ChannelError)]
        for answer in said:
            if isinstance(answer, Receipt):
                note = _reasons([error for error in errors if not isinstance(error, Rejected)])
                return Receipt(answer.provider_id, answer.raw, dead, note)
        error = _of_all(errors)
        error.dead = dead
        raise error

    def part(self, message: Message) -> str:
        """Name the services of its devices; what goes to two of them waits for both."""
        places = (message.to, *message.others)
        return "+".join(sorted({notice.any_device(replace(message, to=to, others=())).kind for to in places}))

    async def close(self) -> None:
        """Close the channels of all services."""
        for service in self._services.values():
            await service.close()

    async def _one(self, message: Message) -> Receipt | ChannelError:
        try:
            service = self._services.get(notice.any_device(message).kind)
            if service is None:
                return Rejected("no settings for the service of this device", code="no service")
            return await service.send(message)
        except ChannelError as error:
            return error


def _of_all(errors: Sequence[ChannelError]) -> ChannelError:
    """One error for all devices: what may have arrived comes first, then what a person must mend."""
    kind = next(kind for kind in _WORST if any(isinstance(error, kind) for error in errors))
    same = [error for error in errors if isinstance(error, kind)]
    reason, code, raw = _reasons(same), same[0].code, same[0].raw
    if kind is Unavailable:
        waits = [error.retry_after for error in same if isinstance(error, Unavailable)]
        floor = None if None in waits else min(wait for wait in waits if wait is not None)
        theirs = all(isinstance(error, Unavailable) and error.recipient for error in same)
        return Unavailable(reason, retry_after=floor, recipient=theirs, code=code, raw=raw)
    return kind(reason, code=code, raw=raw)


def _reasons(errors: Sequence[ChannelError]) -> str:
    return "; ".join(dict.fromkeys(error.reason for error in errors))
