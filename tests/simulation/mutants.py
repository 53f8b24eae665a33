"""Plausible mistakes, put into the server one at a time: the simulation must notice each.

A mistake is a function with the server's own code in it, changed a little; the table tells where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from ayl_server.binlog import records
from ayl_server.binlog.log import SMALL_AT_ONCE, Log
from ayl_server.binlog.replay import Replay
from ayl_server.broker import Broker
from ayl_server.listener import Client, Server
from ayl_server.model import DELAYED, READY, RESERVED, Job, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

Mutant = Callable[[], AbstractContextManager[Any]]


def holds_nothing_back(server: Server, client: Client) -> bool:
    if server.log is not None and server.log.dirty:
        server._commit_soon()
    return False


def forgets_to_sync(log: Log) -> None:
    if log.unsynced:
        log.unsynced = False
        log._retire(SMALL_AT_ONCE)


def tries_a_failed_sync_again(log: Log, original: Callable[[Log], None] = Log.sync) -> None:
    try:
        original(log)
    except OSError:
        original(log)


def keeps_a_release_to_itself(broker: Broker, job: Job) -> None:
    if broker.journal is not None and job.state is not READY:
        broker.journal.updated(job)


def copies_nothing(log: Log, job: Job, size: int, original: Callable[[Log, Job, int], None] = Log._write_job) -> None:
    if job.file:
        job.file = log.current.number
        log.current.ids.append(job.id)
        log.current.live += 1
    else:
        original(log, job, size)


def leases_twice(
    broker: Broker, job: Job, now: float, original: Callable[[Broker, Job, float], None] = Broker.make_ready
) -> None:
    original(broker, job, now)
    if job.state is RESERVED:
        job.tube.ready.push(job.pri, job)


def forgets_a_worker(
    broker: Broker,
    session: Session,
    now: float,
    original: Callable[[Broker, Session, float], None] = Broker.disconnect,
) -> None:
    broker.workers += session.worker and session in broker.sessions
    original(broker, session, now)


def believes_the_wall_clock(
    replay: Replay, job: Job, when: float, original: Callable[[Replay, Job, float], None] = Replay._set_when
) -> None:
    original(replay, job, when)
    if job.state is DELAYED:
        job.deadline = when - replay._shift


def forgets_the_ids(
    broker: Broker,
    jobs: Iterable[Job],
    last_id: int,
    burials: int,
    original: Callable[[Broker, Iterable[Job], int, int], None] = Broker.restore,
) -> None:
    jobs = list(jobs)
    original(broker, jobs, max((job.id for job in jobs), default=0), burials)


def does_not_go_on(client: Client) -> None:
    client.paused = False


def does_nothing(*_: object) -> None:
    """Whatever it was that had to be done."""


MUTANTS: dict[str, Mutant] = {
    "replies leave before the commit": partial(patch.object, Server, "holds_back", holds_nothing_back),
    "a commit does not sync": partial(patch.object, Log, "sync", forgets_to_sync),
    "a failed sync is tried again": partial(patch.object, Log, "sync", tries_a_failed_sync_again),
    "the directory is never synced": partial(patch.object, Log, "_sync_directory", does_nothing),
    "a segment goes and nothing tells that it may": partial(patch.object, Log, "retire_before", does_nothing),
    "a release is not reported": partial(patch.object, Broker, "_changed", keeps_a_release_to_itself),
    "compaction copies nothing": partial(patch.object, Log, "_write_job", copies_nothing),
    "jobs are accepted without room": partial(patch.object, Log, "_make_room", lambda *_: True),
    "a job is leased and ready": partial(patch.object, Broker, "make_ready", leases_twice),
    "a lease has no timer": partial(patch.object, Broker, "_watch_lease", does_nothing),
    "a worker that goes is still counted": partial(patch.object, Broker, "disconnect", forgets_a_worker),
    "a delay ends by the wall clock alone": partial(patch.object, Replay, "_set_when", believes_the_wall_clock),
    "ids begin again": partial(patch.object, Broker, "restore", forgets_the_ids),
    "checksums are not looked at": partial(patch.object, records, "crc32", lambda *_: 0),
    "a slow reader is forgotten": partial(patch.object, Client, "resume_writing", does_not_go_on),
    "a failed disk is no reason to stop": partial(patch.object, Server, "fail", does_nothing),
}
