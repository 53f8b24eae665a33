"""Every scenario of every transcript, held against every target: see README.md in this directory."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .inbox import Mismatch
from .reader import load
from .targets import JUDGE, TARGETS, Target, judge_version
from .transcript import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIOS = load(Path(__file__).parent / "transcripts")

AT_ONCE = 10
"""How many process scenarios run side by side: they mostly wait."""

CASES = [
    pytest.param(target, scenario, id=f"{target.name}-{scenario.id}")
    for target in TARGETS
    for scenario in SCENARIOS
    if scenario.fits(target.tags)
]


def mismatch(target: Target, scenario: Scenario) -> str:
    """Replay one scenario; "" if every word was right."""
    try:
        target.replay(scenario)
    except Mismatch as error:
        return str(error)
    return ""


class Outcomes:
    """Replays the selected scenarios of a target side by side, the longest first, and keeps what came of each."""

    def __init__(self, selected: list[tuple[Target, Scenario]], pool: ThreadPoolExecutor) -> None:
        self.selected = selected
        self.pool = pool
        self.running: dict[tuple[str, str], Future[str]] = {}

    def of(self, target: Target, scenario: Scenario) -> str:
        """Wait for a scenario's end; say what did not match, if anything."""
        if not target.in_parallel:
            return mismatch(target, scenario)
        if (target.name, scenario.id) not in self.running:
            self._start_all_of(target)
        return self.running[target.name, scenario.id].result()

    def _start_all_of(self, target: Target) -> None:
        mine = [scenario for other, scenario in self.selected if other is target]
        for scenario in sorted(mine, key=lambda scenario: scenario.seconds, reverse=True):
            self.running[target.name, scenario.id] = self.pool.submit(mismatch, target, scenario)


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """All outcomes of this run; only what was selected is run."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    selected = [
        (target, scenario)
        for target, scenario in ((some.get("target"), some.get("scenario")) for some in params)
        if isinstance(target, Target) and isinstance(scenario, Scenario)
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Outcomes(selected, pool)
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("target", "scenario"), CASES)
def test_transcript(target: Target, scenario: Scenario, outcomes: Outcomes) -> None:
    """The server says word for word what the transcript says."""
    if said := outcomes.of(target, scenario):
        pytest.fail(said, pytrace=False)  # the place that matters is in the transcript


def test_the_judge_is_the_one_the_transcripts_speak_of() -> None:
    """Another beanstalkd would differ in lines marked [beanstalkd]."""
    assert judge_version() == JUDGE
