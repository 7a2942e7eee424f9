"""Make the values a template may use from a notification and its order. Pure: no ledger, no clock.

Text from outside is put on one line here already, so that no template needs to think of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from orchestrator.journey import Journey, Mode, On, Policy, Rule
from orchestrator.model import (
    Customer,
    Fact,
    Kind,
    Notification,
    Order,
    Person,
    Promised,
    Status,
    first_occasion,
    key_of,
)
from orchestrator.plain_text import one_line
from orchestrator.planning import answering
from orchestrator.planning.by_hand import own_words
from orchestrator.planning.case import UNSAID, Case, apologies
from orchestrator.planning.triggers import firings
from orchestrator.reasons import MISADDRESSED
from orchestrator.render import replies, several
from orchestrator.render.brands import brand_of
from orchestrator.render.dates import Dates
from orchestrator.render.telephones import as_dialled
from orchestrator.render.words import (
    Brand,
    Company,
    Contact,
    CustomerWords,
    JourneyWords,
    LinkWords,
    Money,
    OneOrder,
    OrderWords,
    Place,
    Task,
    When,
    money,
)
from orchestrator.timing import calendar
from orchestrator.timing.moves import Move
from orchestrator.timing.send_time import order_zone

NAME_LIMIT = 80  # characters of a name; longer ones are mistakes or attacks
VALUE_LIMIT = 500  # characters of any other text from outside
NO_LINKS = LinkWords()


def locale_of(
    notification: Notification, order: Order, customer: Customer | None, company: Mapping[str, Any]
) -> str:
    """The reader's language: the recipient's own, else the company's, else English."""
    if notification.role == "customer":
        own = customer.locale if customer is not None else ""
    else:
        own = _person(notification.role, order).locale
    return own or str(company.get("locale") or "") or "en"


def context(
    notification: Notification,
    order: Order,
    customer: Customer | None,
    journey: Journey,
    policy: Policy,
    now: datetime,
    company: Mapping[str, Any],
) -> dict[str, Any]:
    """Return every name of :class:`Words` with its value for this notification at *now*."""
    zone = order_zone(order.location, policy.time_zone)
    locale = locale_of(notification, order, customer, company)
    dates = Dates(zone, locale, calendar.day_of(now, zone), _reader_zone(notification, order, customer))
    who = customer or Customer("")
    business = policy.calendar(order.location.calendar)
    case = Case(order, who, journey, policy, now, zone, business)
    owner, manager = _contact(order.owner), _contact(order.manager)
    house = _company(company)
    brand = brand_of(order.location.brand, company)
    place = _place(order, house, brand)
    milestone = order.milestones.get(notification.milestone)
    tellings = (
        [t.value for t in milestone.tellings if not several.same_news(t.key, notification)]
        if milestone
        else []
    )
    told = tellings[-1] if tellings else None
    stands = _stands(notification, case, told)
    awaited = list(_awaited(notification, case, stands))
    reached = milestone.reached if milestone else None
    ordered_by = _customer(who)
    words = {
        "customer": _reader(notification, order) or ordered_by,
        "ordered_by": ordered_by,
        "order": _order(order, journey, locale),
        "owner": owner,
        "manager": manager,
        "sender": owner or manager or Contact(place.name or place.brand, "", place.email, place.phone),
        "location": place,
        "company": house,
        "brand": brand,
        "journey": JourneyWords(journey.id, journey.title),
        "milestone": notification.milestone,
        "promise": dates.promised(stands),
        "told": dates.promised(told),
        "previous": dates.promised(next((value for value in reversed(tellings) if value != told), None)),
        **_move(told, stands, zone),
        "promises": _promises(notification, order, journey, dates),
        **_awaiting(awaited, case, dates),
        "happened": dates.moment(reached),
        "apologies": apologies(order, journey, notification.milestone),
        "waited_days": _waited(tellings, reached or now, zone),
        "next_update": dates.on(_next_update(notification, case, awaited)),
        "reason": _reason(notification, order),
        "because": one_line(notification.because, VALUE_LIMIT),
        "task": _task(notification, order, journey, dates),
        "event": _event(notification, order, journey),
        "line": _line(notification, order),
        "links": NO_LINKS,
        "today": dates.on(dates.today),
        "locale": locale,
        "zone": zone,
        "purpose": notification.purpose.value,
    }
    return words | {"orders": several.orders([words])}


def in_locale(words: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Return *words* with every date and sum in another language: the one whose text was found."""

    def retell(value: Any) -> Any:
        if isinstance(value, When):
            return replace(value, locale=locale, own=value.own and replace(value.own, locale=locale))
        if isinstance(value, Money):
            return replace(value, locale=locale)
        if isinstance(value, OrderWords):
            return replace(value, attributes={key: retell(one) for key, one in value.attributes.items()})
        if isinstance(value, OneOrder):
            words = {name: retell(getattr(value, name)) for name in ("promise", "told", "happened")}
            return replace(value, attributes={k: retell(v) for k, v in value.attributes.items()}, **words)
        if isinstance(value, Task):
            return replace(value, ack_by=replace(value.ack_by, locale=locale))
        return value

    told = {name: retell(value) for name, value in words.items()}
    told["orders"] = tuple(retell(value) for value in words.get("orders", ()))
    told["promises"] = {name: retell(value) for name, value in words.get("promises", {}).items()}
    return told | {"locale": locale}


def _reader_zone(notification: Notification, order: Order, customer: Customer | None) -> str:
    """The reader's own zone; empty where nobody knows it."""
    if notification.role == "customer":
        zone = customer.time_zone if customer is not None else ""
    else:
        zone = _person(notification.role, order).time_zone
    return zone if zone and calendar.valid_zone(zone) else ""


def _stands(notification: Notification, case: Case, told: Promised | None) -> Promised | None:
    """What to call the promise: an internal one is for staff, never for the customer."""
    name = notification.milestone
    telling = next((tells.value for tells in notification.tells if tells.milestone == name), None)
    if telling is None and notification.kind is Kind.TASK and name:
        telling = case.promise(name)
    return telling if telling is not None else told


def _move(told: Promised | None, stands: Promised | None, zone: str) -> dict[str, Any]:
    if told is None or stands is None or told == stands:
        return {"direction": "", "days_moved": 0}
    move = Move(told, stands, zone)
    return {"direction": move.direction, "days_moved": move.days}


def _promises(notification: Notification, order: Order, journey: Journey, dates: Dates) -> dict[str, When]:
    known = dict.fromkeys(journey.milestones, dates.on(None))
    told = {name: dates.promised(m.told.value) for name, m in order.milestones.items() if m.told is not None}
    return known | told | {tells.milestone: dates.promised(tells.value) for tells in notification.tells}


def _waited(tellings: list[Promised], until: datetime, zone: str) -> int:
    if not tellings:
        return 0
    first = calendar.day_of(calendar.begins(tellings[0], zone), zone)
    return max(0, (calendar.day_of(until, zone) - first).days)


def _next_update(notification: Notification, case: Case, told: Sequence[tuple[str, Promised]]) -> date | None:
    """The first day after today on which the rules make us speak, whatever happens until then.

    The next rung of this rule; the days told for what has not happened yet; the end of the silence that
    a ``silent`` rule allows. Closed days move to the next opening.
    """
    days = [calendar.day_of(calendar.begins(value, case.zone), case.zone) for _, value in told]
    days += [_open_day(moment, case) for moment in _spoken_again(notification, case)]
    today = calendar.day_of(case.now, case.zone)
    return min((day for day in days if day > today), default=None)


def _awaiting(told: Sequence[tuple[str, Promised]], case: Case, dates: Dates) -> dict[str, When | str]:
    coming = [
        (calendar.begins(value, case.zone), name, value)
        for name, value in told
        if calendar.day_of(calendar.begins(value, case.zone), case.zone) >= dates.today
    ]
    _, name, value = min(coming, key=lambda each: each[:2], default=(None, "", None))
    return {"awaited": dates.promised(value), "awaiting": name}


def _awaited(
    notification: Notification, case: Case, stands: Promised | None
) -> Iterator[tuple[str, Promised]]:
    """What the customer was told, or is told now, of milestones that have not happened yet."""
    if case.order.cancelled is not None:
        return
    told = {tells.milestone: tells.value for tells in notification.tells}
    if stands is not None and notification.milestone and notification.kind is Kind.MESSAGE:
        told[notification.milestone] = stands
    for name in case.order.milestones.keys() | told.keys():
        if case.happened(name) is None:
            telling = case.told(name)
            value = told.get(name) or (telling.value if telling is not None else None)
            if value is not None:
                yield name, value


def _spoken_again(notification: Notification, case: Case) -> Iterator[datetime]:
    if case.order.cancelled is not None:
        return
    own = None if notification.tells else case.journey.by_id.get(notification.rule)
    for rule in case.journey.silent:
        if _is_said(rule) and any(rung.say for rung in rule.rungs):
            yield case.add(case.now, rule.trigger.for_)
            own = None if rule is own else own
    if own is not None and _is_said(own):
        yield from _next_rung(own, case)


def _is_said(rule: Rule) -> bool:
    return rule.to == "customer" and rule.mode is Mode.LIVE


def _next_rung(rule: Rule, case: Case) -> Iterator[datetime]:
    if rule.rung(2) is None:
        return
    found = firings(rule, case)
    for firing in found if not isinstance(found, str) else ():
        rung = rule.rung(firing.rung)
        if firing.at > case.now and firing.speaks and rung is not None and rung.say:
            yield firing.at


def _open_day(moment: datetime, case: Case) -> date:
    """The day of *moment*, or the next on which somebody is there (if anybody ever is)."""
    day = calendar.day_of(moment, case.zone)
    if not case.business.hours or calendar.business_day(day, case.business):
        return day
    return calendar.day_of(calendar.next_business(moment, case.zone, case.business), case.zone)


def _line(notification: Notification, order: Order) -> str:
    """What colleagues wrote for the next message to the customer; for nobody else."""
    is_theirs = notification.role == "customer" and notification.kind is Kind.MESSAGE
    return own_words(order) if is_theirs and notification.mode == "live" else ""


def _reason(notification: Notification, order: Order) -> str:
    if order.cancelled is not None:
        return one_line(order.cancel_reason, VALUE_LIMIT)
    milestone = order.milestones.get(notification.milestone)
    if milestone is None:
        return ""
    if milestone.retracted is not None and milestone.reached is None:
        return one_line(milestone.note, VALUE_LIMIT)
    return one_line(milestone.promise.reason, VALUE_LIMIT) if milestone.promise is not None else ""


def _task(notification: Notification, order: Order, journey: Journey, dates: Dates) -> Task:
    if notification.kind is not Kind.TASK:
        return Task()
    slug = notification.template.rpartition("/")[2]
    first = _first_asked(notification, journey, slug)
    return Task(
        id=notification.key,
        do=slug.replace("-", " "),
        to=one_line(_person(notification.role, order).name, NAME_LIMIT),
        ack_by=dates.moment(notification.ack_by),
        escalated=bool(first),
        silent=one_line(_person(first, order).name, NAME_LIMIT) or first,
        misaddressed=_misaddressed(notification, order),
    )


def _misaddressed(notification: Notification, order: Order) -> bool:
    """Was the message, of which this task takes the place, stopped by where it was to go?"""
    occasion = notification.occasion.removesuffix(UNSAID)
    message = key_of(order.id, notification.rule, occasion, "customer", notification.mode)
    outcome = order.outcomes.get(message)
    if occasion == notification.occasion or outcome is None:
        return False
    return outcome.status is Status.FAILED or outcome.reason.code in MISADDRESSED


def _first_asked(notification: Notification, journey: Journey, slug: str) -> str:
    """The role that was asked first and did not react, if this is the next one's turn."""
    rule = _rule(notification, journey)
    for rung in rule.rungs if rule is not None else ():
        spec = rung.task
        if spec is not None and spec.do == slug and spec.then == notification.role != spec.for_:
            return spec.for_
    return ""


def _rule(notification: Notification, journey: Journey) -> Rule | None:
    return journey.by_id.get(notification.rule)


def _event(notification: Notification, order: Order, journey: Journey) -> Mapping[str, Any]:
    rule = _rule(notification, answering.with_answers(journey, order))
    if rule is None or rule.trigger.on is not On.EVENT:
        return {}
    facts: list[Fact] = [fact for fact in order.events if fact.type == rule.trigger.event]
    occasion = first_occasion(notification.occasion).removesuffix(".task")
    named = [fact for fact in facts if f"{fact.source}#{fact.id}" == occasion]
    chosen = named or facts
    return dict(_clean(chosen[-1].data)) | replies.words(chosen[-1], order, journey) if chosen else {}


def _person(role: str, order: Order) -> Person:
    if role == "owner":
        return order.owner
    if role == "manager":
        return order.manager
    return order.parties.get(role, Person())


def _contact(person: Person) -> Contact:
    return _contact_of(person.name, person.email, person.phone)


@lru_cache(maxsize=1024)  # the same few people look after all orders
def _contact_of(name: str, email: str, phone: str) -> Contact:
    name = one_line(name, NAME_LIMIT)
    phone = as_dialled(one_line(phone, NAME_LIMIT))
    return Contact(name, name.partition(" ")[0], one_line(email, NAME_LIMIT), phone)


def _reader(notification: Notification, order: Order) -> CustomerWords | None:
    """The party of the order who reads this, if it is one."""
    person = order.parties.get(notification.role)
    if person is None:
        return None
    contact = _contact(person)
    return CustomerWords(contact.name, contact.given_name, contact.given_name, contact.email, contact.phone)


def _customer(customer: Customer) -> CustomerWords:
    name, given = one_line(customer.name, NAME_LIMIT), one_line(customer.given_name, NAME_LIMIT)
    return CustomerWords(
        name=name,
        given_name=given,
        greeting=given or name,
        email=one_line(customer.email, NAME_LIMIT),
        phone=one_line(customer.phone, NAME_LIMIT),
        attributes=_clean(customer.attributes),
    )


def _order(order: Order, journey: Journey, locale: str) -> OrderWords:
    """Declared attributes are there even when nobody sent them, and sums of money are sums."""
    attributes = {**dict.fromkeys(journey.attributes, ""), **_clean(order.attributes)}
    for name, kind in journey.attributes.items():
        if kind.startswith("money"):
            attributes[name] = money(attributes[name], locale)
    return OrderWords(one_line(order.id, NAME_LIMIT), attributes)


def _place(order: Order, company: Company, brand: Brand) -> Place:
    place = order.location
    return Place(
        name=one_line(place.name, NAME_LIMIT),
        phone=one_line(place.phone, NAME_LIMIT) or company.phone,
        email=one_line(place.email, NAME_LIMIT) or company.email,
        brand=brand.name,
    )


def _company(company: Mapping[str, Any]) -> Company:
    return _company_of(tuple(str(company.get(name) or "") for name in ("name", "address", "email", "phone")))


@lru_cache(maxsize=16)
def _company_of(values: tuple[str, ...]) -> Company:
    name, address, email, phone = (one_line(value) for value in values)
    return Company(name, address, email, phone)


def _clean(value: Any) -> Any:
    """Text on one line, at any depth of what a fact may carry."""
    if isinstance(value, str):
        return one_line(value, VALUE_LIMIT)
    if isinstance(value, Mapping):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
