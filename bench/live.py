"""How long until what was heard stands on an open page of the console, in the system's Chromium."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.dealership import LOCATION, NOW, OWNER, believed, event
from orchestrator.engine import Engine

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
TIMES = 20
APART = 0.13  # seconds more each time, so that facts come at every moment between two looks
LONGEST = 30_000  # milliseconds until it is given up
NAMES = "Nora Brandt", "Paul Lindner"
WHERE = ".figure .value.name"
NOTES = """(where) => {
  window.seen = {};
  new MutationObserver(() => {
    const name = document.querySelector(where)?.textContent.trim();
    if (name && !(name in window.seen)) window.seen[name] = Date.now();
  }).observe(document.body, {childList: true, subtree: true});
}"""
"""A page notes itself when it showed what: whoever asks it from outside asks twice a second at best."""


def on_screen(engine: Engine, address: str) -> list[float]:
    """Change who owns an order, and say after how many milliseconds each name stood on its open page.

    Nothing where there is no Chromium or no Playwright.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if not CHROMIUM.exists():
        return []
    took = []
    with sync_playwright() as playwright, _page(playwright, address) as page:
        for number in range(TIMES):
            time.sleep(1 + number * APART % 1)
            name = f"{NAMES[number % 2]} {number}"
            said = {"customer": "C-1", "journey": "new-car", "location": LOCATION}
            heard = event(
                "order.upserted",
                "O-1",
                NOW + timedelta(seconds=number),
                owner={**OWNER, "name": name},
                **said,
            )
            engine.hear(believed([heard]), NOW + timedelta(seconds=number))
            committed = time.time() * 1000
            page.locator(WHERE, has_text=name).wait_for(timeout=LONGEST)
            took.append(page.evaluate("(name) => window.seen[name]", name) - committed)
    return took


@contextmanager
def _page(playwright: Any, address: str) -> Iterator[Any]:
    """An order's page that listens."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    try:
        page = browser.new_page()
        with page.expect_response(lambda answer: answer.url.endswith("/console/live")):
            page.goto(f"{address}orders/O-1")
        page.evaluate(NOTES, WHERE)
        yield page
    finally:
        browser.close()
