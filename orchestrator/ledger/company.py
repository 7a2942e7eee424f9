"""What operations settle: suppressed addresses, pauses, rules in force, settings."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.rows import from_json, to_json
from orchestrator.ledger.tables import activations, pauses, rulesets, settings, suppressions, unsuppressions
from orchestrator.ledger.values import Activation, Pause, RuleSet, RuleSetState, Stops, Suppression
from orchestrator.ledger.verbs import Verbs, batches

_SUPPRESS = upsert(suppressions).on_conflict_do_nothing(index_elements=["channel", "address_hash"])
_ITS_PLACE = (
    suppressions.c.channel == bindparam("its_channel"),
    suppressions.c.address_hash == bindparam("its_hash"),
)
_UNSUPPRESS = delete(suppressions).where(*_ITS_PLACE)
_KEEP_UNSUPPRESSED = insert(unsuppressions).from_select(
    ["channel", "address_hash", "reason", "evidence", "at", "removed_at", "why"],
    select(
        *suppressions.c,
        bindparam("now", type_=unsuppressions.c.removed_at.type).label("removed_at"),
        bindparam("reason_why", type_=unsuppressions.c.why.type).label("why"),
    ).where(*_ITS_PLACE),
)
_UNSUPPRESSED = select(func.max(unsuppressions.c.removed_at)).where(
    unsuppressions.c.channel == bindparam("its_channel"),
    unsuppressions.c.address_hash == bindparam("its_hash"),
)
_SUPPRESSED = select(suppressions).where(
    suppressions.c.channel == bindparam("its_channel"),
    suppressions.c.address_hash.in_(bindparam("ids", expanding=True)),
)
_name = tuple_(suppressions.c.channel, suppressions.c.address_hash)
_SUPPRESSIONS = (
    select(suppressions)
    .where(_name > tuple_(bindparam("its_channel"), bindparam("its_hash")))
    .order_by(suppressions.c.channel, suppressions.c.address_hash)
    .limit(bindparam("most"))
)
_PAUSE = upsert(pauses).on_conflict_do_nothing(index_elements=["kind", "name"])
_RESUME = delete(pauses).where(pauses.c.kind == bindparam("its_kind"), pauses.c.name == bindparam("its_name"))
_PAUSED = select(pauses).order_by(pauses.c.kind, pauses.c.name)

_RULESET: Select[Any] = select(rulesets)
_RULESETS = (
    _RULESET.where(rulesets.c.id < bindparam("before"))
    .order_by(rulesets.c.id.desc())
    .limit(bindparam("most"))
)
_RULESET_OF = _RULESET.where(rulesets.c.id == bindparam("number"))
_EDITS = update(rulesets).where(rulesets.c.id == bindparam("number")).values(edits=bindparam("text"))
_NO_MORE = 1 << 62  # above every number
_IN_FORCE = (
    select(rulesets.c.id)
    .where(rulesets.c.state == RuleSetState.ACTIVE.value)
    .order_by(rulesets.c.id.desc())
    .limit(1)
)
_KEEP_RULESET = insert(rulesets).returning(rulesets.c.id)
_REPLACE = (
    update(rulesets).where(rulesets.c.state == bindparam("was")).values(state=RuleSetState.REPLACED.value)
)
_REJECT = (
    update(rulesets)
    .where(rulesets.c.state == RuleSetState.HELD.value)
    .values(state=RuleSetState.REJECTED.value, decided_by=bindparam("whom"))
)
_ACTIVATE = (
    update(rulesets)
    .where(rulesets.c.id == bindparam("number"))
    .values(state=RuleSetState.ACTIVE.value, activated_at=bindparam("now"), decided_by=bindparam("whom"))
)
_started = upsert(activations)
_START = _started.on_conflict_do_update(
    index_elements=["rule"],
    set_={"digest": _started.excluded.digest, "activated_at": _started.excluded.activated_at},
)
_STOP = delete(activations).where(activations.c.rule.in_(bindparam("ids", expanding=True)))
_set = upsert(settings)
_SET = _set.on_conflict_do_update(index_elements=["name"], set_={"value": _set.excluded.value})
_GET_ALL = (
    select(settings.c.name, settings.c.value)
    .where(func.substr(settings.c.name, 1, func.length(bindparam("begins"))) == bindparam("begins"))
    .order_by(settings.c.name)
)
_GET = select(settings.c.value).where(settings.c.name == bindparam("its_name"))


class Company(Verbs):
    """The verbs about what operations settle."""

    # ── suppressed addresses ──

    def suppress(self, suppression: Suppression) -> bool:
        """Send nothing to an address any more, and say whether that is new; the first reason stays."""
        return (
            self._run(
                _SUPPRESS,
                {
                    "channel": suppression.channel,
                    "address_hash": suppression.address_hash,
                    "reason": suppression.reason,
                    "evidence": suppression.evidence,
                    "at": suppression.at,
                },
            )
            == 1
        )

    def unsuppress(self, channel: str, address_hash: str, why: str, now: datetime) -> bool:
        """Allow an address again, and keep why; say whether it was suppressed."""
        place = {"its_channel": channel, "its_hash": address_hash}
        self._run(_KEEP_UNSUPPRESSED, place | {"now": now, "reason_why": why})
        return self._run(_UNSUPPRESS, place) == 1

    def unsuppressed(self, channel: str, address_hash: str) -> datetime | None:
        """Say when an address was last allowed again; nothing if it never was."""
        place = {"its_channel": channel, "its_hash": address_hash}
        moment: datetime | None = self._value(_UNSUPPRESSED, place)
        return moment

    def suppressed(self, addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Suppression]:
        """Give the suppressions among these (channel, address hash)."""
        asked: dict[str, list[str]] = {}
        for channel, address_hash in addresses:
            asked.setdefault(channel, []).append(address_hash)
        return {
            (channel, row[1]): Suppression(*row)
            for channel, hashes in asked.items()
            for batch in batches(hashes)
            for row in self._rows(_SUPPRESSED, {"its_channel": channel, "ids": batch})
        }

    def suppressions(self, *, after: tuple[str, str] = ("", ""), limit: int = 100) -> list[Suppression]:
        """List suppressions by channel and hash, from above *after* on."""
        place = {"its_channel": after[0], "its_hash": after[1], "most": limit}
        return [Suppression(*row) for row in self._rows(_SUPPRESSIONS, place)]

    # ── pauses ──

    def pause(self, kind: Stops, name: str, since: datetime, reason: str) -> bool:
        """Stop something, and say whether it was not paused yet; what is keeps its first reason."""
        row = {"kind": kind.value, "name": name, "since": since, "reason": reason}
        return self._run(_PAUSE, row) == 1

    def resume(self, kind: Stops, name: str) -> bool:
        """Let it work again, and say whether it was paused."""
        return self._run(_RESUME, {"its_kind": kind.value, "its_name": name}) == 1

    def pauses(self) -> list[Pause]:
        """List what is paused, by kind and name."""
        return [Pause(Stops(kind), *rest) for kind, *rest in self._rows(_PAUSED)]

    # ── rules in force ──

    def store_ruleset(
        self,
        digest: str,
        sources: Mapping[str, str],
        *,
        edits: str = "",
        at: datetime | None = None,
        by: str = "",
        why: str = "",
        person: int | None = None,
    ) -> int:
        """Keep rule files as held, in place of any held before, and give their number."""
        self._run(_REPLACE, {"was": RuleSetState.HELD.value})
        row = {
            "digest": digest,
            "sources": to_json(sources),
            "state": RuleSetState.HELD.value,
            "activated_at": None,
            "edits": edits,
            "proposed_at": at,
            "by": by,
            "why": why,
            "decided_by": "",
            "person": person,
        }
        return int(self._value(_KEEP_RULESET, row))

    def activate_ruleset(self, number: int, now: datetime, by: str = "") -> None:
        """Put rule files in force, in place of those that were; *by* is who decided that."""
        self._run(_REPLACE, {"was": RuleSetState.ACTIVE.value})
        self._run(_ACTIVATE, {"number": number, "now": now, "whom": by})

    def reject_ruleset(self, by: str = "") -> None:
        """Drop the rule files that are held; *by* is who decided that."""
        self._run(_REJECT, {"whom": by})

    def keep_edits(self, number: int, edits: str) -> None:
        """Write again what the console laid over the files of that number."""
        self._run(_EDITS, {"number": number, "text": edits})

    def in_force(self) -> int | None:
        """Give the number of the rule files in force, or nothing."""
        number: int | None = self._value(_IN_FORCE)
        return number

    def ruleset(self, state: RuleSetState) -> RuleSet | None:
        """Give the newest rule files in that state, or nothing."""
        query = _RULESET.where(rulesets.c.state == state.value).order_by(rulesets.c.id.desc()).limit(1)
        return next(map(_ruleset, self._rows(query)), None)

    def ruleset_of(self, number: int) -> RuleSet | None:
        """Give the rule files of that number, or nothing."""
        return next(map(_ruleset, self._rows(_RULESET_OF, {"number": number})), None)

    def rulesets(self, *, before: int | None = None, limit: int = 20) -> list[RuleSet]:
        """List every set of rule files there was, the newest first, from below the number *before* on."""
        values = {"before": _NO_MORE if before is None else before, "most": limit}
        return [_ruleset(row) for row in self._rows(_RULESETS, values)]

    def activate_rules(self, rules: Mapping[str, str], now: datetime) -> None:
        """Let rules (id → digest) count from *now* on."""
        rows = [{"rule": rule, "digest": digest, "activated_at": now} for rule, digest in rules.items()]
        if rows:
            self._run(_START, rows)

    def deactivate_rules(self, rules: Iterable[str]) -> None:
        """Forget since when rules counted."""
        for batch in batches(rules):
            self._run(_STOP, {"ids": batch})

    def activations(self) -> dict[str, Activation]:
        """Say for every rule since when it counts."""
        return {row[0]: Activation(*row) for row in self._rows(select(activations))}

    # ── settings ──

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name, in place of any before."""
        self._run(_SET, {"name": name, "value": value})

    def remembered(self, name: str) -> str | None:
        """Give the value of that name, or nothing."""
        value: str | None = self._value(_GET, {"its_name": name})
        return value

    def all_remembered(self, prefix: str) -> list[tuple[str, str]]:
        """Give the names that begin with *prefix*, each with its value, by name."""
        return [(name, value) for name, value in self._rows(_GET_ALL, {"begins": prefix})]


def _ruleset(row: Any) -> RuleSet:
    number, digest, sources, state, *rest = row
    return RuleSet(number, digest, from_json(sources), RuleSetState(state), *rest)
