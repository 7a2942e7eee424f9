"""Who watches the work: metrics and traces are told here, by ids and names, and may change nothing.

The engine and the dispatcher say what they begin and what came of it; whoever wires a daemon says who
listens. A watcher must be quick and must not raise: it is called in the middle of the work.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

STEPS = ("intake", "plan", "dispatch", "claim", "render", "send", "record")
"""What a message goes through, in this order; a dispatch is all that comes after it, of one batch."""


class Step:
    """A step that goes on; this one nobody watches."""

    def note(self, **ids: Any) -> None:
        """Say what it is about: ids, names of rules and channels, and counts."""

    def idle(self) -> None:
        """Say that there was nothing to do: it was no step."""


class Watch:
    """Watches nothing. May be told from any thread, and from several at once."""

    def step(self, name: str, /, causes: Sequence[str] = (), **ids: Any) -> AbstractContextManager[Step]:
        """Watch one of :data:`STEPS` from here to the end of the block.

        *causes* are the ``traceparent`` (W3C Trace Context) of what it comes from, where somebody said so.
        """
        del name, causes, ids
        return _NOTHING

    def ended(self, rule: str, channel: str, outcome: str, late: timedelta | None = None) -> None:
        """Hear what became of an entry, and of one that was accepted how long after it was due."""

    def called_back(self, callback: str, outcome: str, count: int = 1) -> None:
        """Hear what became of what a provider reported."""


_STEP = Step()
_NOTHING = nullcontext(_STEP)
NOBODY = Watch()


class Together(Watch):
    """Several that watch the same."""

    def __init__(self, watchers: Sequence[Watch]) -> None:
        self._watchers = watchers

    def step(self, name: str, /, causes: Sequence[str] = (), **ids: Any) -> AbstractContextManager[Step]:
        """Have each watch it."""
        return self._step(name, causes, ids)

    @contextmanager
    def _step(self, name: str, causes: Sequence[str], ids: Mapping[str, Any]) -> Iterator[Step]:
        with ExitStack() as stack:
            yield _Steps([stack.enter_context(one.step(name, causes, **ids)) for one in self._watchers])

    def ended(self, rule: str, channel: str, outcome: str, late: timedelta | None = None) -> None:
        """Tell each."""
        for one in self._watchers:
            one.ended(rule, channel, outcome, late)

    def called_back(self, callback: str, outcome: str, count: int = 1) -> None:
        """Tell each."""
        for one in self._watchers:
            one.called_back(callback, outcome, count)


class _Steps(Step):
    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def note(self, **ids: Any) -> None:
        for one in self._steps:
            one.note(**ids)

    def idle(self) -> None:
        for one in self._steps:
            one.idle()


def together(watchers: Sequence[Watch]) -> Watch:
    """The one who watches, or several as one, or nobody."""
    return Together(watchers) if len(watchers) > 1 else watchers[0] if watchers else NOBODY
