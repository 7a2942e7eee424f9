"""Now, an order and a customer as people see them: what stands there, at a glance, and that it is sound."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.engine import Engine
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger, OrderRow
from orchestrator.ledger.values import EVERYTHING
from orchestrator.views.now import coming, now_view
from tests.builders import BERLIN, at, car_order, event, incoming, maria, promised
from tests.deciding import book
from tests.web.browser import WIDTHS, browser, look, opened, site
from tests.web.story import LONG_ORDER, Evening, evening

__all__ = ["browser"]

PAGES = (
    "now", "now/silent", "now/coming", "orders/BX-100", f"orders/{LONG_ORDER}", "customers/maria",
    "customers/aylin", "customers/maria/erase", "search?q=weber",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    with evening(f"sqlite:///{tmp_path_factory.mktemp('console') / 'ledger.db'}") as found:
        yield found


@pytest.fixture(scope="module")
def console(house: Evening) -> Iterator[str]:
    with site(house.engine, house.clock.now) as found:
        yield f"{found}/console"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_sound_in_light_and_dark(browser: Browser, console: str, page: str, width: int) -> None:
    look(browser, f"{console}/{page}", width)


def test_whoever_waits_longest_is_named_first_and_their_order_is_one_click_away(
    browser: Browser, console: str
) -> None:
    with opened(browser) as page:
        page.goto(f"{console}/now")
        row = page.locator("#silent tbody tr").first
        assert "Jonas Weber" in row.inner_text()
        lead, waiting = page.locator(".lead").inner_text(), page.locator("#silent tbody tr").count()
        assert lead.startswith(f"Customers wait for {waiting} orders. Longest without a word: Jonas Weber")
        row.get_by_role("link", name="BX-090").click()
        assert page.get_by_role("heading", level=1).inner_text().startswith("BX-090")


def test_the_name_of_an_owner_breaks_between_its_words_alone(browser: Browser, console: str) -> None:
    lines = "all => all.map(one => [one.getClientRects().length, one.innerText])"
    with opened(browser) as page:
        page.goto(f"{console}/now")
        for wide in (1120, 1200, 1280):  # two lists stand beside each other
            page.set_viewport_size({"width": wide, "height": 900})
            owners = page.locator("#broken td[data-label=Owner] bdi").evaluate_all(lines)
            assert owners
            assert all(count <= len(name.split()) for count, name in owners), wide


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("bx-100", "/console/orders/BX-100"),
        ("keller mar", "/console/customers/maria"),
        ("Maria.Keller@example.com", "/console/customers/maria"),
        ("+49 30 23125 123", "/console/customers/maria"),
        ("أيلين", "/console/customers/aylin"),
        ("nobody at all", ""),
    ],
)
def test_what_somebody_remembers_leads_to_the_order_or_the_customer(
    console: str, asked: str, leads_to: str
) -> None:
    answer = httpx.get(f"{console}/search", params={"q": asked})

    assert answer.headers.get("location", "") == leads_to
    if not leads_to:
        assert "Nothing is called so" in answer.text


def test_several_who_are_called_so_are_listed(console: str) -> None:
    answer = httpx.get(f"{console}/search", params={"q": "weber"})

    assert answer.status_code == 200
    assert ("jonas" in answer.text, LONG_ORDER in answer.text) == (True, True)


@pytest.mark.parametrize("place", ["now/silent?after=x", "now/silent?after=2026-03-01", "now/sent?after=9x"])
def test_a_place_that_is_in_no_list_is_refused(console: str, place: str) -> None:
    assert httpx.get(f"{console}/{place}").status_code == 400


def test_what_is_not_there_is_not_found(console: str) -> None:
    for page in ("orders/BX-1", "customers/nobody", "now/else"):
        assert httpx.get(f"{console}/{page}").status_code == 404


def test_ten_thousand_who_wait_are_a_page_at_a_time_and_everybody_is_on_one(tmp_path: Path) -> None:
    rows = [
        OrderRow(f"BX-{n:05}", "", "new-car", status="open", silent_since=at("2026-03-01 08:00"))
        for n in range(10_000)
    ]
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger:
        with ledger.transaction() as tx:
            tx.store_orders(rows)
        with site(Engine(ledger, RuleBook()), lambda: at("2026-03-12 18:00")) as found:
            now = httpx.get(f"{found}/console/now")
            assert "more than" in now.text
            assert len(now.content) < 100_000
            seen: list[str] = []
            page = "/console/now/silent"
            for _ in range(3):
                answer = httpx.get(f"{found}{page}").text
                seen += re.findall(r"<bdi>(BX-\d+)</bdi>", answer)
                (page,) = re.findall(r'href="([^"]+)" rel="next"', answer)
            assert seen == [row.id for row in rows[:150]]


@pytest.mark.parametrize(("clock", "counted"), [("18:04", 0), ("18:10", 1), ("19:00", 1)])
def test_the_next_24_hours_are_24_hours_whatever_the_clock_reads(
    tmp_path: Path, clock: str, counted: int
) -> None:
    rule = '{id: soon, on: {upcoming: arrived, before: 1d, at: "18:05"}, say: soon, channels: [email]}'
    told = (car_order(), maria(), promised("O-1", "arrived", "2026-03-14", "2026-03-02 10:00"))
    now = at(f"2026-03-12 {clock}")
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger:
        with ledger.transaction() as tx:
            Engine(ledger, book(rule)).take(tx, [incoming(one) for one in told], now)
        with ledger.read() as tx:
            seen = now_view(tx, EVERYTHING, now, BERLIN)
            assert coming(tx, EVERYTHING, now, BERLIN).count.number == counted
    assert (seen.coming.count.number, sum(hour.count.number for hour in seen.hours)) == (counted, counted)


def test_an_empty_house_says_what_would_stand_here(browser: Browser, tmp_path: Path) -> None:
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger,
        site(Engine(ledger, RuleBook()), lambda: at("2026-03-12 18:00")) as found,
    ):
        look(browser, f"{found}/console/now", WIDTHS[1])
        assert "Nobody waits in silence" in httpx.get(f"{found}/console/now").text


def test_what_changes_is_on_the_screen_by_itself_and_an_open_form_stays(
    browser: Browser, console: str, house: Evening
) -> None:
    with opened(browser) as page:
        page.goto(f"{console}/orders/BX-104")
        form = page.locator("details.steer").first
        form.locator("summary").click()
        form.locator("input.why-not").fill("I have not finished this")
        page.wait_for_load_state("load")
        with page.expect_request("**/console/live"):
            page.reload()
        form.locator("summary").click()
        form.locator("input.why-not").fill("I have not finished this")
        house.hear(
            event("contact.logged", "BX-104", "2026-03-12 18:09", direction="in", by="Nora Brandt", note="")
        )
        page.get_by_text("the customer turned to Nora Brandt").first.wait_for()
        assert form.locator("input.why-not").input_value() == "I have not finished this"
        assert form.locator("button").first.is_visible()
