"""Every word on consent is kept with its evidence, and can be asked for; which one counts is said."""

import pytest

from orchestrator.model import Consent, Customer, Fact, Purpose
from orchestrator.persons.consents import history, line, refused
from tests.builders import at, fact

EVIDENCE = {
    "who": "web shop",
    "how": "double opt-in",
    "wording": "version 3",
    "ip": "192.0.2.7",
    "place": "shop.example",
}


def word(kind: str, day: int, who: str = "maria", **data: object) -> Fact:
    return fact(f"consent.{kind}", who, f"2026-03-{day:02} 09:00", **data)


def stands(*facts: Fact) -> list[bool]:
    return [one.stands for one in history({"maria": facts})]


YES = word("given", 1, purpose="marketing", channel="email", evidence=EVIDENCE)


def test_a_word_is_kept_with_who_when_how_wording_and_place() -> None:
    (said,) = history({"maria": [YES]})
    assert (said.given, said.purpose, said.channel, said.under) == (True, "marketing", "email", "maria")
    assert (said.said, said.heard, said.source) == (YES.happened, YES.heard, "dealer")
    assert said.evidence == EVIDENCE
    assert line(said) == (
        "yes to marketing by email, heard from dealer "
        "(who: web shop; how: double opt-in; wording: version 3; ip: 192.0.2.7; place: shop.example)"
    )


def test_evidence_may_be_a_text_and_may_be_missing() -> None:
    spoken, unknown = history({"maria": [word("given", 1, evidence="by telephone"), word("withdrawn", 2)]})
    assert spoken.evidence == {"how": "by telephone"}
    assert line(unknown) == "no to all purposes by all channels, heard from dealer (no evidence is kept)"


def test_the_last_word_about_one_thing_stands_and_the_others_are_kept() -> None:
    no, again = (
        word("withdrawn", 2, purpose="marketing", channel="email"),
        word("given", 3, purpose="marketing", channel="email"),
    )
    assert stands(YES) == [True]
    assert stands(YES, no) == [False, True]
    assert stands(YES, no, again) == [False, False, True]


def test_a_yes_stands_no_more_after_a_no_to_more_than_it_was_about() -> None:
    assert stands(YES, word("withdrawn", 2, purpose="marketing")) == [False, True]
    assert stands(YES, word("withdrawn", 2)) == [False, True]
    assert stands(YES, word("withdrawn", 2, purpose="service")) == [True, True]
    assert stands(YES, word("withdrawn", 2, channel="sms")) == [True, True]


def test_words_under_other_ids_of_the_person_are_told_with_the_id() -> None:
    told = history({"maria": [YES], "maria-old": [word("withdrawn", 2, "maria-old")]})
    assert [(one.under, one.stands) for one in told] == [("maria", False), ("maria-old", True)]


@pytest.mark.parametrize("channel", ["email", ""])
def test_a_yes_without_a_purpose_is_none_to_marketing_and_the_reason_says_so(channel: str) -> None:
    general = Consent(True, at("2026-03-01 09:00"), "form")
    customer = Customer("C-1", consents={("", channel): general})

    why = "the customer's consent does not name marketing, and marketing by email needs that"
    assert refused(customer, Purpose.MARKETING, "email") == why
    assert refused(customer, Purpose.SERVICE, "email") == ""
    assert (
        refused(Customer("C-1"), Purpose.MARKETING, "email")
        == "the customer never gave consent to marketing by email"
    )
