"""Servers as real processes: how each is started, where it runs, how it ends."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

READY_SECONDS = 10
STOP_SECONDS = 5
POLL_SECONDS = 0.0002


class ServerError(Exception):
    """A server is not installed, did not start, or is not what its name says."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to run a server."""

    name: str
    command: str
    environment: dict[str, str] = field(default_factory=dict)
    maps: str = ""  # a library that must be in its memory
    maps_not: str = ""  # ... and one that must not

    def path(self) -> str | None:
        """The command beside this Python or on PATH; None when it is not installed."""
        return shutil.which(self.command, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("beanstalkd", "beanstalkd"),
        Kind("ayl_server", "ayl_server", maps="uvloop"),
        Kind("ayl_server-asyncio", "ayl_server", {"AYL_SERVER_LOOP": "asyncio"}, maps_not="uvloop"),
    )
}


@dataclass(frozen=True, slots=True)
class Cores:
    """The server has one core, whatever drives it the other."""

    server: int
    generator: int

    @classmethod
    def of_this_machine(cls) -> "Cores":
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise ServerError("two cores are needed: on one, server and generator take turns")
        return cls(server=usable[0], generator=usable[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has been started; it may not listen yet."""

    process: subprocess.Popen[bytes]
    port: int
    started: float  # perf_counter, right before the process was made


@contextmanager
def running(kind: Kind, core: int) -> Iterator[Server]:
    """Start a fresh server on a free port of 127.0.0.1, without a binlog; end it afterwards."""
    path = kind.path()
    if path is None:
        raise ServerError(f"{kind.command} is not installed")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")}
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [path, "-l", "127.0.0.1", "-p", str(port)],
            env=environment | kind.environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            yield Server(process, port, started)
        except BaseException:
            said.seek(0)
            print(f"{kind.name} said: {said.read().decode(errors='replace') or 'nothing'}", file=sys.stderr)
            raise
        finally:
            end(process)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def when_listening(server: Server) -> socket.socket:
    """The first connection that succeeds."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", server.port))
        except ConnectionRefusedError:
            if server.process.poll() is not None:
                raise ServerError(f"the server ended with status {server.process.returncode}") from None
            if time.monotonic() > deadline:
                raise ServerError(f"nobody listens after {READY_SECONDS} s") from None
        time.sleep(POLL_SECONDS)


def greet(sock: socket.socket) -> None:
    """Wait for a first reply; a server may listen long before it can answer."""
    sock.sendall(b"list-tube-used\r\n")
    reply = sock.recv(4096)
    if reply != b"USING default\r\n":
        raise ServerError(f"list-tube-used: {reply!r}")


def check_loop(kind: Kind, server: Server) -> None:
    """Whether a server that has answered runs on the event loop it is to be measured with."""
    loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    if kind.maps and kind.maps not in loaded:
        raise ServerError(f"{kind.name} runs without {kind.maps}")
    if kind.maps_not and kind.maps_not in loaded:
        raise ServerError(f"{kind.name} has loaded {kind.maps_not}")


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
