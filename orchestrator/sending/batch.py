"""What one claim took, and the messages that are made of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.errors import RenderError
from orchestrator.journey import Rider
from orchestrator.model import Entry
from orchestrator.planning.combining import Going, as_one
from orchestrator.planning.planner import journey_of
from orchestrator.planning.reconcile import same
from orchestrator.sending import lines, outcomes
from orchestrator.sending.guard import Send
from orchestrator.sending.messages import Composes
from orchestrator.sending.outcomes import Job
from orchestrator.sight import Sight


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim took, what may go of it, and the facts that was decided from."""

    entries: Sequence[Entry]
    go: Sequence[Sequence[Going]]  # by message
    sight: Sight
    apart: frozenset[str] = frozenset()  # Message-IDs under which others still wait
    lines: Mapping[str, Sequence[Rider]] = field(default_factory=dict)  # by key, what may ride in which mail

    def job(self, bundle: Sequence[Going], composer: Composes, at: Callable[[Entry], datetime]) -> Job:
        """Make one message, at its entry's moment; raises :class:`~orchestrator.errors.RenderError`."""
        orders = self.sight.orders
        entry, go = as_one(bundle, orders)
        if not go.channel:
            return Job(entry, go, None)
        order = orders[go.wanted.order]
        journey = journey_of(order, self.sight.book)
        if isinstance(journey, str):
            raise RenderError(journey)
        known = "" if entry.message_id in self.apart else outcomes.identity(entry, go.channel)
        customer = self.sight.customer_of(order)
        message = composer.compose(go.under(known), order, customer, journey, at(entry))
        message, line = lines.put(message, self.lines.get(go.wanted.key, ()))
        others = [as_one([bundle[n], *bundle[:n], *bundle[n + 1 :]], orders) for n in range(1, len(bundle))]
        return Job(entry, go, message, line, tuple(Job(one, theirs, message) for one, theirs in others))


def unchanged(job: Job, go: Send, fresh: Sight, sight: Sight) -> bool:
    """Is what the guard allows now what was rendered, from the same facts?"""
    same_way = (go.channel, go.to, go.others) == (job.go.channel, job.go.to, job.go.others)
    return same_way and same(go.wanted, job.go.wanted) and fresh.shows(go.wanted.order, sight)
