"""Who is told what happens here, each up to one place in the order of the facts."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import bindparam, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.facts import SO_FAR, Facts
from orchestrator.ledger.moments import EPOCH
from orchestrator.ledger.rows import FACT, fact
from orchestrator.ledger.tables import facts, subscribers
from orchestrator.ledger.values import Place, Subscriber
from orchestrator.model import Fact

_LAST = 2**63 - 1  # behind every fact of its transaction

_MOMENT = subscribers.c.lease_until.type
_STATE = tuple(field.name for field in fields(Subscriber) if field.name != "name")
_COLUMNS = tuple(subscribers.c[name] for name in ("name", *_STATE))
_SUBSCRIBERS = select(*_COLUMNS).order_by(subscribers.c.name)
_ONE = select(*_COLUMNS).where(subscribers.c.name == bindparam("its_name"))
_NEW = (
    insert(subscribers)
    .values(
        name=bindparam("its_name"), written=bindparam("its_written"), seq=bindparam("its_seq"),
        failures=0, reason="", retry_at=EPOCH, lease_until=EPOCH,
    )
    .on_conflict_do_nothing(index_elements=["name"])
)  # fmt: skip
_TAKE = (
    update(subscribers)
    .where(
        subscribers.c.name == bindparam("its_name"),
        subscribers.c.lease_until <= bindparam("now", type_=_MOMENT),
        subscribers.c.retry_at <= bindparam("now", type_=_MOMENT),
    )
    .values(lease_until=bindparam("until", type_=_MOMENT))
)
_GIVE_BACK = (
    update(subscribers)
    .where(
        subscribers.c.name == bindparam("its_name"),
        subscribers.c.lease_until == bindparam("mine_until", type_=_MOMENT),
    )
    .values(
        {name: bindparam(f"its_{name}", type_=subscribers.c[name].type) for name in _STATE}
        | {"lease_until": EPOCH}
    )
)
_NEXT = select(facts.c.written, facts.c.seq, *FACT).limit(bindparam("most"))
_NEXT_OF_ONE = _NEXT.where(facts.c.seq > bindparam("its_seq")).order_by(facts.c.seq)
# of transactions that write at once, one that began earlier may commit later: it would be passed over
_NEXT_OF_MANY = _NEXT.where(
    facts.c.written < literal_column(f"({SO_FAR})"),
    tuple_(facts.c.written, facts.c.seq) > tuple_(bindparam("its_written"), bindparam("its_seq")),
).order_by(facts.c.written, facts.c.seq)


class Subscribing(Facts):
    """The verbs about subscribers."""

    def subscribe(self, name: str) -> None:
        """Begin to tell *name* what happens from now on; one who is told already goes on where they were."""
        here = Place(self.so_far() - 1, _LAST) if self._is_shared else Place(None, self.newest_fact())
        self._run(_NEW, {"its_name": name, "its_written": here.written, "its_seq": here.seq})

    def take_subscriber(self, name: str, now: datetime, until: datetime) -> Subscriber | None:
        """Have a subscriber to oneself up to *until*; ``None`` if others have, or they are not told now."""
        if not self._run(_TAKE, {"its_name": name, "now": now, "until": until}):
            return None
        return Subscriber(*self._rows(_ONE, {"its_name": name})[0])

    def next_facts(self, subscriber: Subscriber, limit: int) -> list[tuple[Place, Fact]]:
        """Read on for a subscriber: at most *limit* facts, in an order that is the same every time."""
        place = {"its_seq": subscriber.seq, "most": limit}
        if self._is_shared:
            rows = self._rows(_NEXT_OF_MANY, place | {"its_written": subscriber.written})
        else:
            rows = self._rows(_NEXT_OF_ONE, place)
        return [(Place(written, seq), fact(columns)) for written, seq, *columns in rows]

    def give_back_subscriber(self, subscriber: Subscriber, until: datetime) -> bool:
        """Keep how it went with a subscriber; says whether they were still ours, taken up to *until*."""
        row = {f"its_{name}": getattr(subscriber, name) for name in ("name", *_STATE)}
        return self._run(_GIVE_BACK, row | {"mine_until": until}) == 1

    def subscribers(self) -> list[Subscriber]:
        """List them by name."""
        return [Subscriber(*row) for row in self._rows(_SUBSCRIBERS)]
