"""The app that the workers under test load: every chore writes into a diary who did it.

Names are given, because the tests import this as another module than a worker does.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import re
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ayl

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("chores")

PATIENCE = 60.0
"""Seconds until a chore that waits gives up, so that none outlives its test for long."""


def write(folder: Path, word: str) -> None:
    """A line of the diary: one write, so that lines of several processes do not mix."""
    with Path(folder, "diary").open("ab", buffering=0) as diary:
        diary.write(f"{word} {os.getpid()}\n".encode())


def written(folder: Path, word: str) -> bool:
    """Whether the diary has the word already."""
    diary = Path(folder, "diary")
    return diary.exists() and f"{word} " in diary.read_text()


def wait_for(path: Path) -> None:
    """Wait until the test makes this file."""
    give_up = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{path} does not appear")
        time.sleep(0.005)


@ayl.task("chores.note")
def note(folder: Path, word: str) -> None:
    """Just be seen."""
    write(folder, word)


@ayl.task("chores.mutter")
def mutter(folder: Path, word: str) -> None:
    """Say it as calls do that do not care when it is read."""
    print(word)  # noqa: T201 - to a file, so it waits in a buffer
    write(folder, word)


@ayl.task("chores.remark")
def remark(word: str) -> None:
    """Say it to the log, from here and from a thread of this call's own."""
    log.warning("%s", word)
    thread = threading.Thread(target=log.warning, args=("%s aside", word))
    thread.start()
    thread.join()


@ayl.task("chores.remark_later")
async def remark_later(word: str) -> None:
    """Say it from a coroutine, a task and a thread that belongs to it."""
    log.warning("%s", word)
    await asyncio.gather(asyncio.to_thread(log.warning, "%s in a thread", word), _remark_in_a_task(word))


async def _remark_in_a_task(word: str) -> None:
    await asyncio.sleep(0)
    log.warning("%s in a task", word)


@ayl.task("chores.tarry")
async def tarry(folder: Path, word: str) -> None:
    """Get half way, and wait for the file `go`."""
    if call := ayl.current():
        call.progress(0.5)
    write(folder, word)
    while not (folder / "go").exists():
        await asyncio.sleep(0.02)


@ayl.task("chores.pass_on")
def pass_on(folder: Path, word: str) -> None:
    """Leave it to another call."""
    ayl.send(note, folder, word)


@ayl.task("chores.hold")
def hold(folder: Path, word: str) -> None:
    """Begin, and end when the file `word` is there."""
    write(folder, f"{word}-begins")
    wait_for(folder / word)
    write(folder, f"{word}-ends")


@ayl.task("chores.hold_first")
def hold_first(folder: Path, word: str) -> None:
    """The same, but only the first time."""
    if not written(folder, f"{word}-begins"):
        hold(folder, word)
    else:
        write(folder, f"{word}-again")


@ayl.task("chores.fail_late")
def fail_late(folder: Path, word: str) -> None:
    """Fail, the first time when the file `word` is there, later at once and well."""
    again = written(folder, f"{word}-begins")
    hold_first(folder, word)
    if not again:
        raise ValueError("too late")


@ayl.task("chores.leave")
def leave(folder: Path, word: str, code: int) -> None:
    """End the process, the first time."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        os._exit(code)


@ayl.task("chores.die")
def die(folder: Path, word: str) -> None:
    """Take the process down, each time."""
    write(folder, word)
    os.kill(os.getpid(), signal.SIGKILL)


@ayl.task("chores.rest")
async def rest(folder: Path, word: str) -> None:
    """A coroutine function."""
    await asyncio.sleep(0)
    write(folder, word)


@ayl.task("chores.sleep_on")
def sleep_on(folder: Path, word: str, seconds: float = 1.0) -> None:
    """Take long, and do nothing."""
    time.sleep(seconds)
    write(folder, word)


@ayl.task("chores.spin")
def spin(folder: Path, word: str) -> None:
    """Keep the processor busy, and never look up."""
    write(folder, word)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        pass


@ayl.task("chores.doze")
def doze(folder: Path, word: str) -> None:
    """Wait in C, and let go of the interpreter lock."""
    write(folder, word)
    ctypes.CDLL(None).sleep(int(PATIENCE))


@ayl.task("chores.slumber")
async def slumber(folder: Path, word: str) -> None:
    """Wait in a coroutine."""
    write(folder, word)
    await asyncio.sleep(PATIENCE)


@ayl.task("chores.defy")
def defy(folder: Path, word: str) -> None:
    """Go on, whatever is raised."""
    write(folder, word)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        with suppress(BaseException):
            time.sleep(0.01)


@ayl.task("chores.grip")
def grip(folder: Path, word: str, how: str) -> None:
    """The first time, keep the interpreter lock and do not come back."""
    again = written(folder, word)
    write(folder, word)
    if not again:
        GRIPS[how]()


GRIPS: dict[str, Callable[[], object]] = {
    "C code": lambda: ctypes.PyDLL(None).sleep(int(PATIENCE)),
    "a regular expression": lambda: re.match(r"(a+)+$", "a" * 60 + "b"),
    "a number": lambda: 7 ** (7**12) > 0,
}
"""Code that holds the interpreter lock for as long as tests take."""


@ayl.task("chores.strive", keep_alive=True, time_limit=2)
def strive(folder: Path, word: str) -> None:
    """The same as `hold`, with a limit of its own."""
    hold(folder, word)


def seen(word: str) -> str:
    """What can be told of the call that runs."""
    call = ayl.current()
    if call is None:
        return f"{word}-outside"
    left = "in-time" if 5 < call.time_left < 10 else f"{call.time_left}"
    return "|".join([word, call.id, str(call.job_id), call.tube, str(call.attempts), left, str(call.stopping.is_set())])


@ayl.task("chores.look_around")
def look_around(folder: Path, word: str) -> None:
    """See which call this is, and whether a thread of its own sees it."""
    write(folder, seen(word))
    thread = threading.Thread(target=lambda: write(folder, seen("thread")))
    thread.start()
    thread.join()
    raise ValueError("that is all")


@ayl.task("chores.look_around_async")
async def look_around_async(folder: Path, word: str) -> None:
    """The same in a task and in a thread of asyncio."""
    write(folder, await asyncio.create_task(asyncio.to_thread(seen, word)))


@ayl.task("chores.persist")
def persist(folder: Path, word: str) -> None:
    """Work in steps, each of which buys time for the next."""
    call = ayl.current()
    assert call is not None
    for step in range(5):
        time.sleep(0.4)
        assert call.touch()
        call.progress(step / 5)
    write(folder, word)


@ayl.task("chores.heed")
def heed(folder: Path, word: str) -> None:
    """End well as soon as the worker is to stop."""
    call = ayl.current()
    assert call is not None
    write(folder, f"{word}-begins")
    write(folder, f"{word}-stops" if call.stopping.wait(PATIENCE) else f"{word}-waits")


@ayl.task("chores.seize")
def seize(folder: Path, word: str) -> None:
    """Be in C code that does not let go of the interpreter."""
    write(folder, word)
    sum(range(3 * 10**9))


@ayl.task("chores.linger")
def linger(folder: Path, word: str) -> None:
    """Be in C code that lets go of the interpreter, and does not look up for signals."""
    write(folder, word)
    libc = ctypes.CDLL(None)
    for _ in range(5):  # a signal ends it early
        libc.sleep(int(PATIENCE))


@ayl.task("chores.ring")
def ring(folder: Path, word: str) -> None:
    """Use a signal of one's own, as some time limits do."""
    rung = []
    signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    give_up = time.monotonic() + PATIENCE
    while not rung and time.monotonic() < give_up:
        time.sleep(0.001)
    write(folder, word)


@ayl.task("chores.listen")
async def listen(folder: Path, word: str) -> None:
    """Let asyncio handle a signal, which takes the process's only wake-up descriptor, and gives none back."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR2, lambda: None)
    loop.remove_signal_handler(signal.SIGUSR2)
    write(folder, word)


class Storm(BaseException):
    """No Exception."""


class Mute(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise AttributeError("nothing to say")


def fall(depth: int) -> int:
    """Recurse without end."""
    return fall(depth + 1) + 1


def be_cancelled() -> None:
    """What an await that another task cancels raises."""

    async def wait() -> None:
        raise asyncio.CancelledError

    asyncio.run(wait())


def throw(error: BaseException) -> None:
    """A statement as an expression."""
    raise error


TROUBLES: dict[str, Callable[[], object]] = {
    "ValueError": lambda: throw(ValueError("the till\nis empty")),
    "SystemExit": lambda: throw(SystemExit(3)),
    "SystemExit-0": lambda: throw(SystemExit(0)),
    "KeyboardInterrupt": lambda: throw(KeyboardInterrupt()),
    "BaseException": lambda: throw(Storm("thunder")),
    "GeneratorExit": lambda: throw(GeneratorExit()),
    "CancelledError": be_cancelled,
    "RecursionError": lambda: fall(0),
    "Mute": lambda: throw(Mute()),
    "Bury": lambda: throw(ayl.Bury("the address is\nwrong")),
    "Decay-0": lambda: throw(ayl.Decay(0)),
    "Decay-60": lambda: throw(ayl.Decay(60, "the shop is closed")),
    "Decay": lambda: throw(ayl.Decay()),
    "Decay-2**32": lambda: throw(ayl.Decay(2**32)),
}
"""How a call may end otherwise than well."""


@ayl.task("chores.fail")
def fail(folder: Path, word: str, trouble: str) -> None:
    """Be seen, and end with this trouble."""
    write(folder, word)
    TROUBLES[trouble]()


@ayl.task("chores.fail_once")
def fail_once(folder: Path, word: str, trouble: str) -> None:
    """The same, but go well the second time."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        TROUBLES[trouble]()


@ayl.value("chores.Shy")
@dataclass
class Shy:
    """A value that cannot be shown."""

    name: str

    def __repr__(self) -> str:
        raise LookupError("not to be looked at")


@ayl.task("chores.greet")
def greet(folder: Path, shy: Shy) -> None:
    """Take a value as it is."""
    write(folder, shy.name)


@ayl.model("chores.Shelf")
class Shelf:
    """An object that lives as long as its file."""

    size = 3

    def __init__(self, path: str) -> None:
        self.id = path

    @classmethod
    def find(cls, key: str) -> Shelf | None:
        """The shelf of that path; None if its file is gone. A path into a closed store cannot be asked."""
        if "closed" in key:
            raise ConnectionError("the store is closed")
        return cls(key) if Path(key).exists() else None

    def label(self, word: str) -> None:
        """A method of the object."""
        write(Path(self.id).parent, word)

    @classmethod
    def count(cls, folder: Path, word: str) -> None:
        """A method of the class."""
        write(folder, f"{word}-{cls.__name__}")

    @staticmethod
    def dust(folder: Path, word: str) -> None:
        """A method of neither."""
        write(folder, word)

    def _hide(self) -> None:
        """Nothing that a message may call."""


@ayl.model("chores.Leaflet", gone="discard")
class Leaflet(Shelf):
    """Not missed when it is gone."""


@ayl.model("chores.Poster", gone="pass_none")
class Poster(Shelf):
    """None, when it is gone."""


@ayl.task("chores.show")
def show(folder: Path, word: str, *posters: object) -> None:
    """Take objects that may be gone."""
    write(folder, "-".join([word, *("gone" if poster is None else "there" for poster in posters)]))


@ayl.task("chores.nap")
async def nap(folder: Path, word: str, seconds: float = 1.0) -> None:
    """Take long, as a coroutine."""
    await asyncio.sleep(seconds)
    write(folder, word)


@ayl.task("chores.await_file")
async def await_file(folder: Path, word: str) -> None:
    """As `hold`."""
    write(folder, f"{word}-begins")
    give_up = time.monotonic() + PATIENCE
    while not (folder / word).exists():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{word} does not appear")
        await asyncio.sleep(0.01)
    write(folder, f"{word}-ends")


@ayl.task("chores.await_file_first")
async def await_file_first(folder: Path, word: str) -> None:
    """As `hold_first`."""
    if not written(folder, f"{word}-begins"):
        await await_file(folder, word)
    else:
        write(folder, f"{word}-again")


@ayl.task("chores.await_trouble")
async def await_trouble(folder: Path, word: str, trouble: str) -> None:
    """As `fail`."""
    await asyncio.sleep(0)
    write(folder, word)
    TROUBLES[trouble]()


@ayl.task("chores.tell_loop")
async def tell_loop(folder: Path, word: str) -> None:
    """On which loop, and in which thread, it runs."""
    await asyncio.sleep(0)
    write(folder, f"{word}-{threading.current_thread().name.replace(' ', '_')}-{id(asyncio.get_running_loop())}")


@ayl.task("chores.leave_task")
async def leave_task(folder: Path, word: str) -> None:
    """Leave a task behind that ends the process, if it can."""
    _left.append(asyncio.create_task(_exit()))
    await asyncio.sleep(0.05)
    write(folder, word)


_left: list[asyncio.Task[None]] = []


async def _exit() -> None:
    raise SystemExit(3)


@ayl.task("chores.block_first")
async def block_first(folder: Path, word: str) -> None:
    """Hold up the loop, the first time."""
    if written(folder, f"{word}-begins"):
        write(folder, f"{word}-again")
        return
    write(folder, f"{word}-begins")
    time.sleep(PATIENCE)


@ayl.task("chores.clutch")
def clutch(folder: Path, word: str, seconds: int) -> None:
    """Keep the interpreter lock for so long."""
    write(folder, f"{word}-begins")
    ctypes.PyDLL(None).sleep(seconds)
    write(folder, f"{word}-ends")


@ayl.task("chores.crash")
def crash(folder: Path, word: str) -> None:
    """Read where there is no memory, the first time."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        ctypes.string_at(0)


@ayl.task("chores.leave_behind")
def leave_behind(folder: Path, word: str) -> None:
    """Die, the first time, but leave a process behind that has all that this one has open."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        if os.fork() == 0:
            time.sleep(PATIENCE)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)


@ayl.task("chores.carry")
def carry(folder: Path, word: str, ballast: str) -> None:
    """As `note`, with a large message."""
    write(folder, f"{word}-{len(ballast)}")
