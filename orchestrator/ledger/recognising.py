"""Old rows get the code of their reason, a batch at a time, while everybody works."""

from sqlalchemy import bindparam, select, update

from orchestrator.ledger.owning import Owning
from orchestrator.ledger.tables import entries
from orchestrator.model import Status
from orchestrator.reasons import Code, Reason
from orchestrator.reasons.recognised import recognised

BATCH = 1000

_UNCODED = (
    select(
        entries.c.id, entries.c.order_id, entries.c.status, entries.c.by_person, entries.c.attempts,
        entries.c.reason,
    )
    .where(entries.c.id > bindparam("after"), entries.c.reason != "", entries.c.reason_code == "")
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
_CODED = (
    update(entries)
    .where(entries.c.id == bindparam("entry"), entries.c.reason == bindparam("why"))
    .values(reason_code=bindparam("code"), reason_about=bindparam("about"))
)


class Recognising(Owning):
    """The verb of an upgrade to schema 0019, and of any after it."""

    def recognise(self, after: int, limit: int = BATCH) -> int | None:
        """Write the codes of at most *limit* reasons that have none, of entries with an id above *after*.

        Returns the last id, or ``None`` when there are no more. What became another meanwhile stays as it is.
        """
        found = self._rows(_UNCODED, {"after": after, "most": limit})
        if not found:
            return None
        self.own(row[1] for row in found)
        rows = []
        for number, _, status, by_person, attempts, why in found:
            reason = recognised(why)
            code = reason.code or _by_its_end(status, by_person=bool(by_person), attempts=attempts)
            if code:
                rows.append({"entry": number, "why": why, **_coded(code, reason)})
        if rows:
            self._run(_CODED, rows)
        last: int = found[-1][0]
        return last


def _coded(code: Code, reason: Reason) -> dict[str, str]:
    return {"code": code.value, "about": reason.about}


def _by_its_end(status: str, *, by_person: bool, attempts: int) -> Code:
    """The code of what stands in a provider's words, or in a person's."""
    if by_person:
        return Code.BY_PERSON
    if status == Status.SCHEDULED and attempts:
        return Code.UNAVAILABLE
    ended = {Status.FAILED: Code.REJECTED, Status.UNKNOWN: Code.IN_DOUBT, Status.ACCEPTED: Code.NOTED}
    return ended.get(Status(status), Code.NONE)
