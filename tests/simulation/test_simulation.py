"""Random histories in each run of the tests; the long run is `python -m tests.simulation`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import pytest

from ayl_server import broker, compiled
from tests.conftest import COMPILED

from .__main__ import complaint
from .run import Outcome, run

pytestmark = pytest.mark.timeout(600)  # the first test waits for all histories, on a machine that does much else

HISTORIES = 150

SEEDS = range(HISTORIES, 2 * HISTORIES) if COMPILED else range(HISTORIES)
"""The server compiled goes through others than its sources do: they are the same code."""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    with begun(2) as pool:
        return list(pool.map(run, SEEDS, chunksize=10))


def begun(processes: int) -> ProcessPoolExecutor:
    """They import the server that is tested, as this one has."""
    initializer = compiled.use if COMPILED else None
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=initializer)


def test_the_histories_are_of_the_server_that_is_tested() -> None:
    with begun(1) as pool:
        found = pool.submit(find_spec, broker.__name__).result()
    assert found is not None
    assert found.origin == broker.__file__


def test_every_history_keeps_every_promise(outcomes: list[Outcome]) -> None:
    bad = [complaint(outcome) for outcome in outcomes if outcome.failure is not None]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(
    "event",
    [
        "the power fails",
        "the process is killed",
        "stops",
        "failed disks",
        "jumps",
        "torn tails",
        "lost reports",
        "refused jobs",
        "migrated jobs",
        "replays",
        "rests",
    ],
)
def test_the_histories_are_eventful(outcomes: list[Outcome], event: str) -> None:
    seen = sum((Counter(outcome.seen) for outcome in outcomes), Counter[str]())
    assert seen[event] >= 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_tells_the_same_history_in_every_process(seed: int) -> None:
    first, second = (_told(seed, hash_seed) for hash_seed in ("1", "2"))
    assert first == second


def _told(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout
