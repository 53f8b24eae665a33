"""Who does what next: one step at a time, from a seed and from what is known so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import hostile
from .commands import FOR_EVER, Command, about, bare, kick, named, pause_tube, put, reserve_with_timeout
from .steps import CarryOn, Connect, Drain, HalfClose, HangUp, Probe, Send, Step
from .view import BURIED, DELAYED, GONE, HELD, READY, JobSeen

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .settings import Settings
    from .view import Party, View

PRIORITIES = (0, 1, 1023, 1024, 1024, 1025, 5000, 4294967295)
KICKS = (
    b"1",
    b"2",
    b"100",
    b"0",
    b"4294967295",
    b"4294967296",
    b"4294967297",
    b"-1",
    b"+2",
    b"\t3",
    b"  1",
    b"2nd",
    b"007",
)
PROBE_EVERY = 25
SPLIT, BURST = 0.1, 0.35
HALF_CLOSE, HANG_UP, OVERLONG = 0.01, 0.02, 0.015
HOSTILE, SLIP = 0.1, 0.05
RAW_BODIES = (b"\r\n", b"\r\n.\r\n", b"\0", b"\r", b"\n", b"delete 1\r\n", b"stats\r\nquit\r\n", bytes(range(256)))


class Generator:
    """Makes steps. Asked for the same steps of the same seed, it gives the same, if the servers answer the same."""

    def __init__(self, rng: random.Random, settings: Settings, view: View, *, drain_at: int | None) -> None:
        self.rng = rng
        self.settings = settings
        self.view = view
        self.drain_at = drain_at
        self.steps = 0
        self.puts = 0

    def next(self) -> Step:
        """A step that may not be fair; then the next one may be."""
        self.steps += 1
        if self.steps == self.drain_at:
            return Drain()
        if self.steps % PROBE_EVERY == 0:
            return Probe()
        who = self.rng.choice(self.settings.clients)
        party = self.view.parties.get(who)
        if party is None:
            return Connect(who)
        if party.unsent:
            return self._carry_on(who, party)
        if party.pending and self.rng.random() < 0.6:
            who = self.rng.choice(self.settings.clients)  # who waits may be left waiting
        return self._part(who) or Send(who, *self._packet(who))

    def _part(self, who: str) -> Step | None:
        roll = self.rng.random()
        if roll < HALF_CLOSE:
            return HalfClose(who)
        return HangUp(who) if roll < HALF_CLOSE + HANG_UP else None

    def _carry_on(self, who: str, party: Party) -> Step:
        if (step := self._part(who)) is not None:
            return step
        left = len(party.unsent)
        whole = party.pending[-1].word == hostile.OVERLONG or self.rng.random() < 0.5
        return CarryOn(who, left if whole else self.rng.randint(1, left))

    def _packet(self, who: str) -> tuple[tuple[Command, ...], int | None]:
        """Commands for one write, and how many of their bytes go at once."""
        rng = self.rng
        if rng.random() < OVERLONG:
            return hostile.overlong(rng, self.settings)
        commands: list[Command] = []
        for _ in range(rng.randint(2, 8) if rng.random() < BURST else 1):
            commands += self._commands(who)
        size = len(self.view.written(commands))
        if rng.random() < SPLIT and size > 1:
            return tuple(commands), rng.randint(1, size - 1)
        return tuple(map(self._spoilt, commands)), None

    def _spoilt(self, command: Command) -> Command:
        """Sometimes the command with a slip in it; but not while that might hit upon a job whose body is on its way."""
        if command.word not in hostile.MUTILABLE or self.rng.random() > SLIP:
            return command
        if any(party.unsent for party in self.view.parties.values()):
            return command
        return hostile.mutilated(self.rng, command)

    def _commands(self, who: str) -> tuple[Command, ...]:
        if self.rng.random() < HOSTILE:
            return self.rng.choice(hostile.IN_A_PACKET)(self.rng, self.settings)
        (make,) = self.rng.choices(list(VOCABULARY), list(VOCABULARY.values()))
        if make in FOR_HOLDERS and not self._holds(who) and self.rng.random() < 0.7:
            make = self.rng.choice((_poll, _poll, _reserve_job))
        return (make(self, who),)

    def _holds(self, who: str) -> bool:
        return any(job.holder == who for job in self.view.jobs.values())

    # Arguments

    def tube(self) -> bytes:
        return self.rng.choice(self.settings.tubes)

    def delay(self, chance: float) -> int:
        """Mostly none, and hardly ever the same twice: to us the commands of a packet happen at the same moment."""
        return self.rng.randint(1_000, 100_000_000) if self.rng.random() < chance else 0

    def body(self) -> bytes:
        rng, limit = self.rng, self.settings.max_body
        if rng.random() < 0.2:
            return (rng.choice(RAW_BODIES) * 3)[:limit]
        size = rng.choice((0, 1, 2, rng.randint(3, 40), rng.randint(3, 40), rng.randint(3, 40)))
        if rng.random() < 0.05:
            size = rng.choice((limit - 1, limit))
        return bytes([rng.choice(b"abcxyz")]) * min(size, limit)

    def job(self, who: str, *states: str) -> int:
        """A job, preferably in one of these states and not in anybody else's hands; sometimes any, or none that is."""
        jobs, roll = self.view.jobs, self.rng.random()
        if roll < 0.04 or not jobs:
            return self.puts + self.rng.randint(1, 1000)
        if roll < 0.08:
            return self.puts  # perhaps from the same packet
        if roll < 0.15:
            return self.rng.choice(list(jobs))
        fitting = (
            [n for n, job in jobs.items() if job.state in states and job.holder in ("", who)] if roll < 0.8 else []
        )
        return self.rng.choice(fitting or self._living(jobs) or list(jobs))

    def own_job(self, who: str) -> int:
        return self.job(who, HELD)

    def _living(self, jobs: dict[int, JobSeen]) -> list[int]:
        return [number for number, job in jobs.items() if job.state != GONE]


def _put(g: Generator, who: str) -> Command:
    g.puts += 1
    ttr = g.rng.choice((1_000, 5_000, 1_000_000, 4294967295))
    return put(g.puts, g.rng.choice(PRIORITIES), g.delay(0.25), ttr, g.body())


def _release(g: Generator, who: str) -> Command:
    return about("release", g.own_job(who), (g.rng.choice(PRIORITIES), g.delay(0.35)))


def _bury(g: Generator, who: str) -> Command:
    return about("bury", g.own_job(who), (g.rng.choice(PRIORITIES),))


def _about(word: str, *states: str) -> Callable[[Generator, str], Command]:
    return lambda g, who: about(word, g.job(who, *states), before=g.rng.choice((b" ", b" ", b" ", b"  ", b" 000")))


def _named(word: str) -> Callable[[Generator, str], Command]:
    return lambda g, who: named(word, g.tube())


def _bare(word: str) -> Callable[[Generator, str], Command]:
    return lambda g, who: bare(word)


def _poll(g: Generator, who: str) -> Command:
    return reserve_with_timeout(0, g.rng.choice((b"", b"", b"", b" ", b"x", b" 1", b".5")))


def _wait_long(g: Generator, who: str) -> Command:
    return reserve_with_timeout(FOR_EVER)


def _pause(g: Generator, who: str) -> Command:
    seconds = g.rng.choice((0, 0, 0, 1_000, 2_000_000, 4294967295))
    tube = g.tube() if g.rng.random() < 0.9 else b"nowhere"
    # Two blanks and a long name would make a line that is too long, of the length that 1.12 trips over.
    befores = (b" ", b" ", b" ", b"", b"  ")[: 5 if len(tube) < 200 else 4]
    return pause_tube(tube, seconds, before=g.rng.choice(befores))


def _kick(g: Generator, who: str) -> Command:
    return kick(g.rng.choice(KICKS))


def _quit(g: Generator, who: str) -> Command:
    return Command(g.rng.choice((b"quit\r\n", b"quitx\r\n", b"quit 1\r\n")), "quit")


_reserve_job = _about("reserve-job", READY, DELAYED, BURIED)
_touch = _about("touch", HELD)

FOR_HOLDERS = (_release, _bury, _touch)
"""What makes little sense for who holds no job."""

VOCABULARY: dict[Callable[[Generator, str], Command], float] = {
    _put: 22,
    _poll: 9,
    _bare("reserve"): 8,
    _wait_long: 4,
    _reserve_job: 6,
    _about("delete", HELD, READY, DELAYED, BURIED): 8,
    _release: 9,
    _bury: 11,
    _touch: 3,
    _kick: 3,
    _about("kick-job", BURIED, DELAYED): 4,
    _about("peek", READY, DELAYED, BURIED, HELD): 3,
    _bare("peek-ready"): 2,
    _bare("peek-delayed"): 2,
    _bare("peek-buried"): 2,
    _named("use"): 7,
    _named("watch"): 5,
    _named("ignore"): 5,
    _pause: 5,
    _bare("stats"): 1,
    _about("stats-job", READY, DELAYED, BURIED, HELD): 3,
    _named("stats-tube"): 2,
    _bare("list-tubes"): 1,
    _bare("list-tube-used"): 1,
    _bare("list-tubes-watched"): 1,
    _quit: 0.5,
}
"""Every command of the protocol, and how often it is said, in comparison."""
