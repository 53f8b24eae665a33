"""A child's end of the talk with its relay."""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING

import pytest

from ayl.errors import Refused, Unreachable
from ayl.worker.frames import Reader, written
from ayl.worker.relayed import RelayedLease, RelayedSource, TalliedHeld
from ayl.worker.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.engines.base import Lease
    from ayl.worker.frames import Frame, Head

NO_JOBS: Head = {"held": [], "jobs": [], "sizes": [], "waited": False, "stop": False}


class Relay:
    """The other end, which answers before it is asked: questions are numbered from 1."""

    def __init__(self, end: socket.socket, source: RelayedSource) -> None:
        self._end = end
        self.source = source

    def answers(self, number: int, head: Head, *bodies: bytes) -> None:
        self._end.sendall(written(head | {"ask": number}, *bodies))

    def heard(self) -> Frame:
        reader = Reader()
        while (frame := reader.next()) is None:
            reader.feed(self._end.recv(1))
        return frame


@pytest.fixture
def relay() -> Iterator[Relay]:
    ours, its = socket.socketpair()
    with ours, its, Tally.shared() as (tally, _):
        yield Relay(ours, RelayedSource(its, tally, lambda: None))
    tally.close()


def held(relay: Relay, number: int, begun: bool = True) -> TalliedHeld:
    lease = RelayedLease(relay.source, b"", number, 100 + number, 0.0, True)
    leases: deque[Lease] = deque([lease] if begun else [])
    return TalliedHeld(lease, leases, deque())


def test_the_relay_sees_which_job_is_begun_with_and_that_it_is_done(relay: Relay) -> None:
    third = held(relay, 3)
    assert relay.source.tally.at == 3
    assert third.delete()
    assert relay.source.tally.at == -3


def test_a_job_that_was_given_back_meanwhile_is_not_done(relay: Relay) -> None:
    assert not held(relay, 4, begun=False).delete()
    assert relay.source.tally.at == 4


def test_jobs_come_with_their_bodies(relay: Relay) -> None:
    jobs = [[7, 107, 1.5, True], [8, 108, 1.5, False]]
    relay.answers(1, NO_JOBS | {"held": [True], "jobs": jobs, "sizes": [3, 0]}, b"abc")
    told, leases = relay.source.delete_and_take([], 2, wait=False)
    assert told == [True]
    assert [(lease.job_id, lease.body, lease.is_new) for lease in leases] == [(107, b"abc", True), (108, b"", False)]


def test_what_was_asked_ahead_is_kept_until_it_is_wanted(relay: Relay) -> None:
    relay.source.delete_and_ask([], 1)
    assert relay.heard() == ({"do": "go_on", "ask": 1, "done": [], "ready": 1, "wait": False}, b"")
    relay.answers(1, NO_JOBS | {"jobs": [[7, 107, 1.5, True]], "sizes": [1]}, b"x")
    relay.answers(2, {"held": True})
    assert relay.source.ask("touch", job=3) == ({"held": True, "ask": 2}, b"")
    _, (lease,) = relay.source.answered()
    assert lease.job_id == 107


def test_the_answer_to_a_question_that_nobody_waits_for_any_more_is_not_taken_for_another(relay: Relay) -> None:
    relay.answers(0, {"held": False})
    relay.answers(1, {"held": True})
    assert relay.source.ask("touch", job=3)[0]["held"]


@pytest.mark.parametrize("error", [Refused, Unreachable])
def test_what_has_failed_at_the_relay_is_raised_here(relay: Relay, error: type[Exception]) -> None:
    relay.answers(1, {"error": error.__name__, "text": "no room"})
    with pytest.raises(error, match="no room"):
        relay.source.take()
