"""A process that fills the spool or empties it until it is killed.

`python -m tests.ayl.spool.hand append|drain DIRECTORY NAME FILE`: what was accepted, or put, goes to FILE at once.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

from ayl.engines.spool import store
from ayl.engines.spool.draining import Drain
from ayl.engines.spool.records import Record
from ayl.engines.spool.store import Spool
from ayl.engines.submissions import Receipt
from ayl.handle import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.engines.submissions import Submission

ENGINE = "beanstalk://somewhere"
BATCH = 4
"""Calls of one append, at most."""


def record(name: str, number: int) -> Record:
    """Some are longer than a page of the disk."""
    body = b"x" * (number * 997 % 9000)
    return Record(f"{name}:{number}", "shop/1", 512, 0.0, 120, ENGINE, time.time(), body)


def append(spool: Spool, name: str, file: int) -> None:
    """A sender during an outage, which goes on and on."""
    numbers = count()
    while True:
        number = next(numbers)
        records = [record(name, BATCH * number + each) for each in range(number % BATCH + 1)]
        places = spool.append(records)
        if not all(isinstance(place, str) for place in places):
            time.sleep(0.01)  # full; what was let in of it counts
        accepted = [each.id for each, place in zip(records, places, strict=True) if isinstance(place, str)]
        os.write(file, "".join(f"{each}\n" for each in accepted).encode())


def drain(spool: Spool, file: int) -> None:
    """A server that takes all, and has it on its disk when it says so."""

    def submit(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        os.write(file, "".join(f"{each.id}\n" for each in submissions).encode())
        return [Receipt(State.SUBMITTED, 1) for _ in submissions]

    delivering = Drain(spool, ENGINE, submit)
    while True:
        delivering.run(1.0)
        time.sleep(0.005)


def main(what: str, directory: str, name: str, path: str) -> None:
    logging.basicConfig(format="%(message)s")
    setattr(store, "SEGMENT_BYTES", 100_000)  # noqa: B010 - small, so that files come and go; no name of that module's own
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    spool = Spool(directory, 2_000_000)
    if what == "append":
        append(spool, name, file)
    drain(spool, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
