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

from ayl.worker.process import EXIT_CONFIG, EXIT_OK, EXIT_RETIRED, Plan

log = logging.getLogger("ayl.worker")

REMINDER_SECONDS = 1.0
"""Between two signals to a worker that is to stop."""

RESTART_SECONDS = 0.5
"""Between the death of a worker and the start of another in its place."""


class Supervisor:
    """The parent of the worker processes."""

    def __init__(self, plan: Plan, processes: int) -> None:
        self.plan = plan
        self.processes = processes
        self.exit_code = EXIT_OK
        self._running: list[subprocess.Popen[bytes]] = []
        self._due: list[float] = []  # when to start another worker, seconds of the monotonic clock
        self._stops = 0
        self._stopping = False
        self._remind_at = 0.0  # when to repeat the signal, seconds of the monotonic clock
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
            command = [sys.executable, "-m", "ayl.worker.process", self.plan.to_json(), str(self._lifeline)]
            process = subprocess.Popen(command, pass_fds=(self._lifeline,))  # noqa: S603 - our own module
            self._running.append(process)
            log.info("started worker %d", process.pid)

    def _wait(self) -> None:
        """Until a signal comes or a start is due; while stopping, no longer than until the next reminder."""
        timeout = max(0.0, min(self._due) - time.monotonic()) if self._due else None
        if self._stopping:
            timeout = REMINDER_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            if selector.select(timeout):
                self._reader.recv(4096)

    def _reap(self) -> None:
        for process in list(self._running):
            code = process.poll()
            if code is None:
                continue
            self._running.remove(process)
            log.info("worker %d %s", process.pid, _how(code))
            if code == EXIT_CONFIG:
                self.exit_code = EXIT_CONFIG
                self._stop(signal.SIGTERM)
            elif code != EXIT_RETIRED and not self._stopping:
                self._due.append(time.monotonic() + RESTART_SECONDS)

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
        self._remind_at = time.monotonic() + REMINDER_SECONDS
        self._due = []
        for process in self._running:
            process.send_signal(number)


def _how(code: int) -> str:
    known = {EXIT_OK: "ended", EXIT_CONFIG: "could not start", EXIT_RETIRED: "retired"}
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return known.get(code, f"ended with exit code {code}")


def supervise(
    app_path: str,
    require: Sequence[str],
    tubes: Sequence[str],
    processes: int,
    log_level: str,
    threads: int = 1,
    coroutines: int = 0,
) -> int:
    """Run `processes` workers with so many slots each until stopped; the exit code."""
    logging.basicConfig(
        level=log_level, format="%(asctime)s %(levelname)s ayl_worker[%(process)d] %(message)s", stream=sys.stderr
    )
    return Supervisor(Plan(app_path, tuple(require), tuple(tubes), log_level, threads, coroutines), processes).run()
