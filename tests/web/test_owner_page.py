"""Whoever looks after an order answers with one tap, on a telephone, by the link in the task's message."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.links import Use
from orchestrator.model import Entry, Fact, Status
from tests.builders import LINDNER, NORA, PAUL, at, event, promised, reached
from tests.integration.dealership import Dealership, customer, order
from tests.web.browser import WIDTHS, browser, look, opened, sound
from tests.web.customers import LINKS, RULES, apart, dealership, link
from tests.web.customers import opened as served_pages

__all__ = ["browser"]

PHONE = WIDTHS[1]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwe Freifrau von und zu Hohenlohe-Waldenburg"
NUMBERS = ("arrives", "moves", "calls", "lines", "looks", "german", "stale", "passed-on")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dealership]:
    """On 12 March, a minute past four in the afternoon: each owner was just asked whether it has arrived."""
    made = dealership(tmp_path_factory.mktemp("owner"), "2026-03-02 09:00")
    for number in NUMBERS:
        owner = {**NORA, "locale": "de"} if number == "german" else NORA
        name = LONG if number == "looks" else "Maria Keller"
        made.hear(
            customer(number, "2026-03-01 08:00", name=name),
            order(number, number, "2026-03-01 09:00", owner=owner, location={**LINDNER, "brand": "lindner"}),
            promised(number, "arrived", "2026-03-12", "2026-03-02 08:30"),
        )
    made.clock.set(at("2026-03-12 16:01"))
    made.drain()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(made: Dealership) -> Iterator[str]:
    with served_pages(made) as url:
        yield url


def asked(made: Dealership, number: str) -> Entry:
    entry = made.task("record-arrival-or-new-date", order=number)
    assert entry is not None
    assert entry.status is Status.ACCEPTED
    return entry


def page(made: Dealership, site: str, number: str) -> str:
    return site + link(made, Use.TASK, asked(made, number))


def facts(made: Dealership, number: str) -> list[Fact]:
    with made.ledger.read() as tx:
        return [one for one in tx.order_facts([number])[number] if one.source == "page"]


def count(made: Dealership) -> int:
    with made.ledger.read() as tx:
        return len(tx.facts_after(0, 10_000))


def tap(made: Dealership, site: str, number: str, **sent: str) -> httpx.Response:
    return httpx.post(page(made, site, number), data={"order": number, **sent})


def test_the_link_stands_in_the_task_and_names_nobody(made: Dealership, site: str) -> None:
    mails = [one for one in made.channels["email"].messages if one.to == NORA["email"]]  # type: ignore[attr-defined]
    (address,) = re.findall(r"https://updates\.example\.com(/task/[\w.-]+)", mails[0].text)
    answer = httpx.get(site + address)
    assert answer.status_code == 200
    assert "Maria Keller waits" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_it_has_arrived_is_one_tap_on_a_telephone_with_the_thumb(
    browser: Browser, made: Dealership, site: str
) -> None:
    with opened(browser, PHONE, script=False) as tab:
        tab.goto(page(made, site, "arrives"))
        for control in tab.locator("button, a.button, input:not([type=hidden])").all():
            box = control.bounding_box()
            assert box
            assert box["height"] >= 44, control
        button = tab.get_by_role("button", name="“Arrival at our house” has happened")
        box = button.bounding_box()
        assert box
        assert box["y"] > 844 / 2  # within reach of a thumb, without scrolling
        assert box["y"] + box["height"] <= 844
        button.tap()
        assert "Noted, thank you" in tab.get_by_role("status").inner_text()
    happened, done = facts(made, "arrives")
    assert (happened.type, happened.data["milestone"], happened.data["by"]) == (
        "milestone.reached", "arrived", "Nora Brandt",
    )  # fmt: skip
    assert (done.type, done.data["by"], done.data["outcome"]) == ("task.done", "Nora Brandt", "it happened")
    late = {one.status for one in made.entries("arrives") if one.wanted.rule == "not-arrived"}
    assert late == {Status.CANCELLED}
    assert any(one.wanted.rule == "arrived" for one in made.entries("arrives"))


def test_a_second_tap_is_the_same_tap(made: Dealership, site: str) -> None:
    for _ in range(2):
        assert tap(made, site, "stale", do="have", task=asked(made, "stale").key).status_code == 303
    assert [one.type for one in facts(made, "stale")] == ["task.acknowledged"]
    assert "Nora Brandt has it." in httpx.get(page(made, site, "stale")).text


def test_a_new_date_is_a_promise_that_the_customer_is_told_once(made: Dealership, site: str) -> None:
    answer = tap(made, site, "moves", do="date", milestone="arrived", date="2026-03-17")
    assert answer.status_code == 303
    promise, done = facts(made, "moves")
    assert promise.data == {
        "milestone": "arrived", "date": "2026-03-17", "told": False, "source": "Nora Brandt",
    }  # fmt: skip
    assert done.data["outcome"] == "new date"
    assert any(one.wanted.rule == "moved" for one in made.entries("moves"))
    made.clock.advance(timedelta(seconds=30))
    back = tap(made, site, "moves", do="date", milestone="arrived", date="2026-03-14")
    made.clock.advance(timedelta(seconds=30))
    again = tap(made, site, "moves", do="date", milestone="arrived", date="2026-03-17")
    assert (back.status_code, again.status_code) == (303, 303)
    with made.ledger.read() as tx:
        moment = made.clock.now()
        seen = made.engine.look(tx, {"moves": moment}, moment).orders["moves"]
    assert [str(one.value) for one in seen.milestones["arrived"].promises] == [
        "2026-03-12", "2026-03-17", "2026-03-14", "2026-03-17",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        {"do": "date", "milestone": "arrived", "date": "2026-03-11"},
        {"do": "date", "milestone": "arrived", "date": "2036-03-11"},
        {"do": "date", "milestone": "arrived", "date": "soon"},
        {"do": "date", "milestone": "collected", "date": "2026-03-20"},
        {"do": "happened", "milestone": "nonsense"},
        {"do": "done", "task": "somebody/elses/task/owner"},
        {"do": "take", "message": "no-such-message"},
        {"do": "line", "text": " "},
        {"do": "line", "text": "x" * 301},
        {"do": "erase"},
        {},
        {"order": "arrives", "do": "happened", "milestone": "arrived"},
    ],
)
def test_what_the_page_does_not_offer_is_not_done(made: Dealership, site: str, sent: dict[str, str]) -> None:
    before = count(made)
    assert tap(made, site, "stale", **sent).status_code == 422
    assert count(made) == before


def test_looking_changes_nothing(made: Dealership, site: str) -> None:
    before = count(made)
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        params = {"do": "happened", "milestone": "arrived", "order": "stale"}
        assert httpx.request(method, page(made, site, "stale"), params=params).status_code in (200, 405)
    assert count(made) == before


def test_a_line_and_a_call_in_place_of_the_message(made: Dealership, site: str) -> None:
    assert tap(made, site, "lines", do="line", text="I am <b>sorry</b>.").status_code == 303
    (key,) = re.findall(r'name="message" value="([^"]+)"', httpx.get(page(made, site, "lines")).text)
    assert tap(made, site, "lines", do="take", message=key).status_code == 303
    said = httpx.get(page(made, site, "lines")).text
    assert "Your line: I am &lt;b&gt;sorry&lt;/b&gt;." in said
    assert "Nora Brandt takes this over" in said
    assert tap(made, site, "lines", do="called", note="knows it").status_code == 303
    kinds = [one.type for one in facts(made, "lines")]
    assert kinds[:3] == ["message.line_added", "message.taken_over", "contact.logged"]
    (after,) = [one for one in made.entries("lines") if one.key == key]
    assert after.status is Status.CANCELLED
    assert "Nora Brandt took it over and spoke with the customer" in after.reason


def test_a_link_to_a_customers_page_is_none_to_the_owners_and_the_other_way_round(
    made: Dealership, site: str
) -> None:
    address = page(made, site, "looks")
    for use in (Use.ORDER, Use.REPLY, Use.PREFERENCES):
        assert httpx.get(address.replace("/task/", f"/{use}/")).status_code == 400
        own = f"{site}/{use}/{LINKS.token(use, asked(made, 'looks').message_id, made.clock.now())}"
        assert httpx.get(own).status_code == 410  # a message to staff opens no customer's page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", ["looks", "german", "arrives"])
def test_the_page_is_sound_at_a_desk_and_on_a_phone(
    browser: Browser, made: Dealership, site: str, number: str, width: int
) -> None:
    look(browser, page(made, site, number), width)
    if number == "german":
        assert "„Ankunft bei uns“ ist geschehen" in httpx.get(page(made, site, number)).text


def test_what_went_wrong_is_said_on_a_sound_page(browser: Browser, made: Dealership, site: str) -> None:
    with opened(browser, PHONE) as tab:
        tab.goto(page(made, site, "looks"))
        tab.evaluate("for (const one of document.querySelectorAll('[min]')) one.removeAttribute('min')")
        tab.get_by_label("New date").fill("2026-03-01")
        tab.route("**/task/**", lambda route: route.fulfill(response=route.fetch(), status=200))
        tab.get_by_role("button", name="Save the new date").click()
        assert "a day from today on" in tab.get_by_role("alert").inner_text()
        sound(tab)


def test_whoever_looks_after_it_no_more_is_told_who_does(made: Dealership, site: str) -> None:
    address = page(made, site, "passed-on")
    new = {"name": "Jonas Weber", "email": "jonas.weber@example.com"}
    apart(lambda: made.hear(event("order.upserted", "passed-on", "2026-03-12 16:01", owner=new)))
    before = count(made)
    assert "looked after by Jonas Weber now" in httpx.get(address).text
    sent = {"order": "passed-on", "do": "happened", "milestone": "arrived"}
    assert httpx.post(address, data=sent).status_code == 403
    assert count(made) == before


def test_the_manager_who_is_asked_next_has_a_link_of_their_own(tmp_path: Path) -> None:
    def played() -> None:
        made = dealership(tmp_path, "2026-03-02 09:00")
        made.hear(customer("maria", "2026-03-01 08:00"), order("BX-1", "maria", "2026-03-01 09:00"),
                  promised("BX-1", "arrived", "2026-03-12", "2026-03-02 08:30"))  # fmt: skip
        for moment in ("2026-03-12 16:01", "2026-03-13 10:05"):
            made.clock.set(at(moment))
            made.drain()
        (mail,) = [one for one in made.channels["email"].messages if one.to == PAUL["email"]]  # type: ignore[attr-defined]
        (path,) = re.findall(r"https://updates\.example\.com(/task/[\w.-]+)", mail.text)
        with served_pages(made) as site:
            answer = httpx.post(site + path, data={"order": "BX-1", "do": "happened", "milestone": "arrived"})
            assert answer.status_code == 303
        assert facts(made, "BX-1")[0].data["by"] == "Paul Lindner"
        made.close()

    apart(played)


def test_of_several_orders_in_one_message_those_passed_on_are_shown_no_more(tmp_path: Path) -> None:
    rules = RULES.replace("say: welcome", "say: call-the-customer\n    to: owner\n    combine: 1h")

    def played() -> None:
        made = dealership(tmp_path, rules=rules)
        for number in ("BX-1", "BX-2"):
            made.hear(customer(number, "2026-03-01 08:00"), order(number, number, "2026-03-01 09:00"),
                      reached(number, "ordered", "2026-03-02 08:59"))  # fmt: skip
        made.clock.advance(timedelta(hours=1))
        made.drain()
        waiting = (one for number in ("BX-1", "BX-2") for one in made.entries(number))
        entry, other = (one for one in waiting if one.wanted.rule == "welcome")
        assert entry.message_id == other.message_id
        assert entry.status is other.status is Status.ACCEPTED
        new = {"name": "Jonas Weber", "email": "jonas.weber@example.com"}
        with served_pages(made) as site:
            shown = httpx.get(site + link(made, Use.TASK, entry)).text
            assert "Order BX-1" in shown
            assert "Order BX-2" in shown
            made.hear(event("order.upserted", "BX-2", "2026-03-02 10:00", owner=new))
            shown = httpx.get(site + link(made, Use.TASK, entry)).text
            assert "Order BX-1" in shown
            assert "Order BX-2" not in shown
            sent = {"order": "BX-2", "do": "called"}
            assert httpx.post(site + link(made, Use.TASK, entry), data=sent).status_code == 422
        assert facts(made, "BX-2") == []
        made.close()

    apart(played)


def test_an_order_that_is_over_offers_nothing(tmp_path: Path) -> None:
    def played() -> None:
        made = dealership(tmp_path, "2026-03-02 09:00")
        made.hear(customer("maria", "2026-03-01 08:00"), order("BX-1", "maria", "2026-03-01 09:00"),
                  promised("BX-1", "arrived", "2026-03-12", "2026-03-02 08:30"))  # fmt: skip
        made.clock.set(at("2026-03-12 16:01"))
        made.drain()
        made.clock.set(at("2026-03-12 16:30"))
        made.hear(
            reached("BX-1", "arrived", "2026-03-12 16:10"), reached("BX-1", "collected", "2026-03-12 16:20")
        )
        made.drain()
        with served_pages(made) as site:
            said = httpx.get(site + link(made, Use.TASK, asked(made, "BX-1"))).text
            assert "Nothing is open here. Thank you." in said
            assert "has happened" not in said
        made.close()

    apart(played)
