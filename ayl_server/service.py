"""The life of the server process: recover, serve, stop."""

import asyncio
import errno
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from ayl_server.addresses import Address
from ayl_server.binlog.disk import Directory, LockedError
from ayl_server.binlog.log import Log, Policy
from ayl_server.binlog.recovery import Recovery, RecoveryError, open_log
from ayl_server.binlog.segment import page
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.config import SMALLEST_FILE, Config
from ayl_server.listener import Client, Server
from ayl_server.model import BinlogFacts
from ayl_server.process import allow_many_files, facts_of_this_process, settle_collector

LOCKED = 10
"""Exit code when another server uses the binlog directory, as in beanstalkd."""

FAILED = 1
"""Exit code when the binlog cannot be read, or the disk has failed."""

PROGRESS_SECONDS = 0.2


def run(addresses: list[Address], config: Config, *, force_asyncio: bool, drain_asked: Callable[[], bool]) -> None:
    """Serve until SIGTERM or SIGINT. `drain_asked` tells whether a SIGUSR1 came before this could take it."""
    allow_many_files()
    loop = _new_loop(force_asyncio)
    service = Service(loop, config)
    try:
        if config.binlog is not None:
            service.recover(config.binlog)
        loop.run_until_complete(service.serve(addresses, drain_asked))
    finally:
        loop.close()
    if service.server.failure is not None:
        raise SystemExit(FAILED)


class Service:
    """One server as a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config) -> None:
        self.loop = loop
        self.config = config
        self.verbose = config.verbosity > 0
        self.stopped = asyncio.Event()
        self.clocks = Clocks(time.monotonic, time.time)
        self.log: Log | None = None
        self.broker = Broker(
            facts=facts_of_this_process(self._binlog_facts),
            started=time.monotonic(),
            max_job_size=config.max_job_size,
            max_memory=config.max_memory,
        )
        self.server: Server

    # Recovery

    def recover(self, path: str) -> None:
        """Bring back the jobs of the binlog in `path`, or end the process with a line that says why not."""
        try:
            directory = Directory(Path(path))
            policy = Policy(
                size=page(max(self.config.file_size, SMALLEST_FILE)),
                sync_always=self.config.sync_after == 0,
                sync_never=self.config.sync_after is None,
            )
            recovery = open_log(
                directory,
                policy,
                self.broker,
                self.clocks,
                salt=lambda: secrets.randbits(32),
                complain=self._no_room,
                progress=_progress() if sys.stderr.isatty() else None,
                salvage=self.config.salvage,
            )
        except LockedError as error:
            _complain(str(error))
            raise SystemExit(LOCKED) from None
        except RecoveryError as error:
            _complain(f"the binlog in {path} cannot be used: {error}")
            raise SystemExit(FAILED) from None
        except OSError as error:
            _complain(f"the binlog in {path} cannot be used: {error.strerror or error}")
            raise SystemExit(FAILED) from None
        self.log = recovery.log
        _tell(recovery)

    def _no_room(self, reason: str) -> None:
        _complain(f"new jobs are refused: no room for the binlog in {self.config.binlog}: {reason}")

    def _binlog_facts(self) -> BinlogFacts:
        log = self.log
        if log is None:
            return BinlogFacts(max_size=self.config.file_size)
        return BinlogFacts(
            oldest=next(iter(log.segments)),
            current=log.current.number,
            migrated=log.migrated,
            written=log.written,
            max_size=self.config.file_size,
        )

    # Service

    async def serve(self, addresses: list[Address], drain_asked: Callable[[], bool]) -> None:
        """Take clients until somebody says stop, then let all replies and changes out."""
        loop = self.loop
        loop.set_exception_handler(Complaints())
        self.server = server = Server(
            loop,
            self.broker,
            self.clocks,
            say=self.say,
            verbosity=self.config.verbosity,
            log=self.log,
            sync_after=self.config.sync_after,
            failed=self._disk_failed,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        loop.add_signal_handler(signal.SIGUSR1, self.broker.drain)
        if drain_asked():
            self.broker.drain()
        if self.verbose:
            self.say(f"pid {os.getpid()}")
        accepting = [await self._accept(address) for address in addresses]
        settle_collector()
        server.after_event()  # what was recovered may be due
        await self.stopped.wait()
        for one in accepting:
            one.close()
        await server.stop()

    async def _accept(self, address: Address) -> asyncio.Server:
        listening = socket.socket(fileno=address.socket.detach())
        if self.verbose:
            self.say(f"bind {listening.fileno()} {_where(listening)}")
        return await self.loop.create_server(lambda: Client(self.server), sock=listening, backlog=1024)

    def _disk_failed(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        _complain(f"the disk of {self.config.binlog} has failed: {reason}. Stopping; what was acknowledged is there")
        self.stopped.set()

    def say(self, text: str) -> None:
        """A line of the log, to standard output as in beanstalkd."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:  # a full disk, a reader that is gone: to serve is more important than to tell
            self.server.verbosity = 0
            self.verbose = False


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


def _complain(text: str) -> None:
    sys.stderr.write(f"ayl_server: {text}\n")


def _tell(recovery: Recovery) -> None:
    for damage in recovery.damages:
        lost = "the rest of the file" if damage.lost is None else f"{damage.lost} bytes"
        _complain(f"binlog {damage.number}, offset {damage.offset}: {damage.reason}; {lost} passed over")
    if recovery.torn is not None:
        torn = recovery.torn
        _complain(f"binlog {torn.number}, offset {torn.offset}: {torn.reason}; the rest is dropped")


def _progress() -> Callable[[int, int, int], None]:
    """A line on the terminal that changes as the replay goes on."""
    last = 0.0

    def show(done: int, total: int, jobs: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= PROGRESS_SECONDS:
            last = now
            end = "\n" if done == total else ""
            sys.stderr.write(f"\rReading the binlog: {done * 100 // max(total, 1)} %, {jobs:,} jobs{end}")
            sys.stderr.flush()

    return show


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
