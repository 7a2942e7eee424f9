"""A colleague who is signed in finds their own orders, with what is to do first, and taps as by a link."""

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.access.roles import Role
from orchestrator.model import Fact
from tests.builders import LINDNER, NORA, at, promised
from tests.integration.dealership import Dealership, customer, order
from tests.web.browser import NORA as NORA_SIGNED_IN
from tests.web.browser import WIDTHS, browser, look, opened
from tests.web.customers import dealership
from tests.web.customers import opened as served_pages

__all__ = ["browser"]

PHONE = WIDTHS[1]
OTHER = {"name": "Jonas Weber", "email": "jonas.weber@example.com"}
LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwe Freifrau von und zu Hohenlohe-Waldenburg"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dealership]:
    made = dealership(tmp_path_factory.mktemp("mine"), "2026-03-02 09:00")
    for number, day, owner in (
        ("due", "2026-03-12", NORA),
        ("later/1", "2026-03-20", NORA),
        ("others", "2026-03-12", OTHER),
        ("namesake", "2026-03-12", {**NORA, "email": "another.nora@example.com"}),
    ):
        name = LONG if number == "later/1" else "Maria Keller"
        made.hear(
            customer(number, "2026-03-01 08:00", name=name),
            order(number, number, "2026-03-01 09:00", owner=owner, location={**LINDNER, "brand": "lindner"}),
            promised(number, "arrived", day, "2026-03-02 08:30"),
        )
    made.clock.set(at("2026-03-12 16:01"))
    made.drain()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(made: Dealership) -> Iterator[str]:
    with served_pages(made, NORA_SIGNED_IN) as url:
        yield url


def facts(made: Dealership, number: str) -> list[Fact]:
    with made.ledger.read() as tx:
        return [one for one in tx.order_facts([number])[number] if one.source.startswith("people/")]


def test_mine_are_listed_with_what_is_to_do_first_and_nobody_elses(made: Dealership, site: str) -> None:
    said = httpx.get(f"{site}/console/mine").text
    assert re.findall(r'href="/console/mine/([^"]+)"', said) == ["due", "later/1"]
    assert "record arrival or new date" in said
    for number in ("others", "namesake", "no-such"):
        assert httpx.get(f"{site}/console/mine/{number}").status_code == 404


def test_the_same_taps_signed_in_carry_who_did_it(browser: Browser, made: Dealership, site: str) -> None:
    with opened(browser, PHONE, script=False) as tab:
        tab.goto(f"{site}/console/mine")
        tab.get_by_role("link", name="Donaudampf").tap()
        tab.get_by_label("New date").fill("2026-03-24")
        tab.get_by_role("button", name="Save the new date").tap()
        assert "Noted, thank you" in tab.get_by_role("status").inner_text()
    (promise,) = facts(made, "later/1")
    assert promise.source == NORA_SIGNED_IN.source
    assert promise.data["date"] == "2026-03-24"
    assert promise.data["source"] == "Nora Brandt"


def test_a_page_of_somebody_else_cannot_tap(made: Dealership, site: str) -> None:
    page = httpx.get(f"{site}/console/mine/due").text
    (token,) = set(re.findall(r'name="csrf" value="([^"]+)"', page))
    sent = {"order": "due", "do": "happened", "milestone": "arrived"}
    address = f"{site}/console/mine/due"
    for more, origin in (
        (sent, site),
        (sent | {"csrf": "x"}, site),
        (sent | {"csrf": token}, "https://x.example"),
    ):
        assert httpx.post(address, data=more, headers={"Origin": origin}).status_code == 403
    assert facts(made, "due") == []
    wrong = sent | {"csrf": token, "milestone": "nonsense"}
    assert httpx.post(address, data=wrong, headers={"Origin": site}).status_code == 422
    assert httpx.post(address, data=sent | {"csrf": token}, headers={"Origin": site}).status_code == 303
    assert [one.type for one in facts(made, "due")] == ["milestone.reached", "task.done"]


def test_who_may_only_look_does_not_tap(made: Dealership) -> None:
    with served_pages(made, replace(NORA_SIGNED_IN, role=Role.READ_ONLY)) as site:
        assert httpx.get(f"{site}/console/mine").status_code == 403


def test_an_order_of_another_location_is_nobodys_here(made: Dealership) -> None:
    with served_pages(made, replace(NORA_SIGNED_IN, locations=frozenset({"berlin"}))) as site:
        assert "Nothing here waits for you." in httpx.get(f"{site}/console/mine").text
        assert httpx.get(f"{site}/console/mine/later%2F1").status_code == 404


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["", "/later%2F1"])
def test_the_pages_are_sound_at_a_desk_and_on_a_phone(
    browser: Browser, made: Dealership, site: str, path: str, width: int
) -> None:
    look(browser, f"{site}/console/mine{path}", width)
