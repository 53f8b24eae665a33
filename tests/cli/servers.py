"""What an operator may find at the other end: servers that work, and peers that do not."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl.admin import Server
from tests.processes.deadline import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Kind:
    """A server to test against, and how it is started."""

    name: str
    command: tuple[str, ...]

    @contextmanager
    def running(self, *options: str, port: int = 0) -> Iterator[Server]:
        """A fresh one, with these options, on a free port unless told.

        A command that is not there fails the test, and is never skipped.
        """
        server = Server(port=port or free_port(), timeout=PATIENCE)
        process = subprocess.Popen([*self.command, "-l", server.host, "-p", str(server.port), *options])
        try:
            wait_until(lambda: process.poll() is not None or _serves(server))
            assert process.poll() is None, f"{self.name} ended with {process.returncode}"
            yield server
        finally:
            process.kill()
            process.wait()


KINDS = (
    Kind("beanstalkd", ("/usr/bin/beanstalkd",)),
    Kind("ayl_server", (sys.executable, "-m", "ayl_server.main")),
)

STATES = ("urgent", "ready", "reserved", "delayed", "buried")
JOB_COUNTS = (*(f"current-jobs-{state}" for state in STATES), "total-jobs")
SERVER_COUNTS = (
    *JOB_COUNTS,
    *(f"current-{what}" for what in ("tubes", "connections", "producers", "workers", "waiting")),
    "uptime",
    "max-job-size",
)
TUBE_COUNTS = (
    *JOB_COUNTS,
    *(f"current-{what}" for what in ("using", "watching", "waiting")),
    "cmd-delete",
    "cmd-pause-tube",
    "pause",
    "pause-time-left",
)


def free_port() -> int:
    """A port that nothing listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def _serves(server: Server) -> bool:
    """Whether it answers: to the first who asks it may take long, on a busy machine."""
    with suppress(OSError), client(server) as onlooker:
        return bool(onlooker.stats())
    return False


def wait_until(fact: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Fail when the fact does not come true in time."""
    give_up = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.005)


def client(server: Server, use: str = "default", watch: str = "default") -> greenstalk.Client[bytes]:
    """A client of the application's side."""
    return greenstalk.Client((server.host, server.port), encoding=None, use=use, watch=watch)


@contextmanager
def waiting_worker(server: Server, tube: str) -> Iterator[socket.socket]:
    """A worker of that tube alone, which waits for a job; what it gets can be read from its socket."""
    hello = b"WATCHING 2\r\nWATCHING 1\r\n"
    with socket.create_connection((server.host, server.port), 5) as worker:
        worker.sendall(f"watch {tube}\r\nignore default\r\nreserve\r\n".encode())
        with client(server) as onlooker:
            wait_until(lambda: onlooker.stats_tube(tube)["current-waiting"] == 1)
        assert worker.recv(len(hello)) == hello
        yield worker


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[Server]:
    """Somebody who listens and then behaves in a way of his own."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # the client may go at any time
                talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Server(port=listener.getsockname()[1], timeout=1)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def silent(connection: socket.socket) -> None:
    """Takes everything, says nothing."""
    while connection.recv(4096):
        pass


def says(answer: bytes) -> Callable[[socket.socket], None]:
    """Answers everything with the same bytes."""

    def talk(connection: socket.socket) -> None:
        while connection.recv(4096):
            connection.sendall(answer)

    return talk


def knows(answers: dict[bytes, bytes]) -> Callable[[socket.socket], None]:
    """Answers the commands that it knows, in chunks, and says NOT_FOUND to all others."""

    def talk(connection: socket.socket) -> None:
        for command in connection.makefile("rb"):
            chunk = answers.get(command.rstrip())
            connection.sendall(b"OK %d\r\n%b\r\n" % (len(chunk), chunk) if chunk is not None else b"NOT_FOUND\r\n")

    return talk


def dribbles(connection: socket.socket) -> None:
    """Sends a byte now and then, and never a whole line."""
    while True:
        connection.sendall(b".")
        time.sleep(0.1)


def report(*counts: str, **texts: str) -> bytes:
    """The statistics of a server or a tube, every count a 1."""
    lines = [f"{key}: {value}\n" for key, value in [*texts.items(), *((key, 1) for key in counts)]]
    return ("---\n" + "".join(lines)).encode()


def hangs_up(connection: socket.socket) -> None:
    """Reads a command and goes."""
    connection.recv(4096)
