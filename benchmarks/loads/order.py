"""Pipelined loads whose jobs do not leave in the order of their coming, beside the same with one priority."""

from collections.abc import Sequence
from random import Random

from benchmarks.connection import Connection, Watch
from benchmarks.loads.blocks import BLOCK, exchange, fill, measured, multiple, pairs, puts
from benchmarks.loads.checks import check_counters, check_stats
from benchmarks.loads.model import Outcome, Target
from benchmarks.wire import PRIORITY, Exchange, inserted, put, reserve_and_delete, reserved

PRIORITIES = 1000
PUT_ONE, TAKE_ONE = "put, one priority", "reserve + delete, one priority"
PUT_RANDOM, TAKE_RANDOM = "put, 1,000 random priorities", "reserve + delete, 1,000 random priorities"
GIVE_BACK, TAKE_RELEASED = "reserve-job + release, at random", "reserve + delete, released at random"

SEED = 20260101


def order(target: Target, watch: Watch, jobs: int) -> Outcome:
    """Everything on one server: the ratios of these stretches are what is looked for."""
    random = Random(SEED)  # noqa: S311 - the same order for every server and round
    with Connection(target.port, watch) as connection:
        fill(connection, jobs)  # so that no stretch is the first to need the memory
        exchange(connection, pairs(1, jobs, BLOCK))
        stretches = {}
        for title, exchanges, commands in (
            (PUT_ONE, puts(jobs + 1, jobs, BLOCK), jobs),
            (TAKE_ONE, pairs(jobs + 1, jobs, BLOCK), jobs * 2),
            *with_priorities(random, 2 * jobs + 1, jobs),
        ):
            stretches[title] = measured(connection, target, watch, exchanges, commands)
        exchange(connection, puts(3 * jobs + 1, jobs, BLOCK))
        for title, exchanges in (
            (GIVE_BACK, returns(random, 3 * jobs + 1, jobs)),
            (TAKE_RELEASED, pairs(3 * jobs + 1, jobs, BLOCK)),
        ):
            stretches[title] = measured(connection, target, watch, exchanges, jobs * 2)
        check_counters(connection, target, put=4 * jobs, drained=4 * jobs)
        check_stats(connection, target, {"cmd-release": jobs})
    return Outcome(stretches)


def with_priorities(random: Random, first_id: int, jobs: int) -> list[tuple[str, list[Exchange], int]]:
    """Each job has one of 1,000 priorities, which are spread over what may be asked for by day and by time."""
    priorities = random.sample(range(1, 2**32), PRIORITIES)
    given = random.choices(priorities, k=jobs)
    leaving = [first_id + at for at in sorted(range(jobs), key=given.__getitem__)]  # stable: by (priority, id)
    putting = [
        (b"".join(map(put, given[at : at + BLOCK])), inserted(range(first_id + at, first_id + at + BLOCK)))
        for at in range(0, multiple(jobs, BLOCK), BLOCK)
    ]
    taking = [reserve_and_delete(leaving[at : at + BLOCK // 2]) for at in range(0, jobs, BLOCK // 2)]
    return [(PUT_RANDOM, putting, jobs), (TAKE_RANDOM, taking, jobs * 2)]


def returns(random: Random, first_id: int, jobs: int) -> list[Exchange]:
    """Every job is fetched by its id and given back, in random order; so each comes back with an old id."""
    mixed = list(range(first_id, first_id + jobs))
    random.shuffle(mixed)
    return [fetch_and_release(mixed[at : at + BLOCK // 2]) for at in range(0, jobs, BLOCK // 2)]


def fetch_and_release(job_ids: Sequence[int]) -> Exchange:
    fetching = b"".join(b"reserve-job %d\r\n" % job_id for job_id in job_ids)
    releasing = b"".join(b"release %d %d 0\r\n" % (job_id, PRIORITY) for job_id in job_ids)
    return fetching + releasing, b"".join(map(reserved, job_ids)) + b"RELEASED\r\n" * len(job_ids)
