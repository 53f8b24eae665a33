"""A directory that can be full, fail, lose power and lie in wait for a bad moment. It is a `Disk` of the binlog."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .faults import BrokenError, Crash, CrashedError, Faults
from .sectors import Bytes, Luck

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the directory that is not synced: `new` is the file, `old` is not there any more."""

    old: str | None
    new: str | None
    file: Bytes


class SimulatedFile:
    """A file that is open for writing."""

    def __init__(self, disk: SimulatedDisk, name: str, file: Bytes) -> None:
        self._disk = disk
        self._name = name  # when it was opened
        self._file = file
        self._boot = disk.boot
        self._open = True

    def write(self, offset: int, data: bytes) -> None:
        self._check()
        disk = self._disk
        disk.tell("write", self._name, offset, len(data))
        if offset + len(data) > len(self._file.seen):
            raise BrokenError("a write went beyond the blocks that the file has")
        try:
            within = disk.faults.before("write")
        except OSError:
            self._file.write(offset, data[: disk.rng.randint(0, len(data))])
            raise
        if within:
            self._file.write(offset, data[: disk.rng.randint(0, len(data))])
            disk.faults.strike()
        self._file.write(offset, data)
        disk.written()
        disk.faults.after()

    def sync(self) -> None:
        self._check()
        disk = self._disk
        disk.tell("sync", self._name)
        try:
            within = disk.faults.before("sync")
        except OSError:
            # As Linux does: what could not be written is taken for written, and nobody is told a second time.
            self._file.keep_some(disk.rng, Luck.SECTORS)
            raise
        if within:
            disk.faults.strike()  # what the power leaves is drawn at the crash
        self._file.sync()
        if all(file.safe for file in disk.files.values()):
            disk.synced()
        disk.faults.after()

    def close(self) -> None:
        self._check()
        self._open = False

    def _check(self) -> None:
        if not self._open or self._boot != self._disk.boot:
            raise BrokenError("a file was used after it was closed")


class SimulatedDisk:
    """What processes see of the directory, and what a power failure would leave of it."""

    def __init__(self, rng: random.Random, faults: Faults, capacity: int) -> None:
        self.rng = rng
        self.faults = faults
        self.capacity = capacity
        self.others = 0
        """Bytes that other programs occupy."""
        self.files: dict[str, Bytes] = {}
        self.kept: dict[str, Bytes] = {}
        self.steps: list[Step] = []
        self.boot = 0
        self.refusals = 0
        """How often no file could be made."""
        self.written: Callable[[], None] = _nothing
        """Called after each write."""
        self.synced: Callable[[], None] = _nothing
        """Called when nothing is left that was written and not synced."""
        self.trace: Callable[[str], None] | None = None

    # What the binlog asks of a disk

    def names(self) -> list[str]:
        return list(self.files)

    def size(self, name: str) -> int:
        return len(self.files[name].seen)

    def read(self, name: str, offset: int, size: int) -> bytes:
        return bytes(self.files[name].seen[offset : offset + size])

    def create(self, name: str, size: int) -> SimulatedFile:
        self.tell("create", name, size, "of", self.free)
        if name in self.files:
            raise BrokenError(f"{name} was created a second time")
        try:
            self._before("create")
            if size > self.free:
                raise OSError(errno.ENOSPC, "simulated: no room")
        except OSError:
            self.refusals += 1
            raise
        self.files[name] = file = Bytes(size)
        self._change(Step(None, name, file))
        return SimulatedFile(self, name, file)

    def open(self, name: str) -> SimulatedFile:
        return SimulatedFile(self, name, self.files[name])

    def rename(self, old: str, new: str) -> None:
        self.tell("rename", old, new)
        self._before("directory")
        if new in self.files:
            raise BrokenError(f"{old} was renamed over {new}")
        self.files[new] = file = self.files.pop(old)
        self._change(Step(old, new, file))

    def remove(self, name: str) -> None:
        self.tell("remove", name)
        self._before("directory")
        self._change(Step(name, None, self.files.pop(name)))

    def sync(self) -> None:
        self.tell("sync the directory")
        self._before("directory")
        self.kept = dict(self.files)
        self.steps.clear()
        self.faults.after()

    # What the world does to it

    @property
    def free(self) -> int:
        return self.capacity - self.others - sum(len(file.seen) for file in self.files.values())

    def crash(self, kind: Crash, luck: Luck, *, ordered: bool) -> None:
        """No process has the directory open any more. `ordered`: the directory keeps its changes in their order."""
        self.boot += 1
        if kind is Crash.MACHINE:
            self._keep_steps(luck, ordered=ordered)
            self.files = dict(self.kept)
            for file in self.files.values():
                file.lose_power(self.rng, luck)

    def tell(self, *words: object) -> None:
        if self.trace is not None:
            self.trace("    disk: " + " ".join(map(str, words)))

    def copy(self) -> SimulatedDisk:
        """The directory as another process would find it now, with a luck of its own."""
        other = SimulatedDisk(self.rng, Faults(), 1 << 60)
        for name, file in self.files.items():
            other.files[name] = Bytes(0)
            other.files[name].seen = bytearray(file.seen)
        return other

    def _before(self, operation: str) -> None:
        if self.faults.before(operation):
            self.faults.strike()

    def _change(self, step: Step) -> None:
        self.steps.append(step)
        self.faults.after()

    def _keep_steps(self, luck: Luck, *, ordered: bool) -> None:
        steps = self.steps
        if luck is Luck.NOTHING:
            steps = []
        elif luck is not Luck.EVERYTHING:
            if ordered:
                steps = steps[: self.rng.randint(0, len(steps))]
            else:
                steps = [step for step in steps if self.rng.random() < 0.5]
        for step in steps:
            if step.old is not None and self.kept.get(step.old) is step.file:
                del self.kept[step.old]
            if step.new is not None:
                self.kept[step.new] = step.file
        self.steps.clear()


def _nothing() -> None:
    """Nobody listens."""


__all__ = ["CrashedError", "SimulatedDisk", "SimulatedFile"]
