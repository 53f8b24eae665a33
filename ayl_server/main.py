"""`ayl_server`: listen first, import the rest afterwards.

Clients that start a server and connect a moment later (greenstalk's own tests wait 100 ms) find the
socket open while asyncio is still being imported; the kernel keeps their connections and bytes.
"""

from __future__ import annotations

# The C halves of `signal` and `socket` do all that is needed here; the Python halves cost a third of the start.
import _signal  # type: ignore[import-not-found] # typeshed leaves it out
import _socket
import os
import stat
import sys

from ayl_server.config import USAGE, Config, UsageError, fail, parse

SOCKET_ERROR = 111
"""Exit code when the address cannot be listened on, as in beanstalkd."""

BACKLOG = 1024


class CannotListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def main() -> None:
    """The command `ayl_server`."""
    try:
        config = parse(sys.argv[1:])
    except UsageError as error:
        fail(error)
    if config.show_help:
        sys.stderr.write(USAGE)
        return
    if config.show_version:
        from importlib.metadata import version

        sys.stdout.write(f"ayl_server {version('ayl')}\n")
        return
    # From here on somebody may know of this process and send it a signal, long before the listener can take it.
    drain_asked: list[int] = []
    _signal.signal(_signal.SIGUSR1, lambda number, _: drain_asked.append(number))
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    try:
        listening = listen(config)
    except CannotListenError as error:
        sys.stderr.write(f"ayl_server: {error}\n")
        raise SystemExit(SOCKET_ERROR) from None
    import socket

    from ayl_server.listener import run

    run(
        socket.socket(fileno=listening.detach()),
        config,
        force_asyncio=os.environ.get("AYL_SERVER_LOOP") == "asyncio",
        drain_asked=lambda: bool(drain_asked),
    )


def listen(config: Config) -> _socket.socket:
    """A listening socket for the configuration's address."""
    if config.address.startswith("unix:"):
        return _listen_unix(config.address.removeprefix("unix:"))
    return _listen_inet(config.address, config.port)


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


def _listen_unix(path: str) -> _socket.socket:
    if not path:
        # The kernel would take it and choose a name that nobody knows.
        raise CannotListenError("cannot listen on unix: without a path")
    listening = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        _remove_stale_socket(path)
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListenError(f"cannot listen on unix:{path}: {error.strerror or error}") from None
    return listening


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


if __name__ == "__main__":
    main()
