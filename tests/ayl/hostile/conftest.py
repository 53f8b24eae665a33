"""A worker's settings, and everything loaded that handling a message loads by itself."""

from __future__ import annotations

import difflib  # noqa: F401 - for hints
import json
import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import frameworks
from ayl.errors import NotCallable
from ayl.targets import PLAIN_TYPES, method_target

from .app import task  # noqa: F401 - what is registered
from .corpus import NEVER, VALID
from .handling import handle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ayl.settings import Settings

WARM = [
    VALID,
    VALID | {"on": {"$ref": ["hostile.Safe", 1]}, "do": "ship", "args": ["ups"]},
    VALID | {"on": {"$ref": ["hostile.Safe", 1]}, "do": "keep"},
    VALID | {"on": {"$ref": ["hostile.Safe"]}, "do": "take"},
    VALID | {"on": {"$ref": ["hostile.Safe"]}, "do": "find", "args": [1]},
    VALID | {"on": {"$ref": ["hostile.Narrow", 1]}, "do": "open"},
    VALID | {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", "No/Where"]}]},
]
"""After these, annotations are understood (their text is the code's own, and Python evaluates it) and zones known."""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings of a worker that has run before."""
    (tmp_path / f"{NEVER}.py").write_text("class Thing:\n    def run(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    frameworks.load()
    monkeypatch.setattr(frameworks, "AROUND_JOBS", [])  # which are not the message's doing
    settings = ayl.configure(app="shop", version="1")
    datetime.strptime("1", "%d")  # noqa: DTZ007 - loads what it needs
    for cls in PLAIN_TYPES:
        for name in dir(cls):
            with suppress(NotCallable):
                method_target(cls, name, on_class=False)  # what C code says of itself is text as well
    for message in WARM:
        handle(json.dumps(message).encode(), settings)
    yield settings
    assert NEVER not in sys.modules
