"""What a new server finds of the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .inbox import Inbox
from .process import ServerProcess, started
from .targets import judge, ours

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["ayl_server", "beanstalkd"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A running server, ours or the judge."""
    process = ServerProcess([], started(ours() if request.param == "ayl_server" else [judge()]))
    yield process
    process.close()


def ask(server: ServerProcess, who: str, line: bytes) -> bytes:
    """Send a line and return the line that answers it."""
    server.connect(who)
    server.send(who, line)
    return Inbox(server, who).line()


def test_the_socket_file_of_a_killed_server_is_replaced(server: ServerProcess) -> None:
    """Nobody has to remove it by hand."""
    assert server.socket_path.is_socket()
    server.restart()
    assert ask(server, "a", b"list-tube-used\r\n") == b"USING default\r\n"


def test_a_server_in_memory_forgets_its_jobs_and_begins_with_id_1_again(server: ServerProcess) -> None:
    """Whoever wants jobs to outlive the server needs its journal."""
    assert ask(server, "a", b"put 0 0 1 0\r\n\r\n") == b"INSERTED 1\r\n"
    server.restart()
    assert ask(server, "a", b"peek 1\r\n") == b"NOT_FOUND\r\n"
    assert ask(server, "b", b"put 0 0 1 0\r\n\r\n") == b"INSERTED 1\r\n"
