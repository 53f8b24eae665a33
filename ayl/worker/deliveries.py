"""A worker delivers what waits in the spool of its machine, beside its calls: senders may have fallen silent."""

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ayl.engines import drain_for
from ayl.errors import NotConfigured, SpoolUnusable
from ayl.settings import Settings

if TYPE_CHECKING:
    from ayl.engines.spool.draining import Drain

log = logging.getLogger("ayl.worker")

LOOK_SECONDS = 5.0
"""Between two looks whether anything waits, and how long to wait for another process that delivers or writes.

A look is a list of one directory; no connection is made for it.
"""

RUN_SECONDS = 60.0
"""After so long it is told how many were delivered so far."""

END_SECONDS = 0.3
"""For the portion that is on its way when the process ends: without its end it is put once more by another."""

_off = threading.Event()
_thread: threading.Thread | None = None


class _Off(Exception):
    """No more of it."""


def begin(settings: Settings) -> None:
    """From now on, in a thread, until the process ends."""
    global _thread
    _thread = threading.Thread(target=_deliver, args=(settings,), name="ayl deliveries", daemon=True)
    _thread.start()


def end() -> None:
    """Before the process ends: finish what is on its way."""
    _off.set()
    if _thread is not None:
        _thread.join(END_SECONDS)


def _deliver(settings: Settings) -> None:
    drain: Drain | None = None
    said = ""
    with suppress(_Off):
        while not _off.is_set():
            try:
                drain = drain or drain_for(settings)
            except NotConfigured as error:  # no home directory, so nothing of this user's waits anywhere
                log.debug("%s", error)
                return
            except (SpoolUnusable, OSError, ImportError) as error:  # without a free descriptor nothing can be loaded
                trouble, more = str(error), False
            else:
                trouble, more = _run(drain) if drain else ("", False)
            if trouble and trouble != said:
                log.error("%s", trouble)
            said = trouble
            if not more:
                _off.wait(LOOK_SECONDS)


def _run(drain: "Drain") -> tuple[str, bool]:
    """What is wrong with the spool, and whether there is more to do."""
    done = drain.run(RUN_SECONDS, _go_on, patience=LOOK_SECONDS)
    if done.delivered:
        log.info("delivered %d calls that had waited in the spool %s", done.delivered, drain.spool.path)
    trouble = str(done.trouble) if isinstance(done.trouble, SpoolUnusable) else ""
    return trouble, bool(done.delivered and not done.trouble)


def _go_on(_delivered: int) -> None:
    """Called after each portion."""
    if _off.is_set():
        raise _Off
