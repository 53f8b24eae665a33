"""The target that needs neither process nor socket nor time: the broker itself, driven by hand."""

from __future__ import annotations

import platform
from collections import deque
from typing import TYPE_CHECKING

from ayl_server.broker import Broker
from ayl_server.connection import Connection
from ayl_server.model import ProcessFacts

from .inbox import Mismatch, Silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START = 1000.0
"""Where the simulated clock begins, seconds."""

STEP = 0.000_001
"""How far each step moves the clock: enough to tell two deadlines apart."""

SINGLE_BYTES = 32 * 1024
"""How much of a packet is fed byte by byte at each end; the middle of a huge one goes in odd-sized pieces."""

ODD_SIZE = 997

FACTS = ProcessFacts(
    pid=4711,
    user_seconds=0.25,
    system_seconds=0.125,
    instance="00c0ffee00c0ffee",
    hostname="example.org",
    os="#1 SMP " + platform.machine(),
    platform=platform.machine(),
)


class MemoryServer:
    """A broker and its connections under a simulated clock. The strictest of the targets: nothing is ever late.

    It does for each connection exactly what a driver owes it and nothing beyond, so that a reply which a
    real driver would leave lying is missing here, too.
    """

    patience = 0.0
    lateness = 0.004
    calm = 0.0

    def __init__(self, options: Sequence[str], *, bytewise: bool) -> None:
        self.now = START
        self.bytewise = bytewise
        self.broker = Broker(facts=lambda: FACTS, started=START, max_job_size=_max_job_size(options))
        self.connections: dict[str, Connection] = {}
        self.inputs: dict[str, deque[bytes]] = {}  # sent, but not yet read; b"" is the end of the stream
        self.outputs: dict[str, bytes] = {}
        self.facts = {
            "pid": str(FACTS.pid),
            "hostname": FACTS.hostname,
            "os": FACTS.os,
            "platform": FACTS.platform,
        }

    def connect(self, who: str) -> None:
        """A new client."""
        self.wait(STEP)
        self.connections[who] = Connection(self.broker)
        self.inputs[who] = deque()
        self.outputs[who] = b""

    def send(self, who: str, data: bytes) -> None:
        """Send a packet, whole or in crumbs."""
        self.wait(STEP)
        self.inputs[who].extend(_crumbs(data) if self.bytewise else (data,))
        self._read(who)
        self._serve_woken()

    def half_close(self, who: str) -> None:
        """The client sends no more."""
        self.wait(STEP)
        self.inputs[who].append(b"")
        self._read(who)
        self._serve_woken()

    def hang_up(self, who: str) -> None:
        """The client vanishes."""
        self.wait(STEP)
        self._close(who)
        self._serve_woken()

    def drain(self) -> None:
        """The operator sends SIGUSR1."""
        self.broker.drain()

    def clock(self) -> float:
        """The simulated time."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Move the clock, stopping exactly at each deadline, as the thin driver's one timer does."""
        self._advance(self.now + seconds, listening=False)

    def listen(self, seconds: float) -> None:
        """Move the clock, but no further than to the first deadline that makes somebody hear something."""
        self._advance(self.now + seconds, listening=True)

    def _advance(self, target: float, *, listening: bool) -> None:
        while (deadline := self.broker.next_deadline()) is not None and deadline <= target:
            self.now = max(self.now, deadline)
            self.broker.tick(self.now)
            self._serve_woken()
            if self.broker.next_deadline() == deadline:
                raise Mismatch(f"tick at {self.now} left the deadline {deadline} undone: a driver would spin")
            if listening and any(self.outputs.values()):
                return
        self.now = target

    def receive(self, who: str, patience: float) -> bytes:
        """Return what has been said to a client. However long its patience, waiting alone brings no reply."""
        output, self.outputs[who] = self.outputs[who], b""
        if not output and who in self.connections:
            raise Silence
        return output

    # What a driver owes a connection

    def _read(self, who: str) -> None:
        """Hand in what has been sent, as long as the connection wants it."""
        waiting = self.inputs[who]
        while waiting and (connection := self.connections.get(who)) is not None and connection.wants_input:
            if piece := waiting.popleft():
                connection.receive(piece, self.now)
            else:
                connection.end_of_input(self.now)
            self._write(who, connection)

    def _write(self, who: str, connection: Connection) -> None:
        """Send the replies, let the connection go on if they held it back, close it when it is done."""
        self.outputs[who] += connection.take_output()
        while connection.held_back:
            connection.resume(self.now)
            self.outputs[who] += connection.take_output()
        if connection.closing:
            self._close(who)

    def _serve_woken(self) -> None:
        """Turn to those who were answered by what another client, or the clock, has done."""
        while woken := self.broker.take_woken():
            for who, connection in list(self.connections.items()):
                if connection.session in woken:
                    self._write(who, connection)
                    self._read(who)

    def _close(self, who: str) -> None:
        if connection := self.connections.pop(who, None):
            connection.lost(self.now)


def _max_job_size(options: Sequence[str]) -> int:
    """Understand the one option that reaches the broker."""
    match options:
        case []:
            return 65535
        case ["-z", size]:
            return int(size)
    raise ValueError(f"the broker in memory has no options {' '.join(options)}")


def _crumbs(data: bytes) -> Iterator[bytes]:
    """Cut a packet into single bytes; of a huge one only both ends, the rest at ever new offsets."""
    head, tail = min(len(data), SINGLE_BYTES), max(len(data) - SINGLE_BYTES, SINGLE_BYTES)
    for at in range(head):
        yield data[at : at + 1]
    for at in range(head, min(tail, len(data)), ODD_SIZE):
        yield data[at : min(at + ODD_SIZE, tail)]
    for at in range(tail, len(data)):
        yield data[at : at + 1]
