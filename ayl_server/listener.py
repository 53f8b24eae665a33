"""Sockets and one timer: the thin driver around the broker.

asyncio, on uvloop where that is installed. All replies to what one read brought leave in one write; so do
those to the clients which that read woke.
"""

import asyncio
import errno
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from ayl_server.broker import Broker
from ayl_server.config import Config
from ayl_server.connection import Connection
from ayl_server.model import ProcessFacts, Session

GC_THRESHOLDS = (50_000, 20, 100)
"""Jobs come and go without cycles, so the collector finds nothing among them; it need not look often."""


class Client(asyncio.Protocol):
    """One socket and its connection."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.paused = False
        self.reading = True
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.connection = self.server.connect(self, sock.fileno())

    def data_received(self, data: bytes) -> None:
        server = self.server
        self.connection.receive(data, server.clock())
        self.send()
        server.after_event()

    def eof_received(self) -> bool:
        self.ended = True
        self.connection.end_of_input(self.server.clock())
        self.send()
        self.server.after_event()
        return True  # closing is the connection's decision: there may be output left

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.disconnect(self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        # Not at once: asyncio calls this in the middle of its own write, where a close would be done twice.
        self.server.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self.send()
        self.server.after_event()

    def send(self) -> None:
        """Send what there is, go on with input that had to wait for it, and close if that was all."""
        connection, transport = self.connection, self.transport
        while not (self.paused or transport.is_closing()):
            if output := connection.take_output():
                transport.write(output)
            if not connection.held_back or self.paused:
                break
            connection.resume(self.server.clock())
        if connection.closing and not connection.session.out:
            transport.close()
        elif connection.wants_input != self.reading:
            self._read(connection.wants_input)

    def _read(self, on: bool) -> None:
        self.reading = on
        if not self.ended and not self.transport.is_closing():
            (self.transport.resume_reading if on else self.transport.pause_reading)()


class Server:
    """The broker, its clients and the timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config) -> None:
        self.loop = loop
        self.verbosity = config.verbosity
        self.clock: Callable[[], float] = time.monotonic
        self.broker = Broker(facts=_facts_of_this_process(), started=self.clock(), max_job_size=config.max_job_size)
        self.clients: dict[Session, Client] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = 0.0

    def connect(self, client: Client, number: int) -> Connection:
        trace = None
        if self.verbosity >= 1:
            self.say(f"accept {number}")
        if self.verbosity >= 2:

            def trace(text: str) -> None:
                self.say(f"{'<' if text.startswith('command') else '>'}{number} {text}")

        connection = Connection(self.broker, trace)
        self.clients[connection.session] = client
        return connection

    def disconnect(self, client: Client) -> None:
        if self.verbosity >= 1:
            self.say("close")
        del self.clients[client.connection.session]
        client.connection.lost(self.clock())
        self.after_event()

    def after_event(self) -> None:
        """Send to the clients that were woken, and set the timer anew."""
        broker = self.broker
        while broker.woken:
            for session in broker.take_woken():
                if (client := self.clients.get(session)) is not None:
                    client.send()
        when = broker.next_deadline()
        if when is None or (self.timer is not None and self.timer_at <= when):
            return  # a timer that rings too early finds nothing to do and is set again
        if self.timer is not None:
            self.timer.cancel()
        self.timer_at = when
        self.timer = self.loop.call_later(max(0.0, when - self.clock()), self._ring)

    def _ring(self) -> None:
        self.timer = None
        self.broker.tick(self.clock())
        self.after_event()

    def say(self, text: str) -> None:
        """A line of the log, to standard output as in beanstalkd."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:  # a full disk, a reader that is gone: to serve is more important than to tell
            self.verbosity = 0


def run(listening: socket.socket, config: Config, *, force_asyncio: bool, drain_asked: Callable[[], bool]) -> None:
    """Serve until SIGTERM or SIGINT. `drain_asked` tells whether a SIGUSR1 came before this could take it."""
    _allow_many_files()
    loop = _new_loop(force_asyncio)
    try:
        loop.run_until_complete(_serve(loop, listening, config, drain_asked))
    finally:
        loop.close()


EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The system has no room for another connection; those that are open go on."""

COMPLAINT_SECONDS = 10.0
"""Between two lines about the same trouble."""


class Complaints:
    """What the event loop cannot do, told without flooding the log."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in EXHAUSTED):
            loop.default_exception_handler(context)
        elif (now := loop.time()) >= self._silent_until:
            self._silent_until = now + COMPLAINT_SECONDS
            reason = f"{error.strerror}; raise the limit (ulimit -n, LimitNOFILE=)"
            sys.stderr.write(f"ayl_server: new clients must wait: {reason}\n")


async def _serve(
    loop: asyncio.AbstractEventLoop, listening: socket.socket, config: Config, drain_asked: Callable[[], bool]
) -> None:
    loop.set_exception_handler(Complaints())
    stopped = asyncio.Event()
    server = Server(loop, config)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGUSR1, server.broker.drain)
    if drain_asked():
        server.broker.drain()
    if config.verbosity:
        server.say(f"pid {os.getpid()}")
        server.say(f"bind {listening.fileno()} {_where(listening)}")
    accepting = await loop.create_server(lambda: Client(server), sock=listening, backlog=1024)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    await stopped.wait()
    accepting.close()
    for client in list(server.clients.values()):
        client.transport.close()


def _allow_many_files() -> None:
    """As many connections as the system lets us have: the soft limit is usually set with `select` in mind."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems have a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _new_loop(force_asyncio: bool) -> asyncio.AbstractEventLoop:
    if not force_asyncio:
        try:
            import uvloop
        except ImportError:
            pass
        else:
            return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())
    return asyncio.new_event_loop()


def _where(listening: socket.socket) -> str:
    name = listening.getsockname()
    return f"unix:{name}" if isinstance(name, str) else f"{name[0]}:{name[1]}"


def _facts_of_this_process() -> Callable[[], ProcessFacts]:
    system = os.uname()
    instance = os.urandom(8).hex()

    def facts() -> ProcessFacts:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return ProcessFacts(
            pid=os.getpid(),
            user_seconds=usage.ru_utime,
            system_seconds=usage.ru_stime,
            instance=instance,
            hostname=system.nodename,
            os=system.version,
            platform=system.machine,
        )

    return facts
