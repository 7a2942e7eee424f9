"""A channel that keeps messages in memory: for simulations and tests."""

from collections import deque

from channels.base import Abilities, AfterUnknown, ChannelError, Message, Receipt

_EVERYTHING = Abilities(receipts=True, replies=True, rich=True, after_unknown=AfterUnknown.REPEAT)


class MemoryChannel:
    """Keeps what it is sent in :attr:`messages`, one for each ``message_id``, or only counts.

    :attr:`sent` counts every message taken, repetitions too. With ``keep=False`` nothing else is held, so a
    simulation may send as many as it likes.
    """

    def __init__(self, name: str, *, abilities: Abilities = _EVERYTHING, keep: bool = True) -> None:
        self.name = name
        self.abilities = abilities
        self.sent = 0
        self._keep = keep
        self._messages: dict[str, Message] = {}
        self._failures: deque[ChannelError] = deque()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was taken, in the order of its first arrival; the newest form of each."""
        return tuple(self._messages.values())

    def fail_next(self, error: ChannelError, times: int = 1) -> None:
        """Raise *error* instead of taking each of the next *times* messages."""
        self._failures.extend([error] * times)

    async def send(self, message: Message) -> Receipt:
        """Take *message*, or raise what :meth:`fail_next` was given."""
        if self._failures:
            raise self._failures.popleft()
        self.sent += 1
        if self._keep:
            self._messages[message.message_id] = message
        return Receipt(provider_id=f"{self.name}-{self.sent}")

    async def close(self) -> None:
        """Nothing to give back."""
