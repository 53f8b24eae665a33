"""Waiting for what another process will do: asked again and again, until a deadline that a slow machine keeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 40.0
"""Seconds until something that did not happen counts as failed. Never waited for when all is well."""

POLL_SECONDS = 0.002
MAX_POLL_SECONDS = 0.02


def eventually(fact: Callable[[], T], told: Callable[[], object] = str, seconds: float = PATIENCE) -> T:
    """The first true answer of `fact`. Fails when none comes in time, with what `told` knows (a log, say)."""
    give_up, pause = time.monotonic() + seconds, POLL_SECONDS
    while not (answer := fact()):
        assert time.monotonic() < give_up, f"waited in vain; {told()}"
        time.sleep(pause)
        pause = min(2 * pause, MAX_POLL_SECONDS)
    return answer


def for_a_while(seconds: float, look: Callable[[], object]) -> None:
    """Look again and again, to see that something stays as it is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        look()
        time.sleep(MAX_POLL_SECONDS)
