"""Memory has bounds: that of all jobs together (`--max-memory`), and that of each client, however it behaves."""

from __future__ import annotations

import tracemalloc
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import greenstalk
import pytest

from ayl_server.broker import Broker
from ayl_server.connection import Connection
from ayl_server.model import ProcessFacts
from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Kind, Server

MEGABYTE = 1 << 20
BUSY = 0.3
"""The share of a processor that nobody needs who has nothing to do."""

LIMIT = 32 * MEGABYTE


@pytest.fixture
def limited(loop: Kind, tmp_path: Path) -> Iterator[Server]:
    """A server for jobs of up to a megabyte, and 32 of them in all."""
    with serving(loop, tmp_path, "--max-memory", "32M", "-z", str(MEGABYTE), tcp=False) as server:
        yield server


def put_all(client: greenstalk.Client[bytes], body: bytes, times: int) -> list[int]:
    """As many as there is room for."""
    ids: list[int] = []
    for _ in range(times):
        with suppress(greenstalk.OutOfMemoryError):
            ids.append(client.put(body))
    return ids


@pytest.mark.parametrize("size", [0, 1000, MEGABYTE], ids=["no bodies", "small bodies", "large bodies"])
def test_puts_beyond_the_limit_are_refused_and_all_else_goes_on(limited: Server, size: int) -> None:
    before = limited.memory()
    with limited.client() as client, closing(limited.dial()) as producer:
        body = b"x" * size
        put = b"put 0 0 100 %d\r\n%b\r\n" % (size, body)
        several = max(1, 100_000 // len(put))
        for _ in range(2 * LIMIT // (several * (size + 300))):
            producer.sendall(put * several)
            with producer.makefile("rb") as replies:
                said = [replies.readline().split()[0] for _ in range(several)]
        assert set(said) == {b"OUT_OF_MEMORY"}
        ready = client.stats()["current-jobs-ready"]
        assert 0.5 * LIMIT / (size + 600) < ready < LIMIT / (size + 200)
        assert limited.memory() - before < 1.5 * LIMIT
        job = client.reserve(timeout=0)
        assert job.body == body
        client.bury(job)
        client.kick(1)
        with pytest.raises(greenstalk.OutOfMemoryError):
            client.put(body)
        client.delete(job)
        assert client.put(body) > job.id


def test_a_put_that_is_refused_leaves_its_connection_as_it_was(limited: Server) -> None:
    with limited.client() as client:
        ids = put_all(client, b"x" * MEGABYTE, 40)
        assert 20 < len(ids) < 32
        for text in (b"a", b"x" * MEGABYTE, b"delete 1\r\n" * 1000):
            with suppress(greenstalk.OutOfMemoryError):
                client.put(text)
        assert client.using() == "default"
        assert client.stats_job(ids[0])["state"] == "ready"


def test_bodies_that_are_still_arriving_count(limited: Server) -> None:
    before = limited.memory()
    with limited.client() as onlooker:
        with ExitStack() as stack:
            clients = [stack.enter_context(closing(limited.dial())) for _ in range(100)]
            for client in clients:
                client.sendall(b"put 0 0 100 %d\r\n" % MEGABYTE + b"x" * (MEGABYTE // 2))
            eventually(lambda: onlooker.stats()["cmd-put"] == len(clients))
            assert limited.memory() - before < 1.5 * LIMIT
            for client in clients:
                client.sendall(b"x" * (MEGABYTE // 2) + b"\r\n")
            said = [client.recv(100).split()[0] for client in clients]
            assert 20 < said.count(b"INSERTED") < 32
            assert set(said) == {b"INSERTED", b"OUT_OF_MEMORY"}
        for job in range(1, 101):
            with suppress(greenstalk.NotFoundError):
                onlooker.delete(job)
        assert 20 < len(put_all(onlooker, b"x" * MEGABYTE, 40)) < 32  # nothing of them is counted any more


def test_uploads_that_were_broken_off_count_no_more(limited: Server) -> None:
    with limited.client() as onlooker:
        for _ in range(3):
            with ExitStack() as stack:
                for _ in range(40):
                    client = stack.enter_context(closing(limited.dial()))
                    client.sendall(b"put 0 0 100 %d\r\n" % MEGABYTE + b"x" * 1000)
            eventually(lambda: onlooker.stats()["current-connections"] == 1)
        assert len(put_all(onlooker, b"x" * MEGABYTE, 32)) > 20


# Each client


def stuck(client: socket.socket, text: bytes, most: int) -> int:
    """Send until the server takes no more for a while; how much that was."""
    client.settimeout(0.3)
    sent = 0
    with suppress(TimeoutError):
        while sent < most:
            sent += client.send(text)
    return sent


def is_idle(server: Server, onlooker: greenstalk.Client[bytes], seconds: float = 0.5) -> bool:
    before = server.processor_seconds()
    for_a_while(seconds, onlooker.using)
    return server.processor_seconds() - before < BUSY * seconds


def test_a_client_that_sends_on_while_it_waits_is_left_unread(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, tcp=False) as server, server.client() as onlooker, ExitStack() as stack:
        before = server.memory()
        for _ in range(5):
            client = stack.enter_context(closing(server.dial()))
            client.sendall(b"watch nothing\r\nignore default\r\nreserve\r\n")
            assert stuck(client, b"use somewhere-else\r\n" * 1000, 100 * MEGABYTE) < 5 * MEGABYTE
        assert server.memory() - before < 8 * MEGABYTE
        assert onlooker.stats()["current-waiting"] == 5
        assert is_idle(server, onlooker)


def test_a_client_that_never_reads_keeps_nobody_busy(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, tcp=False) as server, server.client() as onlooker, ExitStack() as stack:
        job = onlooker.put(b"x" * 60_000)
        before = server.memory()
        for _ in range(5):
            client = stack.enter_context(closing(server.dial()))
            assert stuck(client, b"peek %d\r\n" % job * 1000, 100 * MEGABYTE) < 5 * MEGABYTE
        assert server.memory() - before < 8 * MEGABYTE
        assert is_idle(server, onlooker)


def test_a_thousand_clients_with_nothing_to_say_cost_little(
    loop: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(loop, tmp_path, tcp=False) as server, server.client() as onlooker, ExitStack() as stack:

        def come(number: int) -> None:
            for _ in range(number):
                client = stack.enter_context(closing(server.dial()))
                client.sendall(b"list-tube-used\r\n")
                assert client.recv(100)

        come(100)  # what Python keeps for the first ones is there now
        before = server.memory()
        come(1000)
        each = (server.memory() - before) / 1000
        assert is_idle(server, onlooker)
    with capsys.disabled():
        print(f" [{loop.name}: {each / 1024:.1f} kB for each idle connection]", end="")  # noqa: T201 - a figure
    assert each < 8 * 1024


def test_a_client_at_the_limit_of_files_that_sends_on_while_it_waits_harms_nobody(tmp_path: Path, loop: Kind) -> None:
    narrow = ("sh", "-c", 'ulimit -n 30; exec "$@"', "sh")
    with serving(loop, tmp_path, tcp=False, prefix=narrow) as server, server.client() as onlooker, ExitStack() as stack:
        waiting = stack.enter_context(closing(server.dial()))
        waiting.sendall(b"watch nothing\r\nignore default\r\nreserve\r\n")
        for _ in range(30):
            stack.enter_context(closing(server.dial()))
        eventually(lambda: "connection_limit" in server.log(), server.log)
        stuck(waiting, b"use somewhere-else\r\n" * 1000, 5 * MEGABYTE)
        assert onlooker.stats()["current-waiting"] == 1
        assert is_idle(server, onlooker)
        assert "Traceback" not in server.log()


def connection() -> Connection:
    return Connection(Broker(facts=lambda: ProcessFacts(0, 0.0, 0.0, "", "", "", ""), max_job_size=4 * MEGABYTE))


def grown_by(client: Connection, text: bytes) -> int:
    """How much memory it takes to be sent `text` two bytes at a time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for start in range(0, len(text), 2):
            # Bytes of its own each time, as a transport gives them.
            client.receive(bytes(bytearray(text[start : start + 2])), 0.0)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_a_body_that_comes_in_drips_takes_no_more_room_than_a_body() -> None:
    client = connection()
    size = 200_000
    client.receive(b"put 0 0 1 %d\r\n" % size, 0.0)
    assert grown_by(client, b"x" * (size - 100)) < 2.5 * size


def test_what_comes_in_drips_while_a_client_waits_takes_no_more_room_than_its_bytes() -> None:
    client = connection()
    client.receive(b"reserve\r\n", 0.0)
    assert grown_by(client, b"use somewhere-else\r\n" * 3000) < 200_000
