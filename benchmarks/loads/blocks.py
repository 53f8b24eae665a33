"""Many commands in one write, on one connection; the next write goes out when all replies are in.

No reply has to be waited for to know the id to delete: a fresh server counts from 1, and within a priority the
oldest job goes first.
"""

import time
from collections.abc import Iterable, Sequence

from benchmarks.connection import Connection, Watch
from benchmarks.loads.checks import check_bytes, check_counters
from benchmarks.loads.model import Outcome, Target
from benchmarks.loads.pace import affordable
from benchmarks.meter import Meter, Sample
from benchmarks.wire import PUT, Exchange, WrongReplyError, inserted, reserve_and_delete

BLOCK = 200
SMALL_BLOCK = 100
WARM_UP_BLOCKS = 5


def put_blocks(target: Target, watch: Watch, commands: int) -> Outcome:
    warm_up = BLOCK * WARM_UP_BLOCKS
    with Connection(target.port, watch) as connection:
        fill(connection, warm_up)
        sample = measured(connection, target, watch, puts(warm_up + 1, commands, BLOCK), commands)
        check_counters(connection, target, put=warm_up + commands, drained=0)
    return Outcome.of(sample)


def drain_blocks(target: Target, watch: Watch, commands: int) -> Outcome:
    """Pairs of reserve and delete on a tube that was filled before."""
    warm_up, jobs = BLOCK * WARM_UP_BLOCKS, commands // 2
    with Connection(target.port, watch) as connection:
        fill(connection, warm_up + jobs)
        exchange(connection, pairs(1, warm_up, BLOCK))
        sample = measured(connection, target, watch, pairs(warm_up + 1, jobs, BLOCK), commands)
        check_counters(connection, target, put=warm_up + jobs, drained=warm_up + jobs)
    return Outcome.of(sample)


def put_and_drain_blocks(target: Target, watch: Watch, commands: int) -> Outcome:
    """Smaller writes; half of the jobs stay, so that somebody can look for them after a restart."""
    warm_up = SMALL_BLOCK * WARM_UP_BLOCKS
    with Connection(target.port, watch) as connection:
        began = time.perf_counter()
        exchange(connection, puts(1, warm_up, SMALL_BLOCK))
        jobs = max(1, affordable(commands, warm_up, time.perf_counter() - began) // SMALL_BLOCK) * SMALL_BLOCK
        exchange(connection, pairs(1, warm_up, SMALL_BLOCK))
        putting = puts(warm_up + 1, jobs, SMALL_BLOCK)
        taking = pairs(warm_up + 1, jobs // 2, SMALL_BLOCK)
        stretches = {
            "put": measured(connection, target, watch, putting, jobs),
            "reserve + delete": measured(connection, target, watch, taking, jobs),
        }
        check_counters(connection, target, put=warm_up + jobs, drained=warm_up + jobs // 2)
    return Outcome(stretches, left=jobs - jobs // 2)


def fill(connection: Connection, jobs: int) -> None:
    """Put the first jobs of a fresh server."""
    exchange(connection, puts(1, jobs, BLOCK))


def puts(first_id: int, jobs: int, size: int) -> list[Exchange]:
    """Writes of `size` puts."""
    starts = range(first_id, first_id + multiple(jobs, size), size)
    return [(PUT * size, inserted(range(start, start + size))) for start in starts]


def pairs(first_id: int, jobs: int, size: int) -> list[Exchange]:
    """Writes of `size` commands: a reserve and a delete for each job."""
    step = size // 2
    starts = range(first_id, first_id + multiple(jobs, step), step)
    return [reserve_and_delete(range(start, start + step)) for start in starts]


def multiple(number: int, size: int) -> int:
    """`number`, which must be so many whole blocks."""
    if number % size:
        raise ValueError(f"{number} is no multiple of {size}")
    return number


def measured(
    connection: Connection, target: Target, watch: Watch, exchanges: Sequence[Exchange], commands: int
) -> Sample:
    """Prepared writes against the clock, their replies compared afterwards."""
    with Meter(target.pid, watch) as meter:
        received = run(connection, exchanges)
    check_bytes(received, (expected for _, expected in exchanges))
    return meter.sample(commands)


def exchange(connection: Connection, exchanges: Iterable[Exchange]) -> None:
    """Writes that are not measured, each compared at once: there may be too many to be kept."""
    for one in exchanges:
        check_bytes(run(connection, [one]), [one[1]])


def run(connection: Connection, exchanges: Sequence[Exchange]) -> list[bytes]:
    """Everything received, in pieces."""
    received: list[bytes] = []
    keep, send, wait = received.append, connection.send, connection.wait
    try:
        for commands, expected in exchanges:
            send(commands)
            missing = len(expected)
            while missing > 0:
                piece = wait()
                missing -= len(piece)
                keep(piece)
    except WrongReplyError as error:
        # Most often a shorter reply than expected has come, and it says more than the silence after it.
        whole = b"".join(received)
        raise WrongReplyError(f"{error}; what came last: {whole[-120:]!r}") from None
    return received
