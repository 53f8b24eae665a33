"""The public methods of plain values may be called, with any arguments; none of them reaches beyond the value."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from ayl.targets import PLAIN_TYPES
from ayl.values import encode

from .corpus import SAFE, VALID
from .handling import handle

if TYPE_CHECKING:
    from ayl.settings import Settings

VALUES: dict[type, Any] = {
    bool: True, int: 7, float: 1.5, complex: 1j, str: "a b", bytes: b"a b", bytearray: bytearray(b"a b"), list: [1, 2],
    tuple: (1, 2), dict: {"a": 1}, set: {1}, frozenset: frozenset({1}), range: range(3),
    datetime: datetime(2026, 1, 1, tzinfo=UTC), date: date(2026, 1, 1), time: time(1),
    timedelta: timedelta(1), Decimal: Decimal(1), UUID: UUID(int=1),
}  # fmt: skip

CLASS = {"$ref": ["hostile.Safe"]}
ARGUMENTS: list[list[Any]] = [
    [], ["x"], ["punycode"], ["idna", "x"], ["utf_7", "replace"], [1], [1, "x"], [SAFE], [CLASS], [[1, 2]], [[CLASS]],
    [{"a": 1}], ["%Y %j %Z", "%c"], ["2026-01-01", "%Y-%m-%d"], [SAFE, CLASS], [CLASS, SAFE], [None], [1, "big"],
]  # fmt: skip
KWARGS: list[dict[str, Any]] = [{}, {"key": CLASS}, {"encoding": "cp1006"}, {"tz": SAFE}, {"context": SAFE}]


def test_every_plain_type_is_tried() -> None:
    assert VALUES.keys() == PLAIN_TYPES


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_no_method_of_a_plain_value_reaches_beyond_it(cls: type, worker: Settings) -> None:
    on = encode(VALUES[cls], "on", lambda _: None)
    for do in [name for name in dir(cls) if not name.startswith("_")]:
        for args in ARGUMENTS:
            for kwargs in KWARGS if len(args) < 2 else KWARGS[:1]:
                body = json.dumps(VALID | {"on": on, "do": do, "args": args, "kwargs": kwargs}).encode()
                handled = handle(body, worker)
                assert handled.events == [], (do, args, kwargs)
                assert handled.reached == [], (do, args, kwargs)
                assert handled.settled in (["deleted"], ["buried"], ["delayed"])
