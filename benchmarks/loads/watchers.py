"""One busy pair of clients, alone and beside a thousand that are connected and idle."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.connection import PATIENCE_SECONDS, Connection, Watch
from benchmarks.loads.blocks import exchange
from benchmarks.loads.checks import check_counters, check_cycles
from benchmarks.loads.model import Outcome, Target
from benchmarks.meter import Meter, Sample, total
from benchmarks.wire import PUT, RESERVE, Exchange, WrongReplyError, delete, reserved_id

IDLE = 1000
TURNS = 3
"""How often the crowd comes and goes, so that a machine that gets slower slows both halves."""

ARRIVAL_SECONDS = 0.2
"""Until the kernel has acknowledged what the last of a thousand clients sent, which it delays by some 40 ms."""

ALONE, AMONG = "alone", f"beside {IDLE:,} idle connections"

USE_BUSY: Exchange = (b"use busy\r\n", b"USING busy\r\n")
WATCH_BUSY: Exchange = (b"watch busy\r\n", b"WATCHING 2\r\n")
WATCH_ELSEWHERE: Exchange = (b"watch elsewhere\r\n", b"WATCHING 2\r\n")
IGNORE_DEFAULT: Exchange = (b"ignore default\r\n", b"WATCHING 1\r\n")


def watchers(target: Target, watch: Watch, commands: int) -> Outcome:
    cycles = commands // 3 // TURNS
    samples: dict[str, list[Sample]] = {ALONE: [], AMONG: []}
    with Connection(target.port, watch) as producer, Connection(target.port, watch) as worker:
        exchange(producer, [USE_BUSY])
        exchange(worker, [WATCH_BUSY, IGNORE_DEFAULT])
        worker.send(RESERVE)
        run_pair(producer, worker, watch, cycles)
        for _ in range(TURNS):
            samples[ALONE].append(pair_sample(producer, worker, target, watch, cycles))
            with idle_crowd(target):
                samples[AMONG].append(pair_sample(producer, worker, target, watch, cycles))
            wait_until_gone(producer)
        replies = run_pair(producer, worker, watch, 1, again=False)  # nobody is left waiting
        check_cycles(replies, 1)
        done = cycles + 2 * TURNS * cycles + 1
        # The idle ones have reserved too, and got nothing.
        check_counters(producer, target, put=done, drained=done, reserves=done + TURNS * (IDLE // 2))
    return Outcome({title: total(parts) for title, parts in samples.items()})


def pair_sample(producer: Connection, worker: Connection, target: Target, watch: Watch, cycles: int) -> Sample:
    with Meter(target.pid, watch) as meter:
        replies = run_pair(producer, worker, watch, cycles)
    check_cycles(replies, cycles)
    return meter.sample(cycles * 3)


def run_pair(producer: Connection, worker: Connection, watch: Watch, cycles: int, *, again: bool = True) -> list[bytes]:
    """One puts, the other, which waits in reserve, gets the job, deletes it and reserves again in the same write."""
    replies: list[bytes] = []
    keep = replies.append
    ends = {one.descriptor: one.read_reply for one in (producer, worker)}
    next_command = RESERVE if again else b""
    for _ in range(cycles):
        producer.send(PUT)
        answers: list[bytes] = []
        while len(answers) < 2:
            for descriptor, _ in watch.ready():
                answers.append(ends[descriptor]())
        replies += answers
        # R(ESERVED) sorts behind I(NSERTED).
        worker.send(delete(reserved_id(max(answers))) + next_command)
        watch.ready()
        keep(worker.read_reply())
    return replies


@contextmanager
def idle_crowd(target: Target) -> Iterator[None]:
    """Half of them watch the busy tube and ask for nothing; half wait in a reserve, in a tube of their own."""
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(sleep=False))
        for number in range(IDLE):
            one = stack.enter_context(Connection(target.port, watch))
            if number % 2:
                exchange(one, [WATCH_BUSY])
            else:
                exchange(one, [WATCH_ELSEWHERE, IGNORE_DEFAULT])
                one.send(RESERVE)
        time.sleep(ARRIVAL_SECONDS)  # to let them in is work, but not that of the stretch
        yield


def wait_until_gone(connection: Connection) -> None:
    """To see a thousand clients off is work, but not that of the next stretch."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connection.stats()["current-connections"] != "2":
        if time.monotonic() > deadline:
            raise WrongReplyError("clients that have gone are still counted")
        time.sleep(0.01)
