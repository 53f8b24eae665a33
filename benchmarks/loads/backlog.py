"""A million ready jobs: what they cost the commands that go on meanwhile, and what memory they take and give back."""

import time

from benchmarks.connection import Connection, Watch
from benchmarks.loads.blocks import exchange, measured
from benchmarks.loads.checks import check_counters
from benchmarks.loads.model import Outcome, Target
from benchmarks.loads.stock import TRIPLES, Stock
from benchmarks.memory import used_bytes
from benchmarks.meter import Sample, total

FEW = 1000
JOBS_PER_TUBE = 100
STEADY_WRITES = 1000
WARM_UP_WRITES = 100
AFTERWARDS_SECONDS = 3.0

AT_FEW, AT_MANY = f"put, reserve, delete beside {FEW:,} jobs", "put, reserve, delete beside all jobs"
BYTES_PER_JOB = "memory per job, bytes"
KEPT = "memory kept when drained, % of what the jobs took"


def backlog(target: Target, watch: Watch, jobs: int) -> Outcome:
    """All in one tube."""
    return measure_backlog(target, watch, jobs, few_tubes=1, tubes=1)


def backlog_in_tubes(target: Target, watch: Watch, jobs: int) -> Outcome:
    """A million spread over 10,000 tubes; few jobs in few tubes, so that a tube has as many at both levels."""
    return measure_backlog(target, watch, jobs, few_tubes=FEW // JOBS_PER_TUBE, tubes=jobs // JOBS_PER_TUBE)


def measure_backlog(target: Target, watch: Watch, jobs: int, *, few_tubes: int, tubes: int) -> Outcome:
    """Few jobs before and after the many, so that a machine that gets slower slows both sides."""
    with Connection(target.port, watch) as connection:
        stock = Stock(tubes)

        def beside(level_tubes: int, level: int) -> tuple[Sample, int]:
            exchange(connection, stock.fill(level_tubes, level))
            used = used_bytes(target.pid)
            sample = steady(stock, connection, target, watch, level_tubes)
            exchange(connection, stock.drain())
            return sample, used

        before = used_bytes(target.pid)
        first, _ = beside(few_tubes, FEW)
        many, full = beside(tubes, jobs)
        second, _ = beside(few_tubes, FEW)
        check_counters(connection, target, put=stock.last_id, drained=stock.last_id)
        time.sleep(AFTERWARDS_SECONDS)
        after = used_bytes(target.pid)
    figures = {BYTES_PER_JOB: (full - before) / jobs, KEPT: max(0, after - before) / (full - before) * 100}
    return Outcome({AT_FEW: total([first, second]), AT_MANY: many}, figures)


def steady(stock: Stock, connection: Connection, target: Target, watch: Watch, tubes: int) -> Sample:
    """Put, reserve and delete in turn, so that the number of jobs stays; each write in the next tube."""
    writes = [stock.turn(number % tubes) for number in range(WARM_UP_WRITES + STEADY_WRITES)]
    exchange(connection, writes[:WARM_UP_WRITES])
    return measured(connection, target, watch, writes[WARM_UP_WRITES:], STEADY_WRITES * TRIPLES * 3)
