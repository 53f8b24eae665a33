"""Model hooks: sessions tell which objects their flushes have written."""

from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session, SessionTransaction, UOWTransaction, object_session

from ayl.hooks import hooks_of, saved

_written: WeakKeyDictionary[Session, dict[int, tuple[object, bool]]] = WeakKeyDictionary()
"""By its id each object with hooks that the present flush has written, in order, and whether its row is new."""


def _inserted(_mapper: "Mapper[object]", _connection: Connection, obj: object) -> None:
    if hooks_of(type(obj)):
        _note(obj, created=True)


def _updated(_mapper: "Mapper[object]", _connection: Connection, obj: object) -> None:
    # It is told of each object that was touched, also of one without a change that took an UPDATE.
    if hooks_of(type(obj)):
        session = object_session(obj)
        if session is not None and session.is_modified(obj, include_collections=False):
            _note(obj, created=False)


def _note(obj: object, *, created: bool) -> None:
    session = object_session(obj)
    if session is not None:
        _written.setdefault(session, {}).setdefault(id(obj), (obj, created))


def _flush_begins(session: Session, transaction: SessionTransaction) -> None:
    if not transaction.nested and transaction.parent is not None:
        _written.pop(session, None)  # of one that failed


def _flushed(session: Session, _context: UOWTransaction) -> None:
    for obj, created in _written.pop(session, {}).values():
        saved(obj, created=created)


def listen() -> None:
    """To all mapped classes."""
    event.listen(Mapper, "after_insert", _inserted)
    event.listen(Mapper, "after_update", _updated)
    event.listen(Session, "after_transaction_create", _flush_begins)
    event.listen(Session, "after_flush_postexec", _flushed)
