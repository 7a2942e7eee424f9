"""The page of whoever looks after an order: one hand, one tap."""

from fastapi import APIRouter

from orchestrator.web.customer.entrance import Entrance
from orchestrator.web.owner.mine import mine_router
from orchestrator.web.owner.task import task_router

__all__ = ["mine_router", "owner_routers"]


def owner_routers(entrance: Entrance) -> list[APIRouter]:
    """Return the routes of the pages for whoever looks after orders."""
    return [task_router(entrance)]
