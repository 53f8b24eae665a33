"""A fork waits while other threads import parts of ayl, of which many are imported when they are first needed.

Python's lock of a module belongs to the thread that imports it. A child has only the thread that forked: what another
one was just importing could never be imported there, and whoever tried would wait for ever.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident  # as threading has it, which a supervisor of workers does without
from contextlib import suppress
from importlib import _bootstrap, import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEEDED = frozenset({"ayl", *sys.stdlib_module_names})
"""Packages that a send may import. To wait for others could take for ever: some programs run within an import."""


def _wait_for_imports() -> None:
    while (name := _under_way()) is not None:
        with suppress(Exception):  # of the import, which the thread that began it is told of
            import_module(name)  # waits until that is done


def _under_way() -> str | None:
    """A module that another thread imports now."""
    # Python's own table. If a later Python has no such table, forks do not wait.
    locks: dict[str, Any] = getattr(_bootstrap, "_module_locks", {})
    for name, reference in [*locks.items()]:
        if name.partition(".")[0] in NEEDED and getattr(reference(), "owner", None) not in (None, get_ident()):
            return name
    return None


os.register_at_fork(before=_wait_for_imports)
