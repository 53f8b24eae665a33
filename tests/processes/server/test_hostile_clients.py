"""Clients that mean no good, or know no better: the server stays well, small and quick for everybody else."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually
from tests.processes.servers import serving

from .conftest import LOOPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import greenstalk

    from tests.processes.servers import Kind, Server

MEGABYTE = 1 << 20


@pytest.fixture(scope="module", params=LOOPS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of ours that meets them all."""
    kind: Kind = request.param
    with serving(kind, tmp_path_factory.mktemp("hostile"), tcp=False) as started:
        yield started


@pytest.fixture(autouse=True)
def _all_is_well_afterwards(server: Server) -> Iterator[None]:
    """Whatever a client did: nothing of it is left, nothing was said, others are served."""
    said_before = server.log()
    yield
    with server.client() as client:
        eventually(lambda: client.stats()["current-connections"] == 1, client.stats)
        counts = client.stats()
        assert counts["current-jobs-reserved"] == 0
        assert counts["current-waiting"] == 0
        assert client.tubes() == ["default"]
        client.delete(client.put(b"well"))
    assert server.log() == said_before


def test_random_bytes(server: Server) -> None:
    chance = random.Random(20)  # noqa: S311 - the same bytes each time
    for _ in range(50):
        with closing(server.dial()) as client, suppress(ConnectionError):
            client.sendall(chance.randbytes(chance.randrange(1, 20_000)))


def test_random_words_of_the_protocol(server: Server) -> None:
    chance = random.Random(21)  # noqa: S311 - the same words each time
    words = [b"put", b"reserve-with-timeout", b"release", b"stats", b"watch", b"ignore", b"0", b"-1", b"99999999999"]
    words += [b" ", b" ", b"\r\n", b"\r\n", b"\n", b"\r", b"\0", b"x" * 230, b"kick", b"pause-tube", b"list-tubes"]
    for _ in range(50):
        with closing(server.dial()) as client, suppress(ConnectionError):
            client.sendall(b"use noise\r\nwatch noise\r\n" + b"".join(chance.choices(words, k=500)))
    with server.client(use="noise") as client:
        eventually(lambda: client.stats()["current-connections"] == 1)
        while client.kick(1000):
            pass
        while ready := client.stats_tube("noise")["current-jobs-ready"]:
            for _ in range(ready):
                client.delete(client.peek_ready())


def test_ten_megabytes_without_a_line_end(server: Server) -> None:
    before = server.memory()
    with closing(server.dial()) as client:
        client.sendall(b"x" * 10 * MEGABYTE)
        with server.client() as other:
            assert other.stats()["current-connections"] == 2
        assert server.memory() - before < 5 * MEGABYTE
        client.sendall(b"\r\nlist-tube-used\r\nquit\r\n")
        with client.makefile("rb") as replies:
            assert replies.readlines() == [b"BAD_FORMAT\r\n", b"USING default\r\n"]


def test_a_job_of_a_gigabyte_that_is_refused_takes_no_room(server: Server) -> None:
    before = server.memory()
    with closing(server.dial()) as client:
        client.sendall(b"put 0 0 1 %d\r\n" % (16 * MEGABYTE))
        client.sendall(b"x" * 16 * MEGABYTE + b"\r\n")
        assert client.recv(100) == b"JOB_TOO_BIG\r\n"
    assert server.memory() - before < 5 * MEGABYTE


HALVES = {
    "half a word": b"reser",
    "a line without its end": b"put 0 0 1 10",
    "half a line end": b"stats\r",
    "a put without its body": b"put 0 0 1 10\r\n",
    "half a body": b"put 0 0 1 10\r\nhello",
    "a body without its end": b"put 0 0 1 5\r\nhello",
    "a body with half its end": b"put 0 0 1 5\r\nhello\r",
    "half a body in a tube of its own": b"use half\r\nput 0 0 1 10\r\nhello",
    "half a body that is refused": b"put 0 0 1 99999999\r\nhello",
    "half a line that is too long": b"x" * 300,
    "a reserve that waits": b"watch half\r\nreserve\r\n",
    "a reserve that waits for a time": b"watch half\r\nreserve-with-timeout 1000\r\n",
    "commands behind a reserve that waits": b"watch half\r\nignore default\r\nreserve\r\n" + b"use x\r\n" * 1000,
    "a pause of a tube that is gone": b"use half\r\npause-tube half 1000\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("text", [*HALVES.values()], ids=[*HALVES])
@pytest.mark.parametrize("end", ["closes", "resets", "ends its input"])
def test_a_client_that_goes_in_the_middle(server: Server, text: bytes, end: str) -> None:
    with closing(server.dial()) as client:
        client.sendall(text)
        if end == "resets":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif end == "ends its input":
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass  # the server closes, too


def test_a_client_that_ends_its_input_gets_all_its_replies_and_the_end(server: Server) -> None:
    with closing(server.dial()) as client, client.makefile("rb") as replies:
        client.sendall(b"use half\r\nput 0 0 1 2\r\nhi\r\nwatch half\r\nreserve\r\ndelete 99999999999\r\nquiet")
        client.shutdown(socket.SHUT_WR)
        said = replies.read().replace(b"\r\n", b" ").split()
        job = said.pop(3)
        assert said == [*b"USING half INSERTED WATCHING 2 RESERVED".split(), job, b"2", b"hi", b"NOT_FOUND"]
    with server.client() as other:
        eventually(lambda: other.stats_job(int(job))["state"] == "ready")
        other.delete(int(job))


def _await_waiter(onlooker: greenstalk.Client[bytes]) -> None:
    eventually(lambda: onlooker.stats()["current-waiting"] == 1, onlooker.stats)


def test_a_client_that_ends_its_input_while_it_waits_is_answered_at_once(server: Server) -> None:
    for command in (b"reserve\r\n", b"reserve-with-timeout 1000\r\n"):
        with closing(server.dial()) as client, client.makefile("rb") as replies, server.client() as other:
            client.sendall(command)
            _await_waiter(other)
            client.shutdown(socket.SHUT_WR)
            assert replies.read() == b"TIMED_OUT\r\n"


def test_thousands_of_connections_that_say_nothing(server: Server) -> None:
    for _ in range(3000):
        server.dial().close()


def test_hundreds_of_connections_that_wait_at_once(server: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(server.dial())) for _ in range(900)]
        for client in clients:
            client.sendall(b"watch crowd\r\nignore default\r\nreserve\r\n")
        with server.client(use="crowd") as producer:
            eventually(lambda: producer.stats()["current-waiting"] == len(clients), producer.stats)
            job = producer.put(b"for one")
            eventually(lambda: producer.stats_job(job)["state"] == "reserved")
            for client in clients:
                client.close()
            eventually(lambda: producer.stats()["current-connections"] == 1)
            producer.delete(job)


def test_a_client_that_asks_and_never_reads(server: Server) -> None:
    before = server.memory()
    commands = b"stats\r\n" * 1_000_000
    with closing(server.dial()) as deaf, server.client() as other:
        deaf.setblocking(False)
        sent = 0

        def stuck() -> bool:
            """Whether the server reads no more of it, for as long as it takes to ask it for something else."""
            nonlocal sent
            more = 0
            for _ in range(20):
                with suppress(BlockingIOError):
                    while sent + more < len(commands):
                        more += deaf.send(commands[sent + more : sent + more + 65536])
                other.stats()
            sent += more
            return not more

        eventually(stuck)
        assert sent < len(commands)
        assert server.memory() - before < 20 * MEGABYTE
        deaf.setblocking(True)
        # It has not been forgotten: once it reads, it gets what it asked for.
        assert deaf.recv(3) == b"OK "


def test_a_client_that_reads_late_gets_every_reply(server: Server) -> None:
    with server.client() as producer, closing(server.dial()) as late:
        body = b"x" * 60_000
        job = producer.put(body)
        reply = b"FOUND %d %d\r\n%b\r\n" % (job, len(body), body)
        late.sendall(b"peek %d\r\n" % job * 200 + b"quit\r\n")
        with late.makefile("rb") as replies:
            for _ in range(200):
                assert replies.read(len(reply)) == reply
            assert replies.read() == b""
        producer.delete(job)


def test_clients_that_die_before_or_while_they_are_answered(server: Server) -> None:
    with server.client() as producer:
        job = producer.put(b"x" * 60_000)
        for number in range(100):
            with closing(server.dial()) as client:
                client.sendall(b"peek %d\r\n" % job * 200)
                if number % 2:
                    client.recv(1 + 30_000 * (number % 40), socket.MSG_WAITALL)
        producer.delete(job)
