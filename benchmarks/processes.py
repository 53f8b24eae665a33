"""Servers as real processes: how each is started, where it runs, how it ends."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
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
    listen: tuple[str, ...] = ("-l", "127.0.0.1", "-p", "{port}")
    maps: tuple[str, ...] = ()  # libraries that must be in its memory
    maps_not: tuple[str, ...] = ()  # ... and those that must not

    def path(self) -> str | None:
        """The command beside this Python or on PATH; None when it is not installed."""
        return shutil.which(self.command, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


UVLOOP = "uvloop"
MYPYC = "__mypyc"
FORCE_PURE = {"AYL_SERVER_PURE": "1"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind("beanstalkd", "beanstalkd"),
        Kind("ayl_server", "ayl_server", FORCE_PURE, maps=(UVLOOP,), maps_not=(MYPYC,)),
        Kind("ayl_server-compiled", "ayl_server", maps=(UVLOOP, MYPYC)),
        Kind("ayl_server-asyncio", "ayl_server", FORCE_PURE | {"AYL_SERVER_LOOP": "asyncio"}, maps_not=(UVLOOP, MYPYC)),
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
def running(kind: Kind, core: int, options: Sequence[str] = (), terminal: int | None = None) -> Iterator[Server]:
    """Start a fresh server on a free port of 127.0.0.1; end it afterwards. What it says goes to `terminal`, if any."""
    path = kind.path()
    if path is None:
        raise ServerError(f"{kind.command} is not installed")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")}
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [path, *(word.format(port=port) for word in kind.listen), *options],
            env=environment | kind.environment,
            stdin=subprocess.DEVNULL,
            stdout=said if terminal is None else terminal,
            stderr=said if terminal is None else terminal,
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
    try:
        sock.sendall(b"list-tube-used\r\n")
        reply = sock.recv(4096)
    except OSError as error:
        raise ServerError(f"no answer to list-tube-used: {error}") from None
    if reply != b"USING default\r\n":
        raise ServerError(f"list-tube-used: {reply!r}")


def check_modules(kind: Kind, server: Server) -> None:
    """Whether a server that has answered runs on what its kind is measured for, its event loop for one."""
    loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    for name in kind.maps:
        if name not in loaded:
            cure = "; build it with `python -m ayl_server.compiled`" if name == MYPYC else ""
            raise ServerError(f"{kind.name} runs without {name}{cure}")
    for name in kind.maps_not:
        if name in loaded:
            raise ServerError(f"{kind.name} has loaded {name}")


def is_built(kind: Kind, core: int) -> bool:
    """Whether this kind can be had: the compiled modules are an extra."""
    if MYPYC not in kind.maps:
        return True
    with running(kind, core) as server, when_listening(server) as sock:
        greet(sock)
        return MYPYC in Path(f"/proc/{server.process.pid}/maps").read_text()


def allow_many_files() -> None:
    """For this process and those it starts: the soft limit is usually set with `select` in mind."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
