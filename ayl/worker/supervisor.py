"""Keeps N worker processes alive.

Order of a stop: SIGTERM or SIGINT to the supervisor is passed on to every worker; each finishes its call, and the
supervisor ends when the last has. A second signal kills what is left; the server gives their jobs to others.
"""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from ayl.worker.deadlines import Deadlines, shared_memory
from ayl.worker.process import EXIT_CONFIG, EXIT_OK, EXIT_RETIRED, SLOTS, Plan
from ayl.worker.terms import EXIT_OVERRAN

log = logging.getLogger("ayl.worker")

REMINDER_SECONDS = 1.0
"""Between the first two signals to a worker that is to stop; each time after that it is twice as long. With each, the
kernel counts the time anew for the answer that a worker is waiting for: it must come to an end at some time."""

RESTART_SECONDS = 0.5
"""Between the death of a worker and the start of another in its place."""


LAST_WORDS_SECONDS = 0.3
"""Between the signal at which a worker that holds the interpreter lock tells where it is, and the one that kills it."""


class Worker:
    """One process, and the time that its calls have."""

    def __init__(self, plan: Plan, lifeline: int, bell: int) -> None:
        memory = shared_memory(SLOTS)
        try:
            given = (lifeline, memory, bell)
            command = [sys.executable, "-m", "ayl.worker.process", plan.to_json(), *map(str, given)]
            self.process = subprocess.Popen(command, pass_fds=given)  # noqa: S603 - our own module
            self._deadlines = Deadlines(SLOTS, memory)
        finally:
            os.close(memory)
        self._kill_at: float | None = None

    def next_look(self) -> float:
        """When to look whether its time is over, seconds of the monotonic clock."""
        return self._deadlines.nearest(time.monotonic()) if self._kill_at is None else self._kill_at

    def look(self, now: float) -> None:
        """End it, if a call in it has not ended and holds the interpreter lock, so that nobody in there can help."""
        if self._kill_at is not None:
            if now >= self._kill_at:
                self.process.kill()
                self._kill_at = float("inf")
        elif self._deadlines.is_over(now):
            log.critical("worker %d is killed: a call in it cannot be interrupted at its time to run", self.process.pid)
            self.process.send_signal(signal.SIGABRT)  # faulthandler's: it tells where all threads are
            self._kill_at = now + LAST_WORDS_SECONDS

    @property
    def overran(self) -> bool:
        """Whether it was ended for a call."""
        return self._kill_at is not None or self.process.returncode == EXIT_OVERRAN

    def close(self) -> None:
        """Once it has ended."""
        self._deadlines.close()


class Supervisor:
    """The parent of the worker processes."""

    def __init__(self, plan: Plan, processes: int) -> None:
        self.plan = plan
        self.processes = processes
        self.exit_code = EXIT_OK
        self._running: list[Worker] = []
        self._due: list[float] = []  # when to start another worker, seconds of the monotonic clock
        self._stops = 0
        self._stopping = False
        self._remind_at = 0.0  # when to repeat the signal, seconds of the monotonic clock
        self._remind_after = REMINDER_SECONDS
        # The workers hold the reading end; it ends when this process does, however it dies.
        self._lifeline, self._held = os.pipe()
        self._reader, self._writer = socket.socketpair()

    def run(self) -> int:
        """Supervise until stopped or every worker has retired; the exit code."""
        self._install()
        self._due = [time.monotonic()] * self.processes
        while self._running or self._due:
            self._start_due()
            self._wait()
            self._reap()
            self._pass_on_stops()
        return self.exit_code

    def _install(self) -> None:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._record_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the loop

    def _record_stop(self, *_: object) -> None:
        self._stops += 1

    def _start_due(self) -> None:
        now = time.monotonic()
        starting = [due for due in self._due if due <= now]
        self._due = [due for due in self._due if due > now]
        for _ in starting:
            worker = Worker(self.plan, self._lifeline, self._writer.fileno())
            self._running.append(worker)
            log.info("started worker %d", worker.process.pid)

    def _wait(self) -> None:
        """Until a signal comes, a start is due or a call's time is over; while stopping, no longer than until the next
        reminder.
        """
        moments = [*self._due, *(worker.next_look() for worker in self._running)]
        if self._stopping:
            moments.append(self._remind_at)
        moment = min(moments, default=float("inf"))
        timeout = None if moment == float("inf") else max(0.0, moment - time.monotonic())
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            if selector.select(timeout):
                self._reader.recv(4096)
        now = time.monotonic()
        for worker in self._running:
            worker.look(now)

    def _reap(self) -> None:
        for worker in list(self._running):
            code = worker.process.poll()
            if code is None:
                continue
            self._running.remove(worker)
            worker.close()
            log.info("worker %d %s", worker.process.pid, _how(code))
            if code == EXIT_CONFIG:
                self.exit_code = EXIT_CONFIG
                self._stop(signal.SIGTERM)
            elif code != EXIT_RETIRED and not self._stopping:
                self._due.append(time.monotonic() + (0.0 if worker.overran else RESTART_SECONDS))

    def _pass_on_stops(self) -> None:
        if self._stops > 1:
            self._stop(signal.SIGKILL)
        elif self._stops and not self._stopping:
            log.info("stopping: each worker finishes its call; once more kills them")
            self._stop(signal.SIGTERM)
        elif self._stopping and time.monotonic() >= self._remind_at:
            # A call may have had a signal handler of its own when the first one came.
            self._stop(signal.SIGTERM)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping = True
        self._remind_at = time.monotonic() + self._remind_after
        self._remind_after *= 2
        self._due = []
        for worker in self._running:
            worker.process.send_signal(number)


def _how(code: int) -> str:
    known = {
        EXIT_OK: "ended",
        EXIT_CONFIG: "could not start",
        EXIT_RETIRED: "retired",
        EXIT_OVERRAN: "ended for a call that overran",
    }
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return known.get(code, f"ended with exit code {code}")


def supervise(app_path: str, require: Sequence[str], tubes: Sequence[str], processes: int, log_level: str) -> int:
    """Run `processes` workers until stopped; the exit code."""
    logging.basicConfig(
        level=log_level, format="%(asctime)s %(levelname)s ayl_worker[%(process)d] %(message)s", stream=sys.stderr
    )
    return Supervisor(Plan(app_path, tuple(require), tuple(tubes), log_level), processes).run()
