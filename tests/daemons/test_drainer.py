"""Whether a drain has said that nothing is left."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.course import Run
from ayl.daemons.drainer import RETRY_SECONDS, Drainer, is_answer
from ayl.daemons.order import Order
from tests.processes.deadline import eventually
from tests.processes.servers import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DONE = {"drained": True, "buried": 0}
BURIED = {"drained": True, "buried": 2}


@pytest.mark.parametrize(
    ("code", "found", "is_one"),
    [
        (0, DONE, True),
        (1, BURIED, True),
        (1, DONE, False),
        (0, BURIED, False),
        (-9, DONE, False),
        (69, DONE, False),
        (0, [{"server": "a", "answer": DONE}, {"server": "b", "answer": DONE}], True),
        (1, [{"server": "a", "answer": DONE}, {"server": "b", "answer": BURIED}], True),
        (1, [{"server": "a", "answer": DONE}], False),  # the other was not asked
        (0, [], False),
        (0, {}, False),
        (0, 7, False),
        (0, ["x"], False),
        (0, None, False),
    ],
)
def test_only_an_answer_is_believed(code: int, found: object, *, is_one: bool) -> None:
    assert is_answer(code, json.dumps(found).encode()) is is_one


@pytest.mark.parametrize("text", [b"", b"Traceback (most recent call last):\n", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("code", [0, 1])
def test_what_is_no_answer_says_nothing(code: int, text: bytes) -> None:
    assert not is_answer(code, text)


@contextmanager
def asking(**variables: str) -> Iterator[Drainer]:
    order = Order("1", "shop.mail", "workers", ("work",), "/", environment=environment(**variables))
    found = Drainer(Run(1, order, 0.0, tubes="shop/1"))
    try:
        yield found
    finally:
        found.kill()


def test_one_that_crashes_is_asked_again_later(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise RuntimeError")  # a traceback, and exit code 1
    with asking(PYTHONPATH=str(tmp_path)) as drainer:
        eventually(lambda: drainer.is_done(5.0) or drainer.pid is None)
        assert drainer.due == 5.0 + RETRY_SECONDS
        assert not drainer.is_done(drainer.due - 1)
        assert drainer.pid is None
        assert not drainer.is_done(drainer.due)
        assert drainer.pid is not None


def test_nothing_of_it_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a number is enough
    with asking(PYTHONPATH=str(tmp_path)) as drainer:
        assert drainer.pid is not None
        os.kill(drainer.pid, signal.SIGKILL)
        eventually(lambda: drainer.is_done(5.0) or drainer.pid is None)
        assert not drainer.is_done(100.0)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
