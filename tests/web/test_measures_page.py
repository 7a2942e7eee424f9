"""The measures in the console: charts with a table that says the same, and a CSV no spreadsheet runs."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.builders import LINDNER, NORA, event, promised, reached
from tests.web.browser import DESK, browser, opened, site
from tests.web.installation import CAR, Installed, benches, dealership, glance, installed

__all__ = ["browser"]

FORMULA = '=HYPERLINK("http://example.com")'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(tmp_path_factory.mktemp("measures")) as found:
        dealership(found)
        place = {**LINDNER, "id": FORMULA}
        now = found.clock.now()
        about = {"customer": "C-3", "journey": "new-car", "owner": NORA, "location": place, "attributes": CAR}
        day = (now + timedelta(days=9)).date().isoformat()
        found.hear(event("order.upserted", "Z-1", now, **about), promised("Z-1", "arrived", day, now))
        found.until(now + timedelta(days=8))
        found.hear(reached("Z-1", "arrived", found.clock.now()))
        found.until(found.clock.now() + timedelta(days=1))
        yield found


@pytest.fixture(scope="module")
def console(home: Installed) -> Iterator[str]:
    with site(home.engine, home.clock.now, **benches(home)) as found:
        yield found


def test_the_page_is_sound_on_a_desk_and_in_the_dark_on_a_phone(browser: Browser, console: str) -> None:
    glance(browser, f"{console}/console/measures")


def test_the_charts_are_drawn_from_what_the_table_says(browser: Browser, console: str) -> None:
    with opened(browser, DESK) as page:
        page.goto(f"{console}/console/measures")
        expect(page.locator(".uplot")).to_have_count(4)
        week = page.get_by_role("table", name="By week")
        expect(week.get_by_role("rowheader", name="Mon 9 Mar")).to_be_visible()
        expect(week.get_by_role("row").filter(has_text="Mon 9 Mar")).to_contain_text("25 %")
        kept = page.get_by_role("figure", name="Promises kept")
        expect(kept.locator("[data-readout]")).to_contain_text("in the week of")
    with opened(browser, DESK, script=False) as page:
        page.goto(f"{console}/console/measures")
        expect(page.get_by_role("table", name="By week")).to_be_visible()
        expect(page.locator("[data-charts]")).to_be_hidden()


def test_one_journey_and_place_can_be_asked_for_and_an_empty_time_says_so(console: str) -> None:
    whole = httpx.get(f"{console}/console/measures", params={"weeks": "26"}).text
    munich = httpx.get(f"{console}/console/measures", params={"location": "munich"}).text
    none = httpx.get(f"{console}/console/measures", params={"journey": "parcel"}).text

    assert "4 orders" in " ".join(whole.split())
    assert munich.count("<tbody>") == whole.count("<tbody>")
    assert "There is nothing to measure yet" in none


def test_the_csv_says_the_same_and_no_cell_is_a_formula(console: str) -> None:
    answer = httpx.get(f"{console}/console/measures.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert {row["by"] for row in rows} == {"week", "phase", "journey", "location"}
    week = next(row for row in rows if row["key"] == "2026-03-09")
    assert (week["promises"], week["kept"]) == ("4", "0.25")
    assert f"'{FORMULA}" in {row["key"] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
