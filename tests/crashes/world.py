"""What a client knows of its own jobs, and how each of its commands changes that. No socket, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from .wire import Answer

READY, RESERVED, DELAYED, BURIED = "ready", "reserved", "delayed", "buried"


class Contradiction(AssertionError):
    """The server said what cannot be, after all that it had said before."""


class Span(NamedTuple):
    """Between these two moments something happened, seconds."""

    start: float
    end: float

    def later(self, seconds: float) -> Span:
        return Span(self.start + seconds, self.end + seconds)


NEVER = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Known:
    """A job as its owner knows it."""

    tube: bytes
    pri: int
    ttr: int
    body: bytes
    put: Span
    id: int = 0
    state: str = READY
    delay: int = 0
    due: Span = NEVER
    burial: int = 0
    reserves: int = 0
    told_reserves: int = 0
    """As of the last change that the binlog must know."""
    releases: int = 0
    buries: int = 0
    kicks: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        return self.pri, self.id

    def told(self, **changes: object) -> Known:
        """After a change that goes into the binlog, and all counters with it."""
        return replace(self, told_reserves=self.reserves, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class World:
    """All jobs of one owner."""

    watched: frozenset[bytes]
    jobs: dict[int, Known] = field(default_factory=dict)
    nameless: tuple[Known, ...] = ()
    """Put, if this world is the true one, but their ids were never told."""
    burials: int = 0

    def copy(self) -> World:
        return World(self.watched, dict(self.jobs), self.nameless, self.burials)

    def change(self, job: Known) -> None:
        self.jobs[job.id] = job

    def in_state(self, state: str) -> list[Known]:
        return [job for job in self.jobs.values() if job.state == state]

    def buried(self, tube: bytes) -> list[Known]:
        """First in first out."""
        return sorted((job for job in self.in_state(BURIED) if job.tube == tube), key=lambda job: job.burial)

    def refuse_rank(self, rank: tuple[int, int]) -> None:
        """No job may be ready that should have been served before this rank."""
        for job in self.jobs.values():
            if job.state == READY and job.tube in self.watched and job.rank < rank:
                raise Contradiction(f"job {job.id} is ready and was passed over")


class Command(Protocol):
    """A line of the protocol, and what it does to the world of the one who sent it."""

    def line(self) -> bytes: ...

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        """Change the world as `answer` says; None: nobody answered, and this is the world in which it was done."""


def expect(answer: Answer | None, word: bytes) -> None:
    if answer is not None and answer.word != word:
        raise Contradiction(f"{answer} instead of {word.decode()}")


@dataclass(frozen=True, slots=True)
class Use:
    tube: bytes

    def line(self) -> bytes:
        return b"use %b\r\n" % self.tube

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"USING")


@dataclass(frozen=True, slots=True)
class Put:
    tube: bytes
    pri: int
    delay: int
    ttr: int
    body: bytes

    def line(self) -> bytes:
        return b"put %d %d %d %d\r\n%b\r\n" % (self.pri, self.delay, self.ttr, len(self.body), self.body)

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"INSERTED")
        job = Known(self.tube, self.pri, self.ttr, self.body, when)
        if self.delay:
            job = replace(job, state=DELAYED, delay=self.delay, due=when.later(self.delay))
        if answer is None:
            world.nameless += (job,)
        else:
            world.change(replace(job, id=answer.number))


@dataclass(frozen=True, slots=True)
class Reserve:
    def line(self) -> bytes:
        return b"reserve-with-timeout 0\r\n"

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        if answer is None:
            return
        if answer.word == b"TIMED_OUT":
            world.refuse_rank((1 << 32, 0))
            return
        expect(answer, b"RESERVED")
        job = world.jobs.get(answer.number)
        if job is None:
            raise Contradiction(f"job {answer.number} was handed out, and there is no such job")
        if job.state not in (READY, DELAYED) or (job.state == DELAYED and job.due.start > when.end):
            raise Contradiction(f"job {job.id} was handed out, and is {job.state}")
        if job.body != answer.body:
            raise Contradiction(f"job {job.id} has another body")
        world.refuse_rank(job.rank)
        world.change(replace(job, state=RESERVED, reserves=job.reserves + 1))


@dataclass(frozen=True, slots=True)
class ReserveJob:
    id: int

    def line(self) -> bytes:
        return b"reserve-job %d\r\n" % self.id

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"RESERVED")
        job = world.jobs[self.id]
        world.change(replace(job, state=RESERVED, reserves=job.reserves + 1))


@dataclass(frozen=True, slots=True)
class Delete:
    id: int

    def line(self) -> bytes:
        return b"delete %d\r\n" % self.id

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"DELETED")
        del world.jobs[self.id]


@dataclass(frozen=True, slots=True)
class Release:
    id: int
    pri: int
    delay: int

    def line(self) -> bytes:
        return b"release %d %d %d\r\n" % (self.id, self.pri, self.delay)

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"RELEASED")
        job = world.jobs[self.id]
        state = DELAYED if self.delay else READY
        releases, due = job.releases + 1, when.later(self.delay)
        world.change(job.told(state=state, pri=self.pri, delay=self.delay, due=due, releases=releases))


@dataclass(frozen=True, slots=True)
class Bury:
    id: int
    pri: int

    def line(self) -> bytes:
        return b"bury %d %d\r\n" % (self.id, self.pri)

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"BURIED")
        job = world.jobs[self.id]
        world.burials += 1
        world.change(job.told(state=BURIED, pri=self.pri, burial=world.burials, buries=job.buries + 1))


@dataclass(frozen=True, slots=True)
class Touch:
    id: int

    def line(self) -> bytes:
        return b"touch %d\r\n" % self.id

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"TOUCHED")


@dataclass(frozen=True, slots=True)
class Kick:
    """Of buried jobs: the tube must have one."""

    tube: bytes
    bound: int

    def line(self) -> bytes:
        return b"kick %d\r\n" % self.bound

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"KICKED")
        kicked = world.buried(self.tube)[: self.bound]
        if answer is not None and answer.number != len(kicked):
            raise Contradiction(f"{answer} of {len(kicked)} buried jobs of {self.tube.decode()}")
        for job in kicked:
            world.change(job.told(state=READY, kicks=job.kicks + 1))


@dataclass(frozen=True, slots=True)
class KickJob:
    id: int

    def line(self) -> bytes:
        return b"kick-job %d\r\n" % self.id

    def apply(self, world: World, answer: Answer | None, when: Span) -> None:
        expect(answer, b"KICKED")
        job = world.jobs[self.id]
        world.change(job.told(state=READY, kicks=job.kicks + 1))
