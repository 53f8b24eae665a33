"""One process of a daemon: how it is started, heard, signalled and buried. It has a session of its own, so that it is
killed with all that it has started, and dies with its keeper, however that dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from ayl.daemons import notes
from ayl.daemons.spec.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ayl.daemons.course import Run
    from ayl.daemons.home import Home
    from ayl.daemons.order import Order

TAIL = 20
"""Lines of output that are kept, to tell why a process has ended."""

LONGEST_LINE = 500
"""Characters of each of them, and of what a process says of itself."""

NOTES = 100
"""Read at once. Who says more can wait: there is other work."""

PIPE_BYTES = 65_536
"""Read at once of its output."""

PR_SET_PDEATHSIG = 1
"""prctl(2)."""

_libc = ctypes.CDLL(None)

_RESET = (
    *(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
    *(signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
)
"""Signals that Python, or somebody before us, may have ignored, which is inherited."""


class Child:
    """Of one run."""

    def __init__(self, run: Run, pid: int, began: float, notes: socket.socket, output: int | None) -> None:
        """`notes`: where it says how it is; `output`: where we read what it prints, None once it has closed
        that."""
        self.run = run
        self.pid = pid
        self.began = began
        """Seconds since 1970."""
        self.notes = notes
        self.output = output
        self.code: int | None = None
        """How it has ended; less than 0 for a signal's number."""
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._begun = b""  # the last line of its output, as far as it has come

    def record(self) -> dict[str, Any]:
        """For JSON, and for the program that takes the place of this one: its descriptors are handed on from now on."""
        descriptors = {"notes": self.notes.fileno(), "output": self.output}
        for descriptor in descriptors.values():
            if descriptor is not None:
                os.set_inheritable(descriptor, True)
        return {"number": self.run.number, "pid": self.pid, "began": self.began, **descriptors, "tail": [*self.tail]}

    @classmethod
    def of(cls, record: Mapping[str, Any], run: Run) -> Child:
        """The one that this process had before it became another program."""
        notes, output = socket.socket(fileno=record["notes"]), record["output"]
        child = cls(run, record["pid"], record["began"], notes, output)
        child.tail.extend(record["tail"])
        notes.setblocking(False)
        child.keep()
        return child

    def keep(self) -> None:
        """No process that is started gets its descriptors."""
        for descriptor in (self.notes.fileno(), self.output):
            if descriptor is not None:
                os.set_inheritable(descriptor, False)

    def heard(self) -> Iterator[Mapping[str, str]]:
        """What it has said of itself since the last look."""
        with suppress(BlockingIOError):
            for _ in range(NOTES):
                yield notes.read(self.notes.recv(notes.LARGEST))

    def printed(self) -> bytes:
        """The next of its output, if there is some."""
        if self.output is None:
            return b""
        try:
            data = os.read(self.output, PIPE_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            os.close(self.output)
            self.output = None
        self._remember(data)
        return data

    def _remember(self, data: bytes) -> None:
        *lines, rest = (self._begun + data).split(b"\n")
        self._begun = rest[-PIPE_BYTES:]
        self.tail.extend(map(_shortened, lines[-TAIL:]))

    def send_signal(self, number: int) -> None:
        """To itself alone; it is known to be ours as long as `reap` has not told its end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """With all that it has started and that has not left its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> bool:
        """Whether it has ended. What it has left of its group is killed first, as long as the number is still its."""
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            return False
        self.kill()
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return True

    def close(self) -> None:
        """After its end."""
        if self._begun:
            self.tail.append(_shortened(self._begun))
        if self.output is not None:
            os.close(self.output)
            self.output = None
        self._unlisten()

    def _unlisten(self) -> None:
        path = self.notes.getsockname()
        self.notes.close()
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - pathlib is large for a process that stays


def started(run: Run, home: Home) -> Child:
    """A process for it. OSError if there is none to be had."""
    with ExitStack() as undo:
        path = home.socket(run.number)
        notes = undo.enter_context(_listening(path))
        undo.callback(os.unlink, path)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        os.set_blocking(reader, False)
        try:
            pid = _fork(run.order, _environment(run, home), writer)
        finally:
            os.close(writer)
        undo.pop_all()
        return Child(run, pid, time.time(), notes, reader)


def _shortened(line: bytes) -> str:
    return line[:LONGEST_LINE].decode(errors="replace")


def _listening(path: str) -> socket.socket:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - as above
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        before = os.umask(0o177)
        try:
            found.bind(path)
        finally:
            os.umask(before)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found


def _environment(run: Run, home: Home) -> dict[str, str]:
    told = {"NOTIFY_SOCKET": home.socket(run.number)}
    if run.order.watchdog:
        told["WATCHDOG_USEC"] = str(int(run.order.watchdog * 1e6))
    if run.order.kind == Kind.WORKERS.value:
        told["AYL_WORKER_STATUS"] = home.worker(run.number)
    return {**run.order.environment, **told}


def _fork(order: Order, environment: Mapping[str, str], output: int) -> int:
    """A fork rather than posix_spawn: only a process itself can say what it shall die of."""
    keeper = os.getpid()
    # What is sent to it before it is itself would only be recorded, by what it has of the keeper.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)
    try:
        pid = os.fork()
    finally:
        if os.getpid() == keeper:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if pid == 0:
        try:
            _become(order, environment, output, keeper)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing of the keeper may run here
            reason = (isinstance(error, OSError) and error.strerror) or repr(error)
            os.write(2, f"ayl_daemons: cannot start {order.command[0]} in {order.directory}: {reason}\n".encode())
        finally:
            os._exit(126)
    return pid


def _become(order: Order, environment: Mapping[str, str], output: int, keeper: int) -> NoReturn:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)  # never 0, 1 or 2: whoever starts a keeper has opened these
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _die_with(keeper)
    os.umask(order.umask)
    os.chdir(order.directory)
    os.execvpe(order.command[0], order.command, environment)  # noqa: S606 - what the operator has written down


def _die_with(keeper: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(126)
