"""put, reserve, delete: one command at a time, by one connection or by many at once."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.connection import Connection, Watch
from benchmarks.loads.checks import check_counters, check_cycles
from benchmarks.loads.model import Outcome, Target
from benchmarks.loads.pace import affordable
from benchmarks.meter import Meter, Sample
from benchmarks.wire import PUT, RESERVE, delete, reserved_id

CROWD = 50
COMMANDS_PER_CYCLE = 3
WARM_UP_SHARE = 10


def cycles_alone(target: Target, watch: Watch, commands: int) -> Outcome:
    """put, reserve, delete; each waits for its reply."""
    cycles = commands // COMMANDS_PER_CYCLE
    warm_up = cycles // WARM_UP_SHARE
    with Connection(target.port, watch) as connection:
        run_cycles(connection, warm_up)
        with Meter(target.pid, watch) as meter:
            replies = run_cycles(connection, cycles)
        check_cycles(replies, cycles)
        check_counters(connection, target, put=warm_up + cycles, drained=warm_up + cycles)
    return Outcome.of(meter.sample(cycles * COMMANDS_PER_CYCLE))


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


def cycles_crowd(target: Target, watch: Watch, commands: int) -> Outcome:
    """As cycles_alone, by many connections at once: each has one command on its way."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(Connection(target.port, watch)) for _ in range(CROWD)]
        sample, done = crowd_sample(crowd, target, watch, commands)
        check_counters(crowd[0], target, put=done, drained=done)
    return Outcome.of(sample)


def crowd_sample(crowd: Sequence[Connection], target: Target, watch: Watch, commands: int) -> tuple[Sample, int]:
    """What a crowd does when it is warm, and how many cycles it made in all."""
    cycles = commands // COMMANDS_PER_CYCLE
    warm_up = max(cycles // WARM_UP_SHARE, len(crowd))
    began = time.perf_counter()
    run_crowd(crowd, watch, warm_up)
    cycles = max(affordable(cycles, warm_up, time.perf_counter() - began), len(crowd))
    with Meter(target.pid, watch) as meter:
        replies = run_crowd(crowd, watch, cycles)
    check_cycles(replies, cycles)
    return meter.sample(cycles * COMMANDS_PER_CYCLE), warm_up + cycles


def run_crowd(crowd: Sequence[Connection], watch: Watch, cycles: int) -> list[bytes]:
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
