"""What customers find when they log in: their messages, whether they read them, and what changed since when.

Every change of an item takes the next number of one counter, in the order of the commits: whoever knows a
number asks for what came after it, and misses nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import inbox, settings
from orchestrator.ledger.values import InboxItem
from orchestrator.ledger.verbs import Verbs, batches

COUNTER = "inbox"  # among the settings

_ITEM = tuple(inbox.c[name] for name in InboxItem.__dataclass_fields__)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_HERE = and_(inbox.c.customer.in_(_ids), inbox.c.replaced.is_(False))
_USEFUL = or_(inbox.c.expires_at.is_(None), inbox.c.expires_at > bindparam("now", type_=inbox.c.at.type))

_count = insert(settings)
_NUMBERS = _count.on_conflict_do_update(  # its row stays locked until the commit, so numbers come in order
    index_elements=["name"],
    set_={"value": cast(cast(settings.c.value, BigInteger) + bindparam("more", type_=BigInteger()), Text)},
).returning(settings.c.value)
_NUMBER = select(settings.c.value).where(settings.c.name == literal_column(f"'{COUNTER}'"))

_KNOWN = select(inbox.c.item).where(inbox.c.item == bindparam("named"))
_KEEP = insert(inbox).on_conflict_do_nothing(index_elements=["item"])
_OLDER = select(inbox.c.item).where(
    _HERE, inbox.c.about == bindparam("same"), inbox.c.item != bindparam("named")
)
_REPLACE = (
    update(inbox)
    .where(inbox.c.item == bindparam("named"))
    .values(replaced=True, title="", text="", link="", change=bindparam("number"))
)
_UNREAD = select(inbox.c.item).where(_HERE, inbox.c.read_at.is_(None))
_UNREAD_OF = _UNREAD.where(inbox.c.item.in_(bindparam("items", expanding=True)))
_COUNT = select(func.count()).select_from(inbox).where(_HERE, _USEFUL, inbox.c.read_at.is_(None))
_READ = (
    update(inbox)
    .where(inbox.c.item == bindparam("named"))
    .values(read_at=bindparam("now"), change=bindparam("number"))
)
_NAMED = select(*_ITEM).where(inbox.c.item.in_(bindparam("items", expanding=True))).order_by(inbox.c.id)
_OLDEST_FIRST = select(*_ITEM).where(inbox.c.customer.in_(_ids)).order_by(inbox.c.id)
_PAGE = (
    select(*_ITEM)
    .where(_HERE, inbox.c.id < bindparam("before"))
    .order_by(inbox.c.id.desc())
    .limit(bindparam("most"))
)
_USEFUL_PAGE = _PAGE.where(_USEFUL)
_CHANGES = (
    select(*_ITEM)
    .where(inbox.c.change > bindparam("after"))
    .order_by(inbox.c.change)
    .limit(bindparam("most"))
)
_CHANGES_OF = _CHANGES.where(inbox.c.customer.in_(_ids))
_FORGET = delete(inbox).where(inbox.c.customer.in_(_ids))
_TIDY = delete(inbox).where(inbox.c.at < bindparam("until", type_=inbox.c.at.type))

NEWEST = 2**62  # above every row: a page before it is the first


class Inbox(Verbs):
    """The verbs about the feed that customers read."""

    def put(self, item: InboxItem) -> bool:
        """Keep an item, and say whether it is new; what it is ``about`` has it in the place of any before.

        An item that was kept once is not kept again, also if another took its place meanwhile.
        """
        if self._value(_KNOWN, {"named": item.item}) is not None:
            return False
        older = [
            name
            for (name,) in (
                self._rows(_OLDER, {"ids": [item.customer], "same": item.about, "named": item.item})
                if item.about
                else ()
            )
        ]
        numbers = self._numbers(len(older) + 1)
        if older:
            named = [{"named": name, "number": number} for name, number in zip(older, numbers, strict=False)]
            self._run(_REPLACE, named)
        row: dict[str, Any] = {name: getattr(item, name) for name in InboxItem.__dataclass_fields__}
        del row["id"]
        self._run(_KEEP, row | {"change": numbers[-1]})
        return True

    def inbox(
        self,
        customers: Sequence[str],
        now: datetime,
        *,
        before: int = NEWEST,
        limit: int = 50,
        past: bool = False,
    ) -> list[InboxItem]:
        """Give a page of what these customers have, the newest first, from below the row *before* on.

        What is useless by *now* is left out, unless the *past* is asked for too.
        """
        place: dict[str, Any] = {"ids": list(customers), "before": before, "most": limit}
        rows = self._rows(_PAGE, place) if past else self._rows(_USEFUL_PAGE, place | {"now": now})
        return [InboxItem(*row) for row in rows]

    def unread(self, customers: Sequence[str], now: datetime) -> int:
        """Count what these customers have not read and is still useful."""
        return int(self._value(_COUNT, {"ids": list(customers), "now": now}))

    def read_inbox(
        self, customers: Sequence[str], now: datetime, items: Sequence[str] | None = None
    ) -> list[InboxItem]:
        """Mark these customers' *items* as read, or all of them, and give those that were not before."""
        found: list[str] = []
        if items is None:
            found = [name for (name,) in self._rows(_UNREAD, {"ids": list(customers)})]
        else:
            for batch in batches(items):
                found += [n for (n,) in self._rows(_UNREAD_OF, {"ids": list(customers), "items": batch})]
        if not found:
            return []
        numbers = self._numbers(len(found))
        self._run(_READ, [{"named": n, "now": now, "number": k} for n, k in zip(found, numbers, strict=True)])
        return [InboxItem(*row) for batch in batches(found) for row in self._rows(_NAMED, {"items": batch})]

    def inbox_number(self) -> int:
        """Give the number of the newest change there ever was."""
        return int(self._value(_NUMBER) or 0)

    def inbox_changes(
        self, after: int, *, customers: Sequence[str] | None = None, limit: int = 500
    ) -> list[InboxItem]:
        """Give the items that changed after that number, in this order: everybody's, or these customers'."""
        place: dict[str, Any] = {"after": after, "most": limit}
        if customers is None:
            return [InboxItem(*row) for row in self._rows(_CHANGES, place)]
        return [InboxItem(*row) for row in self._rows(_CHANGES_OF, place | {"ids": list(customers)})]

    def whole_inbox(self, customers: Iterable[str]) -> list[InboxItem]:
        """Give all that is kept for these customers, the oldest first."""
        return [
            InboxItem(*row)
            for batch in batches(customers)
            for row in self._rows(_OLDEST_FIRST, {"ids": batch})
        ]

    def forget_inbox(self, customers: Iterable[str]) -> int:
        """Drop all that is kept for these customers, and say how many items it was."""
        return sum(self._run(_FORGET, {"ids": batch}) for batch in batches(customers))

    def tidy_inbox(self, until: datetime) -> int:
        """Drop what is older than that, and say how many items it was."""
        return self._run(_TIDY, {"until": until})

    def _numbers(self, count: int) -> range:
        """Take the next numbers of the counter; others wait until this is committed."""
        last = int(self._value(_NUMBERS, {"name": COUNTER, "value": str(count), "more": count}))
        return range(last - count + 1, last + 1)
