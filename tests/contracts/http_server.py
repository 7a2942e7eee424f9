"""The server that plays providers is shipped, for channels of other packages: :mod:`channels.contract`."""

from channels.contract.http_server import (
    CUT_AFTER,
    CUT_BEFORE,
    CUT_WITHIN,
    MISDEEDS,
    NONSENSE,
    SLOW,
    Answer,
    Connection,
    HttpServer,
    Order,
    Request,
)

__all__ = [
    "CUT_AFTER",
    "CUT_BEFORE",
    "CUT_WITHIN",
    "MISDEEDS",
    "NONSENSE",
    "SLOW",
    "Answer",
    "Connection",
    "HttpServer",
    "Order",
    "Request",
]
