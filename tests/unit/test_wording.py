"""What templates are given: what was promised, what was told, and never an internal date to a customer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journey import Duration, Journey, On, Policy, Rule, Rung, TaskSpec, Trigger
from orchestrator.model import (
    Customer,
    Fact,
    Kind,
    Location,
    Milestone,
    Notification,
    Order,
    Outcome,
    Person,
    Promise,
    Promised,
    Purpose,
    Status,
    Telling,
    Tells,
)
from orchestrator.money import read_money
from orchestrator.render import local_dates
from orchestrator.render.wording import context, in_locale, locale_of
from orchestrator.render.words import Words, declared, money, page

X = date(2026, 3, 12)  # a Thursday
NOW = datetime(2026, 3, 12, 16, 45, tzinfo=UTC)
POLICY = Policy(time_zone="Europe/Berlin")
MISSED = Rule(
    "not-arrived",
    "new-car",
    Trigger(On.MISSED, "arrived"),
    (
        Rung(
            "not-arrived-yet",
            TaskSpec("owner", "call-the-customer", Duration(business_minutes=240), "manager"),
        ),
        Rung("still-not-arrived", after=Duration(business_days=1)),
        Rung("still-waiting", every=Duration(business_days=3), at_most=2),
    ),
)
SILENT = Rule("quiet", "new-car", Trigger(On.SILENT, for_=Duration(days=14)), (Rung("quiet-update"),))
PATH = {"waiting": ("built", "arrived"), "handover": ("prepared", "collected")}


def journey(*rules: Rule) -> Journey:
    return Journey("new-car", phases=PATH, attributes={"model": "text", "colour": "text"}, rules=rules)


def told(name: str, *days: date, promises: tuple[date, ...] = (), reason: str = "") -> Milestone:
    values = promises or days
    return Milestone(
        name,
        promises=[
            Promise(name, n, Promised(day=day), NOW, NOW, told=True, reason=reason)
            for n, day in enumerate(values, 1)
        ],
        tellings=[Telling(Promised(day=day), NOW) for day in days],
    )


def order(*milestones: Milestone, **more: Any) -> Order:
    place = Location("m", "Autohaus Lindner", "Europe/Berlin", "", "Autohaus Lindner")
    return Order(
        "4711",
        known=True,
        owner=Person("Nora Brandt", "nora@example.com"),
        manager=Person("Paul Lindner", locale="de"),
        location=place,
        milestones={m.name: m for m in milestones},
        **{"attributes": {"model": "Lumen 4"}, **more},
    )


def note(milestone: str = "arrived", **more: Any) -> Notification:
    plain: dict[str, Any] = {
        "order": "4711", "rule": "not-arrived", "occasion": "arrived#1", "role": "customer", "customer": "c",
        "kind": Kind.MESSAGE, "template": "new-car/not-arrived-yet", "purpose": Purpose.SERVICE,
        "due_at": NOW, "expires_at": None, "milestone": milestone, "journey": "new-car",
    }  # fmt: skip
    return Notification(**{**plain, **more})


def say(
    wanted: Notification,
    what: Order,
    *rules: Rule,
    customer: Customer | None = None,
    now: datetime = NOW,
    company: dict[str, str] | None = None,
) -> dict[str, Any]:
    return context(wanted, what, customer, journey(*rules), POLICY, now, company or {})


def accepted(rule: str, occasion: str, role: str = "customer") -> Outcome:
    return Outcome(f"4711/{rule}/{occasion}/{role}", rule, occasion, role, "message", Status.ACCEPTED, NOW)


def test_the_context_holds_every_declared_name_and_no_other() -> None:
    assert say(note(""), order()).keys() == declared().keys()


def test_what_is_not_known_is_there_and_false() -> None:
    words = say(note(""), Order("4711"), customer=None)
    empty = set(declared()) - {"order", "journey", "today", "locale", "zone", "purpose", "promises", "orders"}
    assert [name for name in empty if words[name]] == []
    assert str(words["promise"]) == words["promise"].text == words["promise"].time == ""


def test_a_declared_attribute_that_nobody_sent_is_empty() -> None:
    assert say(note(), order())["order"].attributes == {"model": "Lumen 4", "colour": ""}


# ── promises ─────────────────────────────────────────────────────────────────


def test_an_internal_promise_is_for_staff_and_never_for_the_customer() -> None:
    what = order(told("arrived", X, promises=(X, X + timedelta(days=7))))
    assert say(note(), what)["promise"].day == X
    assert say(note(kind=Kind.TASK, role="owner"), what)["promise"].day == X + timedelta(days=7)


def test_a_moved_promise_is_compared_with_what_was_last_told() -> None:
    tells = (Tells("arrived", Promised(day=date(2026, 3, 14))),)
    words = say(note(tells=tells), order(told("arrived", X, date(2026, 3, 19))))
    assert (words["promise"].short, words["told"].short, words["previous"].short) == (
        "14 March",
        "19 March",
        "12 March",
    )
    assert (words["direction"], words["days_moved"]) == ("sooner", 5)


@given(st.integers(-300, 300))
def test_direction_and_days_agree_with_the_calendar(days: int) -> None:
    tells = (Tells("arrived", Promised(day=X + timedelta(days=days))),)
    words = say(note(tells=tells), order(told("arrived", X)))
    assert words["direction"] == ("later" if days > 0 else "sooner" if days < 0 else "")
    assert words["days_moved"] == abs(days)


def test_promises_name_what_this_message_tells_or_what_was_told() -> None:
    tells = (Tells("prepared", Promised(day=date(2026, 3, 17))),)
    promises = say(note(tells=tells), order(told("arrived", X)))["promises"]
    assert (promises["prepared"].weekday, promises["arrived"].weekday, bool(promises["collected"])) == (
        "Tuesday",
        "Thursday",
        False,
    )


def test_instants_and_windows_have_times_in_the_orders_zone() -> None:
    begins = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    window = Promised(start=begins, end=begins + timedelta(hours=1))
    promise = say(note(tells=(Tells("arrived", window),)), order())["promise"]
    assert (promise.text, promise.time) == ("Thursday, 2 July", "00:30–01:30")


# ── waiting ──────────────────────────────────────────────────────────────────


def test_arrived_knows_how_often_and_how_long_the_customer_waited() -> None:
    milestone = told("arrived", X, X + timedelta(days=2))
    milestone.reached = NOW + timedelta(days=3)
    outcomes = [accepted("not-arrived", f"arrived#1.{X}.r{n}") for n in (1, 2)]
    outcomes += [accepted("not-arrived", f"arrived#1.{X}.r1.task", "owner"), accepted("other", "arrived#1.x")]
    what = order(milestone, outcomes={o.key: o for o in outcomes})
    words = say(note(rule="arrived"), what, MISSED, now=NOW + timedelta(days=4))
    assert (words["apologies"], words["waited_days"], words["happened"].days) == (2, 3, -1)


def test_next_update_is_the_next_rung() -> None:
    words = say(
        note(), order(told("arrived", X)), MISSED, SILENT, now=datetime(2026, 3, 12, 23, 5, tzinfo=UTC)
    )
    assert (
        words["next_update"].text == "Monday, 16 March"
    )  # a day promise ends at midnight; Friday + 1 business day


def test_next_update_is_the_promised_day_when_one_is_told() -> None:
    tells = (Tells("arrived", Promised(day=X + timedelta(days=6))),)
    words = say(note(tells=tells), order(told("arrived", X)), MISSED, SILENT)
    assert (words["next_update"].day, words["awaiting"]) == (X + timedelta(days=6), "arrived")


def test_next_update_is_the_end_of_the_silence_that_the_rules_allow_on_a_day_somebody_is_there() -> None:
    saturday = datetime(2026, 3, 14, 12, tzinfo=UTC)
    assert say(note("", rule="quiet"), order(), SILENT, now=saturday)["next_update"].day == date(2026, 3, 30)


def test_next_update_is_empty_when_no_rule_would_speak() -> None:
    assert not say(note(""), order())["next_update"]


@given(st.integers(-30, 30), st.integers(0, 40))
def test_next_update_is_never_today_or_past(promised: int, later: int) -> None:
    now = NOW + timedelta(days=later)
    words = say(note(), order(told("arrived", X + timedelta(days=promised))), MISSED, SILENT, now=now)
    assert words["next_update"].days > 0


# ── people ───────────────────────────────────────────────────────────────────


def test_a_task_says_who_did_not_react() -> None:
    wanted = note(kind=Kind.TASK, role="manager", template="new-car/call-the-customer", ack_by=NOW)
    task = say(wanted, order(told("arrived", X)), MISSED)["task"]
    assert (task.do, task.to, task.escalated, task.silent) == (
        "call the customer",
        "Paul Lindner",
        True,
        "Nora Brandt",
    )
    assert task.ack_by.time == "17:45"


def test_the_first_asked_is_not_told_that_somebody_did_not_react() -> None:
    wanted = note(kind=Kind.TASK, role="owner", template="new-car/call-the-customer")
    assert not say(wanted, order(told("arrived", X)), MISSED)["task"].escalated


@pytest.mark.parametrize(
    ("owner", "manager", "place", "name"),
    [
        ("Nora Brandt", "Paul Lindner", "P", "Nora Brandt"),
        ("", "Paul Lindner", "P", "Paul Lindner"),
        ("", "", "P", "P"),
        ("", "", "", "Lindner"),
    ],
)
def test_somebody_always_signs(owner: str, manager: str, place: str, name: str) -> None:
    what = Order("1", owner=Person(owner), manager=Person(manager), location=Location(name=place))
    assert say(note(), what, company={"name": "Lindner"})["sender"].name == name


def test_the_language_is_the_recipients_own_then_the_companys_then_english() -> None:
    customer = Customer("c", locale="fr")
    assert locale_of(note(), order(), customer, {"locale": "de"}) == "fr"
    assert locale_of(note(role="manager"), order(), customer, {"locale": "it"}) == "de"
    assert locale_of(note(role="owner"), order(), customer, {"locale": "it"}) == "it"
    assert locale_of(note(), order(), None, {}) == "en"


def test_dates_follow_the_language_that_was_found() -> None:
    words = in_locale(say(note(), order(told("arrived", X))), "de")
    assert (words["promise"].text, words["locale"]) == ("Donnerstag, 12. März", "de")
    assert words["promises"]["arrived"].weekday == "Donnerstag"


def test_text_from_outside_stands_on_one_line() -> None:
    customer = Customer("c", name="A\r\nBcc: x", given_name="x" * 10_000)
    words = say(note(), order(attributes={"model": "a\u2028b", "list": ["c\nd"]}), customer=customer)
    assert words["customer"].name == "A Bcc: x"
    assert len(words["customer"].greeting) == 80
    assert words["order"].attributes["model"] == "a b"
    assert words["order"].attributes["list"] == ["c d"]


def test_an_event_rule_gives_the_data_of_its_own_event() -> None:
    facts = [Fact("shop", str(n), "shop.visit", "4711", NOW, NOW, {"room": str(n)}) for n in (1, 2)]
    rule = Rule("visit", "new-car", Trigger(On.EVENT, event="shop.visit"), (Rung("visit"),))
    assert say(note("", rule="visit", occasion="shop#1"), order(events=facts), rule)["event"] == {"room": "1"}


# ── dates and the reference ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("locale", "day", "clock"),
    [
        ("en", "Thursday, 12 March", "17:30"),
        ("en-US", "Thursday, March 12", "5:30 PM"),
        ("de-AT", "Donnerstag, 12. März", "17:30"),
        ("fr", "jeudi 12 mars", "17:30"),
        ("es", "jueves, 12 de marzo", "17:30"),
        ("xx-such", "Thursday, 12 March", "17:30"),
        ("", "Thursday, 12 March", "17:30"),
        ("../etc", "Thursday, 12 March", "17:30"),
    ],
)
def test_dates_are_written_as_people_write_them(locale: str, day: str, clock: str) -> None:
    assert local_dates.day_text(X, locale) == day
    assert local_dates.time_text(datetime(2026, 3, 12, 17, 30).time(), locale) == clock  # noqa: DTZ001 - a clock


def test_a_day_most_of_a_year_away_names_its_year() -> None:
    far = order(told("arrived", date(2027, 3, 11)))
    assert say(note(), far)["promise"].text == "Thursday, 11 March 2027"


def test_the_reference_names_every_name() -> None:
    text = page()
    assert all(f"`{name}`" in text for name in declared())
    assert Words.__annotations__.keys() == declared().keys()


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("de", "1.234,50\u00a0€"),
        ("de-AT", "€\u00a01.234,50"),
        ("de-CH", "EUR\u00a01’234.50"),
        ("en", "€1,234.50"),
        ("en-US", "€1,234.50"),
        ("fr", "1\u00a0234,50\u00a0€"),
        ("xx", "€1,234.50"),
    ],
)
def test_money_is_written_as_the_reader_writes_it(locale: str, said: str) -> None:
    assert str(money("1234.50 EUR", locale)) == said


def test_money_has_the_decimals_of_its_currency() -> None:
    assert str(money({"amount": 1234.5, "currency": "JPY"}, "en")) == "JP¥1,234"
    assert str(money("KWD 3.5", "en")) == "KWD3.500"


@pytest.mark.parametrize(
    "value",
    ["", "1234", "EUR", "1,5 EUR", "1e9 EUR", "EUR 1 EUR", True, None, 5, {"amount": True}, ["1 EUR"]],
)
def test_what_is_no_sum_of_money_is_empty_and_never_guessed(value: Any) -> None:
    assert not money(value, "en")
    assert read_money(value) is None


def test_an_attribute_declared_as_money_is_a_sum_in_the_readers_language_and_follows_the_text() -> None:
    sold = replace(journey(), attributes={"price": "money", "deposit": "money?"})
    paid = order(attributes={"price": {"amount": "41900.00", "currency": "EUR"}})
    words = context(note(), paid, None, sold, POLICY, NOW, {})
    assert str(words["order"].attributes["price"]) == "€41,900.00"
    assert not words["order"].attributes["deposit"]
    assert str(in_locale(words, "de")["order"].attributes["price"]) == "41.900,00\u00a0€"


def test_a_time_names_its_zone_only_to_a_reader_whose_clock_reads_otherwise() -> None:
    at_ten = Promised(start=datetime(2026, 3, 17, 9, 0, tzinfo=UTC))
    agreed = Milestone("collected", tellings=[Telling(at_ten, NOW)])

    def promise(**of: Any) -> Any:
        return say(note("collected"), order(agreed), customer=Customer("c", **of))["promise"]

    assert promise(time_zone="Europe/Berlin", locale="en").time == "10:00"
    assert promise(time_zone="Europe/Vienna", locale="en").time == "10:00"  # another name, the same clock
    assert not promise(time_zone="Europe/Vienna", locale="en").own
    assert promise(time_zone="Europe/Lisbon", locale="en").time == "10:00 CET"
    assert promise(time_zone="Europe/Lisbon", locale="de").time == "10:00 MEZ"
    assert promise(time_zone="Europe/Lisbon", locale="de").own.time == "09:00"
    assert promise(time_zone="Nowhere/Else").time == promise().time == "10:00"


def test_the_readers_own_clock_may_show_another_day() -> None:
    at_two = Promised(
        start=datetime(2026, 3, 17, 1, 0, tzinfo=UTC), end=datetime(2026, 3, 17, 2, 0, tzinfo=UTC)
    )
    agreed = Milestone("collected", tellings=[Telling(at_two, NOW)])
    own = say(note("collected"), order(agreed), customer=Customer("c", time_zone="America/New_York"))[
        "promise"
    ].own
    assert (own.text, own.time) == ("Monday, 16 March", "21:00–22:00")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("de-AT", "Freitag, 1. Jänner"),  # the country's own word
        ("de-LI", "Freitag, 1. Januar"),  # its language
        ("de-XX", "Freitag, 1. Januar"),  # a country nobody knows
        ("en-US", "Friday, January 1"),
        ("en", "Friday, 1 January"),
        ("xx-YY", "Friday, 1 January"),  # and a language nobody knows
    ],
)
def test_a_date_falls_back_from_country_to_language_to_english(locale: str, said: str) -> None:
    assert local_dates.day_text(date(2027, 1, 1), locale) == said
