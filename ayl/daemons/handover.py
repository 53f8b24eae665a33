"""A keeper becomes the keeper of another release, by exec: it is the same process, with the same children, pipes and
lock. What it knows of them waits in a file of its home meanwhile.

So an upgrade of ayl reaches keepers with the next order, and no daemon stops for it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ayl.daemons.child import Child
from ayl.daemons.course import Course

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.home import Home


def leave(home: Home, course: Course, children: Mapping[int, Child]) -> None:
    """Write down what the next one needs, and hand the descriptors on. OSError if that cannot be."""
    record = {
        "pid": os.getpid(),
        "course": course.record(),
        "children": [child.record() for child in children.values()],
    }
    home.write(home.handover, json.dumps(record), 0o600)


def take_back(home: Home, children: Mapping[int, Child]) -> None:
    """There is no other program after all."""
    os.unlink(home.handover)  # noqa: PTH108 - pathlib is large for a process that stays
    for child in children.values():
        child.keep()


def taken(home: Home) -> tuple[Course, dict[int, Child]] | None:
    """What the program before has left to this process; None if there was none, or if it makes no sense here."""
    try:
        record = json.loads(home.read(home.handover))
        os.unlink(home.handover)  # noqa: PTH108 - as above
        if record["pid"] != os.getpid():
            return None
        course = Course.of(record["course"])
        runs = {run.number: run for run in course.runs}
        children = {found["number"]: Child.of(found, runs[found["number"]]) for found in record["children"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return course, children
