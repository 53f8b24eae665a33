"""Why a value cannot be written down, and what to do about it: one sentence each."""

from __future__ import annotations

import functools
import io
import types
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    ItemsView,
    Iterator,
    KeysView,
    ValuesView,
)
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from threading import Condition, Event, Lock, RLock, Semaphore, Thread
from typing import Final
from uuid import UUID

from .tags import kind_name

_STEPS_SHOWN: Final = 12


class PlacelessError(Exception):
    """Raised where a value is refused, before it is known where that was.

    Every container on the way out adds one step. Carrying a path inwards instead would cost every good
    argument what only the refused one needs.
    """

    def __init__(self, kind: type[TypeError | ValueError], sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
        self.steps: list[tuple[str, str]] = []

    def inside(self, after: str, before: str = "") -> None:
        self.steps.append((before, after))

    def at(self, place: str) -> TypeError | ValueError:
        steps = self.steps[::-1]
        for before, after in steps[:_STEPS_SHOWN]:
            place = f"{before}{place}{after}"
        if len(steps) > _STEPS_SHOWN:
            place += "…"
        return self.kind(f"{place} {self.sentence}")


def refusal(value: object, cure: str) -> PlacelessError:
    return PlacelessError(TypeError, f"is of type {kind_name(type(value))}: {cure}")


def too_deep(levels: int) -> PlacelessError:
    return PlacelessError(ValueError, f"nests deeper than {levels} levels, or contains itself")


def _plainer(base: type) -> str:
    return f"it would come back as a bare {base.__name__}; send a plain one"


_CODE = "a message carries values, not code; send what the code needs"
_ONE_PROCESS = "it lives in this process only; let the worker make its own"

_CURES: Final[tuple[tuple[tuple[type, ...], str], ...]] = (
    (
        (
            types.FunctionType,
            types.BuiltinFunctionType,
            types.MethodType,
            types.MethodWrapperType,
            types.ModuleType,
            types.CodeType,
            functools.partial,
        ),
        _CODE,
    ),
    ((io.IOBase,), "an open file stays with its process; send its path or its contents"),
    ((Awaitable, AsyncGenerator), "it belongs to this process's event loop; await it and send the result"),
    ((Iterator, KeysView, ValuesView, ItemsView), "it can be read here only; send list(…) of it"),
    ((memoryview,), "send bytes(…) of it"),
    ((type(Lock()), type(RLock()), Condition, Semaphore, Event, Thread), _ONE_PROCESS),
    ((tzinfo,), "send the zone's name"),
    ((type,), "a class travels by name once it is registered with @ayl.model"),
    # Last, because several of the above are of these types too. A subclass is refused and never flattened: the
    # worker would see a bare str or dict where the sender had more.
    *(
        ((base,), f"it would come back as a bare {base.__name__}; send {base.__name__}(…) of it")
        for base in (str, int, float, complex, dict, list, tuple, set, frozenset, bytes, bytearray, Decimal)
    ),
    *(((base,), _plainer(base)) for base in (datetime, date, time, timedelta, UUID)),
    ((BaseException,), "send str(…) of it"),
)


def cure(value: object) -> str:
    if value.__class__ is not type(value):  # first of all: such a proxy seems to be of many of the types above
        return f"it only stands for a {kind_name(value.__class__)}; send what the call needs of that"
    from pathlib import PosixPath  # only on the way to an error

    if isinstance(value, PosixPath):
        return _plainer(PosixPath)
    for kinds, sentence in _CURES:
        if isinstance(value, kinds):
            return sentence
    return (
        "it is neither a value nor a registered object; register its class with @ayl.model if a worker can find it "
        "again, or send what the call needs of it, its key say"
    )
