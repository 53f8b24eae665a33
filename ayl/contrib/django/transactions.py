"""Sends wait for the commit of the `transaction.atomic()` that they are made in."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from ayl.batches import batch, open_batch
from ayl.commits import OnCommit
from ayl.contrib.django.databases import home, of_this_thread
from ayl.errors import CannotSend

Call = Callable[[], None]


def open_transactions(named: Sequence[object]) -> Sequence[OnCommit]:
    """The watcher (`ayl.commits`): those databases of the named objects that are in an atomic block; without objects,
    `default`, if that is in one, else whatever database is. Raises CannotSend where autocommit is off.
    """
    opened = {there.alias: there for there in of_this_thread() if _may_be_open(there)}
    if not opened:
        return ()
    if named:
        homes = {home(obj) for obj in named if isinstance(obj, Model)} & opened.keys()
    else:
        homes = {DEFAULT_DB_ALIAS} & opened.keys() or opened.keys()
    waited_for = [connection for alias, connection in opened.items() if alias in homes]
    for connection in waited_for:
        _refuse_manual(connection)
    return [partial(_at_commit, connection) for connection in waited_for]


def _may_be_open(connection: Any) -> bool:
    began = connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)
    return began and connections[connection.alias] is connection


def _refuse_manual(connection: Any) -> None:
    # There Django calls what waits for a commit when autocommit is turned on again, if it ever is, and forgets it if
    # something else was rolled back by then.
    if not connection.in_atomic_block or not connection.commit_on_exit:
        raise CannotSend(
            f"autocommit is off for the database {connection.alias!r}, so nobody tells when it commits: use "
            "transaction.atomic() with autocommit on, or commit first and send with ayl.opts(after_commit=False)"
        )


def _at_commit(connection: Any, function: Call) -> None:
    connection.on_commit(_Committed(connection, function))


class _Committed:
    """What Django calls after a commit, or lets go of: of a rollback it tells nobody else."""

    __slots__ = ("__weakref__", "call", "connection", "number")

    def __init__(self, connection: Any, call: Call) -> None:
        self.connection = connection
        self.call = call
        self.number = next(_numbers)
        waiting = _waiting.get(connection)
        if waiting is None:
            waiting = _waiting[connection] = WeakValueDictionary()
        waiting[self.number] = self

    def __call__(self) -> None:
        """Make the calls of all that was committed, at once: the messages then leave in one write, and one that is
        refused, which is raised to who commits, does not make Django forget the others.
        """
        waiting = _waiting[self.connection]
        if self.number not in waiting:
            return  # it was among those of another
        # A test that plays the commit (captureOnCommitCallbacks) means this one and nothing else.
        due = [self] if self.connection.in_atomic_block else [*waiting.values()]
        for committed in due:
            del waiting[committed.number]
        with nullcontext() if open_batch() else batch():
            for committed in due:
                committed.call()


_numbers = count()
_waiting: "WeakKeyDictionary[Any, WeakValueDictionary[int, _Committed]]" = WeakKeyDictionary()
"""In the order in which they came. Django holds them; what it lets go of vanishes from here."""
