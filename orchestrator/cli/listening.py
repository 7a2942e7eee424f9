"""The sockets that a daemon listens on, and the server behind each."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from orchestrator.cli import output
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    import socket

    import uvicorn
    from fastapi import FastAPI

QUEUE = 2048  # connections that may wait to be accepted


def bound(host: str, port: int, hint: str = "another one is chosen with --host and --port") -> socket.socket:
    """Listen there, before anything is taken up; raises :class:`Misconfigured` if somebody else does."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=QUEUE)
    except (OSError, OverflowError) as error:
        words = getattr(error, "strerror", None) or str(error)
        why = words.partition(" (while ")[0]  # Python repeats the address there
        where = _place(host, port)
        raise Misconfigured(f"cannot listen on {where}: {why[:1].lower()}{why[1:]}\n{hint}") from error


def server(app: FastAPI, listening: socket.socket, what: str = "listening") -> uvicorn.Server:
    """A server that leaves signals to us, for the daemon must end as a whole, and says when it listens."""
    import uvicorn

    class Server(uvicorn.Server):
        def capture_signals(self) -> Any:
            return nullcontext()

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                output.note(f"{what} on {address(listening)}", what)

    return Server(uvicorn.Config(app, log_config=None, access_log=False))


def address(listening: socket.socket) -> str:
    """Where it is reached on this machine."""
    host, port = listening.getsockname()[:2]
    return url(host, port)


def url(host: str, port: int) -> str:
    """The address of a server there."""
    return f"http://{_place(host, port)}"


def _place(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(listening: socket.socket) -> bool:
    """Does only this machine reach it?"""
    import ipaddress

    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
