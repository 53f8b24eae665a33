"""Sends wait for the commit of their session's transaction, and are let go of with it or with their savepoint.

Which session: those of the objects that the call names, as far as they are in a transaction; otherwise the latest that
was begun in this thread and asyncio task; otherwise that of the job which runs.

An end is told by `after_transaction_end`, and only what leaves then may raise: an error in `after_commit` would leave
the session in a state that it never gets out of. A close without a commit tells of nothing but the end. It undoes what
was written, so what was sent with it is let go of; where nothing was written there is nothing to undo, so it is sent.
"""

import asyncio
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.state import InstanceState
from sqlalchemy.sql.elements import TextClause

from ayl.commits import WATCHERS
from ayl.commits import OnCommit as HandOver
from ayl.contrib.sqlalchemy import leaving
from ayl.contrib.sqlalchemy.ledger import Ending, Fate, Ledger, OnCommit
from ayl.contrib.sqlalchemy.locator import LOCATOR
from ayl.contrib.sqlalchemy.sessions import Sessions
from ayl.references import Finding, present_job

READING = ("select", "show", "explain", "values")
"""How SQL text begins that writes nothing."""

Begun = list["weakref.ref[Session]"]


class _Thread(threading.local):
    """Sessions in a transaction that were begun in this thread and in no task, the latest last."""

    def __init__(self) -> None:
        self.begun: Begun = []


_thread = _Thread()
_tasks: weakref.WeakKeyDictionary["asyncio.Task[object]", Begun] = weakref.WeakKeyDictionary()


def _begun_here() -> Begun:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs
        return _thread.begun
    return _thread.begun if task is None else _tasks.setdefault(task, [])


class Watch:
    """One session as it is watched. It does not keep the session alive."""

    __slots__ = ("_begun", "_changes", "_finalizer", "_job", "_session", "_writes", "ledger")

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)
        self._begun: Begun = []
        self._changes: tuple[object, ...] = ()
        self._job: Finding | None = None
        self._finalizer: weakref.finalize[[], Session] | None = None
        self._writes = False
        self.ledger = Ledger()

    def begin(self, transaction: SessionTransaction) -> None:
        """The ledger is opened to where that transaction or savepoint is."""
        depth = 0
        above: SessionTransaction | None = transaction
        while above is not None:
            depth += above.nested or above.parent is None
            above = above.parent
        if not self.ledger.depth:
            self._begun = _begun_here()
            self._begun[:] = [session for session in self._begun if session() is not None]
            self._begun.append(self._session)
            self._job = present_job()
        self.ledger.begin(depth)
        if self._writes:
            self.written()

    def written(self) -> None:
        """Changes are sent to the database, in the current one or in the one that this begins."""
        self._writes = not self.ledger.depth
        self.ledger.written()

    def hold(self, session: Session, on_commit: OnCommit) -> None:
        """Until the session commits."""
        current = session.get_nested_transaction() or session.get_transaction()
        assert current is not None  # noqa: S101 - who calls has seen that it is in a transaction
        self.begin(current)  # it may have begun before this module was there
        # A close empties the session before it tells of the end, so what it would forget is kept in sight.
        self._changes = session.identity_map, session._new, session._deleted
        if self._finalizer is None:
            self._finalizer = weakref.finalize(session, self.abandon)
            self._finalizer.atexit = False  # `leaving` sees to that, in order
            self._mind_the_job(session)
        self.ledger.hold(on_commit)

    def _mind_the_job(self, session: Session) -> None:
        """A job may leave a session of its code's own open; what it has sent must not stay with the worker for that."""
        job = present_job()
        opened = _opened_for(job)
        if job is not None and job is self._job and not (opened is not None and opened.has(session)):
            job.stack.callback(self._job_over)

    def _job_over(self) -> None:
        if self._finalizer is not None and not self._pending():
            leaving.leave(Ending(self.ledger.let_go_unless_written(), 0))

    def end(self) -> None:
        """The current one has ended. Raises what the calls that leave with it raise."""
        if not self.ledger.depth:
            return  # it had begun before this module was there
        ending = self.ledger.end(pending=self._pending())
        if ending is not None:
            self._forget()
            leaving.leave(ending)

    def abandon(self) -> None:
        """Nobody will ever end it."""
        ending = self.ledger.abandon(pending=self._pending())
        self._forget()
        if ending is not None:
            leaving.leave_later(ending)

    def disown(self) -> None:
        """In the child of a fork: it is the parent's, and so is what waits in it."""
        self._forget()
        self.ledger = Ledger()

    def _pending(self) -> bool:
        return any(
            changes.check_modified() if hasattr(changes, "check_modified") else bool(changes)
            for changes in self._changes
        )

    def _forget(self) -> None:
        if self._session in self._begun:
            self._begun.remove(self._session)
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        self._changes = ()
        self._job = None


_watched: weakref.WeakKeyDictionary[Session, Watch] = weakref.WeakKeyDictionary()


def _watch(session: Session) -> Watch:
    watch = _watched.get(session)
    if watch is None:
        watch = _watched[session] = Watch(session)
    return watch


def watcher(named: Sequence[object]) -> Sequence[HandOver]:
    """For `ayl.commits.WATCHERS`."""
    leaving.catch_up()
    return [partial(_watch(session).hold, session) for session in (_of(named) if named else _present())]


def _of(named: Sequence[object]) -> Iterable[Session]:
    """The sessions of these objects that are in a transaction."""
    states = [getattr(obj, "_sa_instance_state", None) for obj in named]
    sessions = dict.fromkeys(state.session for state in states if isinstance(state, InstanceState))
    return [session for session in sessions if session is not None and session.in_transaction()]


def _present() -> Iterable[Session]:
    """The session that a call which names nothing belongs to."""
    for reference in reversed(_begun_here()):
        session = reference()
        if session is not None and session.in_transaction():
            return (session,)
    opened = _opened_for(present_job())
    latest = None if opened is None else opened.latest()
    return () if latest is None else (latest,)


def _opened_for(job: Finding | None) -> Sessions | None:
    return None if job is None else job.opened.get(LOCATOR)


# What sessions tell


def _begun(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested or transaction.parent is None:
        _watch(session).begin(transaction)
    else:  # a flush begins, or a bulk operation
        _watch(session).written()


def _executed(state: ORMExecuteState) -> None:
    if state.is_select:
        return
    statement = state.statement
    if isinstance(statement, TextClause) and statement.text.lstrip().lower().startswith(READING):
        return
    _watch(state.session).written()


def _committing(session: Session) -> None:
    _watch(session).ledger.decided(Fate.COMMITTING)


def _committed(session: Session) -> None:
    _watch(session).ledger.decided(Fate.COMMITTED)


def _rolled_back(session: Session) -> None:
    _watch(session).ledger.decided(Fate.ROLLED_BACK)


def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested or transaction.parent is None:
        _watch(session).end()


def _all_ended() -> None:
    for watch in [*_watched.values()]:
        watch.abandon()


def _forked() -> None:
    _thread.begun.clear()
    _tasks.clear()
    for watch in [*_watched.values()]:
        watch.disown()
    leaving.forget()


def listen() -> None:
    """To all sessions."""
    os.register_at_fork(after_in_child=_forked)
    event.listen(Session, "after_transaction_create", _begun)
    event.listen(Session, "after_transaction_end", _ended)
    event.listen(Session, "before_commit", _committing)
    event.listen(Session, "after_commit", _committed)
    event.listen(Session, "after_rollback", _rolled_back)
    event.listen(Session, "do_orm_execute", _executed)
    WATCHERS.append(watcher)
    leaving.at_exit(_all_ended)
