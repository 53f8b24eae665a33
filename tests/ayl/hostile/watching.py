"""What Python itself does while a message is handled, told by its audit events."""

from __future__ import annotations

import sys
import zoneinfo
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET = {"builtins.id", "object.__getattr__", "object.__setattr__", "sys._getframe", "gc.get_objects", "time.sleep"}
"""Events of no consequence, which our own code and the library's cause."""

_seen: list[str] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _seen is not None and event not in QUIET and not _reads_a_time_zone(event, args):
        _seen.append(f"{event} {args!r:.200}")


def _reads_a_time_zone(event: str, args: tuple[Any, ...]) -> bool:
    """The one thing that is looked up by a name from a message: the file of a zone that is in the zone database."""
    return event == "open" and any(str(args[0]).startswith(f"{path}/") for path in zoneinfo.TZPATH) and args[1] == "r"


sys.addaudithook(_hook)  # for good: Python takes none away


class _Finder:
    """Asked first for every module that is not loaded yet; importlib.import_module is not audited."""

    def find_spec(self, name: str, *_: object) -> None:
        if _seen is not None:
            _seen.append(f"import {name!r}")


sys.meta_path.insert(0, _Finder())


@contextmanager
def watched() -> Iterator[list[str]]:
    """Events of the block: imports, evaluations, files, processes, sockets, whatever Python audits."""
    global _seen
    before, _seen = _seen, []
    try:
        yield _seen
    finally:
        _seen = before
