"""A machine with a disk, a server on it that comes and goes, and clients: everything that one seed moves."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from ayl_server.binlog.disk import LogFullError
from ayl_server.binlog.recovery import RecoveryError

from .clients import SimulatedClient
from .clock import Clock
from .commands import Commands
from .disk import SimulatedDisk
from .faults import BrokenError, Crash, CrashedError, Faults, Moment, PlannedCrash, PlannedError
from .ledger import TOLERANCE, Ledger
from .network import Link
from .plan import draw_settings
from .process import Process, fresh_broker, replayed
from .sectors import Luck

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ayl_server.broker import Broker

    from .plan import Plan, Settings


class World:
    """The parts, and what may happen to them."""

    def __init__(self, rng: random.Random, plan: Plan, trace: Callable[[str], None] | None) -> None:
        self.rng = rng
        self.plan = plan
        self._trace = trace
        self.seen: Counter[str] = Counter()
        self.clock = Clock()
        self.faults = Faults()
        self.disk = SimulatedDisk(rng, self.faults, plan.capacity)
        self.ledger = Ledger(self.clock)
        self.disk.written = self.ledger.note_write
        self.disk.synced = self._synced
        known: deque[int] = deque(maxlen=40)
        self.clients = [SimulatedClient(n, self.ledger, self.clock, known) for n in range(plan.clients)]
        self.disk.trace = trace
        for client in self.clients:
            client.trace = trace
        self.commands = Commands(rng, plan, self._some_segment)
        self.process: Process | None = None
        self.settings = plan.settings
        self.volatile = False
        """Whether the directory may hold what a server that never syncs has written: the power must not fail."""
        self.least = 0
        """How many reports the next replay must comprise."""
        self.ended = self.clock.steady
        self._refusals = 0
        """How many files could not be made when this process was started."""
        self._aged = 0
        """How many reports are so old that they must be synced."""

    def tell(self, text: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.clock.steady:.3f} {text}")

    @property
    def refusals(self) -> int:
        """How often the disk had no room; not counting one that holds for the rest of a turn."""
        return self.disk.refusals - (self.process is not None and self.process.log.refused)

    # The server comes

    def start(self) -> None:
        """Start the server; it may fail or be killed on the way."""
        settings = draw_settings(self.rng) if self.rng.random() < self.plan.changes else self.settings
        self.volatile |= settings.sync_after is None
        broker = fresh_broker(self.plan, self.clock)
        began = self.clock.steady
        self._refusals = self.disk.refusals
        try:
            recovery = replayed(self.disk, settings, broker, self.clock, self.rng)
        except CrashedError as crash:
            self._end(crash.kind, None)
            return
        except (OSError, RecoveryError) as error:
            if not self._may_refuse(error, settings):
                raise BrokenError(f"the binlog cannot be opened: {error}") from error
            self.tell(f"the server cannot start: {error}")
            self._end(Crash.PROCESS, None)
            return
        self.seen["torn tails"] += recovery.torn is not None
        count = self.ledger.compare(broker, self.least, ended=self.ended, began=began)
        self.settings = settings
        self.volatile = settings.sync_after is None
        self.tell(
            f"{settings}; replay: {recovery.jobs} jobs, "
            f"{count - self.ledger.base} of {len(self.ledger.entries)} reports"
        )
        self.seen["lost reports"] += self.ledger.length - count
        self.ledger.begin_anew(broker, count)
        self.ledger.log = recovery.log
        broker.journal = self.ledger
        self.least = self._aged = self.ledger.base
        self.process = Process(settings, self.clock, self.ledger, broker, recovery.log, high=self.plan.high)
        self.process.loop.interrupt = self.faults.strike
        self.process.check(self.disk)

    def _may_refuse(self, error: Exception, settings: Settings) -> bool:
        """Whether the server is right not to start: the disk fails, or what it must make first has no room."""
        if isinstance(error, RecoveryError):  # after -s was changed, all is written anew, and that takes room
            changed = settings.segment != self.settings.segment
            return changed and "no room" in str(error) and self.disk.refusals > self._refusals
        return not isinstance(error, LogFullError) or not self.ledger.length

    # The server goes

    def turn(self, *, eager: bool = False) -> None:
        """One turn of the server's loop, if it runs."""
        process = self.process
        if process is None:
            return
        now = self.clock.steady
        self.seen["turns"] += 1
        self.tell("turn")
        try:
            process.turn(self.rng, eager=eager)
        except CrashedError as crash:
            self._end(crash.kind, process.broker)
            return
        if process.stopped:
            self._end_well(process)
        elif not process.failing and self.settings.sync_after:
            self._aged = max(self._aged, self.ledger.aged(now, self.settings.sync_after))

    def crash(self, kind: Crash) -> None:
        """Between two turns."""
        self._end(kind, None if self.process is None else self.process.broker)

    def _end_well(self, process: Process) -> None:
        """The server has stopped by itself, because it was asked to or because the disk has failed."""
        if process.failing:
            self.seen["failed disks"] += 1
        else:
            self.seen["stops"] += 1
            self.ledger.synced = self.ledger.promised = self.ledger.length
        self._end(Crash.PROCESS, process.broker)

    def _end(self, kind: Crash, memory: Broker | None) -> None:
        self.seen[kind.value] += 1
        if self.volatile:  # the crash was planned before such a server was started
            kind = Crash.PROCESS
        luck = self.rng.choice(list(Luck))
        self.tell(f"{kind.value}{' while it starts' if memory is None else ''}; luck: {luck.value}")
        for client in self.clients:
            self._cut_off(client)
        if memory is not None:
            self.ledger.note_end(memory)
            self.least = self.ledger.length
            self.ended = self.clock.steady
        self.least = min(self.least, self._least(kind))
        if self.process is not None:
            self.process.abandon()
            self.seen["migrated jobs"] += self.process.log.migrated
        self.tell(
            f"reports: {self.least} must survive; {self._aged} are old, {self.ledger.synced} synced, "
            f"{self.ledger.written} written, {self.ledger.promised} promised, {self.ledger.length} in all"
        )
        self.process = None
        self.disk.crash(kind, luck, ordered=self.plan.ordered)
        if kind is Crash.MACHINE:
            self.clock.reboot(self.rng.uniform(1.0, 100.0))
        self.faults.forget()

    def _least(self, kind: Crash) -> int:
        """How many reports must survive."""
        if kind is Crash.MACHINE and self.settings.sync_after:
            return max(self._aged, self.ledger.synced)
        return self.ledger.promised

    def _cut_off(self, client: SimulatedClient) -> None:
        """What was on its way to a client may still arrive; then the connection is gone."""
        if client.link is not None:
            client.read(self.rng.randint(0, len(client.link.down)), self.disk.refusals)
            client.link = None

    def _synced(self) -> None:
        self.ledger.note_sync()
        if self.rng.random() < 0.1:
            self.clock.advance(self.rng.uniform(0.0, 0.01))

    # What befalls them

    def draw_crash(self) -> Crash:
        if self.volatile or self.rng.random() >= self.plan.power_failures:
            return Crash.PROCESS
        return Crash.MACHINE

    def plan_crash(self, kind: Crash) -> None:
        """At one of the next operations of the disk, or between two calls of the loop."""
        if self.rng.random() < 0.3 and self.process is not None:
            self.faults.crash = PlannedCrash(kind, Moment.BEFORE, 1 << 30)
            self.process.loop.calls_left = self.rng.randint(0, 12)
        else:
            moment = self.rng.choice(list(Moment))
            self.faults.crash = PlannedCrash(kind, moment, self.rng.choice((0, 0, 1, 2, 3, 5, 8, 13)))

    def plan_error(self) -> None:
        operation = self.rng.choice(("write", "sync", "create", "directory"))
        self.faults.error = PlannedError(operation, self.rng.choice((0, 0, 1, 2, 5)))

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.clock.jump(seconds)
        self.ledger.note_jump()
        self.seen["jumps"] += 1

    def fill_disk(self, left: int) -> None:
        """Other programs leave no more than that."""
        self.disk.others = max(0, self.disk.others + self.disk.free - left)
        self.tell(f"{self.disk.free} bytes are free")

    # Clients

    def connect(self, client: SimulatedClient) -> None:
        if self.process is None or self.process.stopping is not None:
            return
        link = Link(self.plan.room)
        client.connect(link)
        self.process.accept(link, self._sending)

    def _sending(self) -> None:
        if self.faults.failed or (self.process is not None and self.process.failing):
            raise BrokenError("a reply was sent after the disk had failed")
        self.ledger.note_reply()

    def _some_segment(self) -> bytes:
        names = [name for name in self.disk.names() if name.startswith("ayl-binlog.")]
        if not names:
            return b""
        name = self.rng.choice(names)
        return self.disk.read(name, self.rng.randint(0, 200), self.disk.size(name))

    # Looking

    def check(self) -> None:
        if self.process is not None and not self.process.failing:
            self.process.check(self.disk)
            self.seen["checks"] += 1

    def check_replay(self) -> None:
        """What a process that is killed now would leave is what it has in memory, as far as it is written."""
        process = self.process
        if process is None or process.failing:
            return
        self.seen["replays"] += 1
        broker = fresh_broker(self.plan, self.clock)
        replayed(self.disk.copy(), self.settings, broker, self.clock, self.rng)
        self.ledger.note_end(process.broker)
        now = self.clock.steady
        self.ledger.compare(broker, self.ledger.written, ended=now, began=now)

    def settle(self) -> None:
        """Everybody reads and nobody says anything new: then nothing may be left undone."""
        for _ in range(10_000):
            for client in self.clients:
                client.push(len(client.outgoing))
                client.read(1 << 30, self.disk.refusals)
            if self.process is None or not self.process.restless:
                break
            self.turn(eager=True)
        else:
            raise BrokenError("the server never comes to rest")
        if self.process is not None and not self.process.failing:
            self._check_rest(self.process)

    def _check_rest(self, process: Process) -> None:
        self.seen["rests"] += 1
        when = process.broker.next_deadline()
        if when is not None and when <= self.clock.steady:
            raise BrokenError(f"something was due at {when}, and the server rests")
        if when is not None and ((timer := process.loop.next_timer()) is None or timer > when + TOLERANCE):
            raise BrokenError(f"something is due at {when}, and the next timer rings at {timer}")
        if process.log.dirty:
            raise BrokenError("reports are left unwritten")
        waiting = process.waiting_links()
        for client in self.clients:
            if client.link is not None and client.outstanding and client.link not in waiting:
                raise BrokenError(f"no reply to {client.outstanding[0].command.data[:60]!r}")
