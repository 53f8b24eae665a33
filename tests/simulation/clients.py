"""A client of the simulated server: what it has sent, what it was told, what it may therefore expect."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .faults import BrokenError
from .replies import Reader, Reply
from .verdicts import JUDGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .commands import Command
    from .ledger import Ledger
    from .network import Link


@dataclass(slots=True)
class Sent:
    """A command on its way."""

    command: Command
    since: int  # how many reports the binlog had got
    refusals: int  # how often the disk had had no room
    at: float


class SimulatedClient:
    """One client, over as many connections as it needs."""

    def __init__(self, number: int, ledger: Ledger, clock: Clock, known: deque[int]) -> None:
        self.number = number
        self.ledger = ledger
        self.clock = clock
        self.known = known
        """Ids of jobs that some client has heard of lately."""
        self.link: Link | None = None
        self.replies = 0
        self.trace: Callable[[str], None] | None = None
        self._start_over()

    def tell(self, text: str) -> None:
        if self.trace is not None:
            self.trace(f"  {self.number}{text}")

    def _start_over(self) -> None:
        self.outgoing = bytearray()
        self.outstanding: deque[Sent] = deque()
        self.reader = Reader()
        self.used = b"default"
        self.watched = [b"default"]
        self.held: dict[int, float] = {}
        """Jobs that were reserved and not settled, and until when they surely are ours."""
        self.ended = False
        """Whether nothing more will be sent."""

    # What it does

    def connect(self, link: Link) -> None:
        self._start_over()
        self.link = link
        self.tell(" connects")

    def send(self, command: Command, refusals: int) -> None:
        self.tell(f"> {command.data[:50]!r}")
        self.outgoing += command.data
        self.outstanding.append(Sent(command, self.ledger.length, refusals, self.clock.steady))
        self.ended |= command.kind == "quit"

    def push(self, size: int) -> None:
        """Some of what was said goes onto the wire."""
        if self.link is not None and size > 0:
            self.link.up += self.outgoing[:size]
            del self.outgoing[:size]

    def half_close(self) -> None:
        self.tell(" half-closes")
        self.push(len(self.outgoing))
        self.ended = True
        if self.link is not None:
            self.link.up_ended = True

    def vanish(self) -> None:
        """Go without a word."""
        self.tell(" vanishes")
        if self.link is not None:
            self.link.reset = True
            self.link.down.clear()
            self.link = None

    # What it hears

    def read(self, size: int, refusals: int) -> None:
        link = self.link
        if link is None:
            return
        data = bytes(link.down[:size])
        del link.down[:size]
        for reply in self.reader.feed(data):
            self._hear(reply, refusals)
        if link.down_ended and not link.down:
            self.link = None

    def _hear(self, reply: Reply, refusals: int) -> None:
        if self.trace is not None:
            self.tell(f"< {reply.word} {reply.numbers} {reply.name!r} {reply.data[:20]!r}")
        if not self.outstanding:
            raise BrokenError(f"a reply to nothing: {reply}")
        sent = self.outstanding.popleft()
        self.replies += 1
        allowed = sent.command.replies
        if reply.word not in allowed:
            raise BrokenError(f"{sent.command.data[:60]!r} was answered by {reply.word}")
        if reply.word == "OUT_OF_MEMORY" and refusals == sent.refusals and not sent.command.memory_short:
            raise BrokenError("a job was refused, and there was room")
        JUDGES[sent.command.kind](self, sent, reply)
