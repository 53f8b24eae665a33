"""The proxy does what it is told, seen from both of its ends."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import HOST

from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator


class Line:
    """A connection through a proxy, and both of its ends."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.proxy = Proxy(self._listener.getsockname()[1])
        self.worker, self.server = self.dial()

    def dial(self) -> tuple[socket.socket, socket.socket]:
        worker = socket.create_connection((HOST, self.proxy.port), PATIENCE)
        server, _ = self._listener.accept()
        server.settimeout(PATIENCE)
        return worker, server

    def passes(self) -> bool:
        """Whether it works in both ways."""
        self.worker.sendall(b"reserve")
        assert self.server.recv(99) == b"reserve"
        self.server.sendall(b"RESERVED")
        return self.worker.recv(99) == b"RESERVED"

    def close(self) -> None:
        self.proxy.close()
        for each in (self.worker, self.server, self._listener):
            each.close()


@pytest.fixture
def line() -> Iterator[Line]:
    with closing(Line()) as opened:
        yield opened


def is_silent(end: socket.socket) -> bool:
    """For a moment."""
    end.settimeout(0.1)
    try:
        return not end.recv(99, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        end.settimeout(PATIENCE)


def test_it_passes_everything_on_and_ends_with_either_end(line: Line) -> None:
    assert line.passes()
    line.worker.close()
    assert line.server.recv(99) == b""
    line.server.close()
    eventually(lambda: line.proxy.connections() == 0)


def test_a_cut_resets_both_ends_and_lets_new_ones_in(line: Line) -> None:
    line.proxy.cut()
    for end in (line.worker, line.server):
        with pytest.raises(ConnectionResetError):
            end.recv(99)
        end.close()
    line.worker, line.server = line.dial()
    assert line.passes()


def test_a_cut_in_the_middle_of_an_answer_lets_its_beginning_through(line: Line) -> None:
    line.proxy.cut_after(10)
    assert line.passes()
    line.server.sendall(b"RESERVED")
    assert line.worker.recv(99) == b"RE"
    with pytest.raises(ConnectionResetError):
        line.worker.recv(99)


def test_half_a_connection_goes_on(line: Line) -> None:
    line.proxy.half_close("worker")
    assert line.worker.recv(99) == b""
    line.worker.sendall(b"delete")
    assert line.server.recv(99) == b"delete"


def test_the_other_half_of_a_connection_goes_on(line: Line) -> None:
    line.proxy.half_close("server")
    assert line.server.recv(99) == b""
    line.server.sendall(b"DELETED")
    assert line.worker.recv(99) == b"DELETED"


def test_answers_are_late_and_in_order(line: Line) -> None:
    line.proxy.delay(1.0)
    begun = time.monotonic()
    line.server.sendall(b"RESE")
    assert is_silent(line.worker)
    line.server.sendall(b"RVED")
    line.worker.sendall(b"reserve")
    assert line.server.recv(99) == b"reserve", "what is asked is not late"
    assert line.worker.recv(4) == b"RESE"
    assert time.monotonic() - begun >= 1.0
    assert line.worker.recv(4) == b"RVED"


def test_what_was_late_comes_at_once_when_it_is_healed(line: Line) -> None:
    line.proxy.delay(60)
    line.server.sendall(b"RESERVED")
    assert is_silent(line.worker)
    line.proxy.heal()
    assert line.worker.recv(99) == b"RESERVED"
    assert line.passes()


def test_nothing_comes_out_of_a_black_hole_and_connections_live(line: Line) -> None:
    line.proxy.black_hole()
    line.worker.sendall(b"reserve")
    line.server.sendall(b"RESERVED")
    assert is_silent(line.server)
    assert is_silent(line.worker)
    line.worker.close()
    assert is_silent(line.server)
    line.proxy.heal()
    with pytest.raises(ConnectionResetError):
        line.server.recv(99)


def test_a_worker_is_told_that_there_is_no_server() -> None:
    with closing(Line()) as line:
        line._listener.close()
        with socket.create_connection((HOST, line.proxy.port), PATIENCE) as worker:
            assert worker.recv(99) == b""
