"""From an address to a connected socket, within one span of time for all that this takes."""

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from ayl.engines.addresses import Address, Servers
from ayl.engines.prompt import PromptSocket

if TYPE_CHECKING:
    from ayl.engines.tls import PromptTlsSocket

Dial = Callable[[Address, float], "PromptSocket | PromptTlsSocket"]
"""Connect to that address in so many seconds. Raises OSError."""

Info = tuple[Any, Any, int, str, Any]
"""As `socket.getaddrinfo` has them."""


def dialer(servers: Servers) -> Dial:
    """How these servers are connected to. NotConfigured if files for TLS are missing or wrong."""
    if servers.tls is None:
        return _plain
    from ayl.engines import tls  # ssl takes long to import

    context = tls.context_for(servers.tls)

    def secure(address: Address, patience: float) -> "PromptTlsSocket":
        deadline = monotonic() + patience
        connected = _connected(address, deadline)
        try:
            return tls.secured(connected, context, address.host, _left(deadline))
        except BaseException:
            connected.close()
            raise

    return secure


def _plain(address: Address, patience: float) -> PromptSocket:
    deadline = monotonic() + patience
    return PromptSocket(_connected(address, deadline), patience)


def _connected(address: Address, deadline: float) -> socket.socket:
    if address.path:
        return _connected_to(socket.AF_UNIX, address.path, deadline)
    found = _looked_up(address, deadline)
    for number, (family, _, _, _, place) in enumerate(found, 1):
        try:
            # A name may have several addresses: the first one that is dead must leave time for the others.
            connected = _connected_to(family, place, monotonic() + _left(deadline) / (len(found) - number + 1))
        except OSError:
            if number == len(found):
                raise
        else:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connected
    raise OSError(f"{address.host} has no address")


def _connected_to(family: int, place: Any, deadline: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(_left(deadline))
        sock.connect(place)
    except BaseException:
        sock.close()
        raise
    return sock


def _looked_up(address: Address, deadline: float) -> list[Info]:
    """The addresses of a host. The system's look-up cannot be interrupted, so a name's is left to a thread."""
    # What is an address already is not handed to Python's look-up, which loads a large codec to read it.
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, address.host)
            return [(family, socket.SOCK_STREAM, 0, "", (address.host, address.port))]
    if "%" in address.host:  # an IPv6 address with the network card to use
        return _info(address, socket.AI_NUMERICHOST)
    answer: list[list[Info] | OSError] = []

    def ask() -> None:
        try:
            answer.append(_info(address, 0))
        except (OSError, UnicodeError) as error:
            answer.append(error if isinstance(error, OSError) else OSError(str(error)))

    asking = threading.Thread(target=ask, name=f"ayl looks up {address.host}", daemon=True)
    try:
        asking.start()
    except RuntimeError as error:  # there are too many, or the process is ending
        raise OSError(errno.EAGAIN, f"its name is not looked up: {error}") from error
    asking.join(_left(deadline))
    if not answer:
        raise TimeoutError(f"the name {address.host} is not looked up in time")
    (found,) = answer
    if isinstance(found, OSError):
        raise found
    return found


def _info(address: Address, flags: int) -> list[Info]:
    return socket.getaddrinfo(address.host, address.port, 0, socket.SOCK_STREAM, 0, flags)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
