"""Who replays the transcripts: our broker in memory (twice), our server, and Debian's beanstalkd."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .conversation import Conversation
from .inbox import Mismatch
from .memory import MemoryServer
from .nursery import Nursery
from .process import ENVIRONMENT, ServerProcess, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from .inbox import Server
    from .transcript import Scenario

JUDGE = "beanstalkd 1.12"
"""What the transcripts call [beanstalkd]: Debian 12's."""


@dataclass(frozen=True)
class Target:
    """A kind of server, and how to start a fresh one for each scenario."""

    name: str
    tags: frozenset[str]
    start: Callable[[Sequence[str]], AbstractContextManager[Server]]
    in_parallel: bool

    def replay(self, scenario: Scenario) -> None:
        """Hold the scenario's conversation with a fresh server."""
        with self.start(scenario.options) as server:
            Conversation(server, self.tags).replay(scenario)


@contextmanager
def _whole(options: Sequence[str]) -> Iterator[Server]:
    yield MemoryServer(options, bytewise=False)


@contextmanager
def _bytewise(options: Sequence[str]) -> Iterator[Server]:
    yield MemoryServer(options, bytewise=True)


def ours() -> list[str]:
    """The command that starts our server from a checkout."""
    return [sys.executable, "-m", "ayl_server.main"]


@cache
def _nursery() -> Nursery:
    nursery = Nursery(ENVIRONMENT)
    atexit.register(nursery.close)
    return nursery


@contextmanager
def _ayl_server(options: Sequence[str]) -> Iterator[Server]:
    server = ServerProcess(options, _nursery().start)
    try:
        yield server
        if "Traceback" in server.log():
            raise Mismatch("every word was right, but there was an error inside")
    except Mismatch as error:
        raise Mismatch(f"{error}\n    the server's log: {server.log() or 'empty'}") from None
    finally:
        server.close()


@contextmanager
def _beanstalkd(options: Sequence[str]) -> Iterator[Server]:
    server = ServerProcess(options, started([judge()]))
    try:
        yield server
    finally:
        server.close()


def judge() -> str:
    """The path of the beanstalkd to compare with. Its absence is a failure: the comparison is the point."""
    found = shutil.which("beanstalkd") or shutil.which("beanstalkd", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise AssertionError(f"these tests need {JUDGE}: apt install beanstalkd")
    return found


def judge_version() -> str:
    """What the installed beanstalkd calls itself."""
    return subprocess.run([judge(), "-v"], capture_output=True, text=True, check=True).stdout.strip()


TARGETS = (
    Target("memory", frozenset({"ayl", "memory"}), _whole, in_parallel=False),
    Target("bytewise", frozenset({"ayl", "memory"}), _bytewise, in_parallel=False),
    Target("ayl_server", frozenset({"ayl", "process"}), _ayl_server, in_parallel=True),
    Target("beanstalkd", frozenset({"beanstalkd", "process"}), _beanstalkd, in_parallel=True),
)
