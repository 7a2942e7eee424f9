"""What the API answers with; docs/reference/openapi.json is made of these."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.reasons import Code

T = TypeVar("T")

Key = Annotated[str, Field(examples=["BX-100/arrived/arrived#1/customer"])]
OrderId = Annotated[str, Field(examples=["BX-100"])]
CustomerId = Annotated[str, Field(examples=["maria"])]
Moment = Annotated[datetime, Field(examples=["2026-03-12T17:30:00Z"])]


class Shape(BaseModel):
    """Every object that is answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Shape, Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    next: Annotated[
        str | None, Field(description="Give it as `after` to read on; null at the end.", examples=[None])
    ]


class Value(Shape):
    """What was promised: a day, a moment (`start` alone), or a window."""

    day: date | None = Field(examples=["2026-03-12"])
    start: datetime | None = Field(examples=[None])
    end: datetime | None = Field(examples=[None])


class OrderInList(Shape):
    """An order, as far as lists show it."""

    id: OrderId
    customer: CustomerId
    journey: str = Field(examples=["new-car"])
    status: str = Field(examples=["open"])
    phase: str = Field(examples=["waiting"])
    milestone: str = Field(description="The last one that was reached.", examples=["ordered"])
    location: str = Field(examples=["munich"])
    brand: str
    owner: str = Field(description="Who looks after the customer.", examples=["nora@lindner.example"])
    silent_since: datetime | None = Field(description="When anybody last spoke with the customer.")
    promise: str = Field(description="The milestone promised that ends first.", examples=["arrived"])
    promised: Value | None
    promise_ends: datetime | None
    problem: str = Field(description="Why somebody should look at it.")


class Version(Shape):
    """One version of a promise."""

    number: int
    value: Value
    made: Moment
    heard: Moment
    source: str
    reason: str
    told_at: datetime | None = Field(description="When the customer first heard it; null: never.")
    told_by: str = Field(description="The key of the notification that told it.")


class Milestone(Shape):
    """A milestone of an order's journey."""

    name: str = Field(examples=["arrived"])
    phase: str = Field(examples=["waiting"])
    state: str = Field(description="done, passed, broken, next or ahead", examples=["broken"])
    reached: datetime | None
    told: Value | None = Field(description="What the customer counts on.")
    versions: Sequence[Version] = Field(description="Everything that was promised, the newest first.")


class TaskInOrder(Shape):
    """What staff had to do about an order."""

    task: Key
    do: str = Field(examples=["call-the-customer"])
    role: str = Field(examples=["owner"])
    given: Moment
    state: str = Field(description="open, taken on, done, passed on, or over", examples=["open"])


class Reply(Shape):
    """What the customer wrote."""

    at: Moment
    channel: str = Field(examples=["sms"])
    text: str = Field(examples=["Call me after six"])


class OrderInFull(Shape):
    """An order with its promises, tasks and replies."""

    id: OrderId
    customer: CustomerId
    journey: str = Field(examples=["new-car"])
    status: str = Field(examples=["open"])
    location: str
    brand: str
    owner: str
    attributes: dict[str, Any]
    silent_since: datetime | None
    promise: str
    promise_ends: datetime | None
    milestones: Sequence[Milestone]
    tasks: Sequence[TaskInOrder]
    replies: Sequence[Reply]


class Line(Shape):
    """Something that happened, was said, or was done."""

    at: Moment
    kind: str = Field(examples=["accepted"])
    text: str
    detail: str


class Coming(Shape):
    """What comes next, when, because of what, and unless what."""

    at: Moment
    key: Key
    rule: str = Field(examples=["arrived"])
    role: str = Field(examples=["customer"])
    kind: str = Field(examples=["message"])
    template: str
    channels: Sequence[str]
    because: str
    unless: str
    why_then: str


class NotSaid(Shape):
    """A rule that says nothing, and why not."""

    rule: str
    reason: str
    reason_code: Code
    values: dict[str, str] = Field(description="What its condition saw.")


class Explanation(Shape):
    """An order's story: what was said, what was not and why, and what comes next."""

    order: OrderId
    status: str
    zone: str = Field(description="Whose clocks the reasons mean.", examples=["Europe/Berlin"])
    past: Sequence[Line]
    next: Sequence[Coming]
    not_said: Sequence[NotSaid]
    problems: Sequence[str]


class Point(Shape):
    """Where a customer is reached."""

    channel: str = Field(examples=["email"])
    address: str = Field(examples=["maria.keller@example.com"])
    health: str = Field(description="good, used, bad or never", examples=["good"])
    why: str


class Word(Shape):
    """What a customer agreed to or objected to."""

    at: Moment
    text: str


class Customer(Shape):
    """A customer: where and when they are reached, and what they agreed to."""

    id: CustomerId
    ids: Sequence[str] = Field(description="Every id under which they were ever known.")
    name: str = Field(examples=["Maria Keller"])
    locale: str = Field(examples=["de-DE"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    erased: bool
    points: Sequence[Point]
    consents: Sequence[Word]
    orders: Sequence[OrderId]


class Notification(Shape):
    """A message or a task, and what became of it."""

    id: int = Field(examples=[17])
    key: Key
    order: OrderId
    customer: CustomerId
    rule: str = Field(examples=["arrived"])
    kind: str = Field(description="message or task", examples=["message"])
    role: str = Field(examples=["customer"])
    purpose: str = Field(examples=["service"])
    template: str = Field(examples=["arrived"])
    mode: str = Field(description="live, or shadow: on trial, and never sent", examples=["live"])
    status: str = Field(examples=["accepted"])
    reason: str
    reason_code: Code = Field(description="The reason for programs; the sentence may be worded anew.")
    because: str = Field(description="What made it due.")
    because_code: Code = Field(examples=["missed"])
    channel: str = Field(examples=["email"])
    due_at: Moment
    runs_at: datetime = Field(description="When it may go.")
    expires_at: datetime | None
    updated_at: datetime | None


class Attempt(Shape):
    """One try to hand a message to a provider."""

    n: int
    channel: str
    started_at: Moment
    finished_at: datetime | None
    outcome: str = Field(examples=["accepted"])
    provider_id: str
    code: str


class Report(Shape):
    """What became of it later."""

    at: Moment
    channel: str
    what: str = Field(examples=["delivered"])
    why: str


class NotificationInFull(Notification):
    """A message or a task with its tries and reports."""

    attempts: Sequence[Attempt]
    reports: Sequence[Report]


class Task(Shape):
    """A task that nobody has finished."""

    task: Key
    order: OrderId
    customer: CustomerId
    owner: str
    do: str = Field(examples=["call-the-customer"])
    role: str = Field(examples=["owner"])
    given: Moment
    acknowledged_by: str


class Answer(Shape):
    """Who did something, and what came of it."""

    task: Key
    by: str = Field(min_length=1, max_length=200, examples=["Nora Brandt"])
    outcome: str = Field(default="", max_length=2000, examples=["She comes on Saturday at nine."])


class Cancellation(Shape):
    """Why a notification is taken back."""

    reason: str = Field(min_length=1, max_length=2000, examples=["The customer was called instead."])


class Done(Shape):
    """Whether something was new, or known already by its `Idempotency-Key`."""

    new: bool


class Plan(Shape):
    """Changed rules that wait for a person."""

    version: int
    proposed_by: str
    waiting: int = Field(description="Notifications that wait until somebody decides.")
    decide_at: str = Field(
        description="Where a person releases or rejects it.", examples=["/console/rules/held"]
    )


class Problem(BaseModel):
    """What is wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank")
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(default="", examples=["no order is called 'BX-1'"])
