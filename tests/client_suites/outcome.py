"""What came of a suite: a verdict on each test, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .suite import Suite


class Verdict(Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Its authors skip it."""


class NotRunError(Exception):
    """The suite cannot be run here, which says nothing about the server; the message says what is missing."""


class NoServerError(Exception):
    """The server does not start, which is a failure of the server."""


class NotAskedForError(NotRunError):
    """It can only be run with an option that was not given."""


@dataclass(frozen=True)
class Result:
    """One test."""

    test: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class Outcome:
    """One suite against one server."""

    suite: Suite
    server: str
    results: tuple[Result, ...] = ()
    trouble: NotRunError | None = None
    seconds: float = 0.0
    log: Path | None = None

    def count(self, verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in self.results)

    @property
    def passed(self) -> int:
        return self.count(Verdict.PASSED)

    @property
    def run(self) -> int:
        """How many tests were run; one that was skipped was not."""
        return self.passed + self.count(Verdict.FAILED)

    @property
    def failures(self) -> tuple[Result, ...]:
        """Those that nobody expected."""
        known = self.suite.known_failures
        return tuple(result for result in self.results if result.verdict is Verdict.FAILED and result.test not in known)

    @property
    def known_failures(self) -> int:
        return self.count(Verdict.FAILED) - len(self.failures)

    @property
    def cured(self) -> tuple[str, ...]:
        """Those that were expected to fail and passed."""
        known = self.suite.known_failures
        return tuple(
            result.test for result in self.results if result.verdict is Verdict.PASSED and result.test in known
        )

    @property
    def missing(self) -> int:
        """Tests that the suite has and that were not run, for whatever reason: never a success."""
        return 0 if self.trouble else max(0, self.suite.tests - self.run)
