"""`ayl_server`: listen first, import the rest afterwards.

Clients that start a server and connect a moment later (greenstalk's own tests wait 100 ms) find the
socket open while asyncio is still being imported; the kernel keeps their connections and bytes.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # typeshed leaves it out

# The C halves of `signal` and `socket` do all that is needed here; the Python halves cost a third of the start.
import errno
import os
import sys

from ayl_server import compiled
from ayl_server.addresses import PLAIN, TLS, Address, listen, listen_for_metrics, passed
from ayl_server.config import USAGE, Config, UsageError, fail, parse
from ayl_server.exits import StartError, end_at_once_on
from ayl_server.systemd import Notifier, passed_sockets


def main() -> None:
    """The command `ayl_server`."""
    _occupy_standard_descriptors()
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
    try:
        code = _start(config)
    except StartError as error:
        from ayl_server.logbook import Logbook

        Logbook(config.log_format).refusal(error)
        raise SystemExit(error.code) from None
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        sys.stderr.write(f"ayl_server: {error.strerror}; raise the limit (ulimit -n, LimitNOFILE=)\n")
        raise SystemExit(1) from None
    # Without Python's farewell: to take a million jobs apart would be the longest part of a stop. Nothing is buffered.
    os._exit(code)


def _start(config: Config) -> int:
    """Serve; the exit code."""
    # From here on somebody may know of this process and send it a signal, long before the service can take it.
    drain_asked: list[int] = []
    _signal.signal(_signal.SIGUSR1, lambda number, _: drain_asked.append(number))
    # Until there is somebody to serve, a stop needs no care: what the binlog holds survives it.
    for number in (_signal.SIGTERM, _signal.SIGINT):
        end_at_once_on(number)
    notifier = Notifier(os.environ, os.getpid())
    addresses: list[Address] = []
    try:
        _listen(config, addresses)
        tls = None
        if any(address.speaks == TLS for address in addresses):
            from ayl_server.tls import server_context

            tls = server_context(config)
        if os.environ.get("AYL_SERVER_PURE") != "1":
            compiled.use()
        from ayl_server.service import run

        return run(
            addresses,
            config,
            tls=tls,
            notifier=notifier,
            force_asyncio=os.environ.get("AYL_SERVER_LOOP") == "asyncio",
            drain_asked=lambda: bool(drain_asked),
        )
    finally:
        for address in addresses:
            address.withdraw()


def _occupy_standard_descriptors() -> None:
    """See to it that 0, 1 and 2 are open: else a client's socket would get one, and log lines with it."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w"))


def _listen(config: Config, addresses: list[Address]) -> None:
    """The sockets that systemd passes, or else those that the configuration asks for."""
    addresses += passed(passed_sockets(os.environ, os.getpid()), config)
    if not any(address.speaks in (PLAIN, TLS) for address in addresses):
        addresses += listen(config)
    elif config.addresses:
        config.warnings.append("-l is ignored: systemd has passed sockets")
    if config.metrics is not None:
        addresses.append(listen_for_metrics(config.metrics))


if __name__ == "__main__":
    main()
