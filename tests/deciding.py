"""How tests ask the pure core: rules as operations write them, facts as they happen, a moment."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from orchestrator.journey import Policy, RuleBook
from orchestrator.model import (
    ENGINE,
    Customer,
    Decision,
    Entry,
    Fact,
    Notification,
    Order,
    Purpose,
    Scope,
    Status,
    scope_of,
)
from orchestrator.planning.fold import fold_customer, fold_order
from orchestrator.planning.planner import wanted
from orchestrator.planning.promises import promised_data
from orchestrator.rules import load
from tests.builders import BERLIN, at, car_order, event, incoming, maria

HEAD = """\
version: 1
journey: new-car
attributes: {model: text}
phases:
  waiting: [ordered, shipped, arrived]
  handover: [prepared, collected]
"""
QUIET = {Purpose.SERVICE: (time(21), time(8)), Purpose.MARKETING: (time(20), time(9))}

Told = Mapping[str, Any] | Fact


def book(
    *rules: str,
    head: str = "",
    quiet: Mapping[Purpose, tuple[time, time]] | None = None,
    activated: Mapping[str, datetime] | None = None,
    **policy_: Any,
) -> RuleBook:
    """Return the rules, each in YAML's one-line form, of a journey that needs no template to exist."""
    text = f"{HEAD}{head}\nrules:\n" + "\n".join(f"  - {rule}" for rule in rules)
    policy = Policy(time_zone=BERLIN, quiet=quiet or {}, **policy_)
    found, problems = load({"rules.yaml": text}, templates=None, channels=None, policy=policy)
    assert not problems, [str(problem) for problem in problems]
    return replace(found, activated=activated or {})


def facts(*told: Told) -> list[Fact]:
    """Return what these events, or facts, are once they were heard."""
    return [item if isinstance(item, Fact) else incoming(item).fact for item in told]


def fold(*told: Told) -> tuple[Order, Customer]:
    """Return the car order O-1 and its customer as these facts have them."""
    heard = facts(*told)
    order = fold_order("O-1", [fact for fact in heard if scope_of(fact.type) is Scope.ORDER])
    return order, fold_customer("C-1", [fact for fact in heard if scope_of(fact.type) is Scope.CUSTOMER])


def decide(rules: RuleBook, *told: Told, now: str, known: bool = True) -> Decision:
    """Decide about Maria Keller's car; she and her order are *known* unless the test says otherwise."""
    told = (car_order(), maria(), *told) if known else told
    order, customer = fold(*told)
    decision = wanted(order, customer, rules, at(now))
    assert decision.errors == ()
    return decision


def one(decision: Decision) -> Notification:
    """Return the only thing wanted."""
    (note,) = decision.wanted
    return note


def why(decision: Decision) -> str:
    """Return the only reason for silence."""
    (silence,) = decision.silences
    return silence.reason


def outcome(note: Notification, moment: str, status: str = "accepted", **more: Any) -> Fact:
    """Return the engine's own fact that *note* came to something."""
    data = {
        "key": note.key,
        "rule": note.rule,
        "occasion": note.occasion,
        "role": note.role,
        "kind": note.kind.value,
        "purpose": note.purpose.value,
        "template": note.template,
        "tells": [{"milestone": tell.milestone, **promised_data(tell.value)} for tell in note.tells],
        **more,
    }
    when = at(moment)
    return Fact(ENGINE, f"{note.key}:{status}", f"notification.{status}", note.order, when, when, data)


def report(note: Notification, became: str, moment: str, **more: Any) -> Fact:
    """Return the provider's word about what became of *note*."""
    return incoming(event(f"message.{became}", note.order, moment, message=note.key, **more)).fact


def bounced(note: Notification, moment: str) -> Fact:
    """Return the provider's word that *note* came back."""
    return report(note, "bounced", moment, code="5.1.1", reason="no such mailbox")


def entry(note: Notification, status: Status = Status.SCHEDULED, **more: Any) -> Entry:
    """Return a row of the ledger for *note*."""
    return Entry(1, note.key, note, status, note.due_at, note.expires_at, **more)


def keys(notes: Iterable[Notification]) -> list[str]:
    """Return what tells notifications of one order apart, without the order."""
    return sorted(note.key.partition("/")[2] for note in notes)
