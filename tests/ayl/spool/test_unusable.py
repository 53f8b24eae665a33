"""What cannot be spooled, and what that costs calls for a server that answers: nothing."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import State, delivery
from ayl.errors import SpoolFull, SpoolUnusable

from .calls import look_now, note, numbers, spooled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server


@pytest.mark.usefixtures("seldom")
def test_a_full_spool_refuses_the_call_and_says_why_it_came_to_that(absent: Server, directory: Path) -> None:
    ayl.configure(spool_limit=1000)
    with pytest.raises(SpoolFull, match=r"^no server answers at .*, and the spool .* is full: [\d,]+ of 1,000 bytes"):
        ayl.send(note, "x" * 1000)
    with pytest.raises(SpoolFull, match=r"^earlier calls still wait for a server, and the spool .* is full"):
        ayl.send_many((note, number) for number in range(10))
    kept = len(spooled(directory))
    assert 1 < kept < 4
    absent.start()
    look_now()
    ayl.send(note, 9)
    assert numbers(absent) == [*range(kept), 9]


def test_a_directory_that_cannot_be_used_refuses_the_call_and_says_both(absent: Server, directory: Path) -> None:
    directory.parent.mkdir()
    directory.write_text("")
    with pytest.raises(
        SpoolUnusable, match=rf"^no server answers at .*, and the spool {directory} cannot be used: Not"
    ):
        ayl.send(note, 1)
    with pytest.raises(SpoolUnusable), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(3)]
    assert {handle.state for handle in handles} == {State.REFUSED}
    assert batch.sent == 0


def test_a_directory_that_cannot_be_used_keeps_no_call_from_a_server_that_answers(
    absent: Server, directory: Path
) -> None:
    directory.parent.mkdir()
    directory.write_text("")
    absent.start()
    assert ayl.send(note, 1).state is State.SUBMITTED
    assert numbers(absent) == [1]


def test_a_directory_that_was_removed_keeps_no_call_from_a_server_that_answers(absent: Server, directory: Path) -> None:
    ayl.send(note, 1)
    shutil.rmtree(directory)
    absent.start()
    look_now()
    assert ayl.send(note, 2).state is State.SUBMITTED
    assert not directory.exists()


def test_what_cannot_be_delivered_for_its_directory_is_said_once(
    absent: Server, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ayl.send(note, 1)
    delivery.close()
    ayl.configure(unreachable="raise")
    directory.chmod(0o777)
    absent.start()
    caplog.clear()
    for number in (2, 3):
        assert ayl.send(note, number).state is State.SUBMITTED
        look_now()
    directory.chmod(0o700)
    ayl.send(note, 4)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    trouble = f"the spool {directory} can be written by other users; take that away: chmod go-w {directory}"
    assert said == [f"calls that wait for a server are not delivered for now: {trouble}"]
    assert numbers(absent) == [2, 3, 1, 4]


def test_a_user_without_a_home_can_send_and_is_told_when_something_is_to_be_spooled(
    absent: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as it leaves what it cannot tell
    ayl.configure(spool="")
    with pytest.raises(SpoolUnusable, match=r"this user has no home directory for ~/\.local/state; set spool to"):
        ayl.send(note, 1)
    absent.start()
    assert ayl.send(note, 2).state is State.SUBMITTED
