"""A million delayed jobs fall due, and a client asks every millisecond whether the server still answers.

A delay is a whole number of seconds, so the moments at which jobs fall due are spread by those of their puts: the
delays take turns from put to put, and the loading takes seconds.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Iterator

from benchmarks.connection import Connection, Watch
from benchmarks.loads.blocks import BLOCK, exchange, fill, pairs
from benchmarks.loads.checks import check_stats
from benchmarks.loads.model import Outcome, Target
from benchmarks.pauses import Probes
from benchmarks.wire import (
    DELETED,
    RESERVE_AT_ONCE,
    RESERVED_TAIL,
    Exchange,
    WrongReplyError,
    delete,
    inserted,
    put,
    reserved,
)

JOBS_PER_SECOND = 1_000_000 / 60
TRIAL = 20_000
"""Jobs that are put and taken first, to learn how long the loading will take."""

ASKED_AT_ONCE = 100
REST_SECONDS = 0.005
REPORT_SECONDS = 0.05
PATIENCE_SECONDS = 60.0

RESERVED = re.compile(rb"RESERVED ([0-9]+)" + re.escape(RESERVED_TAIL))
TIMED_OUT = b"TIMED_OUT\r\n"

LOADING, DUE = "loading", "falling due"


def delayed(target: Target, watch: Watch, jobs: int) -> Outcome:
    """Due over 60 seconds (fewer jobs: over fewer), while a worker takes and deletes what is due."""
    span = round(jobs / JOBS_PER_SECOND)
    with Connection(target.port, watch) as connection:
        lead = 2 + math.ceil(1.5 * seconds_to_load(connection, jobs))
        with Probes(target) as probes:
            began = time.monotonic()
            exchange(connection, delayed_puts(jobs, lead, span))
            loaded = time.monotonic()
            if loaded - began > lead:
                raise WrongReplyError(f"the first jobs fell due after {lead} s, before all were put")
            per_second = take_what_is_due(connection, jobs, until=loaded + lead + span + PATIENCE_SECONDS)
            drained = time.monotonic()
        wanted = {"total-jobs": jobs + TRIAL, "cmd-delete": jobs + TRIAL, "current-jobs-delayed": 0}
        check_stats(connection, target, wanted)
    figures = {"loading, s": loaded - began, **evenness(per_second, loaded + lead, began + lead + span)}
    waits = {LOADING: probes.waits(began, loaded), DUE: probes.waits(began + lead, drained)}
    return Outcome(figures=figures, waits=waits)


def delayed_burst(target: Target, watch: Watch, jobs: int) -> Outcome:
    """All within one second, and nobody takes them until they are all ready."""
    with Connection(target.port, watch) as connection:
        lead = 2 + math.ceil(1.5 * seconds_to_load(connection, jobs))
        with Probes(target) as probes:
            began = time.monotonic()
            exchange(connection, burst_puts(jobs, began + lead))
            loaded = time.monotonic()
            time.sleep(max(0.0, began + lead - 0.1 - loaded))
            wait_until_ready(connection, jobs)
            ready = time.monotonic()
            exchange(connection, pairs(TRIAL + 1, jobs, BLOCK))
        wanted = {"total-jobs": jobs + TRIAL, "cmd-delete": jobs + TRIAL, "current-jobs-ready": 0}
        check_stats(connection, target, wanted)
    figures = {"loading, s": loaded - began, "from the first job due until all are ready, s": ready - began - lead}
    waits = {LOADING: probes.waits(began, loaded), DUE: probes.waits(began + lead - 0.1, ready)}
    return Outcome(figures=figures, waits=waits)


def seconds_to_load(connection: Connection, jobs: int) -> float:
    began = time.monotonic()
    fill(connection, TRIAL)
    seconds = time.monotonic() - began
    exchange(connection, pairs(1, TRIAL, BLOCK))
    return seconds * jobs / TRIAL


def delayed_puts(jobs: int, lead: int, span: int) -> Iterator[Exchange]:
    """The delays go round from put to put."""
    kinds = [put(delay=lead + extra) for extra in range(span)]
    for first in range(0, jobs, BLOCK):
        commands = b"".join(kinds[number % span] for number in range(first, first + BLOCK))
        yield commands, inserted(range(TRIAL + 1 + first, TRIAL + 1 + first + BLOCK))


def burst_puts(jobs: int, due: float) -> Iterator[Exchange]:
    """Each with the shortest delay that reaches the moment `due`, so that it is no more than a second later."""
    for first in range(TRIAL + 1, TRIAL + 1 + jobs, BLOCK):
        delay = max(1, math.ceil(due - time.monotonic()))
        yield put(delay=delay) * BLOCK, inserted(range(first, first + BLOCK))


def take_what_is_due(connection: Connection, jobs: int, until: float) -> Counter[int]:
    """Take and delete until all have gone, each once; how many came in which second."""
    missing = bytearray(b"\1") * jobs
    left = jobs
    per_second: Counter[int] = Counter()
    while left:
        ids = take(connection)
        for job_id in ids:
            if not missing[job_id - TRIAL - 1]:
                raise WrongReplyError(f"job {job_id} was handed out twice")
            missing[job_id - TRIAL - 1] = 0
        now = time.monotonic()
        left -= len(ids)
        per_second[int(now)] += len(ids)
        if now > until:
            raise WrongReplyError(f"{left} jobs have not fallen due")
        if len(ids) < ASKED_AT_ONCE:
            time.sleep(REST_SECONDS)
    return per_second


def take(connection: Connection) -> list[int]:
    """Reserve up to a hundred jobs, whatever is there, and delete them."""
    connection.send(RESERVE_AT_ONCE * ASKED_AT_ONCE)
    received, refused = b"", 0
    ids: list[int] = []
    while len(ids) + refused < ASKED_AT_ONCE:
        received += connection.wait()
        ids, refused = [int(found) for found in RESERVED.findall(received)], received.count(TIMED_OUT)
    if len(received) != sum(len(reserved(job_id)) for job_id in ids) + refused * len(TIMED_OUT):
        raise WrongReplyError(f"{received[:120]!r}")
    exchange(connection, [(b"".join(delete(b"%d" % job_id) for job_id in ids), DELETED * len(ids))])
    return ids


def evenness(per_second: Counter[int], begin: float, end: float) -> dict[str, float]:
    """The whole seconds in between, for which jobs of every put were left."""
    shares = [per_second[second] for second in range(math.ceil(begin), math.floor(end))]
    return {"due in a second, fewest": min(shares), "due in a second, most": max(shares)}


def wait_until_ready(connection: Connection, jobs: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connection.stats()["current-jobs-ready"] != str(jobs):
        if time.monotonic() > deadline:
            raise WrongReplyError(f"{jobs} jobs are not ready {PATIENCE_SECONDS} s after the first fell due")
        time.sleep(REPORT_SECONDS)
