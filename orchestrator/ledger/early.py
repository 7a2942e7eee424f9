"""What providers say too early to be understood, and what proved that they said it: kept for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.tables import attempts, early_reports, proofs
from orchestrator.ledger.verbs import Verbs

_PROVE = upsert(proofs).on_conflict_do_nothing()
_PROVEN = select(proofs.c.told).where(
    proofs.c.caller == bindparam("by"), proofs.c.token == bindparam("its_token")
)
_moment = bindparam("before", type_=proofs.c.at.type)
_FORGET_PROOFS = delete(proofs).where(proofs.c.at < _moment)

_KEEP = upsert(early_reports).on_conflict_do_nothing()
_COUNT = select(func.count()).select_from(early_reports)
_KNOWN_BY_NOW = (
    select(early_reports.c.caller, early_reports.c.channel, early_reports.c.said)
    .where(
        select(attempts.c.id)
        .where(
            attempts.c.provider_id == early_reports.c.provider_id,
            attempts.c.channel == early_reports.c.channel,
        )
        .exists()
    )
    .order_by(early_reports.c.at, early_reports.c.report)
    .limit(bindparam("most"))
)
_DONE = delete(early_reports).where(
    early_reports.c.caller == bindparam("by"), early_reports.c.report == bindparam("its_id")
)
_FORGET_EARLY = delete(early_reports).where(early_reports.c.at < _moment)


@dataclass(frozen=True, slots=True)
class EarlyReport:
    """A report about a message whose receipt was not known yet; ``said`` is all of it, without addresses."""

    caller: str
    channel: str
    report: str
    provider_id: str
    said: Mapping[str, Any]


class Early(Verbs):
    """The verbs about what came too early, and about what may come only once."""

    def prove(self, caller: str, token: str, told: str, now: datetime) -> bool:
        """Use up a token that proves one callback: true unless it proved something else before."""
        self._run(_PROVE, {"caller": caller, "token": token, "told": told, "at": now})
        return bool(self._value(_PROVEN, {"by": caller, "its_token": token}) == told)

    def forget_proofs(self, before: datetime) -> int:
        """Forget what was used up before that; say how many that were."""
        return self._run(_FORGET_PROOFS, {"before": before})

    def keep_early(self, early: EarlyReport, now: datetime, most: int) -> bool:
        """Keep a report for later, unless *most* are kept already."""
        if int(self._value(_COUNT)) >= most:
            return False
        said = orjson.dumps(dict(early.said)).decode()
        row = {"caller": early.caller, "channel": early.channel, "report": early.report}
        self._run(_KEEP, row | {"provider_id": early.provider_id, "said": said, "at": now})
        return True

    def early_known(self, most: int) -> list[EarlyReport]:
        """Give the reports whose messages are known by now, the oldest first."""
        found = []
        for caller, channel, text in self._rows(_KNOWN_BY_NOW, {"most": most}):
            said = orjson.loads(text)
            found.append(EarlyReport(caller, channel, said["id"], said["provider_id"], said))
        return found

    def early_done(self, caller: str, report: str) -> None:
        """Forget a report that was understood."""
        self._run(_DONE, {"by": caller, "its_id": report})

    def forget_early(self, before: datetime) -> int:
        """Forget the reports that nobody understood since then; say how many that were."""
        return self._run(_FORGET_EARLY, {"before": before})
