"""More clients than there is room for: they wait, those who are in are served, and the binlog always finds a file."""

from __future__ import annotations

import resource
import signal
import socket
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import greenstalk

from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import HOST, serving

from .lines import entries, events, one
from .starting import started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind, Server

FORTY_FILES = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
"""Starts a command that may have 40 files open."""

BUSY = 0.3
"""The share of a processor that nobody needs who has nothing to do."""


def answers(client: socket.socket) -> bool:
    client.sendall(b"list-tube-used\r\n")
    return client.recv(100) == b"USING default\r\n"


def is_left_waiting(client: socket.socket) -> bool:
    """Whether a client that has asked something hears nothing."""
    client.settimeout(0.1)
    with suppress(TimeoutError):
        return not client.recv(1)
    return True


def is_idle(server: Server, onlooker: greenstalk.Client[bytes], seconds: float = 0.5) -> bool:
    """Whether answering one client now and then is all that keeps it busy."""
    before = server.processor_seconds()
    for_a_while(seconds, onlooker.using)
    return server.processor_seconds() - before < BUSY * seconds


def test_clients_beyond_the_limit_wait_until_others_have_gone(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, "--max-connections", "3", tcp=False) as server, ExitStack() as stack:
        onlooker = stack.enter_context(server.client())
        inside = [stack.enter_context(closing(server.dial())) for _ in range(2)]
        assert all(map(answers, inside))
        outside = [stack.enter_context(closing(server.dial())) for _ in range(2)]
        for client in outside:
            client.sendall(b"list-tube-used\r\n")
        assert all(map(is_left_waiting, outside))
        assert onlooker.stats()["current-connections"] == 3
        assert is_idle(server, onlooker)
        entry = one(server.log(), "connection_limit")
        assert entry.level == "warning"
        assert entry.message.startswith("3 clients are connected, further ones must wait; raise --max-connections")
        for leaving, entering in zip(inside, outside, strict=True):
            leaving.close()
            entering.settimeout(20)
            assert entering.recv(100) == b"USING default\r\n"
        assert onlooker.stats()["current-connections"] == 3
        assert events(server.log()) == ["started", "connection_limit"]


def test_the_limit_is_for_all_addresses_together(tmp_path: Path) -> None:
    words = ["-p0", "-l", HOST, "-l", f"unix:{tmp_path / 'socket'}", "--max-connections", "2"]
    with started(tmp_path, *words) as server, ExitStack() as stack:
        inside = [stack.enter_context(closing(server.dial(number))) for number in range(2)]
        assert all(map(answers, inside))
        for number in range(2):
            with closing(server.dial(number)) as outside:
                outside.sendall(b"list-tube-used\r\n")
                assert is_left_waiting(outside)


def test_a_crowd_comes_and_goes_through_a_narrow_door(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, "--max-connections", "2", tcp=False) as server, ExitStack() as stack:
        crowd = [stack.enter_context(closing(server.dial())) for _ in range(200)]
        for client in crowd:
            client.sendall(b"list-tube-used\r\nquit\r\n")
        for client in crowd:
            assert client.makefile("rb").read() == b"USING default\r\n"
        assert server.serves()


def test_clients_that_gave_up_waiting_are_passed_over(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, "--max-connections", "1", tcp=False) as server:
        inside = server.dial()
        assert answers(inside)
        for _ in range(100):
            server.dial().close()
        inside.close()
        with server.client() as late:
            assert late.stats()["current-connections"] == 1


def test_a_stop_does_not_wait_for_those_outside(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, "--max-connections", "1", tcp=False) as server, ExitStack() as stack:
        inside = stack.enter_context(closing(server.dial()))
        assert answers(inside)
        outside = stack.enter_context(closing(server.dial()))
        server.gets(signal.SIGTERM)
        assert server.wait() == 0
        with suppress(ConnectionError):
            assert outside.recv(1) == b""


def test_a_limit_beyond_the_systems_is_cut_and_said_so(tmp_path: Path) -> None:
    with started(tmp_path, "-p0", "--max-connections", "100", prefix=FORTY_FILES) as server:
        entry = one(server.log(), "connection_limit_cut")
        assert entry.level == "warning"
        number = int(entry.message.partition(" ")[0])
        assert 10 < number < 40
        assert entry.message == (
            f"{number} connections at most, not 100: the limit of open files (ulimit -n, LimitNOFILE=) allows no more"
        )


def fill(server: Server, stack: ExitStack) -> None:
    """As many clients as it lets in, and some more."""
    for _ in range(60):
        stack.enter_context(closing(server.dial())).sendall(b"list-tube-used\r\n")
    eventually(lambda: "connection_limit" in server.log(), server.log)


def test_with_all_files_in_use_the_binlog_still_finds_one(loop: Kind, tmp_path: Path) -> None:
    words = ["-b", str(tmp_path), "-s", "4096", "-z", "2000"]
    with (
        serving(loop, tmp_path, *words, tcp=False, prefix=FORTY_FILES) as server,
        server.client() as onlooker,
        ExitStack() as stack,
    ):
        fill(server, stack)
        ids = [onlooker.put(b"x" * 1000) for _ in range(50)]
        assert onlooker.stats()["binlog-current-index"] > 10
        for job in ids[:25]:
            onlooker.delete(job)
        assert is_idle(server, onlooker)
        assert {entry.event for entry in entries(server.log())} == {"recovered", "started", "connection_limit"}
        server.gets(signal.SIGTERM)
        assert server.wait() == 0
    with serving(loop, tmp_path, *words, tcp=False) as server, server.client() as client:
        assert client.stats()["current-jobs-ready"] == 25


def test_visitors_of_the_page_take_no_file_that_the_binlog_needs(loop: Kind, tmp_path: Path) -> None:
    words = ["-l", f"unix:{tmp_path / 'socket'}", "--metrics", f"{HOST}:0", "-b", str(tmp_path), "-s4096", "-z2000"]
    with started(tmp_path, *words, kind=loop, prefix=FORTY_FILES) as server, ExitStack() as stack:
        client = stack.enter_context(greenstalk.Client(server.dial(), encoding=None))
        for _ in range(60):
            stack.enter_context(closing(server.dial()))
            stack.enter_context(closing(socket.create_connection(server.page, 20)))
        for _ in range(50):
            client.put(b"x" * 1000)
        assert client.stats()["binlog-current-index"] > 10
        assert {entry.event for entry in entries(server.log())} == {"recovered", "started", "connection_limit"}


def test_with_all_files_in_use_the_page_is_still_there(tmp_path: Path, loop: Kind) -> None:
    words = ["-l", f"unix:{tmp_path / 'socket'}", "--metrics", f"{HOST}:0", "-b", str(tmp_path)]
    with started(tmp_path, *words, kind=loop, prefix=FORTY_FILES) as server, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(closing(server.dial()))
        eventually(lambda: "connection_limit" in server.log(), server.log)
        visitors = [stack.enter_context(closing(socket.create_connection(server.page, 20))) for _ in range(4)]
        for visitor in visitors:
            visitor.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            with visitor.makefile("rb") as page:
                text = page.read()
            assert text.startswith(b"HTTP/1.1 200")
            assert b"\nprocess_open_fds " in text


def test_when_the_system_refuses_another_file_nobody_spins(loop: Kind, tmp_path: Path) -> None:
    with serving(loop, tmp_path, tcp=False) as server, server.client() as onlooker, ExitStack() as stack:
        job = onlooker.put(b"kept")
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))  # no more than it has open already
        outside = [stack.enter_context(closing(server.dial())) for _ in range(20)]
        eventually(lambda: "accept_failed" in server.log(), server.log)
        for client in outside:
            client.sendall(b"list-tube-used\r\n")
        assert is_idle(server, onlooker, seconds=2.5)  # it tries again each second
        assert onlooker.peek(job).body == b"kept"
        assert onlooker.stats()["current-connections"] == 1
        entry = one(server.log(), "accept_failed")
        assert entry.message == (
            "new clients must wait: Too many open files; raise the limit (ulimit -n, LimitNOFILE=)"
        )
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        for client in outside:
            assert client.recv(100) == b"USING default\r\n"
