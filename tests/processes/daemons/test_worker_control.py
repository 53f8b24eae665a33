"""`ayl_worker_control`: one worker as a daemon."""

from __future__ import annotations

import functools
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate


def test_a_worker_is_started_restarted_and_stopped(estate: Estate) -> None:
    control = functools.partial(estate.says, program="ayl_worker_control")
    log = estate.folder / "hand.log"
    names = ("--log", str(log), "--", "-n", "hand", "-p", str(estate.run))
    options = (*names, "-c", "plant", "-t", "plant/1.0")
    try:
        assert "running (pid" in control("start", *options)
        estate.send("1.0", range(3))
        eventually(lambda: len(estate.done()) == 3, log.read_text)
        assert "hand" in control("status", *names)
        first = int((estate.run / "hand" / "pid").read_text())
        assert "1 of 1 process on plant/1.0" in control("restart", *options)
        assert int((estate.run / "hand" / "pid").read_text()) == first
        assert "already running" in control("start", *options)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: "dead" in control("status", *names, code=1))
        assert "running (pid" in control("start", *options)
    finally:
        assert "hand: " in control("stop", *names)
    assert control("status", *names, code=3).split()[-1] == "stopped"
    assert not (estate.run / "hand").exists()


def test_without_an_application_it_ends_with_64(estate: Estate) -> None:
    assert "--require" in estate.says("start", "--", program="ayl_worker_control", code=64)
    assert "/nowhere" in estate.says("start", "--", "-a", "/nowhere", program="ayl_worker_control", code=64)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tube", "plant/1.0", "--lane", "mail"), "give one kind alone"),
        (("--strict",), "--strict needs several"),
        (("--threads", "0"), "a worker needs slots"),
    ],
)
@pytest.mark.parametrize("word", ["start", "restart", "run"])
def test_what_its_worker_would_refuse_is_refused_before_anything_is_started(
    estate: Estate, word: str, options: tuple[str, ...], said: str
) -> None:
    names = ("--", "-n", "hand", "-p", str(estate.run), "-c", "plant")
    assert said in estate.says(word, *names, *options, program="ayl_worker_control", code=2)
    assert not (estate.run / "hand").exists()


def test_a_word_that_is_no_option_is_refused(estate: Estate) -> None:
    said = estate.says("start", "--", "-c", "plant", "shop", program="ayl_worker_control", code=2)
    assert "behind -- stand options of ayl_worker, and shop is none" in said
