"""What a supervisor logs without Python's logging."""

from __future__ import annotations

import io
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ayl.worker.journal import LEVELS, Journal

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = "%(asctime)s %(levelname)s ayl_worker[%(process)d] %(message)s"


def test_a_line_looks_as_those_of_a_worker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("ayl.worker", logging.WARNING, "", 0, "worker %d %s", (7, "ended"), None)
    record.created, record.msecs = 1790000000.25, 250.0
    monkeypatch.setattr("time.time", lambda: record.created)
    Journal("INFO").warning("worker %d %s", 7, "ended")
    assert capsys.readouterr().err == logging.Formatter(FORMAT).format(record) + "\n"


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_below_its_level_is_not_told(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(level)
    for tell in (journal.info, journal.warning, journal.error, journal.critical):
        tell("said")
    told = [line.split()[2] for line in capsys.readouterr().err.splitlines()]
    assert told == [one for one in LEVELS[LEVELS.index(level) :] if one != "DEBUG"]


def closed() -> io.TextIOBase:
    stream = io.StringIO()
    stream.close()
    return stream


def full() -> io.TextIOBase:
    return open("/dev/full", "w", buffering=1)  # noqa: PTH123 - closed by the test


@pytest.mark.parametrize("stream", [closed, full, lambda: None], ids=["closed", "full disk", "none"])
def test_nothing_that_is_wrong_with_stderr_is_raised(
    stream: Callable[[], io.TextIOBase | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = stream()
    monkeypatch.setattr(sys, "stderr", there)
    Journal("INFO").error("process %d", os.getpid())
    monkeypatch.undo()
    if there is not None:
        with suppress(OSError):  # what it could not write it tries once more
            there.close()
