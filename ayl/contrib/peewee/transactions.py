"""Peewee: sends wait for the commit of the transaction that they are made in, savepoints exact.

Peewee's own `Database.after_commit` (new in 4) is not: it knows nothing of savepoints, calls what waits for a
transaction that PostgreSQL had aborted and so rolled back at COMMIT, and keeps for the next transaction what waited for
one whose ROLLBACK failed. Here each statement that ends a transaction or a savepoint is followed where peewee
makes it, in the few methods that are listed below.

Whether a transaction is open is asked of the driver, where it knows: sqlite3 and psycopg do. SQL that ends a
transaction without peewee (`execute_sql("COMMIT")`) is not seen.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

import peewee

from ayl.commits import WATCHERS, OnCommit
from ayl.contrib.peewee.waiting import afterwards, behind_proxies, drop, held_of, holding, release
from ayl.registry import registry

log = logging.getLogger(__name__)

IDLE, OPEN, ABORTED = 0, 2, 3
"""libpq's numbers for the state of a connection; the others say nothing about a transaction."""

MARK = "_ayl_mark"
"""On a savepoint: how many calls waited when it began."""


# The driver


def _status(database: Any) -> int | None:
    """IDLE, OPEN or ABORTED; None if the driver cannot tell."""
    connection = database._state.conn
    if connection is None:
        return IDLE
    flag = getattr(connection, "in_transaction", None)
    if isinstance(flag, bool):
        return OPEN if flag else IDLE
    status = getattr(getattr(connection, "info", None), "transaction_status", None)
    return int(status) if status in (IDLE, OPEN, ABORTED) else None


def _is_open(database: Any) -> bool:
    if database.is_closed():
        return False
    status = _status(database)
    if status is not None:
        return status != IDLE
    if not isinstance(database.top_transaction(), peewee._manual):
        return bool(database.in_transaction())
    log.warning("within manual_commit() of %s no transaction can be seen: sent at once", type(database).__name__)
    return False


# What peewee does, followed


def _notice(database: Any) -> None:
    """See whether a transaction was ended by SQL that did not pass here; if by a rollback, the workers will say which
    objects are gone.
    """
    if held_of(database) and _status(database) == IDLE:
        log.warning("a transaction of %r ended unseen; the calls that waited for it leave now", database.database)
        release(database)


@contextmanager
def _begin(_: Any, database: Any) -> Iterator[None]:
    with afterwards():
        _notice(database)
        yield


@contextmanager
def _commit(_: Any, database: Any) -> Iterator[None]:
    with afterwards():
        _notice(database)
        if _status(database) == ABORTED:
            drop(database)  # PostgreSQL takes this COMMIT for a ROLLBACK, and calls it a success
        try:
            yield
        except BaseException:
            if _status(database) == IDLE:
                drop(database)
            raise
        release(database)


@contextmanager
def _rollback(_: Any, database: Any) -> Iterator[None]:
    try:
        yield
    finally:
        drop(database)  # also if it fails: then the transaction, or the connection, is gone already


@contextmanager
def _close(_: Any, database: Any) -> Iterator[None]:
    with afterwards():
        _notice(database)
        held = held_of(database)
        yield
        if held is not None:
            held.clear()  # peewee 4 lets go of it itself


def _whole(_: Any, _database: Any) -> AbstractContextManager[None]:
    return afterwards()


@contextmanager
def _transaction_commit(_: Any, database: Any) -> Iterator[None]:
    with afterwards():
        yield
        release(database)  # of a database whose class has a commit() of its own


@contextmanager
def _transaction_rollback(_: Any, database: Any) -> Iterator[None]:
    yield
    drop(database)


@contextmanager
def _savepoint_begin(savepoint: Any, database: Any) -> Iterator[None]:
    if _status(database) == IDLE:  # in SQLite a savepoint outside of a transaction is one; this follows another
        release(database)
    yield
    setattr(savepoint, MARK, len(held_of(database) or ()))


@contextmanager
def _savepoint_commit(_: Any, database: Any) -> Iterator[None]:
    with afterwards():
        yield
        if _status(database) == IDLE:
            release(database)


@contextmanager
def _savepoint_rollback(savepoint: Any, database: Any) -> Iterator[None]:
    # One that began before this module was loaded has no mark: nothing waited then.
    mark = getattr(savepoint, MARK, 0)
    yield
    held = held_of(database)
    if held is not None:
        del held[mark:]
    setattr(savepoint, MARK, mark)  # it goes on, or was begun anew before the calls were dropped


Span = Callable[[Any, Any], AbstractContextManager[None]]
"""What is done around a method of a database, or of one of its blocks; given that, and the database."""

OF_DATABASES: dict[str, Span] = {
    "begin": _begin,
    "close": _close,
    "commit": _commit,
    "rollback": _rollback,
    "session_commit": _whole,
}
OF_BLOCKS: dict[str, dict[str, Span]] = {
    "_transaction": {"commit": _transaction_commit, "rollback": _transaction_rollback, "__exit__": _whole},
    "_savepoint": {
        "_begin": _savepoint_begin,
        "commit": _savepoint_commit,
        "rollback": _savepoint_rollback,
        "__exit__": _whole,
    },
}
"""Peewee's methods that end transactions and savepoints, and what is done around them."""


def _within(span: Span, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def following(self: Any, *args: Any, **kwargs: Any) -> Any:
        database = behind_proxies(getattr(self, "db", self))
        if not held_of(database) and span is not _savepoint_begin:  # nothing waits, so nothing is to be done
            return method(self, *args, **kwargs)
        with span(self, database):
            return method(self, *args, **kwargs)

    return following


_followed: set[type] = set()


def follow() -> None:
    """From now on calls wait for the commits of peewee; unless it has not what we know, then nothing is changed."""
    blocks = {cls: vars(getattr(peewee, cls, object)) for cls in OF_BLOCKS}
    known = all(method in blocks[cls] for cls, methods in OF_BLOCKS.items() for method in methods)
    if not known or not OF_DATABASES.keys() <= vars(peewee.Database).keys() or not hasattr(peewee, "_manual"):
        log.warning("peewee %s is not known: calls do not wait for its commits", getattr(peewee, "__version__", ""))
        return
    for cls, methods in OF_BLOCKS.items():
        for name, span in methods.items():
            setattr(getattr(peewee, cls), name, _within(span, blocks[cls][name]))
    WATCHERS.append(watch)


def _follow_database(cls: type) -> None:
    """The class, and each above it that has methods of its own; before anything waits for one of its instances."""
    if cls in _followed:
        return
    for base in cls.__mro__:
        if issubclass(base, peewee.Database) and base not in _followed:
            for name in OF_DATABASES.keys() & vars(base).keys():
                setattr(base, name, _within(OF_DATABASES[name], vars(base)[name]))
            _followed.add(base)


# Which transaction a call waits for


def watch(named: Sequence[object]) -> Sequence[OnCommit]:
    """The watcher (`ayl.commits`): the databases of the named instances that have an open transaction; without
    instances, those of registered models.
    """
    databases = [obj._meta.database for obj in named if isinstance(obj, peewee.Model)] if named else _registered()
    opened = _opened(databases)
    for database in opened:
        _follow_database(type(database))
    return [holding(database).append for database in opened]


def _opened(databases: Iterable[Any]) -> list[Any]:
    """Those in which this thread has a transaction open."""
    found = [behind_proxies(database) for database in databases]
    return [database for database in dict.fromkeys(found) if database is not None and _is_open(database)]


_known: tuple[object, list[Any]] = (None, [])


def _registered() -> set[Any]:
    """The databases of registered models, as they are bound now."""
    global _known
    names = registry.model_names
    newest = len(names), next(reversed(names), None)  # a class that replaces another comes last, too
    if newest != _known[0]:
        models: list[Any] = [cls for cls in names if isinstance(cls, peewee.ModelBase)]
        _known = newest, [model._meta for model in models]  # to look through all classes at each send would take long
    return {meta.database for meta in _known[1]}
