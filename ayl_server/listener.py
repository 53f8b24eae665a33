"""The broker's clients and one timer: the thin driver around the broker.

The replies to what one read brought leave in one write; so do those to the clients which that read woke. With a
binlog, replies wait for the end of the loop's turn: then all changes of all clients are written at once (and
synced, if every reply is to be durable), and after that the replies go out.

The loop is asyncio's or uvloop's.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.connection import Connection, Trace
from ayl_server.hangups import Hangups
from ayl_server.queues import NEVER

if TYPE_CHECKING:
    from ayl_server.binlog.log import Log
    from ayl_server.model import Session

Say = Callable[[str, int, str], None]
"""Told what -V shows: accept, close, command or reply; of which connection; and the text."""

DRAIN_SECONDS = 5.0
"""How long a stopping server waits for clients to take their last replies."""


class Client(asyncio.Protocol):
    """One socket and its connection."""

    def __init__(self, server: "Server", left: Callable[[], None] = lambda: None) -> None:
        """`left` is called when this client has gone."""
        self.server = server
        self._left = left
        self.paused = False
        self.reading = True
        self.ended = False
        self._going_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._encrypted = transport.get_extra_info("sslcontext") is not None
        sock: socket.socket = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.number = sock.fileno()
        self.connection = self.server.connect(self, self.number)

    def data_received(self, data: bytes) -> None:
        server = self.server
        if server.failure is not None:
            return  # nothing more must happen to the binlog, and nobody would hear of it
        try:
            self.connection.receive(data, server.clock())
        except OSError as error:
            server.fail(error)
        self.send()
        server.after_event()

    def eof_received(self) -> bool:
        self.ended = True
        server = self.server
        if server.failure is not None:
            return False
        try:
            self.connection.end_of_input(server.clock())
        except OSError as error:
            server.fail(error)
        self.send()
        server.after_event()
        # Closing is the connection's decision: there may be output left. But TLS has no half-closed connections.
        if self._encrypted:
            server.commit()  # now, because the replies that wait for it cannot be sent later
        return not self._encrypted

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.hangups.forget(self.number, self._ended_unread)
        self.server.disconnect(self)
        self._left()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        # Not at once: asyncio calls this in the middle of its own write, where a close would be done twice.
        self._go_on_soon()

    def _go_on_soon(self) -> None:
        if not self._going_on:
            self._going_on = True
            self.server.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._going_on = False
        self.send()
        self.server.after_event()

    def send(self) -> None:
        """Send what there is, go on with input that had to wait for it, and close if that was all.

        Where the binlog does not hold yet what the replies say, they are left for the commit.
        """
        connection, transport, server = self.connection, self.transport, self.server
        resumed = False
        while not (self.paused or transport.is_closing()):
            if server.log is not None and server.holds_back(self):
                return
            if output := connection.take_output():
                transport.write(output)
            if not connection.held_back or self.paused:
                break
            if resumed:  # the others' turn
                self._go_on_soon()
                break
            resumed = True
            try:
                connection.resume(server.clock())
            except OSError as error:
                server.fail(error)
        if connection.closing and not connection.session.out:
            transport.close()
            return
        wanted = connection.wants_input and not server.stopping
        if wanted != self.reading:
            self._read(wanted)
        elif not wanted and connection.session.waiting:
            self._watch()

    @property
    def settled(self) -> bool:
        """Whether every command that has come and can run has been answered."""
        return not (self.connection.session.out or self.connection.held_back)

    def _read(self, on: bool) -> None:
        self.reading = on
        if self.ended or self.transport.is_closing():
            return
        hangups = self.server.hangups
        if on:
            hangups.forget(self.number, self._ended_unread)
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()
            if self.connection.session.waiting:
                self._watch()

    def _watch(self) -> None:
        """Notice the client's end though it is left unread: it must not be given a job then."""
        if not (self.ended or self.transport.is_closing()):
            self.server.hangups.watch(self.number, self._ended_unread)

    def _ended_unread(self, gone: bool) -> None:
        """The client has closed its side while we leave it unread: it must not wait for a job any more."""
        if gone:
            self.connection.lost(self.server.clock())  # now; the transport tells it a turn later
            self.transport.abort()
        else:
            self.server.broker.end_wait(self.connection.session)
        self.server.after_event()


class Server:
    """The broker, its clients and the timer. Several live happily in one process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        clocks: Clocks,
        *,
        say: Say,
        verbosity: int = 0,
        log: "Log | None" = None,
        failed: Callable[[OSError], None] | None = None,
    ) -> None:
        self.loop = loop
        self.broker = broker
        self.clocks = clocks
        self.clock = clocks.steady
        self.say = say
        self.verbosity = verbosity
        self.log = log
        self.hangups = Hangups(loop)
        self.clients: dict[Session, Client] = {}
        self.failure: OSError | None = None
        """Why the binlog cannot be trusted any more; from then on nobody gets a reply."""
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._sync_timer: asyncio.TimerHandle | None = None
        self._unanswered: dict[Client, None] = {}
        self._commit_due = False
        self.stopping = False
        """Whether nothing more is read."""
        self._stopped = False

    def connect(self, client: Client, number: int) -> Connection:
        if self.verbosity >= 1:
            self.say("accept", number, "")
        connection = Connection(self.broker, self._tracer(number) if self.verbosity >= 2 else None)
        self.clients[connection.session] = client
        return connection

    def _tracer(self, number: int) -> Trace:
        def trace(text: str) -> None:
            event, _, detail = text.partition(" ")
            self.say(event, number, detail)

        return trace

    def disconnect(self, client: Client) -> None:
        if self.verbosity >= 1:
            self.say("close", client.number, "")
        del self.clients[client.connection.session]
        self._unanswered.pop(client, None)
        client.connection.lost(self.clock())
        self.after_event()

    def after_event(self) -> None:
        """Send to the clients that were woken, and see that what is due later will be done."""
        broker = self.broker
        while broker.woken:
            for session in broker.take_woken():
                if (client := self.clients.get(session)) is not None:
                    client.send()
        if self.log is not None and self.log.dirty:
            self._commit_soon()
        if self._timer_at <= broker.timers.earliest:
            return  # a timer that rings too early finds nothing to do and is set again
        when = broker.next_deadline()
        if when is None or self._timer_at <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self.loop.call_later(max(0.0, when - self.clock()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        self.broker.tick(self.clock())
        self.after_event()

    # The binlog

    def holds_back(self, client: Client) -> bool:
        """Whether replies must wait for a commit; then `client` is sent its own after it."""
        if self.failure is not None:
            return True
        if self.log is None or not self.log.dirty:
            return False
        self._unanswered[client] = None
        self._commit_soon()
        return True

    def _commit_soon(self) -> None:
        if not self._commit_due:
            self._commit_due = True
            self.loop.call_soon(self.commit)

    def commit(self) -> None:
        """Write what this turn has changed, then send what waited for it."""
        self._commit_due = False
        log = self.log
        if log is None or self.failure is not None or self._stopped:
            return
        try:
            log.commit()
        except OSError as error:
            self.fail(error)
            return
        except Exception as error:
            # Nobody knows what is on the disk: as bad as an error of it.
            self.fail(OSError(f"a defect: {error!r}"))
            raise
        if log.unsynced and self._sync_timer is None and (after := log.policy.sync_after) is not None:
            self._sync_timer = self.loop.call_later(after, self._sync)
        waited = list(self._unanswered)
        self._unanswered.clear()
        for client in waited:
            client.send()
        self.after_event()

    def _sync(self) -> None:
        if self._sync_timer is not None:
            self._sync_timer.cancel()  # if it was not that which rang
            self._sync_timer = None
        if self.log is None or self.failure is not None:
            return
        try:
            self.log.sync()
        except OSError as error:
            self.fail(error)

    def fail(self, error: OSError) -> None:
        """The disk has failed. No reply goes out from now on: after a restart, replay decides what holds."""
        if self.failure is None:
            self.failure = error
            if self._failed is not None:
                self._failed(error)

    # The end

    async def stop(self) -> None:
        """Let replies and changes out, then close; clients that do not take their replies lose them."""
        self.stopping = True
        for client in list(self.clients.values()):
            client.send()  # leaves it unread
        self.commit()
        self._sync()  # clients may take their time to leave
        deadline = self.loop.time() + DRAIN_SECONDS
        while self.clients and self.loop.time() < deadline:
            # Each time, because one that was let in a moment ago may show up only now.
            for client in list(self.clients.values()):
                if self.failure is not None:
                    client.transport.abort()
                elif client.settled:
                    client.transport.close()
            await asyncio.sleep(0.01)
        for client in list(self.clients.values()):
            client.transport.abort()
        await asyncio.sleep(0)
        self.hangups.close()
        self._stopped = True
        for timer in (self._timer, self._sync_timer):
            if timer is not None:
                timer.cancel()
        if self.log is not None and self.failure is None:
            try:
                self.log.close()
            except OSError as error:
                self.fail(error)
