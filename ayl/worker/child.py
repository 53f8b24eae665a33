"""The child process of a process slot, as its relay sees it."""

import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from ayl.worker import exits, line
from ayl.worker.frames import Frame, Head, Reader, written
from ayl.worker.line import Line
from ayl.worker.overruns import Overruns
from ayl.worker.plan import Plan
from ayl.worker.relayed import CHUNK
from ayl.worker.tally import Tally

log = logging.getLogger("ayl.worker")


@dataclass(frozen=True, slots=True)
class Death:
    """How a child has ended."""

    code: int
    """Its exit code; less than 0 for a signal's number."""
    memory: int
    """Bytes that it had in memory at most."""
    overran: bool
    """Whether that was for a call that could not be interrupted."""

    def told(self) -> str:
        """For operators."""
        return f"its process {exits.death(self.code, self.memory)}"


class Child:
    """A new interpreter: nothing is forked from threads."""

    def __init__(self, plan: Plan) -> None:
        ours, its = line.pair()
        self.requests, asked_by = socket.socketpair()
        with (
            its,
            asked_by,
            Overruns.watched(1, log) as (self.overruns, deadlines),
            Tally.shared() as (self.tally, tally),
        ):
            given = (its.fileno(), asked_by.fileno(), deadlines, tally)
            command = [sys.executable, "-m", "ayl.worker.process_slot", plan.to_json(), *map(str, given)]
            self._process = subprocess.Popen(command, pass_fds=given)  # noqa: S603 - our own module
        self.line = Line(ours)
        self.end = os.pidfd_open(self.pid)
        """Readable once it has ended: sockets may be held by processes that its calls have started."""
        self.is_loaded = False
        self.is_dismissed = False
        """It gets no more jobs."""
        self._reader = Reader()
        self._unsent = bytearray()
        self.requests.setblocking(False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def hear(self) -> Frame | None:
        """What it asks, once something has come; None until all of it is there. OSError if it has hung up."""
        data = self.requests.recv(CHUNK)
        if not data:
            raise ConnectionResetError
        self._reader.feed(data)
        return self._reader.next()

    def answer(self, head: Head, *bodies: bytes) -> bool:
        """What it has asked; False if there is no room for all of it now: then `send_rest` once there is."""
        self._unsent += written(head, *bodies)
        return self.send_rest()

    def send_rest(self) -> bool:
        """The same. A child that has asked ahead reads only when its calls have ended. OSError if it has hung up."""
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self.requests.send(self._unsent)]
        return not self._unsent

    def dismiss(self) -> None:
        """It gets no more jobs, and ends after its call."""
        self.is_dismissed = True
        if self.is_loaded:
            self.line.say(line.STOP)
        else:
            self.kill()

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int) -> None:
        """Not by the Popen, which would reap it; and who is reaped has let go of the descriptor."""
        with suppress(OSError):
            signal.pidfd_send_signal(self.end, sig)

    def lose(self, end_at: float) -> None:
        """The lease of its call is lost: if that does not end, the process does."""
        self.line.say(line.LOST)
        self.overruns.end_at(end_at)

    def look(self) -> bool:
        """See to it that calls end in time; whether it is just now being killed for one that does not."""
        before = self.overruns.have_ended
        self.overruns.look(monotonic(), self)
        return self.overruns.have_ended and not before

    def reap(self) -> Death:
        """Wait until it has ended, which it is about to, and let go of all that was shared with it."""
        _, status, used = os.wait4(self.pid, 0)
        code = self._process.returncode = os.waitstatus_to_exitcode(status)
        overran = self.overruns.have_ended or code == exits.OVERRAN
        self.overruns.close()
        self.tally.close()
        self.line.close()
        self.requests.close()
        os.close(self.end)
        return Death(code, used.ru_maxrss * 1024, overran)
