"""The texts that customers and staff read: complete, honest in every case, personal, short."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from orchestrator import rules
from orchestrator.journey import Journey, Policy
from orchestrator.model import Customer, Location, Person, Promise, Promised, Tells
from orchestrator.render import Rendered, Renderer, preview, sms_text, wording
from orchestrator.render import words as template_words
from orchestrator.render.preview import Sample, sample
from orchestrator.timing import calendar
from tests.builders import COMPANY

ROOT = Path(__file__).parents[2]
POLICY = Policy(time_zone="Europe/Berlin")
RENDERER = Renderer(ROOT / "templates", COMPANY)
LOCALES = ("en", "de")
BOOK, _ = rules.load(rules.read(ROOT / "rules"), templates=None, channels=None, policy=POLICY)
STAFF = {"record-arrival-or-new-date", "call-the-customer", "plan-the-handover", "reach-the-customer", "task"}
STAFF |= {"ask-the-carrier", "decide-on-a-replacement", "arrange-a-new-delivery", "answer-the-customer"}
TO_CUSTOMERS = sorted(name for name in RENDERER.names() if name.partition("/")[2] not in STAFF)
TASKS = sorted(RENDERER.names() - set(TO_CUSTOMERS))
Case = Callable[[Sample], Sample]
ALL = [(name, locale) for name in sorted(RENDERER.names()) for locale in LOCALES]


@pytest.fixture
def journey(request: pytest.FixtureRequest) -> Journey:
    """The journey of the template a test is about; the car's, where it names none."""
    about = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    return journey_of(about.get("name", ""))


def journey_of(name: str) -> Journey:
    return BOOK.journeys.get(name.partition("/")[0], BOOK.journeys["new-car"])


def render(journey: Journey, facts: Sample, name: str, channel: str, locale: str) -> Rendered:
    words = wording.context(
        facts.notification, facts.order, facts.customer, journey, POLICY, facts.now, COMPANY
    )
    return RENDERER.render(name, channel, locale, words)


def bare(facts: Sample) -> Sample:
    """The same occasion when hardly anything is known."""
    order = replace(
        facts.order,
        owner=Person(),
        manager=Person(),
        location=Location(time_zone=preview.ZONE),
        attributes={},
    )
    return replace(facts, order=order, customer=Customer("c", locale=facts.customer.locale))


def moved_too(facts: Sample) -> Sample:
    """The same occasion when there is a new date, with a reason, that the message tells."""
    name = facts.notification.milestone
    if name not in facts.order.milestones:
        return facts
    milestone = facts.order.milestones[name]
    value = Promised(start=facts.now + timedelta(days=6))
    milestone.promises.append(
        Promise(name, 9, value, facts.now, facts.now, told=False, reason="a strike at the port")
    )
    return replace(facts, notification=replace(facts.notification, tells=(Tells(name, value),)))


def with_hours(facts: Sample) -> Sample:
    """The same occasion when everything was promised for three hours of its day."""

    def hours(value: Promised) -> Promised:
        day = calendar.day_of(calendar.begins(value, preview.ZONE), preview.ZONE)
        return Promised(
            start=calendar.local(day, time(14), preview.ZONE), end=calendar.local(day, time(17), preview.ZONE)
        )

    for milestone in facts.order.milestones.values():
        milestone.promises = [replace(one, value=hours(one.value)) for one in milestone.promises]
        milestone.tellings = [replace(one, value=hours(one.value)) for one in milestone.tellings]
    tells = tuple(replace(one, value=hours(one.value)) for one in facts.notification.tells)
    return replace(facts, notification=replace(facts.notification, tells=tells))


CASES: dict[str, Case] = {"known": lambda facts: facts, "bare": bare, "moved": moved_too, "hours": with_hours}


def test_no_template_has_a_problem() -> None:
    assert RENDERER.problems() == []


def test_every_template_speaks_both_languages_on_the_same_channels() -> None:
    for name in RENDERER.names():
        channels = RENDERER.channels_of(name)
        assert {frozenset(locales) for locales in channels.values()} == {frozenset(LOCALES)}, name
        assert channels.keys() == ({"email", "sms"} if name in TASKS else {"email", "sms", "push"}), name


def test_every_template_the_rules_name_is_there() -> None:
    for journey in BOOK.journeys.values():
        said = {rung.say for rule in journey.rules for rung in rule.rungs if rung.say}
        assert {f"{journey.id}/{name}" for name in said} <= RENDERER.names()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("name", "locale"), ALL)
def test_every_text_is_whole_in_every_case(journey: Journey, name: str, locale: str, case: Case) -> None:
    facts = case(sample(journey, name, locale))
    for channel in RENDERER.channels_of(name):
        said = render(journey, facts, name, channel, locale)
        for text in (said.text, said.subject, said.title):
            assert not re.search(r"  |\{|\}|None| ,| \.|\.\.|,,|\(\)|:\.|^[,.]", text), text
        assert said.locale == locale
        assert bool(said.html) is (channel == "email")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", TO_CUSTOMERS)
def test_customers_are_greeted_by_name_and_a_person_signs_and_takes_replies(
    journey: Journey, name: str, locale: str
) -> None:
    facts = sample(journey, name, locale)
    mail = render(journey, facts, name, "email", locale)
    sms = render(journey, facts, name, "sms", locale)
    push = render(journey, facts, name, "push", locale)
    for said in (mail.text, mail.html, sms.text, push.text):
        assert "Maria" in said
        assert "Nora Brandt" in said
    assert re.search(r"\b[Rr]eply\b|[Aa]ntwort", mail.text)
    assert re.search("What happens next|Wie es weitergeht", mail.text)
    assert COMPANY["address"] in mail.html


@pytest.mark.parametrize(("name", "locale"), ALL)
def test_nobody_is_sent_to_a_web_page_or_a_call_centre(journey: Journey, name: str, locale: str) -> None:
    for channel in RENDERER.channels_of(name):
        text = render(journey, sample(journey, name, locale), name, channel, locale).text
        assert not re.search(
            r"https?://|www\.|hotline|call cent|website|click|dear customer|no-?reply", text, re.IGNORECASE
        )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", TO_CUSTOMERS)
def test_customers_read_more_of_themselves_than_of_us(journey: Journey, name: str, locale: str) -> None:
    text = render(journey, sample(journey, name, locale), name, "email", locale).text.partition("\n-- \n")[0]
    you, us = (
        (r"\byou(r|rs)?\b", r"\b(we|us|our|ours)\b")
        if locale == "en"
        else (r"\b(Sie|Ihr\w*|Ihnen)\b", r"\b(wir|uns|unser\w*)\b")
    )
    assert len(re.findall(you, text, re.IGNORECASE if locale == "en" else 0)) > 2 * len(
        re.findall(us, text, re.IGNORECASE)
    )
    assert len(text.split()) < 130


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("name", "locale"), [one for one in ALL if one[0].startswith("parcel/")])
def test_the_html_of_a_parcel_mail_says_what_its_text_says(
    journey: Journey, name: str, locale: str, case: Case
) -> None:
    mail = render(journey, case(sample(journey, name, locale)), name, "email", locale)
    seen = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", mail.html)).split())
    for line in mail.text.partition("\n-- \n")[0].splitlines():
        assert line in seen


@pytest.mark.parametrize(("name", "locale"), ALL)
def test_an_sms_is_one_segment(journey: Journey, name: str, locale: str) -> None:
    text = render(journey, sample(journey, name, locale), name, "sms", locale).text
    assert sms_text.sms_segments(text)[:2] == ("GSM-7", 1), text


@pytest.mark.parametrize(
    "name",
    ["not-arrived-yet", "still-not-arrived", "still-waiting", "quiet-update", "arrival-retracted"]
    + ["ready-retracted"]
    + [f"parcel/{name}" for name in ("not-delivered-yet", "still-not-delivered", "your-choice")]
    + [f"parcel/{name}" for name in ("delivery-retracted", "came-back", "where-things-stand")],
)
def test_bad_or_no_news_says_when_we_speak_again(journey: Journey, name: str) -> None:
    facts = sample(journey, name, "en")
    words = wording.context(
        facts.notification, facts.order, facts.customer, journey, POLICY, facts.now, COMPANY
    )
    assert words["next_update"]
    assert (
        words["next_update"].text
        in render(journey, facts, name if "/" in name else f"new-car/{name}", "email", "en").text
    )


@pytest.mark.parametrize(
    "names",
    [
        ("new-car/not-arrived-yet", "new-car/still-not-arrived", "new-car/still-waiting"),
        ("parcel/not-delivered-yet", "parcel/still-not-delivered", "parcel/your-choice"),
    ],
)
def test_the_silent_ladder_never_says_the_same_text_twice(names: tuple[str, ...]) -> None:
    journey = journey_of(names[0])
    paragraphs = [
        set(render(journey, sample(journey, name, "en"), name, "email", "en").text.split("\n\n")[1:-2])
        for name in names
    ]
    assert not paragraphs[0] & paragraphs[1]
    assert not paragraphs[0] & paragraphs[2]


def test_arrived_acknowledges_the_wait_only_where_there_was_one(journey: Journey) -> None:
    facts = sample(journey, "new-car/arrived", "en")
    assert "2 days longer" in render(journey, facts, "new-car/arrived", "email", "en").text
    facts.order.outcomes.clear()
    said = render(journey, facts, "new-car/arrived", "email", "en")
    assert "sorry" not in said.text
    assert "Tuesday, 17 March" in said.text


def test_sooner_and_later_read_differently_and_both_name_the_old_day(journey: Journey) -> None:
    sooner = sample(journey, "new-car/arrival-moved", "en")
    tells = (Tells("arrived", Promised(day=preview.TODAY + timedelta(days=12))),)
    later = replace(sooner, notification=replace(sooner.notification, tells=tells))
    good, bad = (render(journey, facts, "new-car/arrival-moved", "email", "en") for facts in (sooner, later))
    assert "Good news" in good.subject
    assert "sorry" not in good.text
    assert "sorry" in bad.text
    assert "Thursday, 19 March" in good.text
    assert "Thursday, 19 March" in bad.text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_for_whom_by_when_why_and_how_to_answer(
    journey: Journey, name: str, locale: str
) -> None:
    text = render(journey, sample(journey, name, locale), name, "email", locale).text
    for part in (
        "Nora Brandt",
        "Maria Keller",
        "4711",
        "19:45",
        "How to answer" if locale == "en" else "So antworten Sie",
    ):
        assert part in text
    assert re.search(r"^(Why|Warum): \S", text, re.MULTILINE)


def test_an_escalated_task_names_who_did_not_react(journey: Journey) -> None:
    facts = sample(journey, "new-car/call-the-customer", "en")
    manager = replace(facts, notification=replace(facts.notification, role="manager"))
    mail = render(journey, manager, "new-car/call-the-customer", "email", "en")
    assert mail.subject.startswith("Not acknowledged: ")
    assert "because Nora Brandt was asked first and has not reacted" in mail.text
    assert (
        "Nora Brandt has not reacted"
        in render(journey, manager, "new-car/call-the-customer", "sms", "en").text
    )


def test_a_sample_needs_no_rule_and_is_always_the_same() -> None:
    for name in sorted(RENDERER.names()):
        empty = replace(journey_of(name), rules=())
        assert sample(empty, name) == sample(empty, name)
        assert render(empty, sample(empty, name), name, "email", "en").text


def test_the_page_of_variables_is_fresh() -> None:
    path = ROOT / "docs/reference/template-variables.md"
    assert path.read_text(encoding="utf-8") == template_words.page(), "run `make docs`"


@pytest.mark.parametrize(("name", "locale"), ALL)
def test_no_mail_asks_a_third_party_for_anything(journey: Journey, name: str, locale: str) -> None:
    mail = render(journey, sample(journey, name, locale), name, "email", locale)
    assert not re.search(r"@import|<img|<link|url\(", mail.html)


@pytest.mark.parametrize(
    ("locale", "missing", "unready"), [("en", "not here", "not ready"), ("de", "nicht da", "nicht bereit")]
)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_staff_are_told_whether_the_car_is_missing_or_only_not_ready(
    journey: Journey, channel: str, locale: str, missing: str, unready: str
) -> None:
    facts = sample(journey, "new-car/call-the-customer", locale)
    there = sample(journey, "new-car/still-being-prepared", locale)
    ready = replace(facts.notification, milestone="prepared", rule="not-prepared")
    said = render(journey, facts, "new-car/call-the-customer", channel, locale).text
    later = render(journey, replace(there, notification=ready), "new-car/call-the-customer", channel, locale)
    assert missing in said
    assert unready not in said
    assert missing not in later.text
    assert unready in later.text
