"""What clients say: the protocol's commands, well formed. What nobody should say is in hostile.py."""

from __future__ import annotations

from dataclasses import dataclass

JOB = b"#"
"""Stands for a job's id, which is known only when the command is sent. No command has this byte by itself."""

FOR_EVER = 1_000_000
"""Seconds that no run lasts."""


@dataclass(frozen=True)
class Command:
    """Some bytes that a server replies to."""

    text: bytes
    """To the last CR LF."""
    word: str = ""
    """What the reply tells about, for the View; empty if nothing can be learned from it."""
    job: int = 0
    """The number of the put whose job is meant, or would be created; 0 for none."""
    tube: bytes = b""
    """The tube that it names."""
    blocks: bool = False
    """It may be answered much later."""
    later: bool = False
    """The job is delayed by it."""
    replies: int = 1
    """More than one if a server takes it for several commands. The first reply is the one to learn from."""

    @property
    def refers(self) -> bool:
        """Whether a job's id stands in the text."""
        return self.word in REFERRING


REFERRING = frozenset({"reserve-job", "delete", "release", "bury", "touch", "kick-job", "peek", "stats-job"})


def put(number: int, pri: int, delay: int, ttr: int, body: bytes) -> Command:
    text = b"put %d %d %d %d\r\n%b\r\n" % (pri, delay, ttr, len(body), body)
    return Command(text, "put", job=number, later=delay > 0)


def about(word: str, job: int, numbers: tuple[int, ...] = (), *, before: bytes = b" ") -> Command:
    """A command whose first argument is a job."""
    arguments = b"".join(b" %d" % number for number in numbers)
    later = word == "release" and numbers[-1] > 0
    return Command(word.encode() + before + JOB + arguments + b"\r\n", word, job=job, later=later)


def named(word: str, tube: bytes) -> Command:
    """A command whose only argument is a tube."""
    return Command(b"%b %b\r\n" % (word.encode(), tube), word, tube=tube)


def bare(word: str) -> Command:
    """A command without arguments."""
    return Command(b"%b\r\n" % word.encode(), word, blocks=word == "reserve")


def reserve_with_timeout(seconds: int, garbage: bytes = b"") -> Command:
    """0 or FOR_EVER seconds; both servers ignore what stands behind the number."""
    return Command(b"reserve-with-timeout %d%b\r\n" % (seconds, garbage), "reserve", blocks=seconds > 0)


def pause_tube(tube: bytes, seconds: int, *, before: bytes = b" ") -> Command:
    return Command(b"pause-tube%b%b %d\r\n" % (before, tube, seconds), "pause-tube", tube=tube)


def kick(bound: bytes) -> Command:
    return Command(b"kick %b\r\n" % bound, "kick")
