"""A worker delivers what waits in the spool of its machine, beside its calls: senders may have fallen silent."""

import logging
import threading
import time

from ayl.engines import drain_for
from ayl.errors import NotConfigured, SpoolUnusable
from ayl.settings import Settings

log = logging.getLogger("ayl.worker")

LOOK_SECONDS = 5.0
"""Between two looks whether anything waits, and how long to wait for another process that delivers or writes.

A look is a list of one directory; no connection is made for it.
"""

RUN_SECONDS = 60.0
"""After so long it is told how many were delivered so far."""


def begin(settings: Settings) -> None:
    """From now on, in a thread that ends with the process."""
    threading.Thread(target=_deliver, args=(settings,), name="ayl deliveries", daemon=True).start()


def _deliver(settings: Settings) -> None:
    try:
        drain = drain_for(settings)
    except NotConfigured as error:  # no home directory, so nothing of this user's waits anywhere
        log.debug("%s", error)
        return
    said = ""
    while True:
        done = drain.run(RUN_SECONDS, patience=LOOK_SECONDS)
        if done.delivered:
            log.info("delivered %d calls that had waited in the spool %s", done.delivered, drain.spool.path)
        trouble = str(done.trouble) if isinstance(done.trouble, SpoolUnusable) else ""
        if trouble and trouble != said:
            log.error("%s", trouble)
        said = trouble
        if not done.delivered or done.trouble:
            time.sleep(LOOK_SECONDS)
