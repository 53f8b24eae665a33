"""The last step of a send: messages to the engine in use, and to their handles what became of them."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

from ayl.engines import engine_for
from ayl.engines.base import Engine, Receipt, Submission
from ayl.errors import NotSubmitted
from ayl.handle import Handle, State
from ayl.settings import Settings


class Parcel(NamedTuple):
    """A message, ready to leave."""

    settings: Settings
    submission: Submission
    handle: Handle


def deliver_one(parcel: Parcel) -> None:
    """To the engine, now. Raises NotSubmitted if it does not take the message, and what a call made in place raises."""
    refusal = deliver([parcel])
    if refusal is not None:
        raise refusal


def deliver(parcels: Sequence[Parcel]) -> Exception | None:
    """To the engine, in few writes; the first refusal, after all were tried. All of them have the same settings.

    Or what a call raised that was made in place for want of a server.
    """
    engine = _engine(parcels[0].settings)
    refusal: Exception | None = None
    outcomes = engine.submit([parcel.submission for parcel in parcels])
    for parcel, outcome in zip(parcels, outcomes, strict=True):
        if isinstance(outcome, NotSubmitted):
            parcel.handle.refused(outcome)
            refusal = refusal or outcome
        elif isinstance(outcome, Exception):
            parcel.handle.accepted(engine, Receipt(State.RAN))
            refusal = refusal or outcome
        else:
            parcel.handle.accepted(engine, outcome)
    return refusal


# The engine in use

_lock = threading.Lock()
_engines: dict[Settings, Engine] = {}
_latest: tuple[Settings | None, Engine | None] = None, None


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
    """Close the connections that sends have opened; the next send opens new ones."""
    global _latest
    with _lock:
        _latest = None, None
        for engine in _engines.values():
            engine.close()
        _engines.clear()
