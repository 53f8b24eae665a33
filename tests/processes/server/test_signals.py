"""SIGTERM, SIGINT and SIGUSR1."""

from __future__ import annotations

import signal
from contextlib import closing
from typing import TYPE_CHECKING

import greenstalk
import pytest

from tests.processes.deadline import eventually

from .lines import events

if TYPE_CHECKING:
    from tests.processes.servers import Server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_stop_ends_the_server_well_and_every_connection(fresh: Server, number: signal.Signals) -> None:
    with (
        closing(fresh.dial()) as idle,
        closing(fresh.dial()) as waiting,
        fresh.client() as onlooker,
    ):
        waiting.sendall(b"watch nothing\r\nignore default\r\nreserve\r\n")
        eventually(lambda: onlooker.stats()["current-waiting"] == 1)
        fresh.gets(number)
        assert fresh.wait() == 0
        assert idle.recv(100) == b""
        assert waiting.makefile("rb").readlines() == [b"WATCHING 2\r\n", b"WATCHING 1\r\n"]
        with pytest.raises(ConnectionError):
            onlooker.stats()
    assert events(fresh.log()) == ["started", "stopping", "stopped"]


def test_usr1_makes_it_refuse_new_jobs_and_serve_the_old_ones(fresh: Server) -> None:
    with fresh.client() as client:
        old = client.put(b"old")
        fresh.gets(signal.SIGUSR1)
        eventually(lambda: client.stats()["draining"] == "true")
        with pytest.raises(greenstalk.DrainingError):
            client.put(b"new")
        job = client.reserve(timeout=0)
        assert (job.id, job.body) == (old, b"old")
        client.release(job)
        client.delete(old)
    fresh.gets(signal.SIGUSR1)
    assert fresh.serves()
    fresh.gets(signal.SIGTERM)
    assert fresh.wait() == 0
