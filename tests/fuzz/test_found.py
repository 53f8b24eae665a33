"""What the fuzzers have found in the protocol, as short as it gets."""

from __future__ import annotations

import pytest

from .plays import judge
from .sessions import Drain, Event, Say, Script

WITHOUT_END = b"put 0 0 10 5\r\nhelloXX"
"""A job whose body is not followed by CR LF."""


@pytest.mark.parametrize("before", [[], [Drain()]], ids=["as ever", "draining"])
def test_a_put_without_room_is_answered_alike_however_it_is_cut(before: list[Event]) -> None:
    """Of several reasons to refuse it, the same one is told whether the body came with its line or later."""
    judge(Script(max_job_size=100, max_memory=0, clients=1, events=[*before, Say(0, WITHOUT_END)]))
    judge(Script(max_job_size=100, max_memory=0, clients=1, events=[*before, Say(0, b"put 0 0 10 1\r\nx\r\n")]))
