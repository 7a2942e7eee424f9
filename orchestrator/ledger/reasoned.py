"""A reason in the ledger: its sentence, its code, and what it names, each in a column of its own.

A program older than schema 0019 writes the sentence alone. It may work beside this one while a company goes
from one version to the next, so what has no code is known by how its sentence begins, until the next release
(docs/decisions/0038-a-reason-has-a-code.md).
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_

from orchestrator.ledger.tables import entries
from orchestrator.reasons import Reason

_OLD = and_(
    entries.c.reason_code == "",
    func.substr(entries.c.reason, 1, func.length(bindparam("why"))) == bindparam("why"),
)
FOR_IT: ColumnElement[bool] = or_(
    and_(entries.c.reason_code == bindparam("code"), entries.c.reason_about == bindparam("about")), _OLD
)
"""It has that reason, about the same."""
ALIKE: ColumnElement[bool] = or_(entries.c.reason_code == bindparam("code"), _OLD)
"""It has a reason with that code."""

WRITTEN: dict[str, Any] = {
    "reason": bindparam("why"),
    "reason_code": bindparam("code"),
    "reason_about": bindparam("about"),
}
"""The columns of a reason, as an update writes them."""


def columns(reason: Reason) -> dict[str, str]:
    """What a statement with :data:`WRITTEN` or one of the conditions asks for."""
    return {"why": str(reason), "code": reason.code.value, "about": reason.about}
