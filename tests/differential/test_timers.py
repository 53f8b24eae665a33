"""Our server and Debian's do the same things at the same times: scripts.py says what is tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .replies import Reply
from .scripts import SCRIPTS
from .servers import started
from .settings import JUDGE, OURS, Contestant
from .timers import Event, Performance, Script, differences, perform

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 0.15
"""Half of the distance that the scripts keep from the moments when something is due."""

ATTEMPTS = 4
"""Where this process came too late with its lines, the script proves nothing and is performed again."""

Performances = dict[str, list[Performance]]


def _proves_nothing(row: list[Performance]) -> bool:
    theirs, *ours = row
    differ = any(list(differences(theirs, performance)) for performance in ours)
    return differ and max(performance.late for performance in row) > BUSY_SECONDS


@pytest.fixture(scope="module")
def performances() -> Iterator[Performances]:
    """Of every script on every server, beanstalkd first. All of them at once: they mostly wait."""
    with started((JUDGE, *OURS)) as peers:
        done = asyncio.run(perform(peers, SCRIPTS))
        for attempt in range(2, ATTEMPTS + 1):
            again = [replace(played, attempt=attempt) for played in SCRIPTS if _proves_nothing(done[played.name])]
            if not again:
                break
            done |= asyncio.run(perform(peers, again))
        yield done
        assert not [peer.server.log() for peer in peers if "Traceback" in peer.server.log()]


@pytest.mark.parametrize("ours", OURS, ids=lambda contestant: contestant.name)
@pytest.mark.parametrize("played", SCRIPTS, ids=lambda played: played.name)
def test_both_servers_do_the_same_at_the_same_time(
    played: Script, ours: Contestant, performances: Performances
) -> None:
    theirs, *row = performances[played.name]
    assert list(differences(theirs, row[OURS.index(ours)])) == []


def test_every_script_makes_somebody_hear_something(performances: Performances) -> None:
    assert not [name for name, (theirs, *_) in performances.items() if not any(theirs.heard.values())]


@pytest.mark.parametrize("played", SCRIPTS, ids=lambda played: played.name)
def test_nobody_speaks_at_the_same_moment_as_another(played: Script) -> None:
    """But for the first one: a job may be put before or after somebody asks for one."""
    moments = {(line.at, line.who) for line in played.lines if line.at > 0}
    assert len({at for at, _ in moments}) == len(moments)


def _heard(at: float, line: bytes) -> Performance:
    return Performance(heard={"a": [Event(at, Reply(line))]})


def test_a_reply_that_comes_a_second_later_is_a_difference() -> None:
    assert list(differences(_heard(1.0, b"TIMED_OUT"), _heard(2.0, b"TIMED_OUT")))


def test_another_reply_is_a_difference() -> None:
    assert list(differences(_heard(1.0, b"TIMED_OUT"), _heard(1.0, b"DEADLINE_SOON")))


def test_a_reply_that_does_not_come_is_a_difference() -> None:
    assert list(differences(_heard(1.0, b"TIMED_OUT"), Performance(heard={"a": []})))
