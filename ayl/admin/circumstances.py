"""All that can be known of one job and of what decides when it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin import facts, jobs
from ayl.admin.conversation import conversation, there
from ayl.admin.holders import LocalWorkers, search
from ayl.admin.statistics import look, looks
from ayl.admin.versions import family_of
from ayl.errors import NotTrusted
from ayl.tubes import app_of

if TYPE_CHECKING:
    from ayl.admin.conversation import Conversation
    from ayl.admin.jobs import Job
    from ayl.admin.server import Server
    from ayl.signing import KeyRing

MOST_RELATIVES = 200
"""Tubes of the same app that are looked at for workers."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of one job, at one moment."""

    id: int
    now: float
    """Seconds since 1970."""
    statistics: facts.ServerStatistics
    job: Job | None
    """None if it is not there."""
    tube: facts.TubeStatistics | None = None
    """None if that is gone meanwhile."""
    head: Job | None = None
    """Of a ready job: the one that is next in its tube."""
    elsewhere: tuple[facts.TubeStatistics, ...] = ()
    """Tubes of other versions of its app, and of the same lane, that workers watch."""
    distrust: str = ""
    """Why workers that have the keys at hand would not run it; empty if they would, or if no keys are at hand."""
    workers: LocalWorkers | None = None
    """Of this machine; None if nobody was asked."""


def circumstances(server: Server, id: int, secrets: KeyRing | None = None, status: str = "") -> Circumstances:  # noqa: A002 - a job's
    """Ask the server, and of a reserved job the workers of this machine.

    `secrets`: of the job's app, if they are at hand. `status`: where a worker tells how it is.
    """
    with conversation(server) as client:
        statistics = facts.server_statistics(client.stats())
        found = _found(client, id)
        now = time.time()
        if found is None:
            return Circumstances(id, now, statistics, None)
        job, raw = found
        tube = look(client, job.tube)
        head = _head(client, job.tube) if job.state == "ready" else None
        elsewhere = () if tube is None or tube.workers.total else _elsewhere(client, job.tube)
    distrust = "" if secrets is None else _distrust(secrets, job.tube, raw, now)
    workers = None
    if job.state == "reserved" and job.body is not None:
        workers = search(job.id, job.body.message, job.body.call, status)
    return Circumstances(id, now, statistics, job, tube, head, elsewhere, distrust, workers)


def _found(client: Conversation, id: int) -> tuple[Job, bytes] | None:  # noqa: A002 - a job's
    """The job and its body."""
    (peeked,) = client.ask([b"peek %d\r\n" % id], b"FOUND", body=True)
    if (reply := there(peeked)) is None:
        return None
    (answer,) = client.reports([b"stats-job %d\r\n" % id])
    report = there(answer)
    return None if report is None else (jobs.read(report, reply.body), reply.body)


def _head(client: Conversation, tube: str) -> Job | None:
    client.use(tube)
    (peeked,) = client.ask([b"peek-ready\r\n"], b"FOUND", body=True)
    if (reply := there(peeked)) is None:
        return None
    (answer,) = client.reports([b"stats-job %b\r\n" % reply.words[0]])
    report = there(answer)
    return None if report is None else jobs.read(report, reply.body)


def _elsewhere(client: Conversation, tube: str) -> tuple[facts.TubeStatistics, ...]:
    family = family_of(tube)
    names = [name for name in client.tubes() if name != tube and family and family_of(name) == family]
    return tuple(found for found in looks(client, names[:MOST_RELATIVES]) if found.workers.total)


def _distrust(secrets: KeyRing, tube: str, body: bytes, now: float) -> str:
    try:
        secrets.verify(app_of(tube), body, now)
    except NotTrusted as error:
        return str(error)
    return ""
