"""The console: one module for each page, each with a function ``router(desk)``."""

from fastapi import APIRouter

from orchestrator.access.passwords import Passwords
from orchestrator.web.console import (
    account,
    acting,
    changes,
    channels,
    customer,
    editing,
    keys,
    live,
    measures,
    messages,
    now,
    order,
    password,
    people,
    releasing,
    rules,
    search,
    sessions,
    sign_in,
    templates,
)
from orchestrator.web.console.live import Watcher
from orchestrator.web.desk import Desk
from orchestrator.web.session_door import SessionDoor
from orchestrator.web.signed_in import Door

PAGES = (
    account, acting, now, order, customer, search, rules, editing, releasing, messages, templates,
    channels, measures, people, keys, changes,
)  # fmt: skip
"""The pages there are; a new one takes its place here."""


def routers(desk: Desk, watcher: Watcher, door: Door, passwords: Passwords) -> list[APIRouter]:
    """Return the routes of every page, and of what tells them that something changed."""
    signs_in = [sign_in, password, sessions] if isinstance(door, SessionDoor) else []
    return [
        *(page.router(desk) for page in PAGES),
        *(page.router(desk, door, passwords) for page in signs_in),
        live.router(watcher),
    ]
