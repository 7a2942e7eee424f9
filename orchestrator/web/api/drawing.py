"""What the API answers, drawn from what people see on pages."""

from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.ledger import OrderRow
from orchestrator.model import Entry, Promised
from orchestrator.persons.consents import line
from orchestrator.planning.explain import Explanation
from orchestrator.planning.promises import promised_text
from orchestrator.views.customer import CustomerView
from orchestrator.views.messages import Told
from orchestrator.views.now import Waiting
from orchestrator.views.order import OrderView, Step
from orchestrator.web.api import shapes


def value(promised: Promised | None) -> shapes.Value | None:
    """What was promised."""
    if promised is None:
        return None
    return shapes.Value(day=promised.day, start=promised.start, end=promised.end)


def listed(row: OrderRow) -> shapes.OrderInList:
    """An order of a list."""
    return shapes.OrderInList(
        id=row.id,
        customer=row.customer,
        journey=row.journey,
        status=row.status,
        phase=row.phase,
        milestone=row.milestone,
        location=row.location,
        brand=row.brand,
        owner=row.owner,
        silent_since=row.silent_since,
        promise=row.promise,
        promised=value(promised_text(row.promised)) if row.promised else None,
        promise_ends=row.promise_ends,
        problem=row.problem,
    )


def order(view: OrderView) -> shapes.OrderInFull:
    """An order in full."""
    seen = view.order
    return shapes.OrderInFull(
        id=seen.id,
        customer=seen.customer,
        journey=seen.journey,
        status=view.story.status,
        location=seen.location.id,
        brand=seen.location.brand,
        owner=seen.owner.name,
        attributes=seen.attributes,
        silent_since=view.silent_since,
        promise=view.promise,
        promise_ends=view.promise_ends,
        milestones=[_milestone(step) for step in view.steps],
        tasks=[
            shapes.TaskInOrder(task=one.key, do=one.do, role=one.role, given=one.given, state=one.state)
            for one in view.tasks
        ],
        replies=[shapes.Reply(at=one.at, channel=one.channel, text=one.text) for one in view.replies],
    )


def _milestone(step: Step) -> shapes.Milestone:
    return shapes.Milestone(
        name=step.name,
        phase=step.phase,
        state=step.state,
        reached=step.reached,
        told=value(step.told),
        versions=[
            shapes.Version(
                number=one.number,
                value=shapes.Value(day=one.value.day, start=one.value.start, end=one.value.end),
                made=one.made,
                heard=one.heard,
                source=one.source,
                reason=one.reason,
                told_at=one.told_at,
                told_by=one.by,
            )
            for one in step.versions
        ],
    )


def explanation(story: Explanation) -> shapes.Explanation:
    """An order's story."""
    return shapes.Explanation(
        order=story.order,
        status=story.status,
        zone=story.zone,
        past=[
            shapes.Line(at=one.at, kind=one.kind, text=one.text, detail=one.detail) for one in story.timeline
        ],
        next=[
            shapes.Coming(
                at=one.at,
                key=one.key,
                rule=one.rule,
                role=one.role,
                kind=one.kind,
                template=one.template,
                channels=one.channels,
                because=one.because,
                unless=one.unless,
                why_then=one.why_then,
            )
            for one in story.next
        ],
        not_said=[
            shapes.NotSaid(
                rule=one.rule, reason=one.reason, reason_code=one.reason.code, values=dict(one.values)
            )
            for one in story.not_said
        ],
        problems=story.problems,
    )


def customer(view: CustomerView) -> shapes.Customer:
    """A customer."""
    return shapes.Customer(
        id=view.id,
        ids=view.ids,
        name=view.name,
        locale=view.customer.locale,
        time_zone=view.customer.time_zone,
        erased=view.is_erased,
        points=[
            shapes.Point(channel=one.channel, address=one.address, health=one.health, why=one.why)
            for one in view.points
        ],
        consents=[shapes.Word(at=one.said, text=line(one)) for one in view.words],
        orders=[one.id for one in view.orders],
    )


def notification(entry: Entry) -> shapes.Notification:
    """A message or a task of a list."""
    return shapes.Notification(**_notification(entry))


def notification_in_full(told: Told) -> shapes.NotificationInFull:
    """A message or a task with its tries and reports."""
    return shapes.NotificationInFull(
        **_notification(told.entry),
        attempts=[
            shapes.Attempt(
                n=one.n,
                channel=one.channel,
                started_at=one.started_at,
                finished_at=one.finished_at,
                outcome=one.outcome,
                provider_id=one.provider_id,
                code=one.code,
            )
            for one in told.attempts
        ],
        reports=[
            shapes.Report(at=one.at, channel=one.channel, what=one.words, why=one.why) for one in told.reports
        ],
    )


def _notification(entry: Entry) -> dict[str, Any]:
    wanted = entry.wanted
    return {
        "id": entry.id,
        "key": entry.key,
        "order": wanted.order,
        "customer": wanted.customer,
        "rule": wanted.rule,
        "kind": wanted.kind.value,
        "role": wanted.role,
        "purpose": wanted.purpose.value,
        "template": wanted.template,
        "mode": wanted.mode,
        "status": entry.status.value,
        "reason": entry.reason,
        "reason_code": entry.reason.code,
        "because": wanted.because,
        "because_code": wanted.because.code,
        "channel": entry.channel,
        "due_at": entry.due_at,
        "runs_at": entry.run_at,
        "expires_at": entry.expires_at,
        "updated_at": entry.updated_at,
    }


def tasks(rows: Iterable[Waiting]) -> Iterator[shapes.Task]:
    """The tasks of some orders that nobody has finished."""
    for row in rows:
        for one in row.tasks:
            yield shapes.Task(
                task=one.task,
                order=row.order,
                customer=row.customer,
                owner=row.owner,
                do=one.do,
                role=one.role,
                given=one.at,
                acknowledged_by=one.by,
            )
