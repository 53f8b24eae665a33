"""What the generator asks of a server.

Every load runs a little unmeasured work first, keeps each reply, and compares them with what must come when
the clock has stopped; at the end the server's own counters must agree.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.connection import Connection, Watch
from benchmarks.meter import Meter, Sample
from benchmarks.wire import (
    PUT,
    RESERVE,
    RESERVED_TAIL,
    WrongReplyError,
    delete,
    inserted,
    reserved_and_deleted,
    reserved_id,
)

CROWD = 50
BLOCK = 200
PAIRS = BLOCK // 2
LINES_PER_PAIR = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The server under load."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Load:
    title: str
    commands: int  # of the measured stretch, in a whole run
    drive: Callable[[Target, Watch, int], Sample]


def cycles_alone(target: Target, watch: Watch, commands: int) -> Sample:
    """put, reserve, delete; each waits for its reply."""
    cycles, warm_up = commands // 3, commands // 30
    with Connection(target.port, watch) as connection:
        run_cycles(connection, warm_up)
        with Meter(target.pid, watch) as meter:
            replies = run_cycles(connection, cycles)
        check_cycles(replies, cycles)
        check_counters(connection, target, put=warm_up + cycles, drained=warm_up + cycles)
    return meter.sample(cycles * 3)


def run_cycles(connection: Connection, cycles: int) -> list[bytes]:
    ask = connection.ask
    replies: list[bytes] = []
    keep = replies.append
    for _ in range(cycles):
        keep(ask(PUT))
        reply = ask(RESERVE)
        keep(reply)
        keep(ask(delete(reserved_id(reply))))
    return replies


def cycles_crowd(target: Target, watch: Watch, commands: int) -> Sample:
    """As cycles_alone, by many connections at once: each has one command on its way."""
    cycles, warm_up = commands // 3, commands // 30
    with ExitStack() as stack:
        crowd = [stack.enter_context(Connection(target.port, watch)) for _ in range(CROWD)]
        run_crowd(crowd, watch, warm_up)
        with Meter(target.pid, watch) as meter:
            replies = run_crowd(crowd, watch, cycles)
        check_cycles(replies, cycles)
        check_counters(crowd[0], target, put=warm_up + cycles, drained=warm_up + cycles)
    return meter.sample(cycles * 3)


def run_crowd(crowd: list[Connection], watch: Watch, cycles: int) -> list[bytes]:
    """Whoever has deleted a job puts the next one, until there have been enough.

    A reserve may be given a neighbour's job. It never has to wait: each one comes after a put of its own.
    """
    replies: list[bytes] = []
    keep = replies.append
    members = {member.descriptor: (member.read_reply, member.send) for member in crowd}
    for member in crowd:
        member.send(PUT)
    begun, deleted = len(crowd), 0
    while deleted < cycles:
        for descriptor, _ in watch.ready():
            read_reply, send = members[descriptor]
            reply = read_reply()
            keep(reply)
            kind = reply[0]
            if kind == 73:  # I(NSERTED)
                send(RESERVE)
            elif kind == 82:  # R(ESERVED)
                send(delete(reserved_id(reply)))
            else:
                deleted += 1
                if begun < cycles:
                    begun += 1
                    send(PUT)
    return replies


def check_cycles(replies: list[bytes], cycles: int) -> None:
    """As many jobs as asked for came, each once and with its body, and went."""
    words = Counter(reply.split()[0] for reply in replies)
    if words != {b"INSERTED": cycles, b"RESERVED": cycles, b"DELETED": cycles}:
        raise WrongReplyError(f"{cycles} of each were expected: {dict(words)}")
    put = {reply[9:-2] for reply in replies if reply[:1] == b"I"}
    taken = {reply.removesuffix(RESERVED_TAIL)[9:] for reply in replies if reply[:1] == b"R"}
    if put != taken or len(put) != cycles:
        raise WrongReplyError(f"{len(put)} jobs put, {len(taken)} reserved, {len(put & taken)} of them the same")


def put_blocks(target: Target, watch: Watch, commands: int) -> Sample:
    """Writes of 200 puts; the next goes out when all replies to the last are in."""
    warm_up = BLOCK * 5
    with Connection(target.port, watch) as connection:
        fill(connection, warm_up)
        with Meter(target.pid, watch) as meter:
            replies = run_blocks(connection, blocks_of_puts(commands), BLOCK)
        check_bytes(replies, inserted(range(warm_up + 1, warm_up + commands + 1)))
        check_counters(connection, target, put=warm_up + commands, drained=0)
    return meter.sample(commands)


def drain_blocks(target: Target, watch: Watch, commands: int) -> Sample:
    """Writes of 100 pairs of reserve and delete on a tube filled before.

    The id to delete is known without waiting: a fresh server counts from 1, and within a priority the oldest
    goes first.
    """
    warm_up, pairs = PAIRS * 10, commands // 2
    with Connection(target.port, watch) as connection:
        fill(connection, warm_up + pairs)
        run_blocks(connection, blocks_of_pairs(1, warm_up), PAIRS * LINES_PER_PAIR)
        blocks = blocks_of_pairs(warm_up + 1, pairs)
        with Meter(target.pid, watch) as meter:
            replies = run_blocks(connection, blocks, PAIRS * LINES_PER_PAIR)
        check_bytes(replies, reserved_and_deleted(range(warm_up + 1, warm_up + pairs + 1)))
        check_counters(connection, target, put=warm_up + pairs, drained=warm_up + pairs)
    return meter.sample(pairs * 2)


def fill(connection: Connection, jobs: int) -> None:
    """Put the first jobs of a fresh server."""
    check_bytes(run_blocks(connection, blocks_of_puts(jobs), BLOCK), inserted(range(1, jobs + 1)))


def blocks_of_puts(jobs: int) -> list[bytes]:
    return [PUT * BLOCK] * blocks_in(jobs, BLOCK)


def blocks_of_pairs(first_id: int, pairs: int) -> list[bytes]:
    starts = range(first_id, first_id + blocks_in(pairs, PAIRS) * PAIRS, PAIRS)
    return [b"".join(RESERVE + delete(b"%d" % job) for job in range(start, start + PAIRS)) for start in starts]


def blocks_in(number: int, size: int) -> int:
    blocks, rest = divmod(number, size)
    if rest:
        raise ValueError(f"{number} is no multiple of {size}")
    return blocks


def run_blocks(connection: Connection, blocks: list[bytes], lines: int) -> list[bytes]:
    """Send block after block, each when the last has had its lines of reply; everything received."""
    received: list[bytes] = []
    for block in blocks:
        connection.send(block)
        missing = lines
        while missing > 0:
            piece = connection.wait()
            missing -= piece.count(b"\n")
            received.append(piece)
    return received


def check_bytes(received: list[bytes], expected: bytes) -> None:
    whole = b"".join(received)
    if whole == expected:
        return
    pairs = enumerate(zip(whole, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(whole), len(expected)))
    raise WrongReplyError(f"byte {at}: {whole[at : at + 60]!r} instead of {expected[at : at + 60]!r}")


def check_counters(connection: Connection, target: Target, *, put: int, drained: int) -> None:
    """The server, and no other process, did all of it."""
    expected = {
        "pid": target.pid,
        "total-jobs": put,
        "cmd-put": put,
        "cmd-reserve": drained,
        "cmd-delete": drained,
        "current-jobs-ready": put - drained,
        "current-jobs-reserved": 0,
    }
    counters = connection.stats()
    wrong = {key: counters.get(key) for key, value in expected.items() if counters.get(key) != str(value)}
    if wrong:
        raise WrongReplyError(f"counters: {wrong}, expected {expected}")


LOADS = {
    "cycle-1": Load("put-reserve-delete, 1 connection", 90_000, cycles_alone),
    "cycle-50": Load(f"put-reserve-delete, {CROWD} connections", 225_000, cycles_crowd),
    "put-200": Load(f"put, {BLOCK} per write", 300_000, put_blocks),
    "drain-200": Load(f"reserve + delete, {BLOCK} per write", 300_000, drain_blocks),
}
