"""The targets that are real processes: a server on a unix socket, clients with real sockets, real time.

Two questions make such tests shaky: has the server read what was sent, and has it noticed who came or
went? The kernel answers both (bytes the peer has not read; the table of unix sockets), so that a later
step of another client never overtakes an earlier one, and no step needs a guessed sleep.
"""

from __future__ import annotations

import fcntl
import os
import platform
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .inbox import Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_SECONDS = 10.0
"""How long a server may take until it listens, before its start counts as failed."""

READ_SECONDS = 0.04
"""How long to wait until the server has read a packet: for ever, if the client is blocked in reserve."""

SEND_SECONDS = 10.0
"""How long a packet may take to be sent. Beyond that the server has stopped reading for good."""

NOTICE_SECONDS = 2.0
"""How long to wait until the server has accepted or closed a connection."""

SIGNAL_SECONDS = 2.0
"""How long to wait until the server has handled a signal and gone back to sleep."""

POLL_SECONDS = 0.000_2
MAX_POLL_SECONDS = 0.01

# Taken once: pytest changes the environment at each test, and exec in another thread must not read it then.
ENVIRONMENT = dict(os.environ)


class Process(Protocol):
    """As much of a subprocess.Popen as is used here."""

    pid: int

    def poll(self) -> object: ...

    def kill(self) -> None: ...

    def wait(self) -> object: ...


Start: TypeAlias = "Callable[[Sequence[str], Path], Process]"
"""Starts a server with these words on its command line, and what it says in this file."""


def started(command: Sequence[str]) -> Start:
    """A start of this command."""

    def start(words: Sequence[str], log: Path) -> Process:
        with log.open("ab") as said:
            return subprocess.Popen(
                [*command, *words], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=ENVIRONMENT
            )

    return start


class ServerProcess:
    """One server process and its clients."""

    patience = 5.0
    lateness = 0.9
    calm = 0.02

    def __init__(self, options: Sequence[str], start: Start) -> None:
        """`start`: as `started(command)` makes it, or a nursery's."""
        self.directory = Path(tempfile.mkdtemp(prefix="ayl-"))
        self.socket_path = self.directory / "socket"
        self.clients: dict[str, socket.socket] = {}
        self.early: dict[str, bytes] = {}  # read from the socket, but not yet asked for
        self.ended: set[str] = set()
        self.words = ["-l", f"unix:{self.socket_path}", *options]
        self._begin = start
        self.first: socket.socket | None = None
        try:
            self.process = self._start()
        except OSError:
            shutil.rmtree(self.directory)
            raise
        try:
            self._dial_until_serving()
        except BaseException:
            self.close()
            raise
        self.facts = {
            "pid": str(self.process.pid),
            "hostname": platform.node(),
            "os": platform.version(),
            "platform": platform.machine(),
        }

    def _start(self) -> Process:
        return self._begin(self.words, self.directory / "log")

    def _dial_until_serving(self) -> None:
        """Connect as soon as that is possible. The connection becomes the first client's: it is counted."""
        if not (_poll(self._dial, START_SECONDS) and _poll(self._accepted, START_SECONDS)):
            raise RuntimeError(f"the server does not serve; it said: {self.log()}")

    def _dial(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended; it said: {self.log()}")
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(self.socket_path))
        except OSError:
            client.close()
            return False
        self.first = client
        return True

    def log(self) -> str:
        """The end of what the server wrote to its output."""
        return (self.directory / "log").read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """End the process and remove every trace of it."""
        self._kill()
        shutil.rmtree(self.directory)

    def restart(self) -> None:
        """Kill the process without warning and start it again in the same place, for new clients."""
        self._kill()
        self.clients, self.early, self.ended, self.first = {}, {}, set(), None
        self.process = self._start()
        self._dial_until_serving()

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for client in (*self.clients.values(), self.first):
            if client is not None:
                client.close()

    # What clients do

    def connect(self, who: str) -> None:
        """A new client, accepted by the server."""
        self.early[who] = b""
        if self.first is not None:
            self.clients[who], self.first = self.first, None
            return
        before = self._accepted()
        self.clients[who] = socket.socket(socket.AF_UNIX)
        self.clients[who].connect(str(self.socket_path))
        self._until_accepted(lambda accepted: accepted > before)
        # What the kernel has handed over is a client only when the loop has come round.
        if not _poll(lambda: _sleeps(_status(self.process.pid)), NOTICE_SECONDS):
            raise RuntimeError(f"the server never comes to rest; it said: {self.log()}")

    def send(self, who: str, data: bytes) -> None:
        """Send a packet and let the server read it. Replies are read meanwhile, or both sides would get stuck."""
        client = self.clients[who]
        give_up = time.monotonic() + SEND_SECONDS
        left = memoryview(data)
        while left:
            readable, writable, _ = select.select([client], [client], [], self.patience)
            if readable:
                self._read(who)
            if writable:
                left = left[_send_some(client, left) :]
            if who in self.ended or time.monotonic() > give_up:
                return  # the conversation will say what is missing
        _poll(lambda: _unread(client) == 0, READ_SECONDS)

    def half_close(self, who: str) -> None:
        """Send no more. What that leads to is seen by its replies."""
        self.clients[who].shutdown(socket.SHUT_WR)

    def hang_up(self, who: str) -> None:
        """Vanish, and let the server notice."""
        before = self._accepted()
        self.clients.pop(who).close()
        del self.early[who]
        if who not in self.ended:
            self._until_accepted(lambda accepted: accepted < before)

    def drain(self) -> None:
        """What an operator does: kill -USR1."""
        os.kill(self.process.pid, signal.SIGUSR1)
        if not _poll(lambda: _has_handled(self.process.pid, signal.SIGUSR1), SIGNAL_SECONDS):
            raise RuntimeError(f"the server does not handle SIGUSR1; it said: {self.log()}")

    def receive(self, who: str, patience: float) -> bytes:
        """Return what arrives next."""
        if not self.early[who] and who not in self.ended:
            if not select.select([self.clients[who]], [], [], patience)[0]:
                raise Silence
            self._read(who)
        data, self.early[who] = self.early[who], b""
        return data

    def _read(self, who: str) -> None:
        """Read once. A reset is the end too: the server closed without reading everything."""
        try:
            data = self.clients[who].recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.early[who] += data
        if not data:
            self.ended.add(who)

    def listen(self, seconds: float) -> None:
        """Let real time pass until a client that has not seen its end hears something."""
        if not any(self.early.values()):
            select.select([self.clients[who] for who in self.clients if who not in self.ended], [], [], seconds)

    def clock(self) -> float:
        """Real time."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let real time pass."""
        time.sleep(seconds)

    # What the kernel knows

    def _accepted(self) -> int:
        """How many connections the server holds, by the kernel's table of unix sockets."""
        name = f" {self.socket_path}"
        rows = Path("/proc/net/unix").read_text().splitlines()
        return sum(1 for row in rows if row.endswith(name) and _is_accepted(row.split()))

    def _until_accepted(self, enough: Callable[[int], bool]) -> None:
        if not _poll(lambda: enough(self._accepted()), NOTICE_SECONDS):
            raise RuntimeError(f"the server neither accepts nor closes connections; it said: {self.log()}")


def _is_accepted(columns: list[str]) -> bool:
    """Tell a connection from the listening socket (state 01) and from one not yet accepted (inode 0)."""
    state, inode = columns[5], columns[6]
    return state != "01" and inode != "0"


def _send_some(client: socket.socket, data: memoryview) -> int:
    """Send what fits; a server that has closed takes everything, as far as its client can tell."""
    try:
        return client.send(data, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0
    except (BrokenPipeError, ConnectionResetError):
        return len(data)


def _unread(client: socket.socket) -> int:
    """How much memory the bytes take that the peer has not read yet."""
    answer = fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, "little")


def _has_handled(pid: int, number: signal.Signals) -> bool:
    """Whether a signal is no longer pending and the process sleeps again: its loop has come round."""
    status = _status(pid)
    pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return not pending >> (number - 1) & 1 and _sleeps(status)


def _status(pid: int) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def _sleeps(status: dict[str, str]) -> bool:
    return status["State"].startswith("S")


def _poll(done: Callable[[], object], seconds: float) -> bool:
    """Ask until the answer is yes: at first often, because most answers come at once, then less so."""
    give_up, pause = time.monotonic() + seconds, POLL_SECONDS
    while not done():
        if time.monotonic() > give_up:
            return False
        time.sleep(pause)
        pause = min(2 * pause, MAX_POLL_SECONDS)
    return True
