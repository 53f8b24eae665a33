"""Jobs are deleted, without anybody having done them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import greenstalk

from ayl.admin.conversation import MOST_AT_ONCE, Reply, checked, checked_pattern, conversation, there
from ayl.admin.jobs import Done, command_each
from ayl.admin.peeks import PEEKED, Peek, first
from ayl.admin.statistics import chosen, existing, look, missing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from ayl.admin.conversation import Answer, Conversation
    from ayl.admin.server import Server

STATES = PEEKED
"""Of jobs that can be deleted: those of workers are theirs."""


@dataclass(frozen=True, slots=True)
class Eaten:
    """How many jobs of a tube were deleted so far."""

    tube: str
    state: str
    jobs: int


def delete(server: Server, ids: Iterable[int]) -> Generator[Done, None, None]:
    """Delete these jobs, whatever their tubes; not those that are reserved."""
    return command_each(server, ids, b"delete", b"DELETED")


def eat(server: Server, tube: str) -> Peek:
    """Delete the ready job that would be next; what it was, or None for it if none is ready. NoSuchTube if there is no
    such tube.
    """
    checked(tube)
    with conversation(server) as client:
        existing(client, server, tube)
        while (job := first(client, tube, "ready")) is not None:
            (answer,) = client.ask([b"delete %d\r\n" % job.id], b"DELETED")
            if there(answer) is not None:  # or else a worker was quicker
                break
        return Peek(tube, "ready", job)


def eat_all(server: Server, tube: str, state: str) -> Generator[list[Eaten], None, None]:
    """Delete all jobs of a state, one of STATES, that are there now, in a tube or in each that a pattern matches.

    What was done so far, a portion at a time. NoSuchTube if there is no such tube.
    """
    checked_pattern(tube)
    with conversation(server) as client:
        done: list[Eaten] = []
        yield done
        for name in chosen(client, server, tube):
            if (found := look(client, name)) is None:
                continue
            done.append(Eaten(name, state, 0))
            left = getattr(found.jobs, state)
            portions = _reserved if state == "ready" and not found.pause_time_left else _peeked
            for eaten in portions(client, name, state, left):
                done[-1] = replace(done[-1], jobs=done[-1].jobs + eaten)
                yield done
        if not done:
            raise missing(client, server, tube)


def _reserved(client: Conversation, tube: str, _state: str, left: int) -> Iterator[int]:
    """Ready jobs: many are taken, and then deleted, in one write each. Who hangs up in between gives them back."""
    client.watch(tube)
    for other in client.watching():
        if other != tube:
            client.ignore(other)
    while left:
        wanted = min(left, MOST_AT_ONCE)
        answers = client.ask([b"reserve-with-timeout 0\r\n"] * wanted, b"RESERVED", body=True)
        taken = [reply.words[0] for answer in answers if (reply := _held(answer)) is not None]
        deletes = client.ask((b"delete %b\r\n" % job for job in taken), b"DELETED")
        yield sum(there(answer) is not None for answer in deletes)
        left = left - wanted if len(taken) == wanted else 0


def _held(answer: Answer) -> Reply | None:
    if isinstance(answer, (greenstalk.TimedOutError, greenstalk.DeadlineSoonError)):
        return None
    return there(answer)


def _peeked(client: Conversation, tube: str, state: str, left: int) -> Iterator[int]:
    """Others, and those of a tube that is paused: the server tells of the first alone, so each is deleted in the write
    that asks for the next.
    """
    client.use(tube)
    peek = (b"peek-%b\r\n" % state.encode(), b"FOUND", True)
    (found,) = client.exchange(peek)
    eaten = 0
    while left and (reply := there(found)) is not None:
        deleted, found = client.exchange((b"delete %b\r\n" % reply.words[0], b"DELETED", False), peek)
        eaten += there(deleted) is not None
        left -= 1
        if not left % MOST_AT_ONCE:
            yield eaten
            eaten = 0
    yield eaten
