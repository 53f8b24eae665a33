"""Sockets to listen on: TCP over IPv4 and IPv6, Unix sockets, and what systemd passes.

Only the C half of `socket` is used here: the Python half costs a third of the start.
"""

from __future__ import annotations

import _socket
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ayl_server.config import Config

BACKLOG = 1024

DEFAULT = "127.0.0.1"

FIRST_PASSED = 3
"""The first descriptor that systemd passes (sd_listen_fds)."""


class CannotListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


class Address:
    """A listening socket and what is spoken there."""

    __slots__ = ("socket", "tls")

    def __init__(self, socket: _socket.socket, *, tls: bool) -> None:
        self.socket = socket
        self.tls = tls


def listen(config: Config) -> list[Address]:
    """A listening socket for each address of the configuration."""
    addresses = config.addresses or [DEFAULT]
    # With an address for TLS the others are meant to speak the plain protocol; without one a certificate is for all.
    tls = config.tls_cert is not None and not any(address.startswith("tls:") for address in addresses)
    found = []
    for address in addresses:
        if address.startswith("unix:"):
            found.append(Address(_listen_unix(address.removeprefix("unix:"), config.unix_mode), tls=False))
        elif address.startswith("tls:"):
            host, port = _host_and_port(address.removeprefix("tls:"), config.port)
            found.append(Address(_listen_inet(host, port), tls=True))
        else:
            found.append(Address(_listen_inet(address, config.port), tls=tls))
    return found


def passed(count: int, config: Config) -> list[Address]:
    """The sockets that systemd has opened for us."""
    found = []
    for descriptor in range(FIRST_PASSED, FIRST_PASSED + count):
        listening = _socket.socket(fileno=descriptor)
        if listening.type != _socket.SOCK_STREAM or not listening.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN):
            raise CannotListenError(f"descriptor {descriptor} from systemd is no listening stream socket")
        os.set_inheritable(descriptor, False)
        found.append(Address(listening, tls=config.tls_cert is not None and listening.family != _socket.AF_UNIX))
    return found


def _host_and_port(text: str, port: str) -> tuple[str, str]:
    """`HOST`, `HOST:PORT`, `::1` and `[::1]:PORT`."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":") or port
    if text.count(":") == 1:
        host, _, own = text.partition(":")
        return host, own or port
    return text, port


def _listen_inet(address: str, port: str) -> _socket.socket:
    try:
        # Bytes, because text would be sent through the IDNA codec, whose import alone costs milliseconds.
        host = address.encode("ascii") or None
        candidates = _socket.getaddrinfo(host, port, type=_socket.SOCK_STREAM, flags=_socket.AI_PASSIVE)
    except (_socket.gaierror, UnicodeError) as error:
        raise CannotListenError(f"cannot listen on {address} port {port}: {error}") from None
    trouble: OSError | None = None
    for family, kind, protocol, _, target in candidates:
        listening = _socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            listening.bind(target)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            trouble = error
        else:
            return listening
    reason = trouble.strerror if trouble else "no address"
    raise CannotListenError(
        f"cannot listen on {address} port {port}: {reason}; "
        "is another server running? choose another port with -p, another address with -l"
    )


def _listen_unix(path: str, mode: int | None) -> _socket.socket:
    if not path:
        # The kernel would take it and choose a name that nobody knows.
        raise CannotListenError("cannot listen on unix: without a path")
    listening = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        _remove_stale_socket(path)
        _bind_unix(listening, path, mode)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListenError(f"cannot listen on unix:{path}: {error.strerror or error}") from None
    return listening


def _bind_unix(listening: _socket.socket, path: str, mode: int | None) -> None:
    if mode is None:
        listening.bind(path)
        return
    # First closed to all others, then opened as far as asked: never a moment too wide.
    before = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    os.chmod(path, mode)  # noqa: PTH101 - pathlib costs start-up time


def _remove_stale_socket(path: str) -> None:
    """Remove the socket file of a server that is gone.

    beanstalkd removes it even under a living server, whose clients then never find it again.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListenError(f"cannot listen on unix:{path}: a file that is no socket is there")
    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)  # noqa: PTH108 - pathlib costs start-up time
    else:
        raise CannotListenError(f"cannot listen on unix:{path}: another server listens there")
    finally:
        probe.close()
