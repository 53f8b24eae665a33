"""Sends wait for the commit of the `transaction.atomic()` that they are made in."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from ayl.commits import WATCHERS, OnCommit, Waiting, at_last, leave
from ayl.contrib.django.databases import home, of_this_thread
from ayl.errors import CannotSend


def open_transactions(named: Sequence[object]) -> Sequence[OnCommit]:
    """The watcher (`ayl.commits`): those databases of the named objects that are in an atomic block; without objects,
    `default`, if that is in one, else whatever database is. Raises CannotSend where autocommit is off.
    """
    opened = {there.alias: there for there in of_this_thread() if _may_be_open(there)}
    if not opened:
        return ()
    if named:
        wanted = {home(obj) for obj in named if isinstance(obj, Model)}
    else:
        wanted = {DEFAULT_DB_ALIAS} if DEFAULT_DB_ALIAS in opened else {*opened}
    waited_for = [connection for alias, connection in opened.items() if alias in wanted]
    for connection in waited_for:
        _refuse_manual(connection)
    return [connection.on_commit for connection in waited_for]


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


# What Django does at a commit, followed


class _Departure:
    """The messages that leave with one commit, in one write, where the first of them stood among Django's callbacks."""

    def __init__(self, waiting: Sequence[Waiting]) -> None:
        self._waiting = waiting
        self._refusal: Exception | None = None

    def __call__(self) -> None:
        """Raises nothing, or Django would forget the callbacks behind this one."""
        waiting, self._waiting = self._waiting, ()
        try:
            leave(waiting)
        except Exception as refusal:  # noqa: BLE001 - raised at the end, whatever it is
            self._refusal = refusal

    def end(self) -> None:
        """Raises what the sends have raised. They leave now if a callback that failed has made Django forget them."""
        self()
        if self._refusal is not None:
            raise self._refusal


def _letting_leave(run: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(run)
    def following(self: Any) -> None:
        waiting = [call for _, call, *_ in self.run_on_commit if isinstance(call, Waiting)]
        if not waiting or self.in_atomic_block:  # then Django has something to say
            run(self)
            return
        departure = _Departure(waiting)
        self.run_on_commit = [
            (savepoints, departure if isinstance(call, Waiting) else call, *robust)
            for savepoints, call, *robust in self.run_on_commit
        ]
        with at_last(departure.end):
            run(self)

    return following


def follow() -> None:
    """From now on what waits for a commit leaves with it, whatever the callbacks of the app do."""
    BaseDatabaseWrapper.run_and_clear_commit_hooks = _letting_leave(BaseDatabaseWrapper.run_and_clear_commit_hooks)
    WATCHERS.append(open_transactions)
