"""The app that the workers under test load: every chore writes into a diary who did it.

Names are given, because the tests import this as another module than a worker does. asyncio is imported where it is
used: hundreds of workers load this, and most need none of it.
"""

from __future__ import annotations

from .current import look_around, look_around_async
from .deaths import crash, die, leave, leave_behind
from .diary import wait_for, write
from .endless import GRIPS, clutch, defy, doze, grip, linger, seize, slumber, spin
from .habits import block_first, leave_task, listen, ring, tell_loop
from .objects import Leaflet, Poster, Shelf, Shy, greet, show
from .short import carry, mutter, note, pass_on, remark, remark_later, rest, tell_variable
from .troubles import TROUBLES, await_trouble, fail, fail_once
from .waiting import (
    await_file,
    await_file_first,
    fail_late,
    heed,
    hold,
    hold_first,
    nap,
    persist,
    sleep_on,
    strive,
    tarry,
)

__all__ = [
    "GRIPS",
    "TROUBLES",
    "Leaflet",
    "Poster",
    "Shelf",
    "Shy",
    "await_file",
    "await_file_first",
    "await_trouble",
    "block_first",
    "carry",
    "clutch",
    "crash",
    "defy",
    "die",
    "doze",
    "fail",
    "fail_late",
    "fail_once",
    "greet",
    "grip",
    "heed",
    "hold",
    "hold_first",
    "leave",
    "leave_behind",
    "leave_task",
    "linger",
    "listen",
    "look_around",
    "look_around_async",
    "mutter",
    "nap",
    "note",
    "pass_on",
    "persist",
    "remark",
    "remark_later",
    "rest",
    "ring",
    "seize",
    "show",
    "sleep_on",
    "slumber",
    "spin",
    "strive",
    "tarry",
    "tell_loop",
    "tell_variable",
    "wait_for",
    "write",
]
