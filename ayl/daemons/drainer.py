"""Waits until nothing is left to do in the tubes of workers that another release has replaced: as an operator would,
with `ayl_beanstalk drain`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ayl.daemons.course import Run

RETRY_SECONDS = 10.0
"""Between two tries to ask a server that is away."""

LARGEST = 10_000_000
"""Bytes of an answer that are read."""

DRAINED = 0
LEFT = 1
"""Exit codes of a drain that has come to its end: nothing is left, or only what is buried. Others say that it could not
ask; and 1 is that of any Python program that crashes, too.
"""


class Drainer:
    """For one process."""

    def __init__(self, run: Run) -> None:
        self._releases = releases(run.tubes)
        self._environment = {**run.order.environment, **({"AYL_ENGINE": run.engine} if run.engine else {})}
        self.pid: int | None = None
        """Of the process that asks."""
        self._answer = -1
        self.due = inf if self._releases else 0.0
        """When to look at the latest, seconds of the monotonic clock; a SIGCHLD says it, too."""
        self._start()

    def is_done(self, now: float) -> bool:
        """Whether all is drained."""
        if self.pid is not None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                return False
            self.pid = None
            if is_answer(os.waitstatus_to_exitcode(status), self._told()):
                self._releases.pop(0)
                self._start()
            else:
                self.due = now + RETRY_SECONDS
        elif now >= self.due:
            self._start()
        return not self._releases

    def kill(self) -> None:
        """Nobody waits for it any more."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None
            self._told()

    def _told(self) -> bytes:
        """What it has printed."""
        with open(self._answer, "rb") as file:  # noqa: PTH123 - it is open already
            file.seek(0)
            return file.read(LARGEST)

    def _start(self) -> None:
        self.due = inf if self._releases else 0.0
        if not self._releases:
            return
        app, version = self._releases[0]
        words = [sys.executable, "-P", "-m", "ayl.cli.beanstalk", "drain", version, "-t", app]
        words += ["--wait", "--missing-ok", "--json"]
        try:
            self._answer = os.memfd_create("drained")
        except OSError:
            self.due = time.monotonic() + RETRY_SECONDS
            return
        nothing = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 2)]
        printing = (os.POSIX_SPAWN_DUP2, self._answer, 1)
        try:
            self.pid = os.posix_spawn(words[0], words, self._environment, file_actions=[*nothing, printing])
        except OSError:
            os.close(self._answer)
            self.due = time.monotonic() + RETRY_SECONDS


def is_answer(code: int, text: bytes) -> bool:
    """Whether a drain that ended so and printed that says that nothing is left to wait for. Pure."""
    try:
        found = json.loads(text)
        answers = [one["answer"] for one in found] if isinstance(found, list) else [found]
        lefts = [bool(answer["buried"] or not answer["drained"]) for answer in answers]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(lefts) and code == (LEFT if any(lefts) else DRAINED)


def releases(tubes: str) -> list[tuple[str, str]]:
    """The apps and versions that these tubes belong to, of those that belong to some. Pure."""
    parts = [tube.split("/") for tube in tubes.split()]
    return sorted({(found[0], found[1]) for found in parts if len(found) > 1 and "*" not in found[0] + found[1]})
