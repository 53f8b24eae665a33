"""Several servers in one process, on one loop: what a test of an application starts for itself."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import greenstalk
import pytest
import uvloop

from ayl_server.acceptor import Acceptor
from ayl_server.binlog.disk import Directory, LockedError, OpenFile
from ayl_server.binlog.log import Policy
from ayl_server.binlog.recovery import open_log
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.config import parse
from ayl_server.listener import Client, Server
from ayl_server.logbook import Logbook
from ayl_server.model import ProcessFacts
from ayl_server.tls import server_context
from tests.processes.deadline import PATIENCE
from tests.processes.servers import HOST

from .certificates import make_certificates

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

Run = Callable[[Coroutine[Any, Any, None]], None]

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(params=[*LOOPS.values()], ids=[*LOOPS])
def run(request: pytest.FixtureRequest) -> Run:
    """On each kind of loop."""

    async def with_patience(main: Coroutine[Any, Any, None]) -> None:
        await asyncio.wait_for(main, PATIENCE)

    def run_until_complete(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(with_patience(main))

    return run_until_complete


def make_server() -> Server:
    clocks = Clocks(time.monotonic, time.time)
    broker = Broker(facts=lambda: ProcessFacts(0, 0.0, 0.0, "", "", "", ""), started=clocks.steady())
    return Server(asyncio.get_running_loop(), broker, clocks, say=lambda event, number, text: None)


@asynccontextmanager
async def living(directory: Directory, path: Path, *, sync_after: float = 0.0) -> AsyncIterator[Server]:
    """A server with a binlog, on a Unix socket."""
    server = make_server()
    server.log = open_log(
        directory,
        Policy(size=65536, sync_after=sync_after),
        server.broker,
        server.clocks,
        salt=lambda: 1,
        complain=lambda reason: None,
    ).log
    door = await server.loop.create_unix_server(lambda: Client(server), str(path))
    try:
        yield server
    finally:
        door.close()
        await server.stop()
        directory.close()
        path.unlink(missing_ok=True)


def connected(path: Path) -> greenstalk.Client[bytes]:
    """A client that does not wait for ever: its thread would outlive the test."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE / 2)
    client.connect(str(path))
    return greenstalk.Client(client, encoding=None)


def put(path: Path, body: bytes) -> int:
    with connected(path) as client:
        return client.put(body)


def take(path: Path) -> bytes:
    with connected(path) as client:
        job = client.reserve(timeout=0)
        client.delete(job)
        return job.body


def test_two_servers_know_nothing_of_each_other_and_outlive_each_other(run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    paths = [tmp_path / name for name in ("first.socket", "second.socket")]
    for folder in folders:
        folder.mkdir()

    async def live() -> None:
        async with living(Directory(folders[1]), paths[1]):
            async with living(Directory(folders[0]), paths[0]):
                for path in paths:
                    assert await asyncio.to_thread(put, path, path.name.encode()) == 1
                with pytest.raises(LockedError):
                    Directory(folders[1])
            assert await asyncio.to_thread(put, paths[1], b"another") == 2
            for body in (b"second.socket", b"another"):
                assert await asyncio.to_thread(take, paths[1]) == body

    async def live_again() -> None:
        async with living(Directory(folders[0]), paths[0]):
            assert await asyncio.to_thread(take, paths[0]) == b"first.socket"
        async with living(Directory(folders[1]), paths[1]) as empty:
            assert len(empty.broker.jobs) == 0

    run(live())
    run(live_again())


class Diary(Directory):
    """A directory that keeps a list of what is done to its files."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.deeds: list[str] = []

    def open(self, name: str) -> OpenFile:
        file = super().open(name)
        return OpenDiary(file.descriptor, self.deeds)


class OpenDiary(OpenFile):
    """A file of that directory."""

    def __init__(self, descriptor: int, deeds: list[str]) -> None:
        super().__init__(descriptor)
        self.deeds = deeds

    def write(self, offset: int, data: bytes) -> None:
        super().write(offset, data)
        self.deeds.append("write")

    def sync(self) -> None:
        super().sync()
        self.deeds.append("sync")


def test_a_stop_leaves_nothing_that_is_not_on_the_disk(run: Run, tmp_path: Path) -> None:
    diary = Diary(tmp_path)

    async def live() -> None:
        async with living(diary, tmp_path / "socket", sync_after=60.0) as server:
            await asyncio.to_thread(put, tmp_path / "socket", b"")
            assert server.log is not None
            assert server.log.unsynced
            assert diary.deeds[-1] == "write"
        assert diary.deeds[-1] == "sync"

    run(live())


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_no_reply_waits_for_another_one_to_fill_a_packet(run: Run, tmp_path: Path, *, secured: bool) -> None:
    certificates = make_certificates(tmp_path)

    def talk(port: int) -> int:
        """How many of its clients' sockets the server has told not to wait."""
        with closing(socket.create_connection((HOST, port), PATIENCE)) as bare:
            context = certificates.client()
            with context.wrap_socket(bare, server_hostname=HOST) if secured else bare as client:
                client.sendall(b"list-tube-used\r\n")
                assert client.recv(100) == b"USING default\r\n"
                return sum(map(_hurries, server_clients()))

    def server_clients() -> list[Client]:
        return list(servers[0].clients.values())

    servers: list[Server] = []

    async def live() -> None:
        servers.append(make_server())
        acceptor = Acceptor(servers[0], Logbook("text"), 10)
        door = socket.create_server((HOST, 0))
        acceptor.add(door, _context(certificates.options) if secured else None)
        acceptor.open()
        try:
            assert await asyncio.to_thread(talk, door.getsockname()[1]) == 1
        finally:
            await acceptor.close()
            await servers[0].stop()

    run(live())


def _context(options: list[str]) -> ssl.SSLContext:
    return server_context(parse(options))


def _hurries(client: Client) -> bool:
    its_socket = client.transport.get_extra_info("socket")
    return bool(its_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
