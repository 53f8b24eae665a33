"""Connections around jobs: none is left open for the next, which might find it cut by then."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import peewee

from ayl.contrib.peewee.waiting import behind_proxies
from ayl.frameworks import AROUND_JOBS
from ayl.registry import registry

log = logging.getLogger(__name__)


class Connections:
    """Those that one job has opened; each is closed at its end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def use(self, database: Any) -> None:
        """Have a connection to this database in this thread; one that is open already is used, and left open."""
        if not (database.is_closed() or database.in_transaction() or database.is_connection_usable()):
            database.close()  # some earlier call left it, and its server has gone away since
        if database.connect(reuse_if_open=True):
            self._stack.callback(close, database)


def close(database: Any) -> None:
    """Give the connection back. The call has ended, so what goes wrong here must not make it run again."""
    with suppress(peewee.PeeweeException):
        if database.in_transaction():
            log.warning("the call left a transaction open on %r; it is rolled back", database.database)
            while database.in_transaction():
                database.pop_transaction()
            with suppress(peewee.PeeweeException):
                database.rollback()
        database.close()


def follow() -> None:
    """From now on a worker closes what its calls have opened."""
    AROUND_JOBS.append(_closing)


@contextmanager
def _closing() -> Iterator[None]:
    """Peewee connects by itself where a call asks for something, and would keep that open."""
    before = _open_ones()
    try:
        yield
    finally:
        for database in _open_ones() - before:
            close(database)


def _open_ones() -> set[Any]:
    """The databases of registered models to which this thread is connected."""
    models: list[Any] = [cls for cls in registry.model_names if isinstance(cls, peewee.ModelBase)]
    databases = {behind_proxies(model._meta.database) for model in models} - {None}
    return {database for database in databases if not database.is_closed()}
