"""Where the child of a process slot takes its jobs: from its relay, which has the connection."""

import logging
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from time import monotonic
from typing import Any

from ayl.engines.base import Lease
from ayl.errors import MessageTooLarge, NotSubmitted, Refused, Unreachable
from ayl.life import Standing
from ayl.worker import exits
from ayl.worker.frames import Frame, Reader, parted, written
from ayl.worker.hand import Held
from ayl.worker.keeper import Kept
from ayl.worker.parting import part
from ayl.worker.tally import Tally

log = logging.getLogger("ayl.worker")

CHUNK = 1 << 16
"""Bytes to read at a time."""

ERRORS: dict[str, type[NotSubmitted | MessageTooLarge]] = {
    error.__name__: error for error in (Unreachable, Refused, MessageTooLarge)
}
"""What a relay may answer that has failed."""


class RelayedLease:
    """A job that the relay holds."""

    __slots__ = ("_source", "_standing", "body", "is_new", "job_id", "number", "since", "successor", "tally")

    def __init__(
        self, source: "RelayedSource", body: bytes, number: int, job_id: int, since: float, is_new: bool
    ) -> None:
        """`number`: the relay's for it."""
        self._source = source
        self.tally = source.tally
        self.number = number
        self.job_id = job_id
        self.since = since
        self.is_new = is_new
        self.body = body
        self.successor: int | None = None
        self._standing: Standing | None = None

    def standing(self) -> Standing | None:
        if self._standing is None:
            found = self._source.ask("standing", job=self.number)[0]["standing"]
            self._standing = None if found is None else Standing(*found)
        return self._standing

    def touch(self) -> bool:
        return bool(self._source.ask("touch", job=self.number)[0]["held"])

    def swap(self, body: bytes) -> bool:
        answer, _ = self._source.ask("swap", body, job=self.number)
        if answer["held"]:
            self.body, self.job_id, self.since = body, answer["job_id"], answer["since"]
            self._standing = None
        return bool(answer["held"])

    def delete(self) -> bool:
        return self._source.delete_and_take([self], 0, wait=False)[0][0]

    def release(self, delay: int, body: bytes | None = None) -> bool:
        return self._settle("release", body, delay=delay)

    def bury(self, body: bytes | None = None) -> bool:
        return self._settle("bury", body)

    def _settle(self, do: str, body: bytes | None, **fields: int) -> bool:
        replaced = body is not None
        answer, _ = self._source.ask(do, body or b"", job=self.number, replaced=replaced, **fields)
        self.successor = answer["successor"]
        return bool(answer["held"])


class RelayedSource:
    """At the other end of a socket pair. May be used by several threads; while one waits for a job, none has any."""

    def __init__(self, end: socket.socket, tally: Tally, stop: Callable[[], object]) -> None:
        """`stop` is called when there will be no more jobs for this process."""
        self.tally = tally
        self.waited = False
        self._end = end
        self._stop = stop
        self._reader = Reader()
        self._asked = 0
        self._owed = 0
        """The number of the question that was asked ahead, until its answer is read."""
        self._ahead: Frame = {}, b""
        self._lock = RLock()
        self.proved = monotonic()

    def take(self, *, wait: bool = True) -> RelayedLease | None:
        answer, rest = self.ask("take", wait=wait)
        self.waited = answer["waited"]
        if answer["stop"]:
            self._stop()
        return next(iter(self._leases(answer, rest)), None)

    def delete_and_take(self, leases: Sequence[Lease], ready: int, *, wait: bool) -> tuple[list[bool], list[Lease]]:
        return self._told(self.ask("go_on", done=_numbers(leases), ready=ready, wait=wait))

    def delete_and_ask(self, leases: Sequence[Lease], ready: int) -> None:
        with self._lock, _relay():
            self._owed = self._say("go_on", done=_numbers(leases), ready=ready, wait=False)

    def answered(self) -> tuple[list[bool], list[Lease]]:
        with self._lock, _relay():
            self._gather()
        return self._told(_checked(self._ahead))

    def close(self) -> None:
        """The relay lets go of its connection, and the server takes back what was held."""
        self.ask("close")

    def ask(self, do: str, *bodies: bytes, **fields: object) -> Frame:
        """What the relay answers. Raises one of ERRORS. Ends the process if there is no relay any more."""
        with self._lock, _relay():
            self._gather()
            frame = self._answer(self._say(do, *bodies, **fields))
        self.proved = monotonic()
        return _checked(frame)

    def _say(self, do: str, *bodies: bytes, **fields: object) -> int:
        """The number of the question."""
        self._asked += 1
        self._end.sendall(written({"do": do, "ask": self._asked, **fields}, *bodies))
        return self._asked

    def _gather(self) -> None:
        """The answer to what was asked ahead: before anything else is, for the relay may have no room for its rest."""
        if self._owed:
            self._ahead = self._answer(self._owed)
            self._owed = 0

    def _answer(self, number: int) -> Frame:
        """To this question. Of others that nobody has waited for, a call may have been ended in the midst of it."""
        while True:
            frame = self._reader.next()
            if frame is None:
                data = self._end.recv(CHUNK)
                if not data:
                    raise ConnectionResetError("it is gone")
                self._reader.feed(data)
            elif frame[0]["ask"] == number:
                return frame

    def _told(self, frame: Frame) -> tuple[list[bool], list[Lease]]:
        return frame[0]["held"], [*self._leases(*frame)]

    def _leases(self, answer: dict[str, Any], rest: bytes) -> list[RelayedLease]:
        bodies = parted(rest, answer["sizes"])
        return [RelayedLease(self, body, *job) for job, body in zip(answer["jobs"], bodies, strict=True)]


class RelayedSeat:
    """That of the worker process: whoever dies with it may have killed it."""

    is_sole = False

    def __init__(self, source: RelayedSource) -> None:
        self._source = source

    def begin(self, patience: float) -> bool:
        return bool(self._source.ask("be_alone", patience=patience)[0]["alone"])

    def end(self) -> None:
        self._source.ask("be_back")


def _numbers(leases: Sequence[Lease]) -> list[int]:
    return [lease.number for lease in leases if isinstance(lease, RelayedLease)]


def _checked(frame: Frame) -> Frame:
    head = frame[0]
    if "error" in head:
        raise ERRORS[head["error"]](head["text"])
    return frame


@contextmanager
def _relay() -> Iterator[None]:
    """Within this span it is spoken to."""
    try:
        yield
    except OSError as error:  # the connection is lost with the worker: others may make this call by now
        log.critical("this process ends, for its worker does not answer: %s", error)
        part(exits.CUT)


class TalliedHeld(Held):
    """A job in the child's hand: its relay sees when it is begun with, and when it is done."""

    __slots__ = ("_number", "_tally")

    def __init__(self, lease: Any, begun: deque[Lease], done: deque[Lease]) -> None:
        """`lease` is a RelayedLease."""
        super().__init__(lease, begun, done)
        self._tally, self._number = lease.tally, lease.number
        self._tally.begin(self._number)

    def delete(self) -> bool:
        held = super().delete()
        if held:
            self._tally.end(self._number)
        return held


class TalliedKeeper:
    """Has the relay keep leases alive, which no call can hold up."""

    is_apart = True

    def __init__(self, tally: Tally, ring: Callable[[], object]) -> None:
        """`ring` makes the relay look."""
        self._tally = tally
        self._ring = ring

    def keep(self, call: Kept) -> None:
        self._tally.keep(int(call.seconds))
        self._ring()

    def leave(self, _: Kept) -> None:
        self._tally.leave()
