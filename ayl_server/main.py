"""`ayl_server`: listen first, import the rest afterwards.

Clients that start a server and connect a moment later (greenstalk's own tests wait 100 ms) find the
socket open while asyncio is still being imported; the kernel keeps their connections and bytes.
"""

from __future__ import annotations

# The C halves of `signal` and `socket` do all that is needed here; the Python halves cost a third of the start.
import _signal  # type: ignore[import-not-found] # typeshed leaves it out
import os
import sys

from ayl_server.addresses import Address, CannotListenError, listen, passed
from ayl_server.config import USAGE, Config, UsageError, fail, parse

SOCKET_ERROR = 111
"""Exit code when the address cannot be listened on, as in beanstalkd."""

NO_SUCH_USER = 33
"""Exit code when -u names nobody, as in beanstalkd."""


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
        addresses = _listen(config)
    except CannotListenError as error:
        sys.stderr.write(f"ayl_server: {error}\n")
        raise SystemExit(SOCKET_ERROR) from None
    if config.user is not None:
        _become(config.user)
    from ayl_server.service import run

    run(
        addresses,
        config,
        force_asyncio=os.environ.get("AYL_SERVER_LOOP") == "asyncio",
        drain_asked=lambda: bool(drain_asked),
    )


def _become(user: str) -> None:
    """Give up whatever rights this process was started with. beanstalkd keeps the supplementary groups."""
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        sys.stderr.write(f"ayl_server: there is no user {user}\n")
        raise SystemExit(NO_SUCH_USER) from None
    try:
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except PermissionError:
        sys.stderr.write(f"ayl_server: only root can become {user}\n")
        raise SystemExit(NO_SUCH_USER) from None


def _listen(config: Config) -> list[Address]:
    """The sockets that systemd passes, or else those that the configuration asks for."""
    # systemd names the process that it means; a child of that one inherits the variables, but not the sockets.
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and (count := int(os.environ.get("LISTEN_FDS", "0"))):
        if config.addresses:
            sys.stderr.write("ayl_server: -l is ignored: systemd has passed sockets\n")
        return passed(count, config)
    return listen(config)


if __name__ == "__main__":
    main()
