"""A message that somebody forged reaches nothing that is not registered: no import, no private name, no call."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from .app import REACHED, Safe
from .corpus import CORPUS, SAFE, VALID
from .handling import handle
from .watching import watched

if TYPE_CHECKING:
    from ayl.settings import Settings


@pytest.mark.parametrize("name", CORPUS)
def test_a_forged_message_is_buried_and_reaches_nothing(name: str, worker: Settings) -> None:
    handled = handle(CORPUS[name], worker)
    assert handled.events == []
    assert handled.reached == []
    assert handled.settled == ["buried"]
    (reason,) = [line for line in handled.said if "buried: " in line]
    assert reason.isprintable()
    assert len(reason) < 2000


def test_no_depth_of_nesting_ends_the_worker(worker: Settings) -> None:
    # What can be read only just is deeper than what Python can print a little further down its stack.
    for depth in range(700, 1000):
        for start, end in ((b"[", b"]"), (b'{"a":', b"}")):
            nested = start * depth + b"1" + end * depth
            for key in ("args", "type"):
                body = json.dumps(VALID | {key: "HERE"}).encode().replace(b'"HERE"', b"[%b]" % nested)
                assert handle(body, worker).settled == ["buried"]


def test_the_same_watch_sees_what_is_allowed(worker: Settings) -> None:
    handled = handle(json.dumps(VALID | {"on": SAFE, "do": "ship", "args": ["ups"]}).encode(), worker)
    assert (handled.settled, handled.reached, handled.events) == (["deleted"], ["ship"], [])
    handled = handle(json.dumps(VALID).encode(), worker)
    assert (handled.settled, handled.reached, handled.events) == (["deleted"], ["task"], [])


def test_the_same_watch_sees_what_must_not_be() -> None:
    with watched() as seen:
        eval("1")  # noqa: S307 - is what is watched for
        os.system("true")  # noqa: S605
        with suppress(ImportError):
            import_module("this_module_is_nowhere")
        Safe()._private()
    assert {"compile", "exec", "os.system", "import"} <= {event.partition(" ")[0] for event in seen}
    assert REACHED[-2:] == ["_private", "_private called"]
