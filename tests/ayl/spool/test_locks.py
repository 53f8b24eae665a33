"""Who holds the spool: no process that was stopped, or has gone, keeps calls from going on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import ayl
from ayl import State, delivery
from ayl.engines.spool.directory import LOCK_SECONDS, locked, opened

from .calls import look_now, note, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server


def test_a_process_that_was_stopped_in_the_spool_keeps_no_call_long_from_a_server_that_answers(
    absent: Server, directory: Path
) -> None:
    ayl.send(note, 1)
    delivery.close()
    absent.start()
    with opened(str(directory)) as descriptor, locked(descriptor, "lock") as got:
        assert got
        before = time.monotonic()
        assert ayl.send(note, 2).state is State.SUBMITTED
        assert time.monotonic() - before < LOCK_SECONDS
    look_now()
    ayl.send(note, 3)
    assert numbers(absent) == [2, 1, 3]


def test_a_lock_ends_with_its_process_though_a_child_was_forked_meanwhile(directory: Path) -> None:
    directory.mkdir(parents=True)
    reader, writer = os.pipe()
    holder = os.fork()
    if holder == 0:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock"):
            child = os.fork()
            if child == 0:
                time.sleep(60)
            os.write(writer, str(child).encode())
            os._exit(0)  # as when it is killed: it lets go of nothing
    os.waitpid(holder, 0)
    child = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    try:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock", 20.0) as got:
            assert got
    finally:
        os.kill(child, 9)


def test_a_child_that_was_forked_while_the_spool_was_locked_does_not_keep_the_lock(directory: Path) -> None:
    directory.mkdir(parents=True)
    with opened(str(directory)) as descriptor, locked(descriptor, "lock") as got:
        assert got
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock", 0.0) as got:
            assert got
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
