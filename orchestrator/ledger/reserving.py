"""Which mail under way carries a line to a customer: one at a time, whichever dispatcher makes it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import lines
from orchestrator.ledger.values import Carries
from orchestrator.ledger.verbs import Verbs, batches

_new = insert(lines)
_RESERVE = _new.on_conflict_do_update(
    index_elements=["customer", "line"],
    set_={"key": _new.excluded.key, "until": _new.excluded.until},
    where=or_(lines.c.until <= bindparam("now", type_=lines.c.until.type), lines.c.key == _new.excluded.key),
)
_HELD = select(lines.c.customer, lines.c.line, lines.c.key).where(
    lines.c.customer.in_(bindparam("ids", expanding=True))
)


class Reserving(Verbs):
    """The verb about lines that ride along."""

    def reserve(self, wishes: Sequence[Carries], now: datetime, until: datetime) -> list[Carries]:
        """Give each line to the first mail that asks for it, up to *until*; return what was granted.

        A mail keeps what it was given before; what was given to another comes free at that one's end.
        """
        rows = [
            {"customer": wish.customer, "line": wish.line, "key": wish.key, "until": until, "now": now}
            for wish in wishes
        ]
        if not rows:
            return []
        self._run(_RESERVE, rows)
        held = {
            row
            for ids in batches(wish.customer for wish in wishes)
            for row in self._rows(_HELD, {"ids": ids})
        }
        return [wish for wish in wishes if (wish.customer, wish.line, wish.key) in held]
