"""Workers whose server is not there, goes away, comes back, or is something else."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually
from tests.processes.servers import HOST, Kind, Server, free_port, serving

from .app import chores
from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .workshop import Supervisor

UNREACHABLE = "(no server answers at|the server at|what answers at) .*; trying again every 1 s"


@contextmanager
def restarted(kind: Kind, folder: Path, port: int) -> Iterator[Server]:
    """A server at a port where one was before."""
    server = Server(kind, folder, port=port)
    try:
        assert server.await_start(), server.log()
        yield server
    finally:
        server.kill()


def test_workers_find_a_server_again_that_was_restarted_while_they_waited_or_were_busy(
    kind: Kind, tmp_path: Path
) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers(workers=3)
            ayl.send(chores.hold, tmp_path, "orphan")
            workshop.read("orphan-begins")
            workshop.await_waiting(2)
            server.kill()
            supervisor.awaits(UNREACHABLE, 2)
            workshop.let_go("orphan")
            supervisor.awaits(UNREACHABLE, 3)
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                sent = [ayl.send(chores.hold, tmp_path, word) for word in ("one", "two", "three")]
                workers = {workshop.read(f"{word}-begins").pid for word in ("one", "two", "three")}
                assert workers == set(supervisor.started())
                for word in ("one", "two", "three"):
                    workshop.let_go(word)
                workshop.await_gone(*(handle.job_id for handle in sent))
                workshop.await_waiting(3)
                assert len(supervisor.logs("the server answers again")) == 3
                supervisor.gets(signal.SIGTERM)
                assert supervisor.wait() == 0
        finally:
            workshop.close()


def test_workers_wait_for_a_server_that_starts_later(kind: Kind, our_workshop: Workshop, tmp_path: Path) -> None:
    url = f"beanstalk://{HOST}:{(port := free_port())}"
    supervisor = our_workshop.workers(AYL_ENGINE=url)
    supervisor.awaits(UNREACHABLE)
    with restarted(kind, tmp_path, port):
        ayl.configure(engine=url)
        ayl.send(chores.note, tmp_path, "early")
        our_workshop.read("early")
    # It is said once and not at every try: when there is none yet, and when it is gone again.
    assert len(supervisor.logs("no server answers")) <= 2
    assert len(supervisor.started()) == 1


def test_a_stop_ends_workers_at_once_that_look_for_a_server(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2, AYL_ENGINE=f"beanstalk://{HOST}:{free_port()}")
    supervisor.awaits(UNREACHABLE, 2)
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


@contextmanager
def impostor(*answers: bytes) -> Iterator[int]:
    """Somebody who listens and gives these answers, whatever is asked; the port."""

    def serve() -> None:
        with suppress(OSError):  # the listener is shut down at the end
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    for answer in answers:
                        connection.recv(4096)
                        connection.sendall(answer)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


IMPOSTORS = {
    "a web server": (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
    "one who hangs up": (),
    "one who counts badly": (b"WATCHING many\r\n",),
    "one who hands over nonsense": (b"WATCHING 2\r\n", b"WATCHING 1\r\n", b"RESERVED one two\r\nx\r\n"),
    "one who hands over half a job": (b"WATCHING 2\r\n", b"WATCHING 1\r\n", b"RESERVED 1 100\r\nhalf\r\n"),
    "one who does not end a line": (b"WATCHING 2\r\n", b"WATCHING 1\r\n", b"RESERVED 1"),
    "one who is out of memory": (b"WATCHING 2\r\n", b"WATCHING 1\r\n", b"OUT_OF_MEMORY\r\n"),
}


@pytest.fixture(scope="module")
def meetings(our_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Supervisor]]:
    """A worker with each of them, met side by side, until it has given up for the first time."""
    with ExitStack() as stack:
        workshop = Workshop(our_server, tmp_path_factory.mktemp("impostors"))
        stack.callback(workshop.close)
        met = {}
        for name, answers in IMPOSTORS.items():
            port = stack.enter_context(impostor(*answers))
            met[name] = workshop.workers(AYL_ENGINE=f"beanstalk://{HOST}:{port}", await_start=False)
        for supervisor in met.values():
            _await_trouble(supervisor)
        yield met


def _await_trouble(supervisor: Supervisor) -> None:
    eventually(lambda: supervisor.logs(UNREACHABLE) or len(supervisor.started()) > 1, supervisor.log)


@pytest.mark.parametrize("name", IMPOSTORS)
def test_whatever_answers_a_worker_it_keeps_calm_and_tries_again(meetings: dict[str, Supervisor], name: str) -> None:
    supervisor = meetings[name]
    assert len(supervisor.started()) == 1
    assert supervisor.logs(UNREACHABLE)
    assert "Traceback" not in supervisor.log()
