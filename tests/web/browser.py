"""A browser that looks at pages: one for a module, at a desk's width and a phone's.

A test module imports the fixtures it needs (``from tests.web.browser import browser, desk``)::

    @pytest.mark.parametrize("width", WIDTHS)
    def test_now_is_sound(browser: Browser, site: str, width: int) -> None:
        look(browser, f"{site}/console/now", width)

Wait by locators: ``wait_for_function`` needs ``eval``, which our pages forbid.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from orchestrator.access.roles import Role, Viewer
from orchestrator.access.signing_in import Ages
from orchestrator.engine import Engine
from orchestrator.web.app import Rooms, create_app
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk
from orchestrator.web.hearing import hearing, writing
from orchestrator.web.session_door import SessionDoor
from orchestrator.web.signed_in import Door, OpenDoor
from tests.builders import BERLIN
from tests.serving import served

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESK, PHONE = 1280, 390
WIDTHS = (DESK, PHONE)
HEIGHT = {DESK: 900, PHONE: 844}
PATIENCE = 30_000  # milliseconds; what comes is waited for, however busy the machine is

PAUL = Viewer(1, "Paul Lindner", "paul.lindner@example.com", Role.ADMIN)
NORA = Viewer(2, "Nora Brandt", "nora.brandt@example.com", Role.OPERATOR)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with chromium() as found:
        yield found


@contextmanager
def site(
    engine: Engine, now: Callable[[], datetime], *, door: Door | None = None, **more: Any
) -> Iterator[str]:
    """Serve the console over the ledger of *engine*, where everybody is Paul Lindner without a *door*."""

    with _served(engine, now, lambda _: door or OpenDoor(PAUL), **more) as url:
        yield url


@contextmanager
def signed_site(engine: Engine, now: Callable[[], datetime], **more: Any) -> Iterator[str]:
    """Serve the console as people find it: they sign in."""
    with _served(engine, now, lambda desk: SessionDoor(desk, Ages()), **more) as url:
        yield url


@contextmanager
def _served(
    engine: Engine, now: Callable[[], datetime], door: Callable[[Desk], Door], **more: Any
) -> Iterator[str]:
    async def ready() -> bool:
        return True

    with ExitStack() as stack:
        write = stack.enter_context(writing(engine))
        usual = {"company": "Autohaus Lindner", "zone": BERLIN, **more}
        desk = Desk(engine, write, now, **usual)
        watcher = Watcher(engine.ledger.mark)
        app = create_app(
            hearing(engine, write, now),
            now=now,
            ready=ready,
            rooms=Rooms(desk, door(desk), watcher),
        )
        yield stack.enter_context(served(app, watcher.close))


@contextmanager
def opened(browser: Browser, width: int = DESK, *, script: bool = True, dark: bool = False) -> Iterator[Page]:
    """Open a page at that width; it fails at the end if anything was said on the browser's console."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT[width]},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
        has_touch=width == PHONE,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page = context.new_page()
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert not complaints  # what breaks the content security policy is among them
    finally:
        context.close()


def look(browser: Browser, address: str, width: int, *, status: int = 200) -> None:
    """Look at a page in light and dark, and fail for whatever is wrong with it: :func:`sound`."""
    for dark in (False, True):
        with opened(browser, width, dark=dark) as page:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == status
            sound(page, answer.text())


def sound(page: Page, source: str = "") -> None:
    """Fail for HTML that is not valid, for what axe finds, and for a page that is wider than its window."""
    if source:
        html5lib.HTMLParser(strict=True).parse(source)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} pixels wider than its window"
