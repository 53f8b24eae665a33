"""Several keepers in the foreground: one process starts them, hands signals on, and ends when they have."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, NoReturn

from ayl.daemons.conditions import look
from ayl.daemons.signs import Signs
from ayl.daemons.spec.model import Kind
from ayl.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.daemons.spec.model import Daemon

LOOK_SECONDS = 0.2
"""Between two looks whether all of them work, until they do."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

FAILED = 70
"""A keeper was killed, so all end (sysexits EX_SOFTWARE)."""


class Company:
    """Of these daemons; the server is started first and stopped last."""

    def __init__(self, daemons: Sequence[Daemon], become: Callable[[Daemon], NoReturn], reload: Sequence[str]) -> None:
        """`become`: makes a process the keeper of a daemon. `reload`: the command that reads the file again."""
        self._daemons = sorted(daemons, key=lambda daemon: daemon.kind is not Kind.SERVER)
        self._become = become
        self._reload = reload
        self._keepers: dict[int, Daemon] = {}
        self._signals: list[int] = []
        self._notifier = Notifier(os.environ, os.getpid())
        self._signs = Signs(self._notifier)
        self._is_ready = False
        self._stops = 0
        self._code = 0

    def run(self) -> int:
        """Until all have ended; the exit code."""
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda number, _: self._signals.append(number))
        for daemon in self._daemons:
            self._start(daemon)
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ)
            while self._keepers:
                self._signs.give(time.monotonic(), is_starting=not self._is_ready and not self._stops)
                selector.select(self._patience())
                with suppress(BlockingIOError):
                    while reader.recv(4096):
                        pass
                self._turn()
        return self._code

    def _patience(self) -> float | None:
        """Seconds until something is due, if no signal comes; None: for ever."""
        if not self._is_ready:
            return LOOK_SECONDS
        return None if self._signs.due == inf else max(0.0, self._signs.due - time.monotonic())

    def _turn(self) -> None:
        self._reap()
        while self._signals:
            match self._signals.pop(0):
                case signal.SIGTERM | signal.SIGINT:
                    self._stop()
                case signal.SIGHUP if not self._stops:
                    subprocess.Popen(self._reload, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves; it is reaped as the rest
        if not self._is_ready and all(look(of.name, of.run).word == "working" for of in self._keepers.values()):
            self._is_ready = True
            self._notifier.tell({"READY": "1", "STATUS": f"{len(self._daemons)} daemons work"})

    def _start(self, daemon: Daemon) -> None:
        # A signal for it must not be taken as one for us, and forgotten.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if pid == 0:
            os.setsid()  # Ctrl-C at a terminal is for us: we say in which order all of them stop
            self._become(daemon)
        self._keepers[pid] = daemon

    def _reap(self) -> None:
        """All that has ended: as the first process of a container, we have orphans, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            daemon = self._keepers.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            if daemon is None:
                continue
            if code and not self._stops:
                self._code = code if code > 0 else FAILED
                self._stop()
            self._stop_server()

    def _stop(self) -> None:
        """The workers; the server when these have ended, or when it is said again."""
        self._stops += 1
        self._notifier.tell({"STOPPING": "1"})
        for pid, daemon in self._keepers.items():
            if daemon.kind is not Kind.SERVER or self._stops > 1:
                os.kill(pid, signal.SIGTERM)
        self._stop_server()

    def _stop_server(self) -> None:
        if self._stops and all(daemon.kind is Kind.SERVER for daemon in self._keepers.values()):
            for pid in self._keepers:
                os.kill(pid, signal.SIGTERM)
