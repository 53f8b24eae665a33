"""The commands that may take long, and what their reports have to agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .matrix import MODULE
from .scenes import STATES, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Counts = dict[str, int]


@dataclass(frozen=True)
class Long:
    """A command that may take long, as it tells how far it is."""

    name: str
    words: Callable[[Scene], Sequence[str]]
    left: Callable[[Counts, Any], Counts]
    """By what was in the tube, and by its report: what is there now."""
    on_server: Callable[[Any], int] = lambda _found: 0
    """How many jobs the server has more or, below 0, less."""
    until: int = 0
    """Bytes of answers after which it is interrupted; 0 for a third of what there are."""
    jobs: int = 1800
    """So many do not fit into one step."""


def changed(before: Counts, **more: int) -> Counts:
    return {state: number + more.get(state, 0) for state, number in before.items()}


def code(scene: Scene) -> tuple[str, ...]:
    return ("--app-path", str(scene.folder), "--require", MODULE)


def moved(found: Any) -> int:
    return sum(row["jobs"] for row in found["calls"] if row["fate"] == "moved")


LONG = (
    Long(
        "search",
        lambda scene: ("nowhere to be found", "-t", scene.tube),
        lambda before, found: before,
    ),
    Long(
        "kick",
        lambda _scene: ("all",),
        lambda before, found: changed(before, buried=-found["jobs"], ready=found["jobs"]),
        jobs=4500,
    ),
    Long(
        "kick_job",
        lambda scene: scene.ids["delayed"],
        lambda before, found: changed(before, delayed=-len(found["done"]), ready=len(found["done"])),
    ),
    Long(
        "delete",
        lambda scene: (*scene.ids["ready"], "--yes"),
        lambda before, found: changed(before, ready=-len(found["done"])),
        lambda found: -len(found["done"]),
    ),
    *(
        Long(
            "eat_all_jobs",
            lambda _scene, state=state: (state, "--yes"),  # type: ignore[misc]
            lambda before, found: changed(before, **{found["state"]: -found["jobs"]}),
            lambda found: -found["jobs"],
        )
        for state in ("ready", "buried")
    ),
    Long(
        "move_jobs",
        lambda scene: (f"{scene.app}/held", "--yes"),
        lambda before, found: changed(before, **{state: -number for state, number in found["moved"].items()}),
    ),
    Long(
        "migrate",
        lambda scene: ("1", "2", *code(scene), "--yes"),
        # It does not say of which states; it begins with the delayed ones.
        lambda before, found: _from_the_first(before, moved(found)),
    ),
    Long(
        "drain",
        lambda _scene: ("1", "--wait"),
        lambda _before, found: {state: found[state] for state in STATES},
        until=1000,
    ),
    Long(
        "spool drain",
        lambda scene: ("--spool", str(scene.spool)),
        lambda before, found: changed(before, ready=found["delivered"]),
        lambda found: int(found["delivered"]),
    ),
)


def _from_the_first(before: Counts, number: int) -> Counts:
    left = dict(before)
    for state in ("delayed", "buried", "ready"):
        gone = min(number, left[state])
        left[state] -= gone
        number -= gone
    return left
