"""The console: one module for each page, each with a function ``router(desk)``."""

from fastapi import APIRouter

from orchestrator.web.console import (
    account,
    customer,
    editing,
    live,
    messages,
    now,
    order,
    releasing,
    rules,
    search,
    templates,
)
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk

PAGES = (account, now, order, customer, search, rules, editing, releasing, messages, templates)
"""The pages there are; a new one takes its place here."""


def routers(desk: Desk, watcher: Watcher) -> list[APIRouter]:
    """Return the routes of every page, and of what tells them that something changed."""
    return [*(page.router(desk) for page in PAGES), live.router(watcher)]
