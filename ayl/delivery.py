"""The last step of a send: messages to the engine in use, and to their handles what became of them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    """To the engine, now. Raises NotSubmitted if it does not take the message."""
    engine = _engine(parcel.settings)
    outcome = engine.submit((parcel.submission,))[0]
    if isinstance(outcome, NotSubmitted):
        parcel.handle.refused(outcome)
        raise outcome
    parcel.handle.accepted(engine, outcome)


def deliver(parcels: Sequence[Parcel]) -> NotSubmitted | None:
    """To the engine, in few writes; the first refusal, after all were tried. All of them have the same settings."""
    engine = _engine(parcels[0].settings)
    refusal: NotSubmitted | None = None
    try:
        outcomes = engine.submit([parcel.submission for parcel in parcels])
    except Exception:
        # Only calls that were made in place raise; nobody may think that theirs can still be taken back.
        for parcel in parcels:
            parcel.handle.accepted(engine, Receipt(State.RAN))
        raise
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
    """Close the connections that sends have opened; the next send opens new ones."""
    global _latest
    with _lock:
        _latest = None, None
        for engine in _engines.values():
            engine.close()
        _engines.clear()
