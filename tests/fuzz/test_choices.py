"""Choices can be made again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .__main__ import roll
from .choices import Choices, Decoded, Rolled, between, chance, pick
from .sessions import mutated_sessions
from .targets import TARGETS


def some(choices: Choices) -> list[object]:
    return [choices.below(1), choices.below(256), choices.below(10**6), choices.blob(3), pick(choices, "abc")]


def test_the_same_seed_chooses_the_same() -> None:
    one, other = (Rolled(random.Random(5)) for _ in range(2))  # noqa: S311 - a test's
    assert some(one) == some(other)
    assert mutated_sessions(one) == mutated_sessions(other)


@settings(deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=40))
def test_the_same_bytes_choose_the_same_and_within_bounds(data: bytes) -> None:
    assert some(Decoded(data)) == some(Decoded(data))
    choices = Decoded(data)
    for bound in (1, 2, 255, 256, 257, 2**32):
        assert 0 <= choices.below(bound) < bound
    assert 3 <= between(choices, 3, 9) <= 9
    assert len(choices.blob(7)) == 7


def test_bytes_that_are_used_up_choose_the_simplest() -> None:
    choices = Decoded(b"")
    assert some(choices) == [0, 0, 0, b"\0\0\0", "a"]
    assert not chance(choices, 99)
    assert chance(choices, 100)


@pytest.mark.parametrize("name", TARGETS)
def test_the_long_run_can_be_begun(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    roll(name, 0.0, 1)
    assert capsys.readouterr().out.startswith("1 examples, up to seed 1, ")
