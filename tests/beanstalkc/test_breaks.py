"""A connection that is closed, lost, interrupted or shared says so, and can be made anew."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ayl.beanstalkc import CommandFailed, Connection, SocketError, UnexpectedResponse
from tests.cli.servers import KINDS, Kind, client, free_port, hangs_up, peer, says, silent, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.admin import Server
    from tests.beanstalkc.conftest import Opener

CLOSED = "is closed; reconnect"


@contextmanager
def signalled(server: Server, tube: str, handler: Callable[..., None]) -> Iterator[None]:
    """What follows gets a signal when it waits for a job of that tube."""

    def send() -> None:
        waits(server, tube)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        sending.join()
        signal.signal(signal.SIGUSR1, before)


def interrupting(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def cut_off(answer: bytes) -> Callable[[socket.socket], None]:
    """Says that to a command, and goes."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return talk


def waits(server: Server, tube: str) -> None:
    """Return when somebody waits for a job of that tube."""
    with client(server) as onlooker:
        wait_until(lambda: onlooker.stats_tube(tube)["current-waiting"] == 1)


# -- no server, closed, lost --


def test_no_server_is_a_socket_error_with_its_cause() -> None:
    with pytest.raises(SocketError, match=r"cannot connect to 127\.0\.0\.1:\d+: .*refused") as failed:
        Connection("127.0.0.1", free_port())
    assert isinstance(failed.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 300, "a..b"])
def test_a_host_that_there_is_not_is_a_socket_error(host: str) -> None:
    with pytest.raises(SocketError, match="cannot connect"):
        Connection(host)


def test_connecting_takes_only_so_long() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # all that it has room for
            started = time.monotonic()
            with pytest.raises(SocketError, match="timed out"):
                Connection("127.0.0.1", port, connect_timeout=0.1)
    assert time.monotonic() - started < 5


def test_a_closed_connection_says_so_and_closing_twice_is_silent(beanstalk: Connection[str]) -> None:
    beanstalk.close()
    beanstalk.close()
    with pytest.raises(SocketError, match=CLOSED):
        beanstalk.put("work")


def test_a_block_closes_its_connection(server: Server) -> None:
    with Connection(server.host, server.port) as beanstalk:
        assert beanstalk.using() == "default"
    with pytest.raises(SocketError, match=CLOSED):
        beanstalk.using()


@pytest.mark.parametrize(
    "talk",
    [
        hangs_up,
        cut_off(b"O"),
        cut_off(b"OK 20\r\n---\n"),
        cut_off(b"OK 6\r\n---\n\r\n"),
        says(b"OK 20\r\n---\n"),  # and no more of it
        says(b"OK many\r\n"),
        says(b"OK 99999999999999\r\n"),
        says(b"OK\r\n"),
        says(b"\r\n"),
    ],
)
def test_half_an_answer_ends_the_connection(talk: Callable[[socket.socket], None]) -> None:
    with peer(talk) as server, Connection(server.host, server.port, reply_timeout=0.2) as beanstalk:
        with pytest.raises(SocketError, match=r"lost the connection to 127\.0\.0\.1:\d+: .*; reconnect"):
            beanstalk.stats()
        with pytest.raises(SocketError, match=CLOSED):
            beanstalk.using()


def test_a_word_that_is_none_of_the_protocol_ends_the_connection() -> None:
    with peer(says(b"HTTP/1.1 400 Bad\r\n")) as server, Connection(server.host, server.port) as beanstalk:
        with pytest.raises(UnexpectedResponse) as refused:
            beanstalk.stats()
        assert refused.value.args == ("stats", "HTTP/1.1", ["400", "Bad"])
        with pytest.raises(SocketError, match=CLOSED):
            beanstalk.using()


def test_an_answer_takes_only_so_long() -> None:
    with peer(silent) as server, Connection(server.host, server.port, reply_timeout=0.1) as beanstalk:
        with pytest.raises(SocketError, match="timed out") as failed:
            beanstalk.using()
        assert isinstance(failed.value.__cause__, TimeoutError)
        with pytest.raises(SocketError, match=CLOSED):
            beanstalk.reserve()


@pytest.mark.parametrize(("said", "args"), [
    (b"BURIED 17\r\n", ("put", "BURIED", ["17"])),
    (b"DRAINING\r\n", ("put", "DRAINING", [])),
])  # fmt: skip
def test_a_put_that_the_server_cannot_queue_is_a_failed_command(said: bytes, args: tuple[object, ...]) -> None:
    with peer(says(said)) as server, Connection(server.host, server.port) as beanstalk:
        with pytest.raises(CommandFailed) as failed:
            beanstalk.put("work")
        assert failed.value.args == args


def test_a_release_that_ends_in_a_burial_went_well() -> None:
    with peer(says(b"BURIED\r\n")) as server, Connection(server.host, server.port) as beanstalk:
        beanstalk.release(7)


def test_out_of_memory_is_unexpected_and_the_connection_goes_on() -> None:
    with peer(says(b"OUT_OF_MEMORY\r\n")) as server, Connection(server.host, server.port) as beanstalk:
        for _ in range(2):
            with pytest.raises(UnexpectedResponse) as refused:
                beanstalk.use("mail")
            assert refused.value.args == ("use", "OUT_OF_MEMORY", [])


# -- anew --


def test_reconnecting_uses_and_watches_the_same_tubes(beanstalk: Connection[str], tube: str) -> None:
    beanstalk.use("other")
    beanstalk.watch("another")
    for _ in range(2):
        beanstalk.watch("unwanted")
    beanstalk.ignore("unwanted")
    beanstalk.reconnect()
    assert beanstalk.using() == "other"
    assert {*beanstalk.watching()} == {tube, "another"}


def forgetful(connection: socket.socket) -> None:
    """Has no memory for another tube that is watched."""
    for command in connection.makefile("rb"):
        connection.sendall(b"USING mail\r\n" if command.startswith(b"use ") else b"OUT_OF_MEMORY\r\n")


def test_a_server_that_takes_half_of_the_tubes_is_not_reconnected_to() -> None:
    with peer(forgetful) as server, Connection(server.host, server.port) as beanstalk:
        beanstalk.use("mail")
        with pytest.raises(UnexpectedResponse, match="'watch', 'OUT_OF_MEMORY'"):
            beanstalk.reconnect()
        with pytest.raises(SocketError, match=CLOSED):
            beanstalk.reserve()


def test_connecting_begins_as_any_new_client(beanstalk: Connection[str]) -> None:
    beanstalk.connect()
    assert (beanstalk.using(), beanstalk.watching()) == ("default", ["default"])
    beanstalk.reconnect()
    assert (beanstalk.using(), beanstalk.watching()) == ("default", ["default"])


def test_reconnecting_gives_back_what_was_reserved(beanstalk: Connection[str]) -> None:
    jid = beanstalk.put("work")
    assert beanstalk.reserve(0) is not None
    beanstalk.reconnect()
    again = beanstalk.reserve(timeout=5)
    assert again is not None
    assert again.jid == jid


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_server_that_starts_anew_is_reconnected_to(kind: Kind) -> None:
    with kind.running() as server:
        beanstalk = Connection(server.host, server.port)
        beanstalk.use("mail")
        beanstalk.watch("mail")
        beanstalk.ignore("default")
    with pytest.raises(SocketError, match="lost the connection"):
        beanstalk.put("work")
    for _ in range(2):
        with pytest.raises(SocketError, match="cannot connect"):
            beanstalk.reconnect()
        with pytest.raises(SocketError, match=CLOSED):
            beanstalk.put("work")
    with kind.running(port=server.port), beanstalk:
        beanstalk.reconnect()
        assert (beanstalk.using(), beanstalk.watching()) == ("mail", ["mail"])
        assert beanstalk.put("work") == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_draining_server_takes_no_jobs(kind: Kind) -> None:
    with kind.running() as server, Connection(server.host, server.port) as beanstalk:
        os.kill(beanstalk.stats()["pid"], signal.SIGUSR1)
        wait_until(lambda: bool(beanstalk.stats()["draining"]))
        with pytest.raises(CommandFailed) as failed:
            beanstalk.put("work")
        assert failed.value.args == ("put", "DRAINING", [])


# -- signals and threads --


def test_an_interrupted_reserve_leaves_no_half_of_an_answer(
    beanstalk: Connection[str], server: Server, tube: str
) -> None:
    with signalled(server, tube, interrupting), pytest.raises(KeyboardInterrupt):
        beanstalk.reserve()
    with pytest.raises(SocketError, match=CLOSED):
        beanstalk.using()
    beanstalk.reconnect()
    assert beanstalk.using() == tube
    jid = beanstalk.put("work")
    job = beanstalk.reserve(timeout=5)
    assert job is not None
    assert job.jid == jid


def test_a_reserve_waits_as_long_as_it_is_told_whatever_the_timeouts_and_signals(
    opened: Opener, server: Server, tube: str
) -> None:
    calls: list[int] = []
    beanstalk = opened(connect_timeout=0.3, reply_timeout=0.3)
    with signalled(server, tube, lambda *_: calls.append(1)):
        assert beanstalk.reserve(timeout=1) is None
    assert calls
    assert beanstalk.using() == tube


def test_a_command_in_the_midst_of_another_is_refused_and_disturbs_nothing(
    beanstalk: Connection[str], opened: Opener, server: Server, tube: str
) -> None:
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(beanstalk.reserve()))
    waiting.start()
    waits(server, tube)
    with pytest.raises(RuntimeError, match="put: this connection waits for another answer"):
        beanstalk.put("work")
    jid = opened().put("work")
    waiting.join(5)
    assert [getattr(job, "jid", job) for job in found] == [jid]


def test_closing_ends_a_reserve_of_another_thread(beanstalk: Connection[str], server: Server, tube: str) -> None:
    errors: list[SocketError] = []

    def reserve() -> None:
        with pytest.raises(SocketError) as failed:
            beanstalk.reserve()
        errors.append(failed.value)

    waiting = threading.Thread(target=reserve)
    waiting.start()
    waits(server, tube)
    beanstalk.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(errors) == 1


def test_a_signals_handler_may_close_the_connection_that_waits(
    beanstalk: Connection[str], server: Server, tube: str
) -> None:
    with signalled(server, tube, lambda *_: beanstalk.close()), pytest.raises(SocketError):
        beanstalk.reserve()
    with pytest.raises(SocketError, match=CLOSED):
        beanstalk.using()
