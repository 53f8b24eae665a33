"""What may go wrong, and when: at the n-th operation of the disk from now."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import Enum


class BrokenError(AssertionError):
    """The server has not kept a promise; the message says which."""


class Crash(Enum):
    PROCESS = "the process is killed"
    MACHINE = "the power fails"


class CrashedError(BaseException):
    """Here the process ends. No code of the server may catch it."""

    def __init__(self, kind: Crash) -> None:
        super().__init__(kind.value)
        self.kind = kind


class Moment(Enum):
    """When in an operation of the disk the crash comes."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


@dataclass(slots=True)
class PlannedCrash:
    kind: Crash
    moment: Moment
    operations: int  # so many go well before it


@dataclass(slots=True)
class PlannedError:
    operation: str  # of which kind: "write", "sync", "create" or "directory"
    operations: int  # so many of that kind go well before it


class Faults:
    """The disk asks here before and after each operation."""

    def __init__(self) -> None:
        self.crash: PlannedCrash | None = None
        self.error: PlannedError | None = None
        self.failed = False
        """Whether this process has been told of an error that it must not survive."""

    def forget(self) -> None:
        """A new process starts, and nothing is planned for it."""
        self.crash = None
        self.error = None
        self.failed = False

    def before(self, operation: str) -> bool:
        """Whether the crash comes within this operation."""
        if self._fails(operation):
            raise OSError(errno.EIO, f"simulated {operation} error")
        if self.crash is None:
            return False
        self.crash.operations -= 1
        if self.crash.operations >= 0:
            return False
        if self.crash.moment is Moment.BEFORE:
            self.strike()
        return self.crash.moment is Moment.WITHIN

    def after(self) -> None:
        if self.crash is not None and self.crash.operations < 0:
            self.strike()

    def strike(self) -> None:
        """Now, if anything is planned."""
        if self.crash is not None:
            raise CrashedError(self.crash.kind)

    def _fails(self, operation: str) -> bool:
        if self.error is None or self.error.operation != operation:
            return False
        self.error.operations -= 1
        if self.error.operations >= 0:
            return False
        self.error = None
        self.failed = operation != "create"  # a file that cannot be made only means that jobs are refused
        return True
