"""A look at a whole server, for what is wrong there."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ayl.admin import facts, jobs
from ayl.admin.conversation import checked_pattern, conversation, there
from ayl.admin.statistics import chosen, looks, missing
from ayl.admin.versions import family_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ayl.admin.conversation import Conversation
    from ayl.admin.jobs import Job
    from ayl.admin.server import Server

MOST_HEADS = 200
"""Tubes whose next jobs are looked at, in each state: those with the most of them."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was seen of one server."""

    server: str
    now: float
    """Seconds since 1970."""
    statistics: facts.ServerStatistics
    tubes: tuple[facts.TubeStatistics, ...]
    """Those that are asked about, and of the others the other versions of those without workers."""
    examined: frozenset[str]
    """The names of those that are asked about."""
    ready: tuple[Job, ...]
    """Of tubes with ready jobs the next one."""
    buried: tuple[Job, ...]
    """Of tubes with buried jobs the first one: no other can be reached without its id."""
    most_files: int = 0
    """That its process may open; 0 if it is not on this machine."""


def examine(server: Server, tube: str = "") -> Examination:
    """All tubes, or that one, or those that a pattern with `*` matches; NoSuchTube if that is none. Changes nothing."""
    if tube:
        checked_pattern(tube)
    with conversation(server) as client:
        statistics = facts.server_statistics(client.stats())
        names = client.tubes()
        examined = frozenset(chosen(client, server, tube) if tube else names).intersection(names)
        if tube and not examined:
            raise missing(client, server, tube)
        wanted = [*looks(client, [name for name in names if name in examined])]
        tubes = (*wanted, *_relatives(client, wanted, [name for name in names if name not in examined]))
        ready = _heads(client, b"peek-ready", [one for one in wanted if one.jobs.ready], "ready")
        buried = _heads(client, b"peek-buried", [one for one in wanted if one.jobs.buried], "buried")
        now = time.time()
    return Examination(str(server), now, statistics, tubes, examined, ready, buried, _most_files(statistics))


def _relatives(
    client: Conversation, tubes: list[facts.TubeStatistics], others: list[str]
) -> Iterator[facts.TubeStatistics]:
    """Those of the other tubes that may have the workers which these lack."""
    families = {family_of(tube.name) for tube in tubes if not tube.workers.total} - {None}
    return looks(client, [name for name in others if family_of(name) in families])


def _heads(client: Conversation, command: bytes, tubes: list[facts.TubeStatistics], state: str) -> tuple[Job, ...]:
    fullest = sorted(tubes, key=lambda tube: -getattr(tube.jobs, state))[:MOST_HEADS]
    bodies = {}
    for _tube, answer in client.heads([tube.name for tube in fullest], command):
        if (reply := there(answer)) is not None:
            bodies[int(reply.words[0])] = reply.body
    return tuple(_read(client, bodies))


def _read(client: Conversation, bodies: dict[int, bytes]) -> Iterable[Job]:
    reports = client.reports(b"stats-job %d\r\n" % job for job in bodies)
    for body, answer in zip(bodies.values(), reports, strict=True):
        if (report := there(answer)) is not None:
            yield jobs.read(report, body)


def _most_files(statistics: facts.ServerStatistics) -> int:
    """The limit of its process, if that runs on this machine and may be looked at."""
    reported = statistics.reported
    if reported.get("hostname") != os.uname().nodename:
        return 0
    process = Path("/proc", str(reported.get("pid", 0)))
    with suppress(OSError):
        if re.search(rb"beanstalkd|ayl_server", (process / "cmdline").read_bytes()):
            found = re.search(r"^Max open files +([0-9]+)", (process / "limits").read_text(), re.MULTILINE)
            return int(found[1]) if found else 0
    return 0
