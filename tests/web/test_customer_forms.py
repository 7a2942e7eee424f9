"""Customers answer and choose on a page: what they say is an event, kept once, and a link changes nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.links import Use
from orchestrator.model import Fact
from tests.builders import LINDNER, event, reached
from tests.integration.dealership import Dealership, customer, order
from tests.web.browser import WIDTHS, browser, look, opened, sound
from tests.web.customers import apart, dealership, link
from tests.web.customers import opened as served_pages

__all__ = ["browser"]

PHONE = WIDTHS[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dealership]:
    made = dealership(tmp_path_factory.mktemp("forms"))
    for number, who, more in (
        ("answers", "maria", {}),
        ("chooses", "jonas", {"name": "Jonas Weber"}),
        ("arabic", "aylin", {"locale": "ar", "name": "آيلين دمير"}),
        ("writes-much", "anton", {}),
        ("stops", "berta", {}),
        ("only", "carla", {}),
        ("slots", "dora", {}),
        ("rates", "emma", {}),
    ):
        made.hear(
            customer(who, "2026-03-01 08:00", **more),
            order(number, who, "2026-03-01 09:00", location={**LINDNER, "brand": "lindner"}),
            reached(number, "ordered", "2026-03-02 08:00"),
        )
    made.hear(
        event("preference.set", "aylin", "2026-03-01 10:00",
              topics=["electric cars"],
              windows=[{"days": ["mon"], "from": "19:00", "to": "20:30", "channel": "push"}]),
        event("consent.given", "carla", "2026-03-01 10:00", purpose="marketing", channel="email",
              evidence="x"),
    )  # fmt: skip
    made.drain()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(made: Dealership) -> Iterator[str]:
    with served_pages(made) as url:
        yield url


def page(made: Dealership, site: str, number: str, use: Use) -> str:
    return site + link(made, use, next(one for one in made.entries(number) if one.wanted.rule == "welcome"))


def facts(made: Dealership, number: str, who: str, *kinds: str) -> list[Fact]:
    """What was said on pages about an order or its customer, of these kinds."""
    with made.ledger.read() as tx:
        found = [*tx.order_facts([number])[number], *tx.customer_facts([who])[who]]
    return [one for one in found if one.source == "page" and one.type in kinds]


def count(made: Dealership) -> int:
    with made.ledger.read() as tx:
        return len(tx.facts_after(0, 10_000))


# ── answers ──────────────────────────────────────────────────────────────────


def test_an_answer_is_an_event_of_the_order_and_a_task_of_its_owner(made: Dealership, site: str) -> None:
    address = page(made, site, "answers", Use.REPLY)
    for _ in range(2):  # a button is soon pressed twice
        answer = httpx.post(address, data={"text": "  Please call me after six.\r\nMaria\x00 "})
        assert answer.status_code == 303
    assert "It goes to Nora Brandt, and you" in httpx.get(site + answer.headers["location"]).text
    (said,) = facts(made, "answers", "maria", "message.replied")
    assert said.data["text"] == "Please call me after six.\nMaria"
    assert said.data["channel"] == "page"
    assert said.data["message"].startswith("answers/welcome/")
    task = made.task("answer-the-customer", order="answers")
    assert task is not None
    assert task.wanted.role == "owner"


def test_what_somebody_adds_to_a_link_comes_back_in_no_header(made: Dealership, site: str) -> None:
    address = page(made, site, "arabic", Use.REPLY)
    answer = httpx.post(f"{address}%0d%0aSet-Cookie:%20x=1", data={"text": "مرحبا"})
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    assert answer.headers["location"] == f"{address.removeprefix(site)}?sent=1"


def test_nothing_and_far_too_much_is_no_answer_and_what_was_written_is_still_there(
    made: Dealership, site: str
) -> None:
    before = count(made)
    address = page(made, site, "answers", Use.REPLY)
    for text, says in ((" \n ", "nothing written"), ("<b>x</b>" * 1000, "at most 5000 characters")):
        answer = httpx.post(address, data={"text": text})
        assert (answer.status_code, says in answer.text) == (422, True)
        assert "<b>" not in answer.text
    assert "&lt;b&gt;x&lt;/b&gt;" in answer.text
    assert httpx.post(address, data={}).status_code == 422
    assert count(made) == before


def test_who_writes_again_and_again_is_heard_five_times_an_hour(made: Dealership, site: str) -> None:
    address = page(made, site, "writes-much", Use.REPLY)
    answers = [httpx.post(address, data={"text": f"Hello {number}"}) for number in range(7)]
    assert [one.status_code for one in answers] == [303] * 5 + [429] * 2
    assert "We have your messages" in answers[-1].text
    assert "+49 30 23125110" in answers[-1].text
    assert len(facts(made, "writes-much", "anton", "message.replied")) == 5


def test_a_stop_in_the_box_ends_the_channel_it_answers_and_reaches_a_person_too(
    made: Dealership, site: str
) -> None:
    httpx.post(page(made, site, "stops", Use.REPLY), data={"text": "Stop."})
    replied, withdrawn = facts(made, "stops", "berta", "message.replied", "consent.withdrawn")
    assert replied.data["text"] == "Stop."
    assert withdrawn.data["channel"] == "email"
    assert withdrawn.data["evidence"]["how"] == "STOP on the page"


# ── preferences ──────────────────────────────────────────────────────────────


# ── times, and how it was ────────────────────────────────────────────────────


def test_an_offered_time_is_taken_with_one_tap_and_stands_there_as_theirs(
    made: Dealership, site: str
) -> None:
    slots = [
        {"id": "s1", "from": "2026-03-14T09:00:00+01:00", "to": "2026-03-14T10:00:00+01:00"},
        {"from": "2026-03-14T11:00:00+01:00", "to": "2026-03-14T12:00:00+01:00"},
        {"id": "gone", "from": "2026-03-01T11:00:00+01:00", "to": "2026-03-01T12:00:00+01:00"},
    ]
    made.hear(event("slot.offered", "slots", "2026-03-02 08:30", slots=slots))
    address = page(made, site, "slots", Use.ORDER)
    shown = httpx.get(address).text
    assert shown.count("Saturday, 14 March") == 3  # two times, and the button's own words
    assert shown.count('name="slot"') == 1
    for slot in ("gone", "s9", ""):
        assert httpx.post(address, data={"order": "slots", "slot": slot}).status_code == 422
    for status in (303, 422):  # the second tap finds it taken
        assert httpx.post(address, data={"order": "slots", "slot": "s1"}).status_code == status
    (taken,) = facts(made, "slots", "dora", "slot.chosen")
    assert taken.data["slot"] == {"id": "s1"}
    theirs = httpx.get(address).text.partition("Your time")[2]
    assert "Saturday, 14 March" in theirs[:200]


def test_once_everything_is_done_they_say_how_it_was_and_are_asked_once(made: Dealership, site: str) -> None:
    address = page(made, site, "rates", Use.ORDER)
    assert 'name="score"' not in httpx.get(address).text
    assert httpx.post(address, data={"order": "rates", "score": "9"}).status_code == 422
    made.hear(
        reached("rates", "arrived", "2026-03-02 08:40"), reached("rates", "collected", "2026-03-02 08:50")
    )
    assert "How was it for you?" in httpx.get(address).text
    for score in ("", "11", "٩"):
        answer = httpx.post(address, data={"order": "rates", "score": score, "comment": "<b>Lovely"})
        assert (answer.status_code, "&lt;b&gt;Lovely" in answer.text) == (422, True)
    assert httpx.post(address, data={"order": "answers", "score": "9"}).status_code == 422
    answer = httpx.post(address, data={"order": "rates", "score": "9", "comment": " Lovely\x00 "})
    assert answer.status_code == 303
    (said,) = facts(made, "rates", "emma", "feedback.given")
    assert {**said.data} == {
        "phase": "handover", "score": 9, "comment": "Lovely",
        "message": next(one.key for one in made.entries("rates") if one.wanted.rule == "welcome"),
    }  # fmt: skip
    assert "Thank you for saying how it was" in httpx.get(address).text
    assert httpx.post(address, data={"order": "rates", "score": "1"}).status_code == 422


@pytest.mark.parametrize("width", WIDTHS)
def test_times_and_the_question_how_it_was_are_sound(
    browser: Browser, made: Dealership, site: str, width: int
) -> None:
    slots = [
        {"id": f"s{n}", "from": f"2026-03-1{n}T09:00:00+01:00", "to": f"2026-03-1{n}T10:00:00+01:00"}
        for n in (4, 5)
    ]
    apart(
        lambda: made.hear(
            event("slot.offered", "arabic", "2026-03-02 08:31", slots=slots),
            reached("only", "arrived", "2026-03-02 08:40"),
            reached("only", "collected", "2026-03-02 08:50"),
        )
    )
    look(browser, page(made, site, "arabic", Use.ORDER), width)
    look(browser, page(made, site, "only", Use.ORDER), width)


def test_looking_changes_nothing_whoever_looks(made: Dealership, site: str) -> None:
    before = count(made)
    for use in (Use.ORDER, Use.PREFERENCES, Use.REPLY):
        address = page(made, site, "chooses", use)
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            assert httpx.request(method, address).status_code in (200, 405)
        assert httpx.get(address, params={"sent": "1", "saved": "1", "only": "1"}).status_code == 200
    assert count(made) == before


def test_a_link_to_look_does_not_choose(made: Dealership, site: str) -> None:
    before = count(made)
    other = page(made, site, "chooses", Use.ORDER).replace("/order/", "/preferences/")
    assert httpx.post(other, data={"only": "1"}).status_code == 400
    assert httpx.post(other.replace("/preferences/", "/reply/"), data={"text": "x"}).status_code == 400
    assert count(made) == before


def test_whoever_fills_in_the_form_on_a_phone_without_script_is_understood(
    browser: Browser, made: Dealership, site: str
) -> None:
    with opened(browser, PHONE, script=False) as tab:
        tab.goto(page(made, site, "chooses", Use.PREFERENCES))
        for day in ("Monday", "Tuesday"):
            for hours in ("18:00–20:00", "20:00–22:00"):
                tab.get_by_role("checkbox", name=f"{day}, {hours}").check()
        tab.get_by_label("Mail").select_option("first")
        boxes = tab.get_by_role("checkbox").all()
        assert all((box := one.bounding_box()) and min(box["width"], box["height"]) >= 24 for one in boxes)
        cell = tab.get_by_role("checkbox", name="Sunday, 06:00–08:00").bounding_box()
        assert cell
        assert cell["width"] >= 38
        assert cell["height"] >= 44
        tab.get_by_role("button", name="Save").click()
        assert tab.get_by_role("status").inner_text().startswith("Saved")
        assert tab.get_by_role("checkbox", name="Tuesday, 20:00–22:00").is_checked()
        assert not tab.get_by_role("checkbox", name="Wednesday, 20:00–22:00").is_checked()
        assert tab.get_by_label("Mail").input_value() == "first"
    (said,) = facts(made, "chooses", "jonas", "preference.set", "consent.withdrawn", "consent.given")
    assert said.data == {
        "channels": ["email"],
        "windows": [{"days": [0, 1], "from": "18:00", "to": "22:00", "channel": ""}],
    }


def test_one_tap_ends_everything_but_what_the_order_needs(made: Dealership, site: str) -> None:
    address = page(made, site, "only", Use.PREFERENCES)
    assert "Only what my order needs" in httpx.get(address).text
    for _ in range(2):
        assert httpx.post(address, data={"only": "1"}).status_code == 303
    said = facts(made, "only", "carla", "consent.withdrawn")
    assert {one.data["purpose"] for one in said} == {"relationship", "marketing"}
    assert all(one.data["evidence"]["how"] == "chosen on the preferences page" for one in said)
    assert all("message" in one.data["evidence"] for one in said)
    assert len(said) == 2
    assert "Only what my order needs" not in httpx.get(address).text


def test_whoever_would_close_every_way_is_asked_to_leave_one(made: Dealership, site: str) -> None:
    before = count(made)
    answer = httpx.post(page(made, site, "answers", Use.PREFERENCES), data={"way-email": "never"})
    assert answer.status_code == 422
    assert "Please keep one way open" in answer.text
    assert count(made) == before


@pytest.mark.parametrize(
    "nonsense",
    [
        {"at": "9-8"}, {"at": "0-7"}, {"at": "x"}, {"way-email": "tenth"}, {"way-pigeon": "first"},
        {"language": "tlh"}, {"about": "security"}, {"topic": "x"}, {"keep": "0123456|00:00|24:00|"},
    ],
)  # fmt: skip
def test_what_the_form_never_offered_is_not_taken(
    made: Dealership, site: str, nonsense: dict[str, Any]
) -> None:
    whole = {"about": ["relationship"]} | {key: [value] for key, value in nonsense.items()}
    whole["about"] = ["relationship", *nonsense.get("about", "").split()]
    before = count(made)
    assert httpx.post(page(made, site, "stops", Use.PREFERENCES), data=whole).status_code in (303, 422)
    assert count(made) == before


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", ["chooses", "arabic"])
@pytest.mark.parametrize("use", [Use.PREFERENCES, Use.REPLY])
def test_the_forms_are_sound_at_a_desk_and_on_a_phone(
    browser: Browser, made: Dealership, site: str, use: Use, number: str, width: int
) -> None:
    look(browser, page(made, site, number, use), width)


def test_what_comes_after_a_form_is_sound_too(browser: Browser, made: Dealership, site: str) -> None:
    with opened(browser, PHONE) as tab:
        for use, done in ((Use.REPLY, "sent"), (Use.PREFERENCES, "saved")):
            tab.goto(f"{page(made, site, 'arabic', use)}?{done}=1")
            sound(tab)


def test_an_answer_and_a_choice_find_a_link_that_expired_meanwhile(tmp_path: Path) -> None:
    def played() -> None:
        made = dealership(tmp_path)
        made.hear(customer("maria", "2026-03-01 08:00"), order("BX-1", "maria", "2026-03-01 09:00"),
                  reached("BX-1", "ordered", "2026-03-02 08:00"))  # fmt: skip
        made.drain()
        with served_pages(made) as site:
            addresses = [page(made, site, "BX-1", use) for use in (Use.REPLY, Use.PREFERENCES)]
            made.clock.advance(timedelta(days=91))
            before = count(made)
            for address in addresses:
                answer = httpx.post(address, data={"text": "Hello", "only": "1"})
                assert answer.status_code == 410
                assert re.search("This link is no longer valid", answer.text)
            assert count(made) == before
        made.close()

    apart(played)
