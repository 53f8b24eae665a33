"""Buried and delayed jobs are made ready."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked_pattern, conversation
from ayl.admin.jobs import Done, command_each
from ayl.admin.statistics import chosen, look, missing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ayl.admin.facts import Jobs
    from ayl.admin.server import Server

AT_ONCE = 1000
"""Jobs in one command: a server does nothing else meanwhile."""


@dataclass(frozen=True, slots=True)
class Kicked:
    """What was kicked in a tube so far."""

    tube: str
    state: str
    """That the jobs were in: buried, or delayed where none was buried; empty if there were none of either."""
    jobs: int


def kick(server: Server, tube: str, most: int | None = 1) -> Generator[list[Kicked], None, None]:
    """Make up to so many jobs ready, or (None) all that are there now, in a tube or in each that a pattern matches.

    As the protocol has it: if any is buried, then buried ones, the oldest first; else delayed ones, the next first;
    never both. What was done so far, a portion at a time. NoSuchTube if there is no such tube.
    """
    checked_pattern(tube)
    with conversation(server) as client:
        done: list[Kicked] = []
        yield done
        for name in chosen(client, server, tube):
            if (found := look(client, name)) is None:
                continue
            state = _kicked_first(found.jobs)
            here = Kicked(name, state, 0)
            done.append(here)
            client.use(name)
            left = getattr(found.jobs, state) if state and most is None else most
            while left and state:
                kicked = client.kick(min(left, AT_ONCE))
                left -= kicked
                here = replace(here, jobs=here.jobs + kicked)
                done[-1] = here
                yield done
                # Who else kicks here may have left none of that state, and a kick of the other was not asked for.
                if not kicked or (found := look(client, name)) is None or _kicked_first(found.jobs) != state:
                    break
        if not done:
            raise missing(client, server, tube)


def kick_jobs(server: Server, ids: Iterable[int]) -> Generator[Done, None, None]:
    """Make these buried or delayed jobs ready, whatever their tubes."""
    return command_each(server, ids, b"kick-job", b"KICKED")


def _kicked_first(found: Jobs) -> str:
    return "buried" if found.buried else "delayed" if found.delayed else ""
