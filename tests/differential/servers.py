"""Two servers as processes, the clients of each, and how to know that a server has done all it can.

What makes the comparison exact is the barrier. A client's bytes, its end and its hanging up wake a server
that sleeps in epoll_wait before the client's own system call returns: that is how unix sockets work. So if
the server is found asleep afterwards it has been awake in between, has handled everything and has sent
every reply that is due. No step waits for a while and hopes; silence is a fact.
"""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.processes.servers import Server, serving

from .replies import Reply, Stream
from .settings import BINLOG, Contestant

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Sequence

REST_SECONDS = 20.0
"""How long a server may be busy with one step before it counts as one that spins. Never waited for when all is well."""

BRIEF = 100
"""So often the server's state is asked at once, before the processor is left to it."""

PAUSE_SECONDS = 0.000_1

READ_BYTES = 1 << 18


class Restless(Exception):
    """The server does not come to rest, reads no more, or is no more."""


@dataclass
class Heard:
    """What one client has received in one step."""

    replies: list[Reply] = field(default_factory=list)
    ended: bool = False
    """The server has closed the connection."""
    rest: bytes = b""
    """The beginning of a reply whose end has not come."""


class Client:
    """One connection to one server."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.socket.setblocking(False)
        self.stream = Stream()
        self.heard = Heard()

    def read(self) -> bool:
        """Take what is there; whether there was anything."""
        if self.heard.ended:
            return False
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # closed by the server, which had not read everything
            data = b""
        self.heard.replies += self.stream.feed(data)
        self.heard.ended = not data
        return True

    def take(self) -> Heard:
        heard, self.heard = self.heard, Heard(ended=self.heard.ended)
        heard.rest = self.stream.bytes
        return heard


class Peer:
    """One server and every client's connection to it."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.server = server
        self.clients: dict[str, Client] = {}
        self.state = os.open(f"/proc/{server.process.pid}/stat", os.O_RDONLY)

    def close(self) -> None:
        os.close(self.state)
        for client in self.clients.values():
            client.socket.close()

    # What clients do

    def connect(self, who: str) -> None:
        self.clients[who] = Client(self.server.dial())

    def send(self, who: str, data: bytes) -> None:
        """Send everything. Replies are read meanwhile, or both sides would get stuck."""
        client = self.clients[who]
        left = memoryview(data)
        while left and not client.heard.ended:
            try:
                left = left[client.socket.send(left) :]
            except BlockingIOError:
                self._read_all()
                if not any(select.select([client.socket], [client.socket], [], REST_SECONDS)):
                    raise self._restless("reads no more") from None
            except (BrokenPipeError, ConnectionResetError):
                return  # what the server said before it closed is still there to be read

    def half_close(self, who: str) -> None:
        self.clients[who].socket.shutdown(socket.SHUT_WR)

    def hang_up(self, who: str) -> None:
        self.clients.pop(who).socket.close()

    def signal(self, number: signal.Signals) -> None:
        self.server.gets(number)

    # What they hear

    def settle(self) -> dict[str, Heard]:
        """Let the server do all it can; what each client has heard since the last time."""
        self._await_rest()
        while self._read_all():  # which may be what the server needed to go on
            self._await_rest()
        heard = {who: client.take() for who, client in self.clients.items()}
        for who in [who for who, what in heard.items() if what.ended]:
            self.hang_up(who)
        return heard

    def _read_all(self) -> bool:
        return sum(client.read() for client in self.clients.values()) > 0

    def _await_rest(self) -> None:
        give_up = time.monotonic() + REST_SECONDS
        looks = 0
        while not self._asleep():
            looks += 1
            if looks > BRIEF:
                if self.server.ended():
                    raise self._restless("has ended")
                if time.monotonic() > give_up:
                    raise self._restless("does not come to rest")
                self._read_all()  # 1.12 spins while a client that has half-closed does not read
                time.sleep(PAUSE_SECONDS)

    def _restless(self, what: str) -> Restless:
        return Restless(f"{self.name} {what}; its log: {self.server.log() or 'empty'}")

    def _asleep(self) -> bool:
        # man 5 proc: "pid (name) state …", where the name may hold anything.
        return os.pread(self.state, 512, 0).rpartition(b") ")[2].startswith(b"S")


@contextmanager
def started(contestants: Sequence[Contestant], *options: str) -> Iterator[list[Peer]]:
    """A fresh server of each, with these options and its own, on unix sockets."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ayl-")))
        peers = []
        for number, contestant in enumerate(contestants):
            place = folder / str(number)
            binlog = place / "binlog"
            binlog.mkdir(parents=True)
            own = [str(binlog) if option == BINLOG else option for option in contestant.options]
            peer = Peer(
                contestant.name, stack.enter_context(serving(contestant.kind, place, *options, *own, tcp=False))
            )
            stack.callback(peer.close)
            peer.settle()  # the end of the connection that asked whether it serves
            peers.append(peer)
        yield peers
