"""What clients send: sessions that are valid at first, then are mutated, cut anywhere and mixed with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .choices import between, chance, pick

if TYPE_CHECKING:
    from collections.abc import Callable

    from .choices import Choices

MAX_JOB_SIZE = 300
"""Of most servers here, bytes."""

TUBES = (b"default", b"a", b"b", b"-/+;.$_()"[1:], b"n" * 200)

NUMBERS = (
    b"0", b"1", b"2", b"3", b"7", b"1023", b"1024", b"2147483647", b"2147483648", b"4294967295", b"4294967296",
    b"18446744073709551615", b"18446744073709551616", b"99999999999999999999", b"100000000000000000000", b"9" * 150,
    b"0" * 30 + b"1", b"-1", b"+1", b"  1", b"1 ", b"0x1", b"1.0", b"1e3", b"\xd9\xa1", b"\xb2", b"",
)  # fmt: skip
"""At the limits, beyond them, and what only some parsers take for a number."""

LINES = (
    b"put {n} {s} {s} {b}", b"reserve", b"reserve-with-timeout {s}", b"reserve-job {i}", b"delete {i}",
    b"release {i} {n} {s}", b"bury {i} {n}", b"touch {i}", b"kick {n}", b"kick-job {i}", b"peek {i}", b"peek-ready",
    b"peek-delayed", b"peek-buried", b"use {t}", b"watch {t}", b"ignore {t}", b"pause-tube {t} {s}", b"stats",
    b"stats-job {i}", b"stats-tube {t}", b"list-tubes", b"list-tubes-watched", b"list-tube-used", b"quit",
)  # fmt: skip
"""n: a number, s: seconds, i: a job's id, t: a tube, b: the size of the body that follows."""

SPLINTERS = (
    b"\r\n", b"\r", b"\n", b"\n\r", b"\0", b" ", b"\t", b"\xff", b"\r\r\n", b"quit\r\n", b"put 0 0 1 2\r\n",
    b"x" * 222, b"x" * 223, b"x" * 224, b"x" * 225, b" " * 220, b"o" * 1000,
)  # fmt: skip
"""What is put into the middle of things."""


@dataclass(frozen=True, slots=True)
class Say:
    client: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HalfClose:
    client: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """And somebody else comes in its place."""

    client: int


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Drain:
    """No more puts."""


Event = Say | HalfClose | HangUp | Wait | Drain


@dataclass(frozen=True, slots=True)
class Script:
    """A server's options, how many clients it has, and what they do."""

    max_job_size: int
    max_memory: int | None
    clients: int
    events: list[Event]


def mutated_sessions(choices: Choices) -> Script:
    """Valid sessions to which something has happened."""
    clients = between(choices, 1, 3)
    streams = [_stream(choices) for _ in range(clients)]
    return _script(choices, streams)


def any_bytes(choices: Choices) -> Script:
    """What is not even meant to be a session."""
    clients = between(choices, 1, 3)
    streams = [choices.blob(pick(choices, (0, 1, 2, 5, 30, 250, 500))) for _ in range(clients)]
    return _script(choices, streams)


def _script(choices: Choices, streams: list[bytes]) -> Script:
    events: list[Event] = []
    left = dict(enumerate(streams))
    while any(left.values()) and len(events) < 200:
        client = pick(choices, [number for number, stream in left.items() if stream])
        size = pick(choices, (len(left[client]), 1, 2, between(choices, 1, 40), between(choices, 1, 400)))
        events.append(Say(client, left[client][:size]))
        left[client] = left[client][size:]
        if chance(choices, 15):
            events.append(_other(choices, len(streams)))
    events += [Wait(0.0), Wait(5.0)] if chance(choices, 50) else []
    memory = between(choices, 0, 2000) if chance(choices, 10) else None
    return Script(pick(choices, (MAX_JOB_SIZE, 0, 1, 65535)), memory, len(streams), events)


def _other(choices: Choices, clients: int) -> Event:
    kind = choices.below(10)
    if kind < 7:
        return Wait(pick(choices, (0.0, 0.5, 1.0, 2.0, 4294967295.0)))
    client = choices.below(clients)
    return (HalfClose(client), HangUp(client), Drain())[kind - 7]


def _stream(choices: Choices) -> bytes:
    pieces = [_command(choices) for _ in range(between(choices, 1, 15))]
    stream = b"".join(pieces)
    for _ in range(pick(choices, (0, 0, 1, 2, 4))):
        stream = pick(choices, MUTATIONS)(choices, stream)
    return stream


def _command(choices: Choices) -> bytes:
    line = pick(choices, LINES)
    fill: dict[bytes, Callable[[Choices], bytes]] = {b"{n}": _number, b"{s}": _seconds, b"{i}": _id, b"{t}": _tube}
    for place, make in fill.items():
        while place in line:
            line = line.replace(place, make(choices), 1)
    if b"{b}" not in line:
        return line + b"\r\n"
    body = _body(choices)
    return line.replace(b"{b}", b"%d" % len(body)) + b"\r\n" + body + b"\r\n"


def _number(choices: Choices) -> bytes:
    return pick(choices, NUMBERS) if chance(choices, 15) else b"%d" % choices.below(3)


def _seconds(choices: Choices) -> bytes:
    return pick(choices, NUMBERS) if chance(choices, 10) else b"%d" % pick(choices, (0, 1, 2, 10))


def _id(choices: Choices) -> bytes:
    return pick(choices, NUMBERS) if chance(choices, 10) else b"%d" % between(choices, 1, 6)


def _tube(choices: Choices) -> bytes:
    return choices.blob(3) if chance(choices, 5) else pick(choices, TUBES)


def _body(choices: Choices) -> bytes:
    """Perhaps one that looks like commands, or like the end of another body."""
    kind = choices.below(5)
    if kind == 0:
        return b"x" * choices.below(4)
    if kind == 1:
        return b"".join(_plain(choices) for _ in range(between(choices, 1, 3)))
    if kind == 2:
        return pick(choices, SPLINTERS)
    return choices.blob(choices.below(6)) if kind == 3 else b"y" * between(choices, 295, 305)


def _plain(choices: Choices) -> bytes:
    return pick(choices, (b"delete 1\r\n", b"stats\r\n", b"\r\n", b"quit\r\n", b"put 0 0 9 1\r\nz\r\n"))


# What happens to a stream on its way


def _lose(choices: Choices, stream: bytes) -> bytes:
    start, stop = _range(choices, stream)
    return stream[:start] + stream[stop:]


def _double(choices: Choices, stream: bytes) -> bytes:
    start, stop = _range(choices, stream)
    return stream[:stop] + stream[start:]


def _splinter(choices: Choices, stream: bytes) -> bytes:
    place = choices.below(len(stream) + 1)
    return stream[:place] + pick(choices, SPLINTERS) + stream[place:]


def _replace(choices: Choices, stream: bytes) -> bytes:
    start, stop = _range(choices, stream)
    return stream[:start] + choices.blob(stop - start) + stream[stop:]


def _bare(choices: Choices, stream: bytes) -> bytes:
    """Line ends that are none."""
    return stream.replace(b"\r\n", pick(choices, (b"\n", b"\r", b"\n\r", b"\r\r\n")), between(choices, 1, 4))


def _renumber(choices: Choices, stream: bytes) -> bytes:
    """Another number where one stands."""
    words = stream.split(b" ")
    words[choices.below(len(words))] = pick(choices, NUMBERS)
    return b" ".join(words)


def _range(choices: Choices, stream: bytes) -> tuple[int, int]:
    start = choices.below(len(stream) + 1)
    return start, min(len(stream), start + between(choices, 1, 8))


MUTATIONS: tuple[Callable[[Choices, bytes], bytes], ...] = (_lose, _double, _splinter, _replace, _bare, _renumber)
