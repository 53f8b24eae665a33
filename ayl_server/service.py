"""The life of the server process: recover, serve, stop."""

import asyncio
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from ayl_server.acceptor import EXHAUSTED, Acceptor
from ayl_server.addresses import METRICS, TLS, Address
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.config import Config
from ayl_server.exits import FAILED, UNPREPARED, StartError, end_at_once_on
from ayl_server.listener import Server
from ayl_server.logbook import Logbook
from ayl_server.model import BinlogFacts
from ayl_server.page import VISITORS, Page
from ayl_server.process import (
    CALM_SECONDS,
    allow_many_files,
    become,
    collect_when_calm,
    facts_of_this_process,
    free_descriptors,
    new_loop,
    settle_collector,
    tame_collector,
)
from ayl_server.systemd import Notifier

SPARE = 1
"""Descriptors that no client gets: libuv opens one for itself with the first connection."""

SPARE_FOR_BINLOG = 4
"""What the binlog opens for a moment must never fail for want of a descriptor."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(
    addresses: list[Address],
    config: Config,
    *,
    tls: ssl.SSLContext | None,
    notifier: Notifier,
    force_asyncio: bool,
    drain_asked: Callable[[], bool],
) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `drain_asked`: whether a SIGUSR1 came before this could take it."""
    logbook = Logbook(config.log_format)
    logbook.listen_to_libraries()
    if any(address.speaks == METRICS for address in addresses):
        _import_metrics()  # reading a long binlog first would be a long wait for this refusal
    if config.binlog is not None:
        import ayl_server.revival  # noqa: F401 - not by a server without a binlog; and while it may be read, see below
    for warning in config.warnings:
        logbook.caution("options", warning)
    allow_many_files()
    tame_collector()
    loop = new_loop(force_asyncio=force_asyncio)
    if config.user is not None:
        # Only now: what was needed of root is open, and what Python still had to read may be root's as well.
        become(config.user)
    service = Service(loop, config, logbook, notifier)
    service.recover()
    # The loop is not closed: uvloop's would wait for connections that did not end in time.
    loop.run_until_complete(service.serve(addresses, tls, drain_asked))
    return 0 if service.server.failure is None else FAILED


class Service:
    """One server as a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config, logbook: Logbook, notifier: Notifier) -> None:
        self.loop = loop
        self.config = config
        self.logbook = logbook
        self.notifier = notifier
        self.stopped = asyncio.Event()
        self._collected = 0  # how many connections had been closed when their leftovers were looked for
        clocks = Clocks(time.monotonic, time.time)
        self.broker = Broker(
            facts=facts_of_this_process(self._binlog_facts),
            started=time.monotonic(),
            max_job_size=config.max_job_size,
            max_memory=config.max_memory,
        )
        self.server = Server(
            loop,
            self.broker,
            clocks,
            say=logbook.say,
            verbosity=config.verbosity,
            failed=self._disk_failed,
        )

    def recover(self) -> None:
        """Bring back the jobs of the binlog, if there is to be one."""
        if self.config.binlog is not None:
            from ayl_server.revival import Revival

            revival = Revival(self.config, self.broker, self.server.clocks, self.logbook, self.notifier)
            self.server.log = revival.open(self.config.binlog)

    def _binlog_facts(self) -> BinlogFacts:
        log = self.server.log
        if log is None:
            return BinlogFacts(max_size=self.config.file_size)
        return BinlogFacts(
            oldest=next(iter(log.segments)),
            current=log.current.number,
            migrated=log.migrated,
            written=log.written,
            max_size=log.policy.size,
        )

    # Service

    async def serve(
        self, addresses: list[Address], tls: ssl.SSLContext | None, drain_asked: Callable[[], bool]
    ) -> None:
        """Take clients until somebody says stop, then let all replies and changes out."""
        self._take_signals()
        if drain_asked():
            self._drain()
        if self.config.verbosity:
            self.logbook.say("pid", os.getpid())
        metrics = [address for address in addresses if address.speaks == METRICS]
        acceptor = Acceptor(self.server, self.logbook, self._most_connections(visitors=VISITORS * len(metrics)))
        for address in addresses:
            if address not in metrics:
                self._add_listening(acceptor, address, tls)
        pages = [self._open_page(address, acceptor.limit) for address in metrics]
        settle_collector(len(self.broker.jobs))
        self._collect()
        acceptor.open()
        self._tell_of_start(addresses)
        self.server.after_event()  # what was recovered may be due
        await self.stopped.wait()
        # First the files of Unix sockets, while they still listen; then nobody new comes in; then who is here leaves.
        for address in addresses:
            address.withdraw()
        for page in pages:
            page.close()
        await acceptor.close()
        await self.server.stop()
        if self.server.failure is None:
            self.logbook.note("stopped", "all changes are safe" if self.server.log else "jobs were kept in memory only")

    def _most_connections(self, visitors: int) -> int:
        """How many clients may be here at once."""
        spare = SPARE + visitors + (0 if self.config.binlog is None else SPARE_FOR_BINLOG)
        possible = max(1, free_descriptors() - spare)
        wanted = self.config.max_connections
        if wanted is not None and wanted > possible:
            self.logbook.caution(
                "connection_limit_cut",
                f"{possible} connections at most, not {wanted}: the limit of open files (ulimit -n, LimitNOFILE=) "
                "allows no more",
                connections=possible,
            )
        return possible if wanted is None else min(wanted, possible)

    def _add_listening(self, acceptor: Acceptor, address: Address, tls: ssl.SSLContext | None) -> None:
        listening = _python_socket(address)
        if self.config.verbosity:
            self.logbook.say("bind", listening.fileno(), address.name)
        acceptor.add(listening, tls if address.speaks == TLS else None)

    def _open_page(self, address: Address, most_connections: int) -> Page:
        from ayl_server.metrics import Facts, Metrics

        facts = Facts(self.broker, self.server.clock, self.server.log, most_connections)
        page = Page(Metrics(facts).write)
        page.open(self.loop, _python_socket(address))
        return page

    def _tell_of_start(self, addresses: list[Address]) -> None:
        serving = [address.name for address in addresses if address.speaks != METRICS]
        metrics = [f"http://{address.name}/metrics" for address in addresses if address.speaks == METRICS]
        text = f"serving on {', '.join(serving)}" + "".join(f"; metrics on {page}" for page in metrics)
        self.logbook.note("started", text, pid=os.getpid(), addresses=serving, metrics=metrics)
        self.notifier.ready(text)
        if self.notifier.watchdog:
            self._live()
        if self.notifier.trouble is not None:
            self.logbook.caution("systemd", self.notifier.trouble)

    def _collect(self) -> None:
        broker = self.broker
        closed = broker.total_sessions - len(broker.sessions)
        leaves = isinstance(self.loop, asyncio.BaseEventLoop)
        if collect_when_calm(len(broker.jobs), closed - self._collected if leaves else 0):
            self._collected = closed
        self.loop.call_later(CALM_SECONDS, self._collect)

    def _live(self) -> None:
        """Give systemd a sign of life, and another one in good time."""
        self.notifier.alive()
        self.loop.call_later(self.notifier.watchdog / 2, self._live)

    # What may happen meanwhile

    def _take_signals(self) -> None:
        self.loop.set_exception_handler(self._complain)
        for number in STOP_SIGNALS:
            self.loop.add_signal_handler(number, self._stop_asked, number)
        self.loop.add_signal_handler(signal.SIGUSR1, self._drain)

    def _stop_asked(self, asked: signal.Signals) -> None:
        """Stop; whoever asks again does not want to wait for that."""
        for number in STOP_SIGNALS:
            self.loop.remove_signal_handler(number)
            end_at_once_on(number)
        clients = len(self.server.clients)
        text = f"{asked.name} has come; clients ({clients} connected) get their last replies"
        self.logbook.note("stopping", text, signal=asked.name, connections=clients)
        self.notifier.stopping()
        self.stopped.set()

    def _drain(self) -> None:
        if not self.broker.draining:
            self.broker.drain()
            self.logbook.note("draining", "SIGUSR1 has come; new jobs are refused from now on")
            self.notifier.status("Draining: new jobs are refused")

    def _disk_failed(self, error: OSError) -> None:
        path, reason = self.config.binlog, error.strerror or str(error)
        self.logbook.alarm(
            "disk_failed",
            f"the disk of {path} has failed: {reason}. Stopping; what was acknowledged is there",
            path=path,
            error=reason,
        )
        self.notifier.stopping()
        self.stopped.set()

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something that the loop could not do, or that we did not expect."""
        error = context.get("exception")
        message = str(context.get("message", "an error inside"))
        if isinstance(error, OSError):
            event = "accept_failed" if error.errno in EXHAUSTED else "connection_failed"
            self.logbook.now_and_then(event, f"{message}: {error.strerror or error}")
        else:
            self.logbook.defect(message, error)


def _import_metrics() -> None:
    try:
        import ayl_server.metrics  # noqa: F401 - to see whether that can be done
    except ImportError as error:
        text = f'--metrics needs prometheus_client: pip install "ayl[metrics]" ({error})'
        raise StartError(UNPREPARED, "library_missing", text) from None


def _python_socket(address: Address) -> socket.socket:
    return socket.socket(fileno=address.socket.detach())
