"""Scripts in which time passes, performed on several servers at once: who hears what, and when.

A script's lines are

    0.5 a reserve             # half a second after the start a sends this line
    0.5 a put 0 1 100         # a job whose body is one letter
    0.5 a half-closes
    3.0 end

`#1` is the first job of the script, `{tube}` the script's own tube: everybody uses it, and watches no other.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING

from .comparison import difference
from .replies import Reply, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .servers import Peer

TICK = 0.02
"""Seconds between two looks at whether this process still gets its share of the processor."""

PATIENCE = 20.0
"""Seconds for what takes no time."""

_JOB = re.compile(rb"#(\d+)")


@dataclass(frozen=True)
class Line:
    """What a client does, seconds after the start."""

    at: float
    who: str
    text: bytes

    @property
    def packet(self) -> bytes:
        if self.text.startswith(b"put "):
            return self.text + b" 1\r\nx\r\n"
        return self.text + b"\r\n"


@dataclass(frozen=True)
class Script:
    """A piece for some clients."""

    name: str
    lines: tuple[Line, ...]
    end: float
    """Seconds after the start; what is heard later does not count."""
    attempt: int = 1
    """Each has a tube of its own: what the last one has left in its tube must not be found."""

    @property
    def clients(self) -> list[str]:
        return sorted({line.who for line in self.lines})

    @property
    def tube(self) -> bytes:
        return f"{self.name.replace(' ', '-')}-{self.attempt}".encode()


def script(name: str, text: str) -> Script:
    lines: list[Line] = []
    for written in text.strip().splitlines():
        at, who, *rest = written.split(None, 2)
        if who == "end":
            return Script(name, tuple(lines), float(at))
        lines.append(Line(float(at), who, rest[0].encode()))
    raise ValueError(f"{name!r} has no end")


@dataclass(frozen=True)
class Event:
    """A client has heard something."""

    at: float
    """Seconds after the start."""
    reply: Reply


@dataclass
class Performance:
    """What came of a script on one server."""

    heard: dict[str, list[Event]] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    """Who was disconnected by the server, seconds after the start."""
    late: float = 0.0
    """By how much this process, or the server, was ever late while it lasted, seconds: then the machine was busy."""


class Stage:
    """One performance."""

    def __init__(self, peer: Peer, played: Script) -> None:
        self.peer = peer
        self.script = played
        self.done = Performance()
        self.start = 0.0
        self.writers: dict[str, asyncio.StreamWriter] = {}
        self.jobs: list[bytes] = []
        """Ids, in the order of the puts."""

    async def perform(self) -> Performance:
        """Play it from the first line to the end."""
        listening = [asyncio.create_task(self._listen(who, await self._enter(who))) for who in self.script.clients]
        self.start = asyncio.get_running_loop().time()
        for line in self.script.lines:
            await self._wait_for(line.at)
            self._say(line)
        await self._wait_for(self.script.end)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for writer in self.writers.values():
            writer.close()
        self.done.heard = {
            who: [replace(event, reply=self._with_job_numbers(event.reply)) for event in events]
            for who, events in self.done.heard.items()
        }
        return self.done

    async def _enter(self, who: str) -> asyncio.StreamReader:
        reader, self.writers[who] = await asyncio.open_unix_connection(self.peer.server.path)
        tube = self.script.tube
        self.writers[who].write(b"use %b\r\nwatch %b\r\nignore default\r\n" % (tube, tube))
        for _ in range(3):
            await asyncio.wait_for(reader.readline(), PATIENCE)
        self.done.heard[who] = []
        return reader

    async def _listen(self, who: str, reader: asyncio.StreamReader) -> None:
        stream = Stream()
        while data := await reader.read(1 << 16):
            for reply in stream.feed(data):
                self.done.heard[who].append(Event(self._now(), reply))
                if reply.word == b"INSERTED":
                    self.jobs.append(reply.line.split()[1])
        self.done.ended[who] = self._now()

    def _say(self, line: Line) -> None:
        if line.text == b"half-closes":
            self.writers[line.who].write_eof()
        else:
            packet = line.packet.replace(b"{tube}", self.script.tube)
            self.writers[line.who].write(_JOB.sub(self._id, packet))

    def _id(self, found: re.Match[bytes]) -> bytes:
        number = int(found[1])
        if number <= len(self.jobs):
            return self.jobs[number - 1]
        self.done.late = inf  # the server, or its disk, was not given the time to answer
        return b"0"

    def _with_job_numbers(self, reply: Reply) -> Reply:
        """Scripts share a server, so the same job has another id each time. Asked when all is heard: who has waited for
        a job may have it before its sender hears its id.
        """
        if reply.word not in (b"INSERTED", b"RESERVED", b"FOUND"):
            return reply
        word, job, *rest = reply.line.split()
        number = b"#%d" % (self.jobs.index(job) + 1) if job in self.jobs else b"of-another-tube"
        return replace(reply, line=b" ".join((word, number, *rest)))

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self.start

    async def _wait_for(self, at: float) -> None:
        while (left := at - self._now()) > 0:
            await asyncio.sleep(min(left, TICK))
            self.done.late = max(self.done.late, self._now() - at + max(0.0, left - TICK))


async def perform(peers: Sequence[Peer], scripts: Sequence[Script]) -> dict[str, list[Performance]]:
    """Everything at the same time; for each script one performance on each server."""
    stages = [[Stage(peer, played) for peer in peers] for played in scripts]
    done = await asyncio.gather(*(asyncio.gather(*(stage.perform() for stage in row)) for row in stages))
    return {played.name: list(row) for played, row in zip(scripts, done, strict=True)}


# What two performances have in common

LATENESS = 0.9
"""Seconds by which two servers may differ. Less than the second that every timer counts in."""


def differences(theirs: Performance, ours: Performance) -> Iterator[str]:
    """In what our server's performance was another one than beanstalkd's."""
    for who, events in theirs.heard.items():
        yield from (f"{who}: {what}" for what in _of_events(events, ours.heard[who]))
    if _moments(theirs.ended) != _moments(ours.ended):
        yield f"disconnected: {theirs.ended} there, {ours.ended} here"


def _of_events(theirs: list[Event], ours: list[Event]) -> Iterator[str]:
    for there, here in zip(theirs, ours, strict=False):
        if what := difference(there.reply, here.reply, slack=0.0):
            yield f"{what}: {there.reply.line!r} at {there.at:.2f} there, {here.reply.line!r} at {here.at:.2f} here"
        elif abs(there.at - here.at) > LATENESS:
            yield f"{there.reply.line!r} at {there.at:.2f} there, at {here.at:.2f} here"
    for side, rest in (("there", theirs[len(ours) :]), ("here", ours[len(theirs) :])):
        yield from (f"only {side}: {event.reply.line!r} at {event.at:.2f}" for event in rest)


def _moments(ended: dict[str, float]) -> dict[str, int]:
    """To the second; scripts disconnect nobody near a whole one."""
    return {who: int(at) for who, at in ended.items()}
