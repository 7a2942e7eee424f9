"""Where requests to addresses that others chose may go: to the public internet, and nowhere else (SSRF).

A name is resolved once for a connection, every address it has must be public, and the connection goes to one
of those very addresses: a name that answers differently the next time (rebinding) changes nothing.
"""

import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

Network = IPv4Network | IPv6Network

_CARRIERS = tuple(  # global to Python's ipaddress, and carrying or meaning another address
    map(
        ip_network,
        (
            "64:ff9b::/96",  # NAT64 (RFC 6052)
            "64:ff9b:1::/48",  # NAT64 of a local prefix (RFC 8215)
            "2002::/16",  # 6to4 (RFC 3056)
            "2001::/32",  # Teredo (RFC 4380)
            "::/96",  # IPv4-compatible (RFC 4291 2.5.5.1)
            "::ffff:0:0/96",  # IPv4-mapped (RFC 4291 2.5.5.2)
            "fec0::/10",  # site-local (RFC 3879)
            "168.63.129.16/32",  # a cloud's own services, on a public address
            "192.0.0.0/24",  # protocols' own, and a cloud's metadata (RFC 6890)
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        ),
    )
)


class Forbidden(Exception):
    """The host is not public; the reason names it, and not what it resolved to."""


def public(address: str) -> bool:
    """Is this the address of somebody on the public internet?"""
    try:
        one = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    outside = one.is_global and not one.is_multicast and not one.is_reserved and not one.is_unspecified
    return outside and not any(one in network for network in _CARRIERS if network.version == one.version)


class Guard(AbstractResolver):
    """Resolves names for aiohttp's connector; raises :class:`Forbidden` rather than give a private address.

    *allowed* are networks that are reached nevertheless. The connector's own cache must be off.
    """

    def __init__(self, allowed: Collection[Network] = (), resolver: AbstractResolver | None = None) -> None:
        self._allowed = tuple(allowed)
        self._given = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Every address of *host*, all of them allowed."""
        if self._given is None:
            self._given = ThreadedResolver()
        found = await self._given.resolve(host, port, family)
        self._demand(host, [one["host"] for one in found])
        return found

    def check(self, host: str) -> None:
        """Raise :class:`Forbidden` if *host* is written as an address and may not be reached.

        Whatever the connector would take for an address never comes to :meth:`resolve`.
        """
        bare = host.strip("[]")
        if ":" in bare or bare.replace(".", "").isdigit():
            self._demand(host, [bare])

    async def close(self) -> None:
        """Give back what the resolver holds."""
        if self._given is not None:
            await self._given.close()

    def _demand(self, host: str, addresses: Sequence[str]) -> None:
        if not all(public(one) or self._may(one) for one in addresses):
            raise Forbidden(f"{host} is not on the public internet")

    def _may(self, address: str) -> bool:
        try:
            one = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(one in network for network in self._allowed if network.version == one.version)
