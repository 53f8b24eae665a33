"""Changes of the app's code, for who develops it, as the library watchfiles sees them: the extra `ayl[reload]`."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import format_exc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ayl.worker.journal import Journal

SETTINGS = "ayl.toml"
"""The file that counts as code."""


def are_watchable() -> bool:
    """Whether the library is there."""
    try:
        import watchfiles  # noqa: F401 - only asked for
    except ImportError:
        return False
    return True


def watch(directory: str, tell: Callable[[Sequence[str]], object], log: "Journal") -> None:
    """From now on, in a thread that ends with the process: `tell` gets the names of Python files below the directory
    that have changed, come or gone, those of one moment together.
    """
    threading.Thread(target=_watch, args=(directory, tell, log), name="ayl changes", daemon=True).start()


def _watch(directory: str, tell: Callable[[Sequence[str]], object], log: "Journal") -> None:
    from watchfiles import PythonFilter
    from watchfiles import watch as changes

    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of each, too
    rule: Any = PythonFilter(extra_extensions=[SETTINGS])
    try:
        for found in changes(directory, watch_filter=rule, raise_interrupt=False):
            tell(sorted({str(Path(path).relative_to(directory)) for _, path in found}))
    except Exception:  # noqa: BLE001 - the journal has no word for it, and it is told
        log.error("changes in %s are not watched any more: %s", directory, format_exc())
