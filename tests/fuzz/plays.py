"""Scripts played to a server without sockets, and what must be true of it whatever they say."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ayl_server.broker import Broker
from ayl_server.connection import HEADERS_KEPT, INPUT_LIMIT, OUTPUT_LIMIT, Connection
from ayl_server.model import ProcessFacts
from ayl_server.protocol import LINE_LIMIT
from tests.server import invariants

from .replies import parse
from .sessions import Drain, HalfClose, HangUp, Say, Script

if TYPE_CHECKING:
    from ayl_server.model import Job, Session

    from .sessions import Event

START = 1000.0
"""On the clock, seconds."""

LARGEST_LINE = 100
"""Of a reply that bytes follow, at most."""

LARGEST_REPORT = 4096


class Bodies(invariants.Recorder):
    """A journal that also knows what was put, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.put: dict[int, bytes] = {}

    def inserted(self, job: Job) -> bool:
        self.put[job.id] = job.body
        return super().inserted(job)


class Client:
    """A connection, what its socket still holds, and what it was told."""

    def __init__(self, broker: Broker) -> None:
        self.connection = Connection(broker)
        self.arriving: deque[bytes] = deque()
        self.longest = 0
        self.said: list[bytes] = []

    def hear(self, now: float) -> None:
        """As much of what has arrived as the connection wants."""
        while self.arriving and self.connection.wants_input and not self.connection.closing:
            piece = self.arriving.popleft()
            self.connection.receive(piece, now)
            self.longest = max(self.longest, len(piece))
            self.check_bounds(self.longest)

    def send(self, now: float) -> None:
        """As the driver does it."""
        connection = self.connection
        while True:
            self.said.append(connection.take_output())
            if not connection.held_back:
                return
            connection.resume(now)

    def check_bounds(self, piece: int) -> None:
        """What a connection keeps is bounded, whatever its client does; no read has brought more than `piece`."""
        connection = self.connection
        largest = max(connection.broker.max_job_size + LARGEST_LINE, LARGEST_REPORT)
        assert len(connection.buffer) - connection.position + len(connection.backlog) <= INPUT_LIMIT + piece
        assert sum(map(len, connection.session.out)) <= OUTPUT_LIMIT + largest
        assert len(connection.broker.headers) <= HEADERS_KEPT
        assert all(len(line) <= LINE_LIMIT for line in connection.broker.headers)
        if not (connection.stalled or connection.closing):
            assert len(connection.buffer) - connection.position < LINE_LIMIT
            assert len(connection.buffer) < LINE_LIMIT + piece
        if (upload := connection.upload) is not None:
            assert len(upload.body) + upload.missing == upload.size + 2
            assert upload.size <= connection.broker.max_job_size


class Play:
    """One server and its clients."""

    def __init__(self, script: Script, *, bytewise: bool) -> None:
        self.script = script
        self.bytewise = bytewise
        self.journal = Bodies()
        self.broker = Broker(
            facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"),
            started=START,
            max_job_size=script.max_job_size,
            max_memory=script.max_memory,
            journal=self.journal,
        )
        self.now = START
        self.clients: list[Client] = []
        self.gone: list[Client] = []
        self.of_session: dict[Session, Client] = {}
        for _ in range(script.clients):
            self.clients.append(self._connect())

    def run(self) -> list[list[bytes]]:
        """What each client was told, a list of replies each."""
        for event in self.script.events:
            self._do(event)
            self._settle()
            self._check()
        everybody = self.gone + self.clients
        for client in self.clients:
            client.connection.lost(self.now)
        self.broker.tick(self.now)
        self._check()
        assert not self.broker.sessions
        return [self._replies(client) for client in everybody]

    def _connect(self) -> Client:
        client = Client(self.broker)
        self.of_session[client.connection.session] = client
        return client

    def _do(self, event: Event) -> None:
        if isinstance(event, Say):
            client = self.clients[event.client]
            if client.connection.session.ended:
                return
            client.arriving.extend([bytes([byte]) for byte in event.data] if self.bytewise else [event.data])
            client.hear(self.now)
            client.send(self.now)
        elif isinstance(event, HalfClose):
            self.clients[event.client].connection.end_of_input(self.now)
            self.clients[event.client].send(self.now)
        elif isinstance(event, HangUp):
            client = self.clients[event.client]
            client.connection.lost(self.now)
            self.gone.append(client)
            self.clients[event.client] = self._connect()
        elif isinstance(event, Drain):
            self.broker.drain()
        else:
            self.now += event.seconds
            self.broker.tick(self.now)

    def _settle(self) -> None:
        """Serve who was woken, until nobody is."""
        while self.broker.woken:
            for session in self.broker.take_woken():
                client = self.of_session[session]
                client.send(self.now)
                client.hear(self.now)
                client.send(self.now)

    def _check(self) -> None:
        invariants.check(self.broker)
        invariants.check_journal(self.broker, self.journal)
        invariants.check_memory(self.broker, [client.connection for client in self.clients])
        for client in self.clients:
            client.check_bounds(0)

    def _replies(self, client: Client) -> list[bytes]:
        """Well formed, and no body that is not the job's."""
        replies = parse(b"".join(client.said))
        for reply in replies:
            if reply.job_id:
                assert reply.body == self.journal.put[reply.job_id]
        return [reply.line + b"\r\n" + (reply.body or b"") for reply in replies]


def told(script: Script, *, bytewise: bool = False) -> list[list[bytes]]:
    """The replies that each client gets, while all is watched that must be true meanwhile."""
    return Play(script, bytewise=bytewise).run()


def judge(script: Script) -> None:
    """AssertionError, or whatever else the server raises, if it does not take this as it should."""
    assert told(script) == told(script, bytewise=True), "what comes byte by byte is answered otherwise"
