"""Who asks how a worker is: at a Unix socket the supervisor answers everybody who connects, with one document.

It asks its worker processes first, and waits for their reports, but not for long: who does not answer is told as such.
"""

import json
import os
import socket
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ayl.worker.journal import Journal

PATIENCE = 1.0
"""Seconds for the worker processes to report."""

WRITE_SECONDS = 1.0
"""For who has asked to take the answer."""


class SocketTaken(OSError):
    """The path cannot be used; it says why."""


class Asked(Protocol):
    """A worker process."""

    @property
    def pid(self) -> int: ...

    def ask(self) -> None:
        """Tell it to report."""


class Inquiries:
    """Those that wait for an answer, all for the same."""

    def __init__(self, path: str, log: "Journal") -> None:
        """Listen there; nobody but this user can connect. SocketTaken if something else is there."""
        self._path = path
        self._listener = _listening(path, log)
        self._askers: list[socket.socket] = []
        self._missing: set[int] = set()
        self._reports: dict[int, Any] = {}
        self.due = inf
        """When they are answered at the latest, seconds of the monotonic clock."""

    def fileno(self) -> int:
        """Readable when somebody asks."""
        return self._listener.fileno()

    def accept(self, now: float, workers: Iterable[Asked]) -> None:
        """Somebody has connected; ask the workers, unless they are asked already."""
        with suppress(OSError):
            asker, _ = self._listener.accept()
            asker.settimeout(WRITE_SECONDS)
            self._askers.append(asker)
        if self._askers and self.due == inf:
            self.due = now + PATIENCE
            self._reports = {}
            self._missing = set()
            for worker in workers:
                self._missing.add(worker.pid)
                worker.ask()

    def heard(self, pid: int, report: str) -> None:
        """One of them reports."""
        self._missing.discard(pid)
        with suppress(ValueError):
            self._reports[pid] = json.loads(report)

    def gone(self, pid: int) -> None:
        """One of them has ended."""
        self._missing.discard(pid)

    def answer(self, now: float, document: Callable[[dict[int, Any]], object]) -> None:
        """If everybody has reported, or it is time. `document` makes it of the reports by pid."""
        if self._askers and (now >= self.due or not self._missing):
            text = json.dumps(document(self._reports)).encode()
            for asker in self._askers:
                with suppress(OSError), asker:
                    asker.sendall(text)
            self._askers, self.due = [], inf

    def close(self) -> None:
        """Nobody is answered any more."""
        for asker in self._askers:
            asker.close()
        self._listener.close()
        with suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 - pathlib is a megabyte that a supervisor needs not


def _listening(path: str, log: "Journal") -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        _clear(path, log)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen()
        listener.setblocking(False)
    except BaseException as error:
        listener.close()
        if isinstance(error, OSError) and not isinstance(error, SocketTaken):
            raise SocketTaken(f"cannot listen at {path}: {error.strerror or error}") from error
        raise
    return listener


def _clear(path: str, log: "Journal") -> None:
    """Take away what an earlier one has left behind that could not."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise SocketTaken(f"cannot listen at {path}: there is a file, and no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108 - as above
            log.info("%s was left behind by another ayl_worker, and is made anew", path)
            return
    raise SocketTaken(f"cannot listen at {path}: another ayl_worker answers there")


def ask(path: str, timeout: float) -> Any:
    """The document of whoever answers there. OSError if nobody does, ValueError if it makes no sense."""
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(timeout)
        asker.connect(path)
        text = b"".join(iter(lambda: asker.recv(65_536), b""))
    return json.loads(text)
