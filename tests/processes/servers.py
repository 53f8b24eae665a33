"""Servers as processes: Debian's beanstalkd and ours."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import greenstalk

from .deadline import PATIENCE, eventually

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Mapping

BIN = Path(sys.executable).parent
"""Where this environment's commands are."""

HOST = "127.0.0.1"


def environment(**more: str) -> dict[str, str]:
    """This one without what would speak to our commands, and `more`; whether the server is compiled stays as it is."""
    ours = [name for name in os.environ if name.startswith("AYL_") and name != "AYL_SERVER_PURE"]
    return {name: value for name, value in os.environ.items() if name not in ours} | more


def command(name: str) -> Path:
    """The path of a command. One that is not there is a failed test, never a skipped one."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin:/usr/bin")
    assert found, f"{name} is not installed"
    return Path(found)


@dataclass(frozen=True)
class Kind:
    """A server to test with."""

    name: str
    command: str
    variables: Mapping[str, str] = field(default_factory=dict)


BEANSTALKD = Kind("beanstalkd", "beanstalkd")
AYL_SERVER = Kind("ayl_server", "ayl_server")
ON_ASYNCIO = Kind("ayl_server-asyncio", "ayl_server", {"AYL_SERVER_LOOP": "asyncio"})
"""Ours where uvloop is not installed."""

KINDS = (BEANSTALKD, AYL_SERVER)


class Server:
    """A server process, and what an operator knows of it."""

    def __init__(self, kind: Kind, folder: Path, *options: str, port: int = 0, prefix: tuple[str, ...] = ()) -> None:
        """Start it; without a port, on a Unix socket in `folder`."""
        self.port = port
        self.path = folder / "socket"
        self.log_path = folder / "server.log"
        address = ["-l", HOST, "-p", str(port)] if port else ["-l", f"unix:{self.path}"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, command(kind.command), *address, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**kind.variables),
            )

    @property
    def address(self) -> tuple[str, int] | str:
        """As greenstalk wants it."""
        return (HOST, self.port) if self.port else str(self.path)

    @property
    def url(self) -> str:
        """As `ayl.configure` and AYL_ENGINE want it."""
        return f"beanstalk://{HOST}:{self.port}" if self.port else f"beanstalk://{self.path}"

    def dial(self) -> socket.socket:
        """A bare connection, whose every operation fails when it takes too long."""
        if self.port:
            return socket.create_connection((HOST, self.port), PATIENCE)
        client = socket.socket(socket.AF_UNIX)
        # A timeout of Python's would not wait for room among those to be accepted; the kernel's does.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE), 0))
        try:
            client.connect(str(self.path))
        except OSError:
            client.close()
            raise
        client.settimeout(PATIENCE)
        return client

    def client(self, use: str = "default", watch: str = "default") -> greenstalk.Client[bytes]:
        """A client of the application's or the operator's side."""
        return greenstalk.Client(self.dial(), encoding=None, use=use, watch=watch)

    def serves(self) -> bool:
        """Whether it answers."""
        with suppress(OSError), self.client() as client:
            return bool(client.stats())
        return False

    def await_start(self) -> bool:
        """Whether it serves; False if it ended instead."""
        return eventually(lambda: self.process.poll() is not None or self.serves(), self.log) and not self.ended()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def gets(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """What a power cut does."""
        self.process.kill()
        self.process.wait()

    def memory(self) -> int:
        """VmRSS, bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def processor_seconds(self) -> float:
        """CPU time that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nothing listens on."""
    with closing(socket.create_server((HOST, 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(
    kind: Kind, folder: Path, *options: str, tcp: bool = True, prefix: tuple[str, ...] = ()
) -> Iterator[Server]:
    """A fresh server that answers. Somebody else may be quicker to take the free port: then another is tried."""
    for _ in range(10):
        server = Server(kind, folder, *options, port=free_port() if tcp else 0, prefix=prefix)
        try:
            if server.await_start():
                yield server
                return
        finally:
            server.kill()
    raise AssertionError(f"{kind.name} does not start; it said: {server.log()}")


def listens(path: Path) -> bool:
    """Whether a server is there: its socket is on the disk a little earlier."""
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(str(path)) == 0
