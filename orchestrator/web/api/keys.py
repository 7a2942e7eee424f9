"""What every route of the API depends on: a key, and what it may do (RFC 6750, section 2.1 and 3).

::

    Reader = Annotated[ApiKey, Depends(Key(Scope.ORDERS_READ))]

    @routes.get("/api/v1/orders")
    async def orders(key: Reader) -> Response: ...

"""

from http import HTTPStatus
from typing import Protocol

from fastapi import Request
from starlette.exceptions import HTTPException

from orchestrator.access.keys import Scope
from orchestrator.ledger.access_values import ApiKey

REALM = 'Bearer realm="Beforehand"'


class Keys(Protocol):
    """Knows the keys there are; an application keeps its own as ``app.state.keys``."""

    async def find(self, given: str) -> ApiKey | None:
        """The key that this is, if it is good. Raises LedgerError."""
        ...


class Key:
    """Depends on a key with *scope*; raises 401 without a good one, and 403 for one that may not."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> ApiKey:
        """Give the key."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not given:
            raise _refused(HTTPStatus.UNAUTHORIZED, "send Authorization: Bearer KEY", REALM)
        known: Keys = request.app.state.keys
        key = await known.find(given.strip())
        if key is None:
            header = f'{REALM}, error="invalid_token"'
            raise _refused(HTTPStatus.UNAUTHORIZED, "this key opens nothing", header)
        if self.scope not in key.scopes:
            header = f'{REALM}, error="insufficient_scope", scope="{self.scope}"'
            raise _refused(HTTPStatus.FORBIDDEN, f"the key of {key.name} lacks {self.scope}", header)
        return key


def _refused(status: HTTPStatus, why: str, header: str) -> HTTPException:
    return HTTPException(status, why, {"WWW-Authenticate": header})
