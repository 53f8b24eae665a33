"""Connections around each job of a worker, which has no requests that Django could see begin and end."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connections, reset_queries
from django.db.backends.signals import connection_created

log = logging.getLogger("ayl.worker")

_elsewhere = threading.Event()
"""Coroutines have used the database: Django does that for all of them in one thread that makes no calls itself."""

_own = threading.local()
"""`job` while this thread makes a call."""


@contextmanager
def tidied() -> Iterator[None]:
    """Before and after: close connections that are broken or too old (CONN_MAX_AGE), and forget logged queries."""
    _tidy()
    _own.job = True
    try:
        yield
    finally:
        _own.job = False
        _tidy()
        if _elsewhere.is_set():
            import asyncio  # takes longer than all of ayl; a job has used it already

            asyncio.run(sync_to_async(_tidy)())


@asynccontextmanager
async def tidied_on_loop() -> AsyncIterator[None]:
    """The same around a call on an event loop; it looks after the connections of the thread that serves coroutines."""
    try:
        yield
    finally:
        if _elsewhere.is_set():
            await sync_to_async(_tidy)()


def _tidy() -> None:
    if not settings.configured:
        return
    reset_queries()
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            continue  # closing it would undo what its owner has done
        try:
            connection.close_if_unusable_or_obsolete()
        except Error as error:  # it is let go of all the same, and no call has failed by that
            log.debug("database %r: %s", connection.alias, error)


def _note(**_rest: Any) -> None:
    if threading.current_thread() is not threading.main_thread() and not getattr(_own, "job", False):
        _elsewhere.set()


connection_created.connect(_note, dispatch_uid=__name__)
