"""What a server is to find in its binlog when it starts again."""

from benchmarks.connection import Connection, Watch
from benchmarks.loads.blocks import BLOCK, measured, puts
from benchmarks.loads.checks import check_counters
from benchmarks.loads.model import Outcome, Target


def fill_binlog(target: Target, watch: Watch, jobs: int) -> Outcome:
    with Connection(target.port, watch) as connection:
        sample = measured(connection, target, watch, puts(1, jobs, BLOCK), jobs)
        check_counters(connection, target, put=jobs, drained=0)
    return Outcome({"put": sample}, left=jobs)
