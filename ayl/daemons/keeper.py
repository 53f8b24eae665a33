"""`python -m ayl.daemons.keeper`: keeps one daemon, as `ayl_daemons` has told it. Signals only record; the loop acts.

It runs as the daemon's user and does what the `Course` decides: starts processes, hears from them, copies what they
print, asks them to end, kills them. It writes down how the daemon is whenever that changes.

    SIGTERM, SIGINT   stop; once more: ask again
    SIGHUP            there is a new order; who gave it may be of another release of ayl, and so is the keeper then
    SIGUSR1, SIGUSR2  are handed on (to an ayl_worker: be quiet, resume)

It stays as long as its daemon, so it imports all it needs at its start: an upgrade may take away the files meanwhile.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, ClassVar

from ayl import __version__
from ayl.daemons import handover, leftovers
from ayl.daemons.accounts import Account
from ayl.daemons.child import Child, started
from ayl.daemons.course import Course, Deed, Run, told
from ayl.daemons.drainer import Drainer
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.sinks import FileSink, JournalSink, Sink, StreamSink
from ayl.pidfiles import PidFile
from ayl.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HANDED_ON = (signal.SIGUSR1, signal.SIGUSR2)

TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, *HANDED_ON)

GO_ON = "go_on"
"""To a keeper that takes the place of another in the same process."""

LONGEST_COMMAND = 500
"""Characters of it that are logged."""

LAST_READS = 16
"""Of the output of a process that has ended: what holds on to the pipe beyond its end may never stop writing."""


class Keeper:
    """Of one daemon."""

    def __init__(self, home: Home, pid_file: PidFile, variables: Mapping[str, str], prefix: str | None) -> None:
        """`variables`: of its environment; `prefix`: what stands before each line of its output, of one in the
        foreground; None for others. ValueError or OSError if the order cannot be read.
        """
        self._home = home
        self._pid_file = pid_file
        self._variables = variables
        self._prefix = prefix
        order = Order.from_json(home.read(home.order))
        self._sink = _sink(order, prefix)
        self._course = Course(order, time.monotonic())
        self._children: dict[int, Child] = {}
        self._drainers: dict[int, Drainer] = {}
        self._signals: list[int] = []
        self._reader, self._writer = socket.socketpair()
        self._code = 0
        self._account = Account(home, Notifier({**variables}, os.getpid()), foreground=prefix is not None)

    def go_on(self) -> None:
        """Where the program has stopped that was in this process before."""
        order = self._course.order
        found = handover.taken(self._home)
        if found is None:
            self._say(
                "what the keeper before has left makes no sense here: its processes are killed, and others started"
            )
        else:
            self._course, self._children = found
            self._account.go_on()
            self._say(f"the keeper is that of ayl {__version__} from now on")
            self._drainers = {run.number: Drainer(run) for run in self._course.leaving if run.drains}
            self._course.replace(order, time.monotonic())

    def run(self) -> int:
        """Keep it until it is to stop, and has: 0. One in the foreground ends as well when its process has ended and
        none is to come after that: with its exit code.
        """
        self._install()
        if not self._children:
            for pid in leftovers.kill(self._home, self._course.order.name):
                self._say(f"process {pid} of an earlier keeper was left, and is killed")
            self._home.clear_sockets()
        while True:
            self._act()
            self._account.write(self._course, self._children, time.monotonic())
            if self._course.is_over:
                return 0
            if self._prefix is not None and self._course.state == "ended":
                return self._code
            self._wait()

    # What comes in

    def _install(self) -> None:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in TAKEN:
            signal.signal(number, lambda number, _: self._signals.append(number))
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what was sent since we were started comes now

    def _wait(self) -> None:
        """Until a signal comes, or something from a process, or until something is due."""
        dues = [self._course.next(), self._account.due, *(drainer.due for drainer in self._drainers.values())]
        due = min(dues)
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            for child in self._children.values():
                selector.register(child.notes, selectors.EVENT_READ)
                if child.output is not None:
                    selector.register(child.output, selectors.EVENT_READ)
            selector.select(None if due == inf else max(0.0, due - time.monotonic()))
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        self._listen()
        self._reap()
        self._obey()

    def _listen(self) -> None:
        now = time.monotonic()
        for number, child in self._children.items():
            for note in child.heard():
                self._course.heard(number, note, now)
            self._copy(child, now)

    def _reap(self) -> None:
        if os.getpid() == 1:
            self._reap_orphans()
        for number, child in [*self._children.items()]:
            if child.reap():
                self._bury(number, child)
        for number, drainer in [*self._drainers.items()]:
            if drainer.is_done(time.monotonic()):
                del self._drainers[number]
                self._course.drained(number, time.monotonic())

    def _reap_orphans(self) -> None:
        """The first process of a container has them all."""
        ours = {child.pid for child in self._children.values()} | {of.pid for of in self._drainers.values()}
        with suppress(ChildProcessError):
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is not None:
                if found.si_pid in ours:
                    return  # in its turn; others wait until then
                os.waitpid(found.si_pid, 0)

    def _copy(self, child: Child, now: float) -> None:
        if data := child.printed():
            self._sink.write(data, now)

    def _bury(self, number: int, child: Child) -> None:
        """The last words of a process, and what its end means."""
        now = time.monotonic()
        for _ in range(LAST_READS):
            self._copy(child, now)
        child.close()
        del self._children[number]
        if (drainer := self._drainers.pop(number, None)) is not None:
            drainer.kill()
        code = child.code or 0
        expected = child.run.is_asked and not child.run.why_killed
        how = child.run.why_killed or told(code)
        self._say(f"process {child.pid} {how}")
        self._code = code if code >= 0 else 128 - code
        if not expected:
            self._account.died(how, child.tail)
        self._course.ended(number, code, now)

    def _obey(self) -> None:
        while self._signals:
            order = self._orders.get(self._signals.pop(0))
            if order is not None:
                order(self, time.monotonic())

    def _stop(self, now: float) -> None:
        self._say("stopping" if not self._course.is_stopping else "stopping: asking again")
        self._course.stop(now)

    def _replace(self, now: float) -> None:
        try:
            order = Order.from_json(self._home.read(self._home.order))
        except (OSError, ValueError) as error:
            self._say(f"the new order cannot be read, so all stays as it is: {error}")
            return
        self._hand_over(order)
        # It has failed; so we go on ourselves.
        if order.log != self._course.order.log:
            self._sink.close()
            self._sink = _sink(order, self._prefix)
        self._course.replace(order, now)

    def _hand_over(self, order: Order) -> None:
        """Become the keeper of whoever gave the order, and come back only if that cannot be."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
        for number in self._signals:
            os.kill(os.getpid(), number)  # the next one gets it
        self._signals.clear()
        try:
            handover.leave(self._home, self._course, self._children)
            for drainer in self._drainers.values():
                drainer.kill()
            os.set_inheritable(self._pid_file.fileno(), True)
            prefix = [] if self._prefix is None else [self._prefix]
            words = [self._home.path, str(self._pid_file.fileno()), GO_ON, *prefix]
            program = [order.python or sys.executable, "-P", "-m", "ayl.daemons.keeper", *words]
            os.execve(program[0], program, self._variables)  # noqa: S606 - our own module
        except (OSError, ValueError) as error:
            self._say(f"the keeper stays that of ayl {__version__}: {order.python}: {error}")
            os.set_inheritable(self._pid_file.fileno(), False)
            handover.take_back(self._home, self._children)
            self._drainers = {number: Drainer(self._children[number].run) for number in self._drainers}
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    _orders: ClassVar[dict[int, Callable[[Keeper, float], None]]] = {
        signal.SIGTERM: _stop,
        signal.SIGINT: _stop,
        signal.SIGHUP: _replace,
        signal.SIGUSR1: lambda self, _: self._hand_on(signal.SIGUSR1),
        signal.SIGUSR2: lambda self, _: self._hand_on(signal.SIGUSR2),
    }

    def _hand_on(self, number: int) -> None:
        for child in self._children.values():
            child.send_signal(number)

    # What goes out

    def _act(self) -> None:
        while deeds := self._course.tick(time.monotonic()):
            for deed, run in deeds:
                self._deeds[deed](self, run)

    def _start(self, run: Run) -> None:
        try:
            child = started(run, self._home)
        except OSError as error:
            how = f"could not be started: {error.strerror or error}"
            self._account.died(how, ())
            self._say(how)
            self._course.ended(run.number, os.EX_OSERR, time.monotonic())
            return
        self._children[run.number] = child
        self._say(f"started process {child.pid}: {' '.join(run.order.command)[:LONGEST_COMMAND]}")

    def _ask(self, run: Run) -> None:
        child = self._children[run.number]
        self._say(f"asking process {child.pid} to end, within {run.order.grace:g} s")
        child.send_signal(signal.Signals[run.order.stop_signal])

    def _kill(self, run: Run) -> None:
        child = self._children[run.number]
        self._say(f"killing process {child.pid}: it {run.why_killed}")
        child.kill()

    def _drain(self, run: Run) -> None:
        if (child := self._children.get(run.number)) is not None:  # else it could not be started
            seconds = run.ask_at - time.monotonic()
            self._say(f"process {child.pid} stays for {run.tubes}, {seconds:.0f} s at most")
            self._drainers[run.number] = Drainer(run)

    _deeds: ClassVar[dict[Deed, Callable[[Keeper, Run], None]]] = {
        Deed.START: _start,
        Deed.ASK: _ask,
        Deed.KILL: _kill,
        Deed.DRAIN: _drain,
    }

    def _say(self, text: str) -> None:
        """One line of the daemon's log, not behind what a process has printed of one."""
        now = time.time()
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now % 1 * 1000):03}"
        line = f"{moment} INFO ayl_daemons[{os.getpid()}] {self._course.order.name}: {text}\n"
        line = line if self._sink.is_at_start else f"\n{line}"
        self._sink.write(line.encode(errors="replace"), time.monotonic())


def main(words: Sequence[str]) -> int:
    """Keep the daemon of a directory; the exit code. `words`: that directory; the descriptor of its pid file, which
    this process holds; `begin`, or `go_on`; and for one in the foreground what stands before each line of its output.
    """
    path, descriptor, how, *prefix = words
    home = Home(path)
    pid_file = PidFile(home.pid, int(descriptor))
    os.set_inheritable(pid_file.fileno(), False)
    keeper = Keeper(home, pid_file, {**os.environ}, prefix[0] if prefix else None)
    if how == GO_ON:
        keeper.go_on()
    code = keeper.run()
    # The directory stays: another keeper may be there already once the pid file is left.
    if pid_file.is_there():  # else somebody has removed it all, and what is there is another keeper's
        home.clear(but=home.pid)
    pid_file.leave()
    return code


def _sink(order: Order, prefix: str | None) -> Sink:
    """What cannot be opened now is no reason not to run: our own output is where whoever started us looks."""
    if prefix is None:
        with suppress(OSError):
            now = time.monotonic()
            return FileSink(order.log, now, (1, 2)) if order.log else JournalSink(order.name, now)
    return StreamSink(1, prefix or "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
