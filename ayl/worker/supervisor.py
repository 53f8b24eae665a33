"""Keeps N worker processes alive. Signals only record; the loop acts.

Order of a stop: each worker is asked to end (SIGTERM), finishes its calls and takes no other. When the grace is over it
is told to give back: its calls are cut off and their jobs released. One that does not even do that is killed; the
server gives its jobs to others. A second signal ends the grace at once, a third kills.

Quiet is the same without a grace, and the supervisor stays, to start workers again when it is told so.

A worker that is to be replaced, by a restart or because it is worn, works on until its successor is connected: the
tubes are served all the time. When the successor fails, the worker stays.

It stands beside its workers for as long as they live, and for one worker it may be a third of the memory of both. So
it does without what is large and not needed for this: logging, typing, threading, subprocess, json, and all of ayl that
knows of calls. (Annotations are not evaluated, so that what only they name is not loaded.)
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
from collections import deque
from contextlib import suppress
from math import inf
from time import monotonic

from ayl.worker import exits, line, proctitle
from ayl.worker.charge import Charge
from ayl.worker.deadlines import TOLD
from ayl.worker.farewell import Act, Farewell
from ayl.worker.journal import Journal
from ayl.worker.line import Line
from ayl.worker.overruns import Overruns
from ayl.worker.restarts import FAILED_STARTS, Restarts
from ayl.worker.signals import Order, Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ClassVar

    from ayl.worker.inquiries import Inquiries
    from ayl.worker.notices import Notices
    from ayl.worker.status import Status, WorkerStatus


class Worker:
    """A worker process, as its supervisor sees it."""

    def __init__(self, charge: Charge, log: Journal, restarts: Restarts, replaces: Worker | None = None) -> None:
        ours, its = line.pair()
        with its, Overruns.watched(charge.slots, log) as (self.overruns, memory):
            given = (its.fileno(), memory)
            for descriptor in given:
                os.set_inheritable(descriptor, True)
            command = [sys.executable, "-m", "ayl.worker.process", charge.plan, *map(str, given)]
            self.pid = os.posix_spawn(command[0], command, os.environ)
        self.line: Line | None = Line(ours)
        self.restarts = restarts
        restarts.started()
        self.replaces = replaces
        """Whom it is to replace, until it is connected."""
        self.is_loaded = False
        self.is_connected = False
        self.farewell: Farewell | None = None
        self.was_killed = False
        """By us."""
        self.began = monotonic()
        self.is_outdated = False
        """Whether it was started before the latest restart was asked for."""

    @property
    def state(self) -> str:
        return "ending" if self.farewell is not None else "working" if self.is_loaded else "starting"

    def ask(self) -> None:
        """How it is: it reports on the line."""
        if self.line is not None:
            self.line.say(line.ASK)

    def leave(self, now: float, grace: float | None) -> None:
        """Begin to bring it to an end, or allow less time for it."""
        if self.farewell is None:
            self.farewell = Farewell(now, grace)
        elif grace is not None:
            self.farewell.hasten(now, grace)

    def hasten(self, now: float) -> None:
        """Do what is due of its farewell."""
        while self.farewell is not None and (act := self.farewell.due(now)) is not None:
            match act:
                case Act.ASK:
                    self.send_signal(signal.SIGTERM)
                case Act.GIVE_BACK:
                    if self.line is not None:
                        self.line.say(line.GIVE_BACK)
                case Act.KILL:
                    self.kill()

    def kill(self) -> None:
        self.was_killed = True
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int) -> None:
        """Nobody is signalled who is reaped: such a worker is forgotten."""
        os.kill(self.pid, sig)

    def reap(self) -> tuple[int, int] | None:
        """Its exit code, less than 0 for a signal's number, and how much it had in memory at most, bytes; None as long
        as it lives.
        """
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            return None
        return os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024

    def hang_up(self) -> None:
        """Nobody is at the other end of its line any more."""
        if self.line is not None:
            self.line.close()
            self.line = None


class Supervisor:
    """The parent of the worker processes."""

    def __init__(self, charge: Charge, log: Journal, notices: Notices | None, inquiries: Inquiries | None) -> None:
        self._charge = charge
        self._log = log
        self._notices = notices
        self._inquiries = inquiries
        self.exit_code = exits.OK
        self._signals = Signals()
        self._workers: list[Worker] = []
        self._due: list[tuple[float, Restarts]] = [(monotonic(), Restarts()) for _ in range(charge.workers)]
        """When to start another worker, seconds of the monotonic clock, and what is known of its place."""
        self._places = charge.workers
        self._to_replace: deque[Worker] = deque()
        self._overrun: deque[int] = deque(maxlen=TOLD)
        """Jobs for whose sake a worker was killed."""
        self._hopeless: list[Restarts] = []
        """Places where no worker can start until the code has changed (--reload)."""
        self._stops = 0
        self._quiet = False
        self._silent = 0
        """Places whose workers were ordered to be quiet."""
        self._began = monotonic()
        self._show = proctitle.setter(charge.name)
        self._tubes = ""
        self._engine = ""
        """What workers take jobs from, and where that is, as the latest of them has said."""

    def run(self) -> int:
        """Supervise until stopped or every worker has retired; the exit code."""
        self._signals.install()
        if self._charge.watched:
            from ayl.worker import changes  # only for who develops

            changes.watch(self._charge.watched, self._changed, self._log)
        while self._workers or self._due or self._hopeless or self._is_silent():
            now = monotonic()
            self._start_due(now)
            self._start_successor()
            for worker in self._workers:
                worker.hasten(now)
            self._notify(now)
            self._wait()
            orders = self._signals.taken()  # first, so that the death of a worker after the next look wakes the loop
            self._reap()
            for order in orders:
                self._obey[order](self)
            if self._inquiries is not None:
                self._inquiries.answer(monotonic(), self._status)
        self._stops = max(self._stops, 1)
        self._notify(monotonic())
        if self._inquiries is not None:
            self._inquiries.close()
        return self.exit_code

    def _notify(self, now: float) -> None:
        """systemd, or whoever keeps us."""
        if self._notices is None:
            return
        from ayl.worker.notices import Standing  # it is loaded already

        state = "stopping" if self._stops else "quiet" if self._quiet else "working"
        if state == "working" and (self._to_replace or any(worker.replaces for worker in self._workers)):
            state = "restarting"
        connected = sum(worker.is_connected and worker.farewell is None for worker in self._workers)
        processes = len(self._workers)
        self._notices.look(
            now, Standing(state, connected, processes, self._places, self._silent, self._tubes, self._engine)
        )

    def _status(self, reports: dict[int, Any]) -> Status:
        from ayl.worker.status import troubles  # as Inquiries: only for who wants to be asked

        now = monotonic()
        state = "stopping" if self._stops else "quiet" if self._quiet else "working"
        places = self._places - self._silent
        workers: list[WorkerStatus] = [
            {
                "pid": worker.pid,
                "state": worker.state,
                "seconds": round(now - worker.began, 1),
                "report": reports.get(worker.pid),
            }
            for worker in self._workers
        ]
        return {
            "pid": os.getpid(),
            "state": state,
            "tubes": self._tubes or "starting",
            "seconds": round(now - self._began, 1),
            "places": places,
            "troubles": troubles(state, places, workers),
            "workers": workers,
        }

    def _is_silent(self) -> bool:
        """Whether there will be workers again."""
        return not self._stops and bool(self._silent or (self._quiet and self._places))

    def _changed(self, names: Sequence[str]) -> None:
        """Called by another thread."""
        self._log.info("%s %s changed", ", ".join(names), "has" if len(names) == 1 else "have")
        self._signals.say(Order.RELOAD)

    def _start_due(self, now: float) -> None:
        starting = [restarts for due, restarts in self._due if due <= now]
        self._due = [(due, restarts) for due, restarts in self._due if due > now]
        for restarts in starting:
            self._start(Worker(self._charge, self._log, restarts))

    def _start_successor(self) -> None:
        """Of the next that is to be replaced: one at a time."""
        if any(worker.replaces for worker in self._workers):
            return
        while self._to_replace:
            old = self._to_replace.popleft()
            if old in self._workers and old.farewell is None:
                self._start(Worker(self._charge, self._log, old.restarts, replaces=old))
                return

    def _start(self, worker: Worker) -> None:
        self._workers.append(worker)
        worker.overruns.tell(self._overrun)
        self._log.info("started worker %d", worker.pid)
        self._title()

    def _wait(self) -> None:
        """Until a signal comes or a word, or until something is due."""
        due = [when for when, _ in self._due]
        due += [worker.farewell.next() for worker in self._workers if worker.farewell is not None]
        due += [worker.overruns.next_look(monotonic()) for worker in self._workers]
        if self._inquiries is not None:
            due.append(self._inquiries.due)
        if self._notices is not None:
            due.append(self._notices.due)
        soonest = min(due, default=inf)
        with selectors.DefaultSelector() as selector:
            selector.register(self._signals, selectors.EVENT_READ)
            for worker in self._workers:
                if worker.line is not None:
                    selector.register(worker.line, selectors.EVENT_READ, worker)
            if self._inquiries is not None:
                selector.register(self._inquiries, selectors.EVENT_READ)
            for key, _ in selector.select(None if soonest == inf else max(0.0, soonest - monotonic())):
                if isinstance(key.data, Worker):
                    self._listen(key.data)
                elif self._inquiries is not None and key.fileobj is self._inquiries:
                    self._inquiries.accept(monotonic(), self._workers)
        now = monotonic()
        for worker in self._workers:
            worker.overruns.look(now, worker, self._tell_overrun)

    def _tell_overrun(self, jobs: list[int]) -> None:
        """To all who may take these next."""
        self._overrun.extend(jobs)
        for worker in self._workers:
            worker.overruns.tell(jobs)

    def _listen(self, worker: Worker) -> None:
        heard = b"" if worker.line is None else worker.line.hear()
        if not heard:
            worker.hang_up()
            return
        word, text = heard[0], heard[1:].decode(errors="replace")
        match word:
            case line.LOADED:
                worker.is_loaded = True
                worker.restarts.loaded(monotonic())
                self._tubes, _, self._engine = text.partition("\n")
                self._title()
            case line.CONNECTED:
                worker.is_connected = True
                if worker.replaces is not None:
                    self._log.info("worker %d takes the place of worker %d", worker.pid, worker.replaces.pid)
                    worker.replaces.leave(monotonic(), self._charge.grace)
                    worker.replaces = None
                self._notify(monotonic())  # now, for it may have done all it was to do and end at once
            case line.REPORT if self._inquiries is not None:
                self._inquiries.heard(worker.pid, text)
            case line.WORN if worker not in self._to_replace:
                self._to_replace.append(worker)

    def _title(self) -> None:
        if self._show is not None:
            number = len(self._workers)
            self._show(f"{self._tubes or 'starting'} ({number} worker{'s' * (number != 1)})")

    def _reap(self) -> None:
        for worker in list(self._workers):
            if (death := worker.reap()) is None:
                continue
            code, memory = death
            if worker.line is not None:
                self._drain(worker)
            self._workers.remove(worker)
            if self._inquiries is not None:
                self._inquiries.gone(worker.pid)
            self._title()
            worker.overruns.close()
            self._log.info("worker %d %s", worker.pid, exits.told(code, memory))
            if code == exits.CUT or (worker.was_killed and worker.is_loaded):
                self.exit_code = self.exit_code or exits.CUT
            self._mourn(worker, code)

    def _drain(self, worker: Worker) -> None:
        """What it said before it ended."""
        with suppress(OSError):
            while worker.line is not None:
                self._listen(worker)

    def _mourn(self, worker: Worker, code: int) -> None:
        """Who takes its place."""
        successor = next((other for other in self._workers if other.replaces is worker), None)
        if worker.farewell is not None or self._stops:
            if successor is not None:
                successor.replaces = None
        elif worker.replaces is not None:
            self._log.error(
                "worker %d failed to take the place of worker %d, which stays", worker.pid, worker.replaces.pid
            )
            if not worker.is_outdated:  # otherwise what has changed since may have mended it
                self._to_replace.clear()
        elif code in exits.LEFT or code == exits.QUIET:
            if code == exits.QUIET:
                self._log.info("its place stays empty; SIGCONT or SIGUSR2 starts a worker there")
                self._silent += 1
            else:
                self._places -= 1
            if successor is not None:
                successor.replaces = None
                successor.leave(monotonic(), self._charge.grace)
        elif code in exits.HOPELESS:
            self._give_up(code)
        elif successor is not None:
            successor.replaces = None
        else:
            self._start_again(worker.restarts, at_once=worker.overruns.have_ended or code == exits.OVERRAN)

    def _start_again(self, restarts: Restarts, *, at_once: bool) -> None:
        now = monotonic()
        due = now if at_once else now + restarts.died(now)
        if restarts.is_hopeless and not any(worker.is_loaded for worker in self._workers):
            self._log.critical(
                "giving up: %d workers in a row died before they had loaded the app; what they said stands above",
                FAILED_STARTS,
            )
            self._give_up(exits.CRASH_LOOP)
        else:
            self._due.append((due, restarts))

    def _give_up(self, exit_code: int) -> None:
        if self._charge.watched:
            self._log.warning("waiting for the code to change")
            self._hopeless.append(Restarts())
            return
        self.exit_code = exit_code
        self._stops = max(self._stops, 1)
        self._dismiss(self._charge.grace)

    def _stop(self) -> None:
        self._stops += 1
        match self._stops:
            case 1:
                self._log.info("stopping: each worker finishes its calls%s; once more cuts them off", self._within())
                self._dismiss(self._charge.grace)
            case 2:
                self._log.warning("stopping at once: the calls are cut off and their jobs given back; once more kills")
                self._dismiss(0.0)
            case _:
                for worker in self._workers:
                    worker.kill()

    def _within(self) -> str:
        return "" if self._charge.grace is None else f" within {self._charge.grace:g} s"

    def _be_quiet(self) -> None:
        if not self._quiet and not self._stops:
            self._log.info("quiet: each worker finishes its calls and ends; SIGCONT or SIGUSR2 starts them again")
            self._quiet = True
            self._silent = 0  # they will all be started again
            self._dismiss(None)

    def _resume(self) -> None:
        if self._is_silent():
            self._log.info("taking jobs again")
            missing = self._places if self._quiet else self._silent
            self._due += [(monotonic(), Restarts()) for _ in range(missing)]
            self._quiet, self._silent = False, 0

    def _restart(self) -> None:
        if not self._quiet and not self._stops:
            self._log.info("restarting the workers one by one")
            self._to_replace = deque(worker for worker in self._workers if worker.farewell is None)
            for worker in self._workers:
                worker.is_outdated = True

    def _reload(self) -> None:
        self._due += [(monotonic(), Restarts()) for _ in self._hopeless]
        self._hopeless = []
        self._restart()

    def _dismiss(self, grace: float | None) -> None:
        """All workers, and start no other."""
        self._due = []
        self._hopeless = []
        self._to_replace.clear()
        for worker in self._workers:
            worker.replaces = None
            worker.leave(monotonic(), grace)

    _obey: ClassVar[dict[Order, Callable[[Supervisor], None]]] = {
        Order.STOP: _stop,
        Order.QUIET: _be_quiet,
        Order.RESUME: _resume,
        Order.RESTART: _restart,
        Order.RELOAD: _reload,
    }


def main(charge: Charge) -> int:
    """Run its workers until stopped; the exit code."""
    log = Journal(charge.log_level, charge.name)
    _keep_descriptors()
    if not charge.pid_path:
        return _supervise(charge, log)
    from ayl.pidfiles import PidFile, PidFileHeld  # only for who wants one

    pid_file = PidFile(charge.pid_path)
    try:
        pid_file.take()
    except PidFileHeld as error:
        holder = f"process {error.pid}" if error.pid else "another process"
        log.error("%s is held by %s: that worker runs already, or this one needs another --name", error.path, holder)
        return exits.CONFIG
    except OSError as error:
        log.error("cannot hold the pid file %s: %s", charge.pid_path, error.strerror or error)
        return exits.CONFIG
    try:
        return _supervise(charge, log)
    finally:
        with suppress(OSError):  # without our lock it means nothing
            pid_file.leave()


def _supervise(charge: Charge, log: Journal) -> int:
    notices = _notices(log)
    inquiries = None
    if charge.status:
        from ayl.worker.inquiries import Inquiries, SocketTaken  # json and more that others do without

        try:
            inquiries = Inquiries(charge.status, log)
        except SocketTaken as error:
            log.error("%s", error)
            return exits.CONFIG
    return Supervisor(charge, log, notices, inquiries).run()


def _notices(log: Journal) -> Notices | None:
    """For whoever wants to hear how we are. (None of our workers is to speak in our name.)"""
    if not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}.intersection(os.environ):
        return None
    from ayl import systemd  # most have nobody who wants to
    from ayl.worker.notices import Notices

    notifier = systemd.Notifier(os.environ, os.getpid())
    if notifier.is_heard:
        return Notices(notifier, log)
    if notifier.trouble:
        log.warning("%s", notifier.trouble)
    return None


def _keep_descriptors() -> None:
    """No worker is to have what whoever started us has left open in us, such as a lock or the end of a pipe."""
    with suppress(FileNotFoundError):  # without /proc they keep what is no harm, as a rule
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is large
            if int(name) > 2:
                with suppress(OSError):  # of the list itself, which is read by now
                    os.set_inheritable(int(name), False)


if __name__ == "__main__":
    sys.exit(main(Charge.of(sys.argv[1:])))
