"""A sequence is made as short as it can be."""

from __future__ import annotations

from .commands import bare
from .shrinking import TRIALS, Shrinking, Steps
from .steps import Connect, Send, Step

NAMES = [f"c{number}" for number in range(100)]
STEPS: Steps = tuple(Connect(name) for name in NAMES)


def test_what_does_not_matter_is_left_out() -> None:
    culprits = {Connect("c3"), Connect("c4"), Connect("c77")}
    assert set(Shrinking(STEPS, culprits.issubset).whole()) == culprits


def test_the_order_stays() -> None:
    culprits: list[Step] = [Connect("c20"), Connect("c50")]
    assert list(Shrinking(STEPS, set(culprits).issubset).whole()) == culprits


def test_what_matters_as_a_whole_stays() -> None:
    assert Shrinking(STEPS, lambda trial: trial == STEPS).whole() == STEPS


def test_packets_are_made_smaller() -> None:
    packet = Send("a", (bare("stats"), bare("reserve"), bare("quit")), first=4)
    short = Shrinking((packet,), lambda trial: any(bare("reserve") in step.commands for step in trial)).whole()  # type: ignore[union-attr]
    assert short == (Send("a", (bare("reserve"),)),)


def test_there_is_an_end_to_it() -> None:
    tried: list[Steps] = []

    def differs(trial: Steps) -> bool:
        tried.append(trial)
        return len(tried) % 7 == 0

    Shrinking(STEPS * 20, differs).whole()
    assert len(tried) <= TRIALS
