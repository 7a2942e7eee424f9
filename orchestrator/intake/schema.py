"""The data of the core types of events: what it may hold, and the settled form it is kept in.

The settled form is plain JSON that the fold reads: only the fields that were given, unknown ones as they
came, and

- moments (``at``, ``from``, ``to``) in UTC, ``2026-03-12T16:30:00Z``; ``date`` as ``2026-03-12``;
- ``windows`` and ``working_hours``: ``[{"days": [0..6], "from": "HH:MM", "to": "HH:MM", "channel": ""}]``;
- ``devices``: ``["fcm:token"]``, each a text (:mod:`channels.devices`); phones as E.164,
  languages as BCP 47, countries in capitals;
- ``owner``, ``manager`` and each of ``parties``: an object (a text was a name, or with an @ an address);
  ``location``, ``slot``: an object (a text was its ``id``);
- a null in customer.upserted or order.upserted empties the field (``""``, ``[]``, ``{}``); any other null is
  as though the field were not there.

Settling settled data changes nothing, so kept facts can be replayed.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    with_config,
)
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from channels import devices
from orchestrator.findings import Wrong
from orchestrator.intake import values

STRICT = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

# ── kinds of values ──────────────────────────────────────────────────────────


def _phone(text: str, info: ValidationInfo) -> str:
    return values.phone(text, (info.data or {}).get("country") or "")


def _given(value: object) -> object:
    """Drop nulls from an object inside the data."""
    if isinstance(value, dict) and None in value.values():
        return {name: inner for name, inner in value.items() if inner is not None}
    return value


def _person(value: object) -> object:
    if isinstance(value, str):
        return {"email": value} if "@" in value else {"name": value}
    return {} if value is None else _given(value)


def _with_id(value: object) -> object:
    if isinstance(value, str):
        return {"id": value}
    return {} if value is None else _given(value)


def _window(value: object) -> object:
    return (
        {"days": [0, 1, 2, 3, 4, 5, 6], "channel": "", **value}
        if isinstance(value := _given(value), dict)
        else value
    )


def _device(value: object) -> object:
    """Write a device as its text; a text that names a service must be a token of it."""
    try:
        if isinstance(value, dict):
            return devices.settled(_registered(value))
        if isinstance(value, str) and value.startswith(_KINDS):
            devices.parse(value)
    except ValueError as wrong:
        if isinstance(wrong, Wrong):
            raise
        raise Wrong("E122", f"is no device that can be reached: {wrong}") from None
    return value


def _registered(given: dict[str, Any]) -> dict[str, Any]:
    moment = given.get("registered")
    return given if not isinstance(moment, str) else {**given, "registered": values.instant_text(moment)}


def _number(value: object) -> object:
    if type(value) not in (int, float):
        raise Wrong("E102", "must be a number")
    return value


def _words_or_object(value: object) -> object:
    if not isinstance(value, str | dict):
        raise Wrong("E102", "must be a text or an object")
    return value


def _once(items: list[str]) -> list[str]:
    return list(dict.fromkeys(items))


Id = Annotated[str, Field(min_length=1)]
_KINDS = tuple(f"{kind}:" for kind in devices.KINDS)


@with_config(STRICT)
class DeviceFields(TypedDict, total=False):
    """A device that can be pushed to. A browser's is its `PushSubscription`, just as `toJSON()` writes it.

    A plain text is a token too: `fcm:TOKEN`, `apns:TOKEN`; without a kind it is one of Firebase.
    """

    kind: Annotated[Literal["fcm", "apns", "web"], Field(description="the service that reaches it")]
    token: Annotated[str, Field(description="what the app got from Firebase or Apple")]
    registered: Annotated[str, Field(description="when the app got it; Apple's only")]
    endpoint: Annotated[str, Field(description="of a browser")]
    keys: Annotated[dict[str, str], Field(description="of a browser: `p256dh` and `auth`")]


Text = str | None
Flag = bool | None
Texts = Annotated[list[Id], AfterValidator(_once)] | None
Attributes = dict[str, Any] | None
Day = Annotated[str, AfterValidator(values.day), Field(json_schema_extra={"format": "date"})]
Instant = Annotated[str, AfterValidator(values.planned), Field(json_schema_extra={"format": "date-time"})]
Clock = Annotated[str, AfterValidator(values.clock)]
Days = Annotated[list[int], BeforeValidator(values.days, json_schema_input_type=str | list[str | int])]
Zone = Annotated[str, AfterValidator(values.time_zone)] | None
Locale = Annotated[str, AfterValidator(values.locale)] | None
Country = Annotated[str, AfterValidator(values.country)] | None
Email = Annotated[str, AfterValidator(values.email), Field(json_schema_extra={"format": "email"})] | None
Phone = Annotated[str, AfterValidator(_phone)] | None
Number = Annotated[Any, AfterValidator(_number), WithJsonSchema({"type": "number"})] | None
Evidence = (
    Annotated[Any, AfterValidator(_words_or_object), WithJsonSchema({"type": ["string", "object"]})] | None
)
Device = Annotated[Id, BeforeValidator(_device, json_schema_input_type=str | DeviceFields)]

WindowFields = TypedDict(
    "WindowFields",
    {
        "days": NotRequired[Annotated[Days, Field(description="such as `mon`, `weekdays`; all if left out")]],
        "from": Annotated[Clock, Field(description="local time, inclusive")],
        "to": Annotated[
            Clock, Field(description="local time, exclusive; at or before `from` it is past midnight")
        ],
        "channel": NotRequired[Annotated[str, Field(description="for this channel only; all if left out")]],
    },
)
with_config(STRICT)(WindowFields)
WindowFields.__doc__ = "Local hours on some days of the week."
Window = Annotated[WindowFields, BeforeValidator(_window)]


@with_config(STRICT)
class PersonFields(TypedDict, total=False):
    """Somebody an order names; a plain text is a name, or with an @ a mail address."""

    name: str
    email: Email
    country: Annotated[Country, Field(description="of a national phone number")]
    phone: Phone
    locale: Locale
    time_zone: Zone
    channels: Annotated[
        Texts,
        Field(
            description="the ones wanted, in that order, of those a rule offers; by others only service and "
            "security messages leave, after these"
        ),
    ]
    refuses: Annotated[Texts, Field(description="channels by which this person wants to hear nothing")]
    working_hours: Annotated[
        list[Window],
        Field(description="when they are at work, in their zone; tasks wait for it unless they are urgent"),
    ]


Person = Annotated[PersonFields, BeforeValidator(_person, json_schema_input_type=PersonFields | str | None)]


@with_config(STRICT)
class LocationFields(TypedDict, total=False):
    """Where an order is looked after; a plain text is its id."""

    id: str
    name: str
    time_zone: Annotated[Zone, Field(description="zone of the order's local dates")]
    calendar: Annotated[str, Field(description="business calendar, by its name in the settings")]
    brand: str
    country: Country
    email: Email
    phone: Phone


Location = Annotated[LocationFields, BeforeValidator(_with_id, json_schema_input_type=LocationFields | str)]

SlotFields = TypedDict("SlotFields", {"id": Id, "from": Instant, "to": Instant}, total=False)
with_config(STRICT)(SlotFields)
SlotFields.__doc__ = "A time that is offered; a plain text is its id."
Slot = Annotated[SlotFields, BeforeValidator(_with_id, json_schema_input_type=SlotFields | str)]

# ── the data of each type ────────────────────────────────────────────────────


@with_config(STRICT)
class CustomerUpserted(TypedDict, total=False):
    """Who a customer is and how to reach them."""

    name: Text
    given_name: Text
    locale: Annotated[Locale, Field(description="language, `de` or `de-AT`")]
    time_zone: Annotated[
        Text, Field(description="IANA name; by any other their messages wait as by the order's own clocks")
    ]
    country: Annotated[Country, Field(description="ISO 3166, two letters")]
    region: Annotated[Text, Field(description="state or province, where the law asks for it")]
    email: Email
    phone: Annotated[Phone, Field(description="international, or national with `country`")]
    devices: Annotated[list[Device], AfterValidator(_once)] | None
    tags: Texts
    attributes: Annotated[Attributes, Field(description="anything rules and templates use")]


@with_config(STRICT)
class CustomerActive(TypedDict, total=False):
    """Where a customer was seen."""

    surface: Annotated[Text, Field(description="app, web, email, shop …")]


@with_config(STRICT)
class CustomerHabit(TypedDict):
    """When a customer usually looks; all of it, in place of what was known."""

    windows: Annotated[
        list[Window], Field(description="when they look, in the customer's zone, and at which channel")
    ]


@with_config(STRICT)
class CustomerMerged(TypedDict):
    """Which customer another one turned out to be."""

    into: Annotated[Id, Field(description="the customer who stays")]


@with_config(STRICT)
class CustomerUnmerged(TypedDict, total=False):
    """That a customer is somebody else after all."""

    reason: Text


@with_config(STRICT)
class WithReason(TypedDict, total=False):
    """Why: of order.held, order.released, order.cancelled and customer.erased."""

    reason: Text


@with_config(STRICT)
class PreferenceSet(TypedDict, total=False):
    """How and when a customer wants to hear from us."""

    channels: Annotated[
        Texts,
        Field(
            description="the ones wanted, in that order, of those a rule offers; by others only service and "
            "security messages leave, after these"
        ),
    ]
    windows: Annotated[
        list[Window] | None, Field(description="when messages are welcome, in the customer's zone")
    ]
    topics: Texts
    language: Annotated[
        Locale, Field(description="the one to be written to in, whatever `customer.upserted` says")
    ]
    learning: Annotated[Flag, Field(description="may habits be learned?")]


@with_config(STRICT)
class Consent(TypedDict, total=False):
    """What consent.given and consent.withdrawn are about."""

    purpose: Annotated[
        Literal["", "security", "service", "relationship", "marketing"] | None,
        Field(description="all of them if left out; a yes to marketing must name it"),
    ]
    channel: Annotated[
        Annotated[str, AfterValidator(values.channel)] | None, Field(description="all of them if left out")
    ]
    evidence: Annotated[
        Evidence,
        Field(description="how we know: a text, or an object with `who`, `how`, `wording`, `ip`, `place`"),
    ]


@with_config(STRICT)
class OrderUpserted(TypedDict, total=False):
    """What is waited for, by whom, and who looks after it."""

    customer: Annotated[Text, Field(description="the customer's id")]
    journey: Annotated[Text, Field(description="the journey's id")]
    owner: Annotated[Person | None, Field(description="who looks after it")]
    manager: Annotated[Person | None, Field(description="whom the owner's silence reaches")]
    location: Annotated[Location | None, Field(description="where it is looked after")]
    parties: Annotated[
        dict[str, Person] | None, Field(description="further people by role, such as `co_buyer`")
    ]
    attributes: Annotated[Attributes, Field(description="as the journey declares them")]


PromiseMade = TypedDict(
    "PromiseMade",
    {
        "milestone": Id,
        "date": NotRequired[Annotated[Day | None, Field(description="the whole of a local day")]],
        "at": NotRequired[Annotated[Instant | None, Field(description="an instant")]],
        "from": NotRequired[Annotated[Instant | None, Field(description="a window's begin …")]],
        "to": NotRequired[Annotated[Instant | None, Field(description="… and its end")]],
        "told": NotRequired[
            Annotated[Flag, Field(description="does the customer know? first promise: yes, revision: no")]
        ],
        "source": NotRequired[Annotated[Text, Field(description="who says so")]],
        "reason": NotRequired[Text],
    },
)
with_config(STRICT)(PromiseMade)


@with_config(STRICT)
class MilestoneData(TypedDict):
    """What milestone.reached and milestone.retracted are about."""

    milestone: Id
    note: NotRequired[Text]


@with_config(STRICT)
class SlotOffered(TypedDict):
    """The times a customer may choose from."""

    slots: Annotated[list[Slot], Field(min_length=1)]


@with_config(STRICT)
class SlotChosen(TypedDict):
    """The time a customer chose."""

    slot: Slot


@with_config(STRICT)
class MessageReplied(TypedDict, total=False):
    """What a customer answered."""

    channel: Text
    text: Text
    message: Annotated[Text, Field(description="the message that was answered")]


@with_config(STRICT)
class LineAdded(TypedDict):
    """A line that a colleague wrote for the next message about an order."""

    text: Annotated[
        str, AfterValidator(values.own_line), Field(description="one line of at most 300 characters")
    ]
    by: NotRequired[Annotated[Text, Field(description="who of ours wrote it")]]
    beside: NotRequired[Annotated[Text, Field(description="a message that was leaving already, without it")]]


@with_config(STRICT)
class TakenOver(TypedDict):
    """Somebody calls in place of a message that waits."""

    message: Annotated[Id, Field(description="the message's key")]
    by: NotRequired[Annotated[Text, Field(description="who of ours calls")]]


@with_config(STRICT)
class LinksClosed(TypedDict):
    """The message whose links open nothing any more."""

    message: Annotated[Id, Field(description="the message's key")]
    by: NotRequired[Annotated[Text, Field(description="who of ours closed them")]]
    reason: NotRequired[Text]


@with_config(STRICT)
class MessageReported(TypedDict):
    """What became of a message, as its provider or the company's own app says; no addresses in it."""

    message: Annotated[Id, Field(description="the message's key")]
    channel: NotRequired[Annotated[Text, Field(description="by which it left, as the settings call it")]]
    provider: NotRequired[Annotated[Text, Field(description="who says so")]]
    code: NotRequired[Annotated[Text, Field(description="the provider's own code, such as `5.1.1`")]]
    reason: NotRequired[Annotated[Text, Field(description="the provider's own words")]]


@with_config(STRICT)
class MessageRescheduled(TypedDict):
    """Which message is to leave at another moment than its rule says."""

    message: Annotated[Id, Field(description="the message's key")]
    at: Instant
    by: NotRequired[Text]
    reason: NotRequired[Text]


@with_config(STRICT)
class FeedbackGiven(TypedDict, total=False):
    """How a phase was for a customer."""

    phase: Text
    score: Number
    comment: Text
    message: Text


@with_config(STRICT)
class ContactLogged(TypedDict, total=False):
    """That staff and customer spoke."""

    direction: Annotated[Literal["in", "out"] | None, Field(description="`in`: the customer came to us")]
    reason: Text
    by: Annotated[Text, Field(description="who of ours")]
    note: Text


@with_config(STRICT)
class TaskAnswered(TypedDict):
    """Which task was acknowledged or done."""

    task: Annotated[Id, Field(description="the task's key")]
    by: NotRequired[Text]
    outcome: NotRequired[Text]
