"""Where a server listens: several addresses at once, IPv6, ports that the system chooses, Unix sockets with a mode."""

from __future__ import annotations

import signal
import socket
import stat
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import greenstalk
import pytest

from tests.processes.deadline import eventually
from tests.processes.servers import HOST

from .starting import refused, started

if TYPE_CHECKING:
    from pathlib import Path

    from .starting import Started

CANNOT_LISTEN = 111

ANY_IPV4 = "0.0.0.0"  # noqa: S104 - that is the question here

UMASK_027 = ("sh", "-c", 'umask 027; exec "$@"', "sh")
UMASK_077 = ("sh", "-c", 'umask 077; exec "$@"', "sh")


def put_everywhere(server: Started) -> list[int]:
    """A job through each address."""
    ids = []
    for number in range(len(server.addresses)):
        with greenstalk.Client(server.dial(number), encoding=None) as client:
            ids.append(client.put(b""))
    return ids


def test_all_addresses_lead_to_one_server(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with started(tmp_path, "-p0", "-l", HOST, "-l", "::1", "-l", f"unix:{path}", "-l", "127.0.0.2") as server:
        assert server.addresses[2] == f"unix:{path}"
        assert put_everywhere(server) == [1, 2, 3, 4]


def test_port_0_is_the_same_port_at_all_addresses(tmp_path: Path) -> None:
    with started(tmp_path, "-p0", "-l", HOST, "-l", "::1", "-l127.0.0.2") as server:
        ports = [address.rpartition(":")[2] for address in server.addresses]
        assert len(set(ports)) == 1
        assert server.addresses == [f"{HOST}:{ports[0]}", f"[::1]:{ports[0]}", f"127.0.0.2:{ports[0]}"]


def test_an_address_may_have_a_port_of_its_own(tmp_path: Path) -> None:
    with started(tmp_path, "-p", "no-such-service", "-l", f"{HOST}:0", "-l", "[::1]:0") as server:
        assert put_everywhere(server) == [1, 2]


def test_all_of_ipv4_and_all_of_ipv6_are_not_in_each_others_way(tmp_path: Path) -> None:
    with started(tmp_path, "-p0", "-l", ANY_IPV4, "-l", "::") as server:
        assert put_everywhere(server) == [1, 2]


def test_all_of_ipv6_alone_takes_ipv4_as_well(tmp_path: Path) -> None:
    with started(tmp_path, "-p0", "-l", "::") as server:
        port = int(server.addresses[0].rpartition(":")[2])
        with greenstalk.Client((HOST, port)) as client:
            assert client.put("") == 1


def test_one_address_in_use_is_enough_to_refuse_the_start(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with closing(socket.create_server((HOST, 0))) as other:
        port = other.getsockname()[1]
        code, line = refused("-l", f"unix:{path}", "-l", f"{HOST}:{port}")
    assert code == CANNOT_LISTEN
    assert line.startswith(f"cannot listen on {HOST} port {port}: Address already in use")
    assert not path.exists()


@pytest.mark.parametrize("mode", ["600", "0660", "666"])
def test_a_unix_socket_has_the_mode_that_was_asked_for(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "socket"
    with started(tmp_path, "-l", f"unix:{path}", "--unix-mode", mode, prefix=UMASK_077):
        assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)


def test_a_unix_socket_has_the_mode_that_umask_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with started(tmp_path, "-l", f"unix:{path}", prefix=UMASK_027):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_a_stop_removes_the_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with started(tmp_path, "-l", f"unix:{path}") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not path.exists()


def test_a_stop_leaves_the_unix_socket_of_the_next_server(tmp_path: Path) -> None:
    path, folder = tmp_path / "socket", tmp_path / "second"
    folder.mkdir()
    with started(tmp_path, "-l", f"unix:{path}") as first:
        path.unlink()
        with started(folder, "-l", f"unix:{path}") as second:
            first.process.send_signal(signal.SIGTERM)
            assert first.wait() == 0
            assert put_everywhere(second) == [1]


def test_a_server_that_stops_slowly_leaves_the_unix_socket_of_its_successor(tmp_path: Path) -> None:
    """Whose file may have the number that its own had, once that is gone."""
    path, folder = tmp_path / "socket", tmp_path / "second"
    folder.mkdir()
    with started(tmp_path, "-l", f"unix:{path}", "-l", "127.0.0.1", "-p0") as first, closing(first.dial(1)) as deaf:
        deaf.sendall(b"put 0 0 60 60000\r\n%b\r\n" % (b"x" * 60_000) + b"peek 1\r\n" * 1000)
        assert deaf.recv(8) == b"INSERTED"
        first.process.send_signal(signal.SIGTERM)
        eventually(lambda: not path.exists())
        with started(folder, "-l", f"unix:{path}") as second:
            assert first.wait() == 0
            assert put_everywhere(second) == [1]


def test_a_server_that_can_let_nobody_in_is_not_taken_for_dead(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with started(tmp_path, "-l", f"unix:{path}", "--max-connections", "1") as server, ExitStack() as stack:
        stack.enter_context(closing(server.dial()))
        try:
            while True:  # until the kernel takes no more of them
                client = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
                client.setblocking(False)
                client.connect(str(path))
        except BlockingIOError:
            pass
        assert refused("-l", f"unix:{path}") == (
            CANNOT_LISTEN,
            f"cannot listen on unix:{path}: another server listens there",
        )
