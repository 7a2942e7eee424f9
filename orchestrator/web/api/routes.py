"""Every route of the API."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.web.api import reading, writing
from orchestrator.web.desk import Desk


def routers(desk: Desk) -> Sequence[APIRouter]:
    """The routes under ``/api/v1``, but for the one that describes them all (:mod:`.openapi`)."""
    return (reading.router(desk), writing.router(desk))
