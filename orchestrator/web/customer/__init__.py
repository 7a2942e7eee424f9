"""The pages of whoever waits: no sign-in, no script; a signed link says who they are."""

from fastapi import APIRouter

from orchestrator.web.customer.entrance import Entrance
from orchestrator.web.customer.preferences import preferences_router
from orchestrator.web.customer.reply import reply_router
from orchestrator.web.customer.tracker import tracker_router


def customer_routers(entrance: Entrance) -> list[APIRouter]:
    """Return the routes of every page for customers; what they wear is served beside them."""
    return [tracker_router(entrance), reply_router(entrance), preferences_router(entrance)]
