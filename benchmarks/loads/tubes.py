"""Many tubes: each of 5,000 clients in one of its own, and 10,000 beside the one that is busy."""

from contextlib import ExitStack

from benchmarks.connection import Connection, Watch
from benchmarks.loads.blocks import BLOCK, exchange, measured, pairs, puts
from benchmarks.loads.checks import check_counters
from benchmarks.loads.cycles import CROWD, crowd_sample
from benchmarks.loads.model import Outcome, Target
from benchmarks.wire import PUT, Exchange, inserted

OWNERS = 5000
IDLE_TUBES = 10_000
AT_ONCE = 100
PIPELINED = 10_000
"""Jobs; few, because a server that scans its tubes needs long for each."""

ONE_BY_ONE = f"{CROWD} connections"
PUTS, PAIRS = f"put, {BLOCK} per write", f"reserve + delete, {BLOCK} per write"


def own_tubes(target: Target, watch: Watch, commands: int) -> Outcome:
    with ExitStack() as stack:
        crowd = [stack.enter_context(Connection(target.port, watch)) for _ in range(OWNERS)]
        for number, owner in enumerate(crowd):
            exchange(owner, [settle(b"own-%d" % number)])
        sample, done = crowd_sample(crowd, target, watch, commands)
        check_counters(crowd[0], target, put=done, drained=done)
    return Outcome.of(sample)


def settle(tube: bytes) -> Exchange:
    """Use this tube and watch no other."""
    commands = b"use %b\r\nwatch %b\r\nignore default\r\n" % (tube, tube)
    return commands, b"USING %b\r\nWATCHING 2\r\nWATCHING 1\r\n" % tube


def idle_tubes(target: Target, watch: Watch, commands: int) -> Outcome:
    """An idle tube is one that a job waits in. The busy one is used one command at a time, then many at a time."""
    with ExitStack() as stack:
        with Watch(sleep=False) as apart, Connection(target.port, apart) as filler:
            exchange(filler, (one_job_each(first) for first in range(0, IDLE_TUBES, AT_ONCE)))
        crowd = [stack.enter_context(Connection(target.port, watch)) for _ in range(CROWD)]
        sample, done = crowd_sample(crowd, target, watch, commands)
        first = IDLE_TUBES + done + 1
        putting, taking = puts(first, PIPELINED, BLOCK), pairs(first, PIPELINED, BLOCK)
        stretches = {
            ONE_BY_ONE: sample,
            PUTS: measured(crowd[0], target, watch, putting, PIPELINED),
            PAIRS: measured(crowd[0], target, watch, taking, 2 * PIPELINED),
        }
        done += PIPELINED
        check_counters(crowd[0], target, put=IDLE_TUBES + done, drained=done)
    return Outcome(stretches)


def one_job_each(first: int) -> Exchange:
    names = [b"idle-%d" % number for number in range(first, first + AT_ONCE)]
    commands = b"".join(b"use %b\r\n%b" % (name, PUT) for name in names)
    replies = (b"USING %b\r\n%b" % (name, inserted([job])) for job, name in enumerate(names, first + 1))
    return commands, b"".join(replies)
