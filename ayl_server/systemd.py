"""What systemd tells a service, and what it wants to be told: sockets passed, readiness, signs of life.

Both are plain conventions (sd_listen_fds and sd_notify) that need no library. The C half of `socket` will do: this is
imported before the server listens.
"""

from __future__ import annotations

import _socket

from ayl_server.exits import CannotListenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIRST_PASSED = 3
"""The first descriptor that is passed."""

PATIENCE_SECONDS = 60
"""How much longer systemd is asked to wait for a start that makes progress."""

SEND_SECONDS = 1.0
"""How long to wait for systemd to take a message that it must not miss."""


def passed_sockets(variables: MutableMapping[str, str], pid: int) -> list[str]:
    """The names of the sockets passed to this process, in the order of their descriptors; "" where one has none.

    The variables are removed, as they are meant for one process and not for those that it starts.
    """
    meant_for = variables.pop("LISTEN_PID", None)
    count = variables.pop("LISTEN_FDS", None)
    names = variables.pop("LISTEN_FDNAMES", None)
    # A child inherits the variables, but not the sockets; so they name the process that they mean.
    if meant_for is None or count is None or _number("LISTEN_PID", meant_for) != pid:
        return []
    number = _number("LISTEN_FDS", count)
    if names is None:
        return [""] * number
    found = names.split(":") if number else []
    if len(found) != number:
        raise CannotListenError(f"systemd passed LISTEN_FDS={count} sockets, but LISTEN_FDNAMES={names}")
    return found


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise CannotListenError(f"systemd is said to have set {name}={value}, which is no number")
    return int(value)


class Notifier:
    """Tells systemd how we are. Without one that listens it does nothing; that it fails is no reason not to serve."""

    __slots__ = ("_address", "_sender", "trouble", "watchdog")

    def __init__(self, variables: MutableMapping[str, str], pid: int) -> None:
        address = variables.pop("NOTIFY_SOCKET", "")
        period = variables.pop("WATCHDOG_USEC", "")
        watched = variables.pop("WATCHDOG_PID", str(pid))
        self.trouble: str | None = None
        """Why systemd will hear nothing of us, if so."""
        self.watchdog = 0.0
        """Seconds after which systemd takes us for dead; 0 if it does not look."""
        self._sender: _socket.socket | None = None
        self._address = ""
        if address.startswith(("/", "@")):
            # "@" stands for the NUL that begins the name of a socket without a file.
            self._address = "\0" + address[1:] if address.startswith("@") else address
            # Made now, because there may be no descriptor left when systemd must hear that we live.
            self._sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
        elif address:
            self.trouble = f"NOTIFY_SOCKET={address} is neither a path nor @NAME"
        if period.isascii() and period.isdigit():
            if watched == str(pid):
                self.watchdog = int(period[:18]) / 1e6
        elif period:
            self.trouble = f"WATCHDOG_USEC={period} is no number"

    def ready(self, status: str) -> None:
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        self._tell(f"STATUS={_line(status)}")

    def starting(self, status: str) -> None:
        """The start goes on, and takes its time."""
        self._tell(f"EXTEND_TIMEOUT_USEC={PATIENCE_SECONDS * 1_000_000}\nSTATUS={_line(status)}")

    def stopping(self) -> None:
        self._tell("STOPPING=1\nSTATUS=Stopping")

    def alive(self) -> None:
        # The next one is not far, so this one need not wait.
        self._tell("WATCHDOG=1", seconds=0.0)

    def close(self) -> None:
        """Tell nothing more."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def _tell(self, message: str, seconds: float = SEND_SECONDS) -> None:
        if self._sender is None:
            return
        try:
            self._sender.settimeout(seconds)
            self._sender.sendto(message.encode(errors="backslashreplace"), self._address)
        except OSError as error:
            self.trouble = f"systemd cannot be told how we are: {error.strerror or error}"


def _line(text: str) -> str:
    """A line end would begin the next assignment."""
    return text.replace("\n", " ")
