"""Chores that end otherwise than well."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared
from typing import TYPE_CHECKING

import ayl

from .diary import write, written

if TYPE_CHECKING:
    from collections.abc import Callable


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
    import asyncio

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


@ayl.task("chores.await_trouble")
async def await_trouble(folder: Path, word: str, trouble: str) -> None:
    """As `fail`."""
    import asyncio

    await asyncio.sleep(0)
    write(folder, word)
    TROUBLES[trouble]()
