"""Clients that mean no good, each at a server of its own: what they do would show in the others' figures."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import serving

from .lines import events
from .test_hostile_clients import HALVES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import greenstalk

    from tests.processes.servers import Kind, Server

MEGABYTE = 1 << 20


def _await_peeks(onlooker: greenstalk.Client[bytes], count: int) -> None:
    eventually(lambda: onlooker.stats()["cmd-peek"] == count)


def test_a_client_that_ends_its_input_and_reads_late_gets_every_reply_and_the_end(loop: Kind, tmp_path: Path) -> None:
    body = b"x" * 3 * MEGABYTE  # more than all buffers on the way
    with (
        serving(loop, tmp_path, "-z", str(len(body)), tcp=False) as fresh,
        fresh.client() as onlooker,
        closing(fresh.dial()) as late,
    ):
        job = onlooker.put(body)
        reply = b"FOUND %d %d\r\n%b\r\n" % (job, len(body), body)
        for count in (1, 2):  # the first fills the socket, the second the room that a client has in the server
            late.sendall(b"peek %d\r\n" % job)
            _await_peeks(onlooker, count)
        late.shutdown(socket.SHUT_WR)
        _sleeps(fresh, onlooker)
        with late.makefile("rb") as replies:
            assert replies.read(2 * len(reply)) == 2 * reply
            assert replies.read() == b""


@pytest.fixture
def fresh_tcp(loop: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a port."""
    with serving(loop, tmp_path_factory.mktemp("tcp")) as started:
        yield started


def test_a_client_that_sends_an_urgent_byte_does_not_keep_the_server_busy(fresh_tcp: Server) -> None:
    with closing(fresh_tcp.dial()) as client, fresh_tcp.client() as onlooker:
        client.send(b"!", socket.MSG_OOB)
        _sleeps(fresh_tcp, onlooker)
        client.sendall(b"list-tube-used\r\n")
        assert client.recv(100) == b"USING default\r\n"


def _sleeps(server: Server, onlooker: greenstalk.Client[bytes]) -> None:
    """While there is no more to do than to answer the onlooker now and then, the server is idle."""
    seconds, before = 0.5, server.processor_seconds()
    for_a_while(seconds, onlooker.using)
    assert server.processor_seconds() - before < seconds / 2


def test_a_stop_in_the_middle_of_all_this_is_clean(fresh: Server) -> None:
    with ExitStack() as stack:
        for text in HALVES.values():
            client = stack.enter_context(closing(fresh.dial()))
            client.sendall(text)
        assert fresh.serves()
        fresh.gets(signal.SIGTERM)
        assert fresh.wait() == 0
    assert events(fresh.log()) == ["started", "stopping", "stopped"]
