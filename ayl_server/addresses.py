"""Sockets to listen on: TCP over IPv4 and IPv6, Unix sockets, and what systemd passes.

Only the C half of `socket` is used here: the Python half costs a third of the start.
"""

from __future__ import annotations

import _socket
import errno
import os
import stat

from ayl_server.exits import CannotListenError
from ayl_server.systemd import FIRST_PASSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ayl_server.config import Config

BACKLOG = 1024

DEFAULT = "127.0.0.1"

PLAIN = "plain"
TLS = "tls"
METRICS = "metrics"
"""What is spoken at an address; also the names of sockets that systemd passes for them."""

PORT_ATTEMPTS = 20
"""How often to look for a port that is free on several addresses."""


class Address:
    """A listening socket and what is spoken there."""

    __slots__ = ("_identity", "_path", "name", "socket", "speaks")

    def __init__(self, socket: _socket.socket, speaks: str, path: str | None = None) -> None:
        self.socket = socket
        self.speaks = speaks
        self.name = ("tls:" if speaks == TLS else "") + _name(socket)
        self._path = path
        self._identity = None if path is None else _identity(path)

    def withdraw(self) -> None:
        """Remove the file of a Unix socket that we made, unless another server's has taken its place.

        To be called while the socket still listens: then no other server takes the file for one left behind.
        """
        # Once: when our socket is closed, its identity may be given to another server's.
        path, self._path = self._path, None
        if path is not None and _identity(path) == self._identity:
            try:
                os.unlink(path)  # noqa: PTH108 - pathlib costs start-up time
            except OSError:
                return  # after -u the folder may be closed to us; the next server replaces the file

    def close(self) -> None:
        self.withdraw()
        self.socket.close()


def listen(config: Config) -> list[Address]:
    """A listening socket for each address of the configuration."""
    for attempt in range(1, PORT_ATTEMPTS + 1):
        found: list[Address] = []
        try:
            _listen(config, found)
        except CannotListenError:
            for address in found:
                address.close()
            # A free port of the first address may be in use on the second; then another one is tried.
            if config.port != "0" or len(found) == 0 or attempt == PORT_ATTEMPTS:
                raise
        else:
            break
    return found


def _listen(config: Config, found: list[Address]) -> None:
    wanted = config.addresses or [DEFAULT]
    # With an address for TLS the others are meant to speak the plain protocol; without one a certificate is for all.
    all_tls = config.tls_cert is not None and not any(text.startswith("tls:") for text in wanted)
    # Alone, "::" may stand for IPv4 as well; beside others it would be in the way of 0.0.0.0.
    alone = sum(not text.startswith("unix:") for text in wanted) == 1
    free_ports: dict[str, str] = {}
    for text in wanted:
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            found.append(Address(_listen_unix(path, config.unix_mode), PLAIN, path))
            continue
        speaks = TLS if all_tls or text.startswith("tls:") else PLAIN
        host, port = _host_and_port(text.removeprefix("tls:"), config.port)
        listening = _listen_inet(host, free_ports.get(speaks, port) if port == "0" else port, alone=alone)
        found.append(Address(listening, speaks))
        if port == "0":
            free_ports.setdefault(speaks, str(listening.getsockname()[1]))


def listen_for_metrics(text: str) -> Address:
    """The socket of the page for Prometheus; `text` is HOST:PORT."""
    host, port = _host_and_port(text, "")
    return Address(_listen_inet(host, port, alone=False), METRICS)


def passed(names: list[str], config: Config) -> list[Address]:
    """The sockets that systemd has opened for us, one for each name."""
    found = []
    for descriptor, name in enumerate(names, FIRST_PASSED):
        listening = _passed(descriptor)
        if name in (TLS, METRICS):
            speaks = name
        else:
            all_tls = config.tls_cert is not None and TLS not in names
            speaks = TLS if all_tls and listening.family != _socket.AF_UNIX else PLAIN
        if speaks == TLS and config.tls_cert is None:
            raise CannotListenError("systemd passed a socket named tls; it needs --tls-cert and --tls-key")
        found.append(Address(listening, speaks))
    return found


def _passed(descriptor: int) -> _socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        listening = _socket.socket(fileno=descriptor)
        accepts = listening.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN)
    except OSError as error:
        raise CannotListenError(f"descriptor {descriptor} from systemd is no socket: {error.strerror}") from None
    if listening.type != _socket.SOCK_STREAM or not accepts:
        raise CannotListenError(f"descriptor {descriptor} from systemd is no listening stream socket")
    return listening


def _name(listening: _socket.socket) -> str:
    """As -l has it."""
    where = listening.getsockname()
    if isinstance(where, tuple):
        host, port = where[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"unix:{where if isinstance(where, str) else '@' + os.fsdecode(where[1:])}"


def _host_and_port(text: str, port: str) -> tuple[str, str]:
    """`HOST`, `HOST:PORT`, `::1` and `[::1]:PORT`."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":") or port
    if text.count(":") == 1:
        host, _, own = text.partition(":")
        return host, own or port
    return text, port


def _listen_inet(address: str, port: str, *, alone: bool) -> _socket.socket:
    try:
        # Bytes, because text would be sent through the IDNA codec, whose import alone costs milliseconds.
        host = address.encode("ascii")
        candidates = _socket.getaddrinfo(host, port, type=_socket.SOCK_STREAM, flags=_socket.AI_PASSIVE)
    except (_socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotListenError(f"cannot listen on {address} port {port}: {reason}") from None
    trouble: OSError | None = None
    for family, kind, protocol, _, target in candidates:
        listening = _socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            if family == _socket.AF_INET6 and not alone:
                listening.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
            listening.bind(target)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            trouble = error
        else:
            return listening
    reason = (trouble and trouble.strerror) or "no address"
    if trouble is not None and trouble.errno == errno.EADDRINUSE:
        reason += "; is another server running? choose another port (-p, or behind the address) or another address"
    raise CannotListenError(f"cannot listen on {address} port {port}: {reason}")


def _listen_unix(path: str, mode: int | None) -> _socket.socket:
    if not path:
        # The kernel would take it and choose a name that nobody knows.
        raise CannotListenError("cannot listen on unix: without a path")
    listening = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        _remove_stale_socket(path)
        _bind_unix(listening, path, mode)
    except OSError as error:
        listening.close()
        raise CannotListenError(f"cannot listen on unix:{path}: {error.strerror or error}") from None
    return listening


def _bind_unix(listening: _socket.socket, path: str, mode: int | None) -> None:
    # First closed to all others, then opened as far as asked: never a moment too wide.
    before = os.umask(0o177) if mode is not None else None
    try:
        listening.bind(path)
    finally:
        if before is not None:
            os.umask(before)
    try:
        if mode is not None:
            os.chmod(path, mode)  # noqa: PTH101 - pathlib costs start-up time
        listening.listen(BACKLOG)
    except OSError:
        os.unlink(path)  # noqa: PTH108 - as above
        raise


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
    probe.setblocking(False)  # a living server may have as many clients waiting as it takes
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)  # noqa: PTH108 - pathlib costs start-up time
    except BlockingIOError:
        raise CannotListenError(f"cannot listen on unix:{path}: another server listens there") from None
    else:
        raise CannotListenError(f"cannot listen on unix:{path}: another server listens there")
    finally:
        probe.close()


def _identity(path: str) -> tuple[int, int] | None:
    """What tells this file from another one of the same name."""
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib costs start-up time
    except OSError:
        return None
    return found.st_dev, found.st_ino
