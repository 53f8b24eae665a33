"""The last step of a send: messages to the engine in use, and to their handles what became of them."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ayl.engines import engine_for
from ayl.engines.base import Engine
from ayl.errors import NotConfigured, NotSubmitted
from ayl.handle import Handle
from ayl.settings import Settings

if TYPE_CHECKING:
    from ayl.engines.submissions import Parcel


def deliver_one(parcel: "Parcel") -> None:
    """To the engine, now. Raises NotSubmitted if it does not take the message, NotConfigured if there is none such, and
    what a call raises that was made in place.
    """
    try:
        engine = _engine(parcel.settings)
    except NotConfigured as error:  # without this a handle that waited for its commit would speak of a rollback
        parcel.handle.refused(error)
        raise
    outcome = engine.submit((parcel.submission,))[0]
    if isinstance(outcome, Exception):
        _refused(parcel.handle, outcome)
        raise outcome
    parcel.handle.accepted(engine, outcome)


def deliver(parcels: "Sequence[Parcel]") -> Exception | None:
    """To the engine, in few writes; the first refusal, after all were tried. All of them have the same settings.

    Or what a call raised that was made in place for want of a server.
    """
    try:
        engine = _engine(parcels[0].settings)
    except NotConfigured as error:
        for parcel in parcels:
            parcel.handle.refused(error)
        return error
    refusal: Exception | None = None
    outcomes = engine.submit([parcel.submission for parcel in parcels])
    for parcel, outcome in zip(parcels, outcomes, strict=True):
        if isinstance(outcome, Exception):
            _refused(parcel.handle, outcome)
            refusal = refusal or outcome
        else:
            parcel.handle.accepted(engine, outcome)
    return refusal


def _refused(handle: Handle, error: Exception) -> None:
    """Tell the handle that no server has taken its message, or that its call was made in place and raised this."""
    if isinstance(error, NotSubmitted):
        handle.refused(error)
    else:
        handle.raised()


# The engine in use

_lock = threading.RLock()  # a signal's handler may send, too
_engines: dict[Settings, Engine] = {}
_latest: tuple[Settings | None, Engine | None] = None, None
_stand_in: Engine | None = None


@contextmanager
def stand_in(engine: Engine) -> Iterator[None]:
    """Within this span every send of the process goes to `engine`, whatever its settings say; for tests."""
    global _stand_in
    before, _stand_in = _stand_in, engine
    try:
        yield
    finally:
        _stand_in = before


def _renew_lock() -> None:
    """In the child: whoever held it, nobody is left here to release it."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def _engine(settings: Settings) -> Engine:
    global _latest
    if _stand_in is not None:
        return _stand_in
    known, engine = _latest
    if known is settings and engine is not None:  # hashing the settings for each send would cost more than the rest
        return engine
    with _lock:
        engine = _engines.get(settings)
        if engine is None:
            engine = _engines[settings] = engine_for(settings)
        _latest = settings, engine
    return engine


def close() -> None:
    """Close the connections that sends have opened, and finish what runs in this process (the engine `thread`).

    The next send opens new ones.
    """
    global _latest
    with _lock:
        _latest = None, None
        closing = [*_engines.values()]
        _engines.clear()
    for engine in closing:  # without the lock: an engine that finishes calls of this process waits for their sends
        engine.close()
