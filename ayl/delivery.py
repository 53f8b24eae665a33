"""The last step of a send: messages to the engine in use, and to their handles what became of them."""

import os
import threading
from collections.abc import Sequence
from typing import NamedTuple

from ayl.engines import engine_for
from ayl.engines.base import Engine, Submission
from ayl.errors import NotSubmitted
from ayl.handle import Handle
from ayl.settings import Settings


class Parcel(NamedTuple):
    """A message, ready to leave."""

    settings: Settings
    submission: Submission
    handle: Handle


def deliver_one(parcel: Parcel) -> None:
    """To the engine, now. Raises NotSubmitted if it does not take the message."""
    refusal = deliver([parcel])
    if refusal is not None:
        raise refusal


def deliver(parcels: Sequence[Parcel]) -> NotSubmitted | None:
    """To the engine, in few writes; the first refusal, after all were tried. All of them have the same settings."""
    engine = _engine(parcels[0].settings)
    refusal: NotSubmitted | None = None
    outcomes = engine.submit([parcel.submission for parcel in parcels])
    for parcel, outcome in zip(parcels, outcomes, strict=True):
        if isinstance(outcome, NotSubmitted):
            parcel.handle.refused(outcome)
            refusal = refusal or outcome
        else:
            parcel.handle.accepted(engine, outcome)
    return refusal


# The engine in use

_lock = threading.Lock()
_engines: dict[Settings, Engine] = {}
_latest: tuple[Settings | None, Engine | None] = None, None


def _renew_lock() -> None:
    """In a forked child: another thread of the parent may have held it, and nobody is left here to release it."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def _engine(settings: Settings) -> Engine:
    global _latest
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
