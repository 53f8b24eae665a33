"""In which order calls come to a server again, and how long a send takes meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import State, delivery
from ayl.engines import fallback
from ayl.engines.spool.store import Spool

from .calls import look_now, note, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server

DRAIN_SECONDS = fallback.DRAIN_SECONDS
"""As senders have it; these tests are patient otherwise."""


@pytest.mark.usefixtures("seldom")
def test_later_calls_go_behind_what_waits_though_the_server_is_back(absent: Server, directory: Path) -> None:
    ayl.send(note, 1)
    absent.start()
    for number in (2, 3):  # it is not time yet to look whether the server is back
        assert ayl.send(note, number).state is State.SPOOLED
    assert ayl.opts(unreachable="raise").send(note, "overtakes").state is State.SUBMITTED
    look_now()
    ayl.send(note, 4)
    assert numbers(absent) == ["overtakes", 1, 2, 3, 4]


def test_while_another_process_delivers_later_calls_go_behind_what_it_has_not_delivered(
    absent: Server, directory: Path
) -> None:
    ayl.send(note, 1)
    absent.start()
    with Spool(str(directory), 1).alone(absent.url, 1) as got:
        assert got
        look_now()
        assert ayl.send(note, 2).state is State.SPOOLED
    look_now()
    assert ayl.send(note, 3).state is State.SUBMITTED
    assert numbers(absent) == [1, 2, 3]


def test_what_is_spooled_while_it_is_delivered_is_not_overtaken(
    absent: Server, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread's send spools between the last look at the spool and the moment when it counts as empty."""
    ayl.send(note, 1)
    absent.start()
    engine = delivery._engine(ayl.configure())
    assert isinstance(engine, fallback.FallbackEngine)
    drain, original = engine.drain(), engine.drain().run

    def run(*given: Any) -> Any:
        done = original(*given)
        monkeypatch.undo()
        monkeypatch.setattr(engine, "_look_at", time.monotonic() + 60)
        assert ayl.send(note, 2).state is State.SPOOLED
        return done

    monkeypatch.setattr(drain, "run", run)
    look_now()
    assert ayl.send(note, 3).state is State.SPOOLED
    look_now()
    ayl.send(note, 4)
    assert numbers(absent) == [1, 2, 3, 4]


def test_threads_spool_side_by_side_and_each_keeps_its_order(absent: Server, directory: Path) -> None:
    def send(thread: int) -> None:
        for number in range(50):
            ayl.send(note, [thread, number])

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    absent.start()
    look_now()
    for thread in threads:
        thread.join()
    look_now()
    ayl.send(note, [9, 0])
    found = numbers(absent)
    assert len(found) == 301
    for thread_number in range(6):
        assert [number for thread_, number in found if thread_ == thread_number] == [*range(50)]


def test_a_long_backlog_costs_each_send_only_a_moment(
    absent: Server, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "DRAIN_SECONDS", DRAIN_SECONDS)
    with ayl.batch():
        for number in range(6000):
            ayl.send(note, number)
    absent.start()
    waits: list[float] = []
    look_now()
    while True:
        before = time.monotonic()
        state = ayl.send(note, len(waits)).state
        waits.append(time.monotonic() - before)
        if state is State.SUBMITTED:
            break
    assert max(waits) < DRAIN_SECONDS + 1.5  # a portion that was begun, on a slow machine
    assert numbers(absent) == [*range(6000), *range(len(waits))]


def test_during_an_outage_a_spooled_call_does_not_wait_for_the_server(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        ayl.configure(
            app="shop", version="1.4.2", engine=f"beanstalk://127.0.0.1:{silent.getsockname()[1]}", send_timeout=1.5,
            probe_interval=60, unreachable="spool", spool=str(directory),
        )  # fmt: skip
        ayl.send(note, 0)
        before = time.monotonic()
        for number in range(1, 20):
            assert ayl.send(note, number).state is State.SPOOLED
        assert time.monotonic() - before < 1.5
