"""Differences that were found once, each in the shortest conversation that showed it; what random runs cannot reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .comparison import difference
from .servers import Peer, started
from .settings import JUDGE, OURS, Contestant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .replies import Reply

WITHOUT_BINLOG = OURS[:2]
LARGE = (b"put 0 0 1000 65535\r\n" + b"x" * 65535 + b"\r\n") * 2
"""More than ours reads of a client that waits in reserve (connection.INPUT_LIMIT)."""


@pytest.fixture(params=WITHOUT_BINLOG, ids=lambda contestant: contestant.name)
def both(request: pytest.FixtureRequest) -> Iterator[list[Peer]]:
    """beanstalkd and ours, each with the clients a and b."""
    ours: Contestant = request.param
    with started((JUDGE, ours)) as peers:
        for peer in peers:
            peer.connect("a")
            peer.connect("b")
            peer.settle()
        yield peers


def _asked(peer: Peer, who: str, data: bytes) -> list[Reply]:
    peer.send(who, data)
    return peer.settle()[who].replies


def _same(theirs: list[Reply], ours: list[Reply]) -> None:
    assert [reply.line for reply in theirs if reply.word != b"OK"] == [r.line for r in ours if r.word != b"OK"]
    assert not [what for there, here in zip(theirs, ours, strict=True) if (what := difference(there, here, 5.0))]


def test_a_half_close_behind_a_large_backlog_is_noticed(both: list[Peer]) -> None:
    """beanstalkd answers TIMED_OUT, executes the backlog and closes."""
    heard = []
    for peer in both:
        _asked(peer, "a", b"reserve\r\n")
        _asked(peer, "a", LARGE)
        peer.half_close("a")
        heard.append(peer.settle()["a"].replies)
    _same(*heard)


def test_a_client_that_hangs_up_behind_a_large_backlog_gets_no_job(both: list[Peer]) -> None:
    """Ours leaves it among those who wait, and the next job is reserved for it before anything is noticed."""
    heard = []
    for peer in both:
        _asked(peer, "a", b"reserve\r\n")
        _asked(peer, "a", LARGE)
        peer.hang_up("a")
        peer.settle()  # or the two connections race
        heard.append(_asked(peer, "b", b"stats-tube default\r\nput 0 0 1000 0\r\n\r\nstats-job 1\r\n"))
    _same(*heard)
