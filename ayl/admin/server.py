"""Where the servers are that operations are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.engines.addresses import DEFAULT_HOST, DEFAULT_PORT, Address, parse_places, parse_url

if TYPE_CHECKING:
    from ayl.engines.addresses import Tls


TIMEOUT = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens, and how many seconds to wait for the connection and for each reply."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    timeout: float = TIMEOUT
    path: str = ""
    """Of its Unix socket, which is then meant instead."""
    tls: Tls | None = None
    """What it takes to speak TLS with it; None for none."""

    def __post_init__(self) -> None:
        if not self.path and not self.host:
            raise ValueError("the host of a server must not be empty")
        if not self.path and not 0 < self.port < 2**16:
            raise ValueError(f"the port of a server is 1 to 65535, not {self.port}")
        if not 0 < self.timeout <= 3600:
            raise ValueError(f"the timeout is more than 0 and at most 3600 seconds, not {self.timeout}")

    @property
    def address(self) -> Address:
        return Address(self.host, self.port, self.path)

    def __str__(self) -> str:
        return str(self.address)


def servers(url: str, timeout: float = TIMEOUT) -> tuple[Server, ...]:
    """Those that an engine's URL names, each by itself. NotConfigured or ValueError if one of these makes no sense."""
    named = parse_url(url)
    return tuple(Server(place.host, place.port, timeout, place.path, named.tls) for place in named.addresses)


def servers_at(places: str, port: int = DEFAULT_PORT, timeout: float = TIMEOUT) -> tuple[Server, ...]:
    """Those that an operator names: an engine's URL, or hosts and paths of Unix sockets with commas between.

    `port` is that of hosts without one, outside a URL. NotConfigured or ValueError as for a URL.
    """
    if "://" in places:
        return servers(places, timeout)
    named = ",".join(f"[{place}]" if _is_bare_ipv6(place) else place for place in places.split(","))
    try:
        addresses = parse_places(named, port)
    except ValueError as error:
        raise ValueError(f"no server can be at {places!r}: {error}") from None
    return tuple(Server(place.host, place.port, timeout, place.path) for place in addresses)


def servers_meant(
    places: str | None, port: int | None, timeout: float = TIMEOUT, engine: str = ""
) -> tuple[Server, ...]:
    """As `servers_at`, where either may be left open: of the `engine` of the operator's app, if both are and that is a
    server; else on this machine. NotConfigured or ValueError as there.
    """
    if places is None and port is None and engine.startswith(("beanstalk://", "beanstalks://")):
        return servers(engine, timeout)
    host = DEFAULT_HOST if places is None else places
    return servers_at(host, DEFAULT_PORT if port is None else port, timeout)


def _is_bare_ipv6(place: str) -> bool:
    """In a URL it would need brackets, for it might be a host and its port."""
    return place.count(":") > 1 and not place.startswith(("[", "/"))
