"""Now, an order and a customer as people see them: what stands there, at a glance, and that it is sound."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.web.browser import WIDTHS, browser, look, site
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
