"""The simulation finds what it is there for."""

from __future__ import annotations

import pytest

from .mutants import MUTANTS
from .run import run

SEEDS = 300
"""How many are tried before a mistake counts as unnoticed."""


@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_mistake_is_noticed_by_an_early_seed(mistake: str) -> None:
    with MUTANTS[mistake]():
        caught = next((outcome for outcome in map(run, range(SEEDS)) if outcome.failure is not None), None)
    assert caught is not None, f"{SEEDS} seeds have not noticed that {mistake}"
    assert run(caught.seed).failure is None
