"""The frame every page of the console stands in, as a browser and a proxy see it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from orchestrator.web import moments
from tests.builders import at, incoming, maria
from tests.web.browser import WIDTHS, browser, look, opened, site

__all__ = ["browser"]

LISTEN = """new Promise(opened => {
    const source = new EventSource("/console/live");
    source.onopen = opened;
    window.told = new Promise(heard => source.addEventListener("changed", event => heard(event.type)));
}).then(() => 0)"""
CLOCK = VirtualClock(at("2026-03-12 18:00"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    where: Path = tmp_path_factory.mktemp("frame") / "ledger.db"
    with Ledger.open(f"sqlite:///{where}", upgrade=True) as ledger:
        yield Engine(ledger, RuleBook())


@pytest.fixture(scope="module")
def console(engine: Engine) -> Iterator[str]:
    with site(engine, CLOCK.now) as found:
        yield found


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_sound_in_light_and_dark(browser: Browser, console: str, width: int) -> None:
    look(browser, f"{console}/console/account", width)


def test_a_page_that_is_not_there_says_so_in_the_frame(console: str) -> None:
    answer = httpx.get(f"{console}/console/nowhere")

    assert (answer.status_code, "Back to the beginning" in answer.text) == (404, True)
    assert 'id="places"' in answer.text  # and with the ways to everything that is there


def test_every_page_forbids_what_is_not_ours(console: str) -> None:
    headers = httpx.get(f"{console}/console/account").headers

    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_assets_may_be_kept_for_ever_because_their_address_changes_with_them(console: str) -> None:
    page = httpx.get(f"{console}/console/account").text
    (path,) = {part for part in page.split('"') if part.endswith("beforehand.css")}

    answer = httpx.get(f"{console}{path}")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    old = httpx.get(f"{console}/static/0123456789abcdef/beforehand.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "public, max-age=60")
    for nothing in ("../app.py", "%2e%2e/app.py", "vendor/README.md", "none.css"):
        answer = httpx.get(f"{console}/static/x/{nothing}", follow_redirects=True)
        assert answer.status_code == 404


def test_an_open_page_hears_at_once_that_somebody_changed_the_ledger(
    browser: Browser, console: str, engine: Engine
) -> None:
    with opened(browser) as page:
        page.goto(f"{console}/console/account")
        page.evaluate(LISTEN)
        with engine.ledger.transaction() as tx:
            engine.take(tx, [incoming(maria())], CLOCK.now())
        assert page.evaluate("window.told") == "changed"


def test_the_menu_of_a_phone_opens_without_script(browser: Browser, console: str) -> None:
    with opened(browser, WIDTHS[1], script=False) as page:
        page.goto(f"{console}/console/account")
        places = page.get_by_role("navigation", name="Main")
        assert not places.is_visible()
        page.get_by_role("button", name="Menu").click()
        places.wait_for(state="visible")


def test_moments_are_those_of_the_company_and_say_what_they_are_to_a_machine() -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), CLOCK.now()
    assert "today 17:30" in moments.moment(at("2026-03-12 17:30"), berlin, now)
    assert "Thu 5 Mar 23:59" in moments.moment(at("2026-03-05 23:59"), berlin, now)
    assert "Wed 31 Dec 2025 09:00" in moments.moment(at("2025-12-31 09:00"), berlin, now)
    assert 'datetime="2026-03-12T16:30:00Z"' in moments.moment(at("2026-03-12 17:30"), berlin, now)
    assert "3 h ago" in moments.ago(now - timedelta(hours=3), berlin, now)
    assert "in 2 d 4 h" in moments.ago(now + timedelta(days=2, hours=4), berlin, now)
    assert moments.moment(None, berlin, now) == "–"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("arrived for 2026-03-17", "arrived for Tue 17 Mar"),
        (
            "it had not happened by Thu 2026-03-12 17:30; late",
            "it had not happened by Thu 12 Mar 17:30; late",
        ),
        ("since 2025-12-31, then nothing", "since Wed 31 Dec 2025, then nothing"),
        ("BX-1/ask/arrived#1.2026-03-12.r1/owner", "BX-1/ask/arrived#1.2026-03-12.r1/owner"),
        ("heard 2026-03-12T10:00:00Z, no 2026-13-40", "heard 2026-03-12T10:00:00Z, no 2026-13-40"),
    ],
)
def test_a_reason_has_its_days_as_people_read_them(said: str, read: str) -> None:
    assert moments.dated(said, ZoneInfo("Europe/Berlin"), at("2026-03-12 18:00")) == read


@pytest.mark.parametrize(
    ("attribute", "shown"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "–"),
        ("True", "True"),
        ({"amount": "1234.50", "currency": "EUR"}, "1234.50 EUR"),
        (["a hob", {"amount": 2, "currency": "EUR"}], "a hob, 2 EUR"),
    ],
)
def test_an_attribute_is_shown_as_people_write_it(attribute: object, shown: str) -> None:
    assert moments.given(attribute) == shown
