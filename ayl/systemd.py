"""What systemd wants to hear of a daemon, or a keeper that does as systemd does: that it is ready, how it is, that it
lives (sd_notify). The convention is a datagram of assignments, and needs no library.

Whoever tells never waits. What cannot be told now is kept, of each name the latest, and told once there is room.
"""

from __future__ import annotations

import socket
from errno import EMSGSIZE

TYPE_CHECKING = False  # a supervisor loads this, and typing is large
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

LONGEST = 4096
"""Bytes that systemd takes at once; it ignores what is longer. Facts are told in several messages, each whole."""

LEAST_WATCHDOG = 0.02
"""Seconds: signs of life are not given more often for a period that is shorter."""


class Notifier:
    """Tells how this process is. That nobody listens, or it fails, is no reason not to go on."""

    __slots__ = ("_address", "_socket", "_untold", "is_full", "trouble", "watchdog")

    def __init__(self, variables: MutableMapping[str, str], pid: int) -> None:
        """Of the environment of the process with this number. What is meant for it alone is taken out: no process that
        it starts is to speak in its name.
        """
        address = variables.pop("NOTIFY_SOCKET", "")
        period = variables.pop("WATCHDOG_USEC", "")
        watched = variables.pop("WATCHDOG_PID", str(pid))
        self.trouble = ""
        """Why nobody hears of us who should."""
        self.watchdog = 0.0
        """Seconds without a sign of life after which we are taken for dead; 0 if nobody looks."""
        self.is_full = False
        """Whether something is left to be told, for which there was no room. (Who is away may never come back: then the
        rest is told with whatever is next.)
        """
        self._untold: dict[str, str] = {}
        self._address = ""
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")):
            # "@" stands for the NUL that begins the name of a socket without a file.
            self._address = "\0" + address[1:] if address.startswith("@") else address
            # Made now, because there may be no descriptor left when our end must be told.
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._watch(period, to_whom=watched, pid=pid)
        elif address:
            self.trouble = f"NOTIFY_SOCKET={address} is neither a path nor @NAME"

    def _watch(self, period: str, *, to_whom: str, pid: int) -> None:
        if period.isascii() and period.isdigit():
            if to_whom == str(pid) and int(period[:18]):
                self.watchdog = max(LEAST_WATCHDOG, int(period[:18]) / 1e6)
        elif period:
            self.trouble = f"WATCHDOG_USEC={period} is no number"

    @property
    def is_heard(self) -> bool:
        """Whether somebody wants to be told."""
        return self._socket is not None

    def tell(self, facts: Mapping[str, str]) -> None:
        """These, in this order, such as {"READY": "1"}."""
        if self._socket is not None:
            self._untold.update(facts)
            self.send_rest()

    def alive(self) -> None:
        """A sign of life. One that does not get through is not kept: the next is not far."""
        self.send_rest()
        self._send(b"WATCHDOG=1")

    def send_rest(self) -> None:
        """What could not be told before."""
        while self._untold:
            names, message = first_message(self._untold)
            if not self._send(message):
                return
            for name in names:
                del self._untold[name]

    def close(self) -> None:
        """Tell nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: bytes) -> bool:
        """Whether it is done with."""
        if self._socket is None:
            return True
        self.is_full = False
        try:
            self._socket.sendto(message, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL, self._address)
        except BlockingIOError:
            self.is_full = bool(self._untold)
            return False
        except OSError as error:
            self.trouble = f"systemd cannot be told how we are: {error.strerror or error}"
            return error.errno == EMSGSIZE
        return True


def first_message(facts: Mapping[str, str]) -> tuple[list[str], bytes]:
    """As many of these facts as one message takes, at least one: their names, and the message. Pure."""
    names: list[str] = []
    message = b""
    for name, value in facts.items():
        line = f"{name}={_line(value)}".encode(errors="backslashreplace")
        if names and len(message) + 1 + len(line) > LONGEST:
            break
        message += b"\n" * bool(names) + line
        names.append(name)
    return names, message


def _line(text: str) -> str:
    """A line end would begin the next assignment."""
    return " ".join(text.splitlines()).replace("\0", " ")
