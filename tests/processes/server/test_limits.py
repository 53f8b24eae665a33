"""When a resource runs out, and what is left of clients that came and went."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import ON_ASYNCIO, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Kind, Server

MEGABYTE = 1 << 20

NARROW = ("sh", "-c", 'ulimit -n 21; exec "$@"', "sh")
"""Starts a command that may have 20 files open."""


@pytest.fixture
def narrow(loop: Kind, tmp_path: Path) -> Iterator[Server]:
    """A server with room for few connections."""
    with serving(loop, tmp_path, tcp=False, prefix=NARROW) as server:
        yield server


def test_a_server_that_can_open_no_more_files_serves_whom_it_has_and_recovers(narrow: Server) -> None:
    with narrow.client() as early:
        job = early.put(b"kept")
        with ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(closing(narrow.dial()))
            early.stats()
            busy = narrow.processor_seconds()
            seconds = 1.0
            for_a_while(seconds, lambda: early.peek(job))
            assert narrow.processor_seconds() - busy < seconds / 2
            assert early.stats()["current-connections"] < 20
        eventually(narrow.serves, narrow.log)
        assert early.peek(job).body == b"kept"
        eventually(lambda: early.stats()["current-connections"] == 1)
        with ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(narrow.client()).put(b"")
    assert len(narrow.log()) < 100_000


def test_thousands_of_clients_that_died_with_a_lease_leave_nothing(loop: Kind, fresh: Server) -> None:
    with fresh.client() as client:
        job = client.put(b"", ttr=1000)
        _come_and_go(fresh, 2000)  # what Python keeps for the next ones is there now
        before = fresh.memory()
        _come_and_go(fresh, 10_000)
        grown = fresh.memory() - before
        eventually(lambda: client.stats()["current-connections"] == 1, client.stats)
        counts = client.stats()
        assert (counts["current-waiting"], counts["current-workers"]) == (0, 0)
        assert client.stats_job(job)["state"] == "ready"
    # asyncio's transports are cycles, which wait for the garbage collector; on uvloop nothing does.
    assert grown < (20 if loop is ON_ASYNCIO else 4) * MEGABYTE


def _come_and_go(server: Server, connections: int) -> None:
    """Each reserves what there is, waits for more, and dies."""
    for _ in range(connections):
        with closing(server.dial()) as client:
            client.sendall(b"reserve-with-timeout 0\r\nreserve-with-timeout 1000\r\n")
    with server.client() as onlooker:
        eventually(lambda: onlooker.stats()["current-connections"] <= 2, onlooker.stats)


def test_thousands_of_jobs_that_were_deleted_leave_nothing(fresh: Server) -> None:
    with closing(fresh.dial()) as client, client.makefile("rb") as replies:

        def fill_and_empty() -> None:
            for _ in range(100):
                client.sendall((b"put 0 100 100 1000\r\n%b\r\n" % (b"x" * 1000)) * 100)
                ids = [int(replies.readline().split()[1]) for _ in range(100)]
                client.sendall(b"".join(b"delete %d\r\n" % job for job in ids))
                assert [replies.readline() for _ in ids] == [b"DELETED\r\n"] * 100

        fill_and_empty()
        before = fresh.memory()
        fill_and_empty()
        fill_and_empty()
        assert fresh.memory() - before < 6 * MEGABYTE


def test_thousands_of_tubes_that_were_left_leave_nothing(fresh: Server) -> None:
    with closing(fresh.dial()) as client, client.makefile("rb") as replies:

        def use_many(first: int) -> None:
            for start in range(first, first + 10_000, 100):
                names = [b"tube-%d" % number for number in range(start, start + 100)]
                client.sendall(b"".join(b"use %b\r\npause-tube %b 1000\r\n" % (name, name) for name in names))
                for name in names:
                    assert replies.readline() == b"USING %b\r\n" % name
                    assert replies.readline() == b"PAUSED\r\n"

        use_many(0)
        before = fresh.memory()
        use_many(10_000)
        use_many(20_000)
        assert fresh.memory() - before < 6 * MEGABYTE
    with fresh.client() as onlooker:
        eventually(lambda: onlooker.tubes() == ["default"])


MODEST = ("sh", "-c", 'ulimit -S -n 20; exec "$@"', "sh")
"""Starts a command that may have 20 files open unless it asks for more."""


def test_a_server_asks_for_as_many_connections_as_the_system_lets_it_have(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, tcp=False, prefix=MODEST) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(50)]
        eventually(lambda: clients[0].stats()["current-connections"] == len(clients))
