"""Looks at single jobs, which change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked_pattern, conversation, there
from ayl.admin.errors import NoSuchJob
from ayl.admin.jobs import Job, found, read
from ayl.admin.statistics import chosen, existing
from ayl.tubes import is_wild

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ayl.admin.conversation import Conversation
    from ayl.admin.server import Server

PEEKED = ("ready", "delayed", "buried")
"""States whose first job can be seen: those of workers are theirs."""


@dataclass(frozen=True, slots=True)
class Peek:
    """The first job of a state in a tube: the most urgent, the one that is ready next, or the one buried longest."""

    tube: str
    state: str
    job: Job | None
    """None if there is none."""


def find_jobs(server: Server, ids: Iterable[int]) -> Iterator[Job]:
    """Those of these jobs that are there, in whatever tube and state, with their bodies."""
    with conversation(server) as client:
        yield from found(client, dict.fromkeys(ids))


def body(server: Server, job: int) -> bytes:
    """The body of a job as it is; NoSuchJob if there is none."""
    with conversation(server) as client:
        for answer in client.ask([b"peek %d\r\n" % job], b"FOUND", body=True):
            if (reply := there(answer)) is not None:
                return reply.body
        raise NoSuchJob(server, job)


def peek(server: Server, tube: str, state: str) -> list[Peek]:
    """The first job of this state, one of PEEKED, in a tube or in each that a pattern matches.

    NoSuchTube if there is no such tube.
    """
    checked_pattern(tube)
    with conversation(server) as client:
        names = chosen(client, server, tube)
        if not is_wild(tube):
            existing(client, server, tube)
        return [Peek(name, state, first(client, name, state)) for name in names]


def first(client: Conversation, tube: str, state: str) -> Job | None:
    """The first job of this state in the tube, which the conversation uses from then on; None if there is none."""
    client.use(tube)
    while True:
        (answer,) = client.ask([b"peek-%b\r\n" % state.encode()], b"FOUND", body=True)
        if (reply := there(answer)) is None:
            return None
        (report,) = client.reports([b"stats-job %b\r\n" % reply.words[0]])
        if (stats := there(report)) is not None and stats["state"] == state:
            return read(stats, reply.body)
