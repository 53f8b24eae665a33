"""The app whose calls the workers make: short, long, failing, blocking and deadly ones; each notes when it ran.

CHAOS_FOLDER says where the notes go, CHAOS_WORKER whose they are.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import os
import re
import signal
import threading
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import ayl
from tests.processes.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP, VERSION = "chaos", "1"

STEP_SECONDS = 0.01

_diaries: dict[int, Diary] = {}


class Unlucky(Exception):
    """What a call raises that is to fail."""


@contextmanager
def noted(call: int) -> Iterator[int]:
    """Note the run of the call; the number of the attempt, counted from 1."""
    folder = Path(os.environ["CHAOS_FOLDER"])
    attempt, alive = _register(folder / "attempts", call)
    diary = _diary(folder)
    diary.write("begin", call, attempt, threading.get_ident(), _now(), ",".join(map(str, alive)) or "-")
    try:
        yield attempt
    except Unlucky:
        diary.write("failed", call, attempt, _now())
        raise
    except BaseException:
        diary.write("ended", call, attempt, _now())
        raise
    diary.write("done", call, attempt, _now())


def _now() -> str:
    return f"{time.monotonic():.6f}"


def _diary(folder: Path) -> Diary:
    """One for each process, also if it was forked."""
    pid = os.getpid()
    if pid not in _diaries:
        _diaries[pid] = Diary(folder / f"{os.environ['CHAOS_WORKER']}-{_identity('self')}.events")
    return _diaries[pid]


def _register(folder: Path, call: int) -> tuple[int, list[int]]:
    """The number of this attempt, and which of the earlier ones belong to other processes that live."""
    me, attempt, alive = _identity("self"), 1, []
    while True:
        path = folder / f"{call}.{attempt}"
        try:
            path.symlink_to(me)  # exists with its content or not at all
        except FileExistsError:
            other = str(path.readlink())
            if other == me or _identity(other.partition(".")[0]) == other:
                alive.append(attempt)
            attempt += 1
        else:
            return attempt, alive


def _identity(pid: str) -> str:
    """`PID.START` of a process that can still do something; empty for one that is about to vanish."""
    process = Path("/proc", pid)
    with suppress(FileNotFoundError, ProcessLookupError):
        number, _, fields = process.joinpath("stat").read_text().partition(" (")
        state, *rest = fields.rpartition(")")[2].split()
        # The memory is let go of before the sockets are closed, so nobody who is given the job can still see it.
        if state not in "ZX" and process.joinpath("cmdline").read_bytes():
            return f"{number}.{rest[18]}"
    return ""


# The calls


@ayl.task("chaos.short")
def short(call: int) -> None:
    """Hardly anything."""
    with noted(call):
        pass


@ayl.task("chaos.long")
def long(call: int, seconds: float) -> None:
    """In Python, in many small steps."""
    with noted(call):
        _pass_time(seconds)


@ayl.task("chaos.rest")
async def rest(call: int, seconds: float) -> None:
    """A coroutine."""
    with noted(call):
        await asyncio.sleep(seconds)


@ayl.task("chaos.fail")
def fail(call: int, times: int) -> None:
    """Fail so many times, then succeed."""
    with noted(call) as attempt:
        if attempt <= times:
            raise Unlucky(f"attempt {attempt} of call {call}")


@ayl.task("chaos.fail_in_coroutine")
async def fail_in_coroutine(call: int, times: int) -> None:
    """The same."""
    with noted(call) as attempt:
        await asyncio.sleep(0)
        if attempt <= times:
            raise Unlucky(f"attempt {attempt} of call {call}")


@ayl.task("chaos.block")
def block(call: int, how: str, seconds: float) -> None:
    """In C, about so long."""
    with noted(call):
        BLOCKS[how](seconds)


@ayl.task("chaos.overrun")
def overrun(call: int, how: str, seconds: float) -> None:
    """Take so long the first time, which is longer than the time to run."""
    with noted(call) as attempt:
        if attempt == 1:
            BLOCKS[how](seconds)


@ayl.task("chaos.overrun_in_coroutine")
async def overrun_in_coroutine(call: int, seconds: float) -> None:
    """The same."""
    with noted(call) as attempt:
        if attempt == 1:
            await asyncio.sleep(seconds)


@ayl.task("chaos.die")
def die(call: int, how: str, times: int) -> None:
    """End the process, so many times."""
    with noted(call) as attempt:
        if attempt <= times:
            _diary(Path(os.environ["CHAOS_FOLDER"])).write("dies", call, attempt, _now())
            DEATHS[how]()


def _pass_time(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(STEP_SECONDS)


def _sleep_with_lock(seconds: float) -> None:
    """As a library does that does not let go of the interpreter's lock: no other thread gets its turn."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def _sleep_without_lock(seconds: float) -> None:
    ctypes.CDLL(None).usleep(int(seconds * 1e6))


def _backtrack(seconds: float) -> None:
    """One match that nothing can interrupt: each letter more takes twice as long."""
    letters, taken = 10, 0.0
    while taken < seconds:
        begun = time.monotonic()
        re.match("(a|a)*b", "a" * letters)
        taken = 2 * (time.monotonic() - begun)  # of the next one
        letters += 1


def _digest(seconds: float) -> None:
    end = time.monotonic() + seconds
    data = bytes(8_000_000)
    while time.monotonic() < end:
        hashlib.sha256(data)
        zlib.crc32(data)


BLOCKS: dict[str, Callable[[float], None]] = {
    "in small steps": _pass_time,
    "with the lock": _sleep_with_lock,
    "without the lock": _sleep_without_lock,
    "backtracking": _backtrack,
    "digesting": _digest,
}

DEATHS: dict[str, Callable[[], object]] = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGSEGV": lambda: ctypes.string_at(0),
    "SIGABRT": os.abort,
    "exit code 3": lambda: os._exit(3),
}
"""How a call ends its process, as the supervisor's log tells it."""
