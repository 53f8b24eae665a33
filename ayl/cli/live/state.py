"""What `top` has before it, as values: facts from servers, and what the operator has made of them with keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from ayl.admin.findings import many
from ayl.cli.live.tubes import ORDERS, Row, rows
from ayl.tubes import is_wild, matching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.admin.jobs import Job
    from ayl.admin.onlooker import Look

PAUSE_SECONDS = 3600


class Place(NamedTuple):
    """A tube of a server."""

    server: str
    tube: str


class Action(NamedTuple):
    """What is to be done to a tube."""

    what: str
    """A key of ACTIONS."""
    place: Place


@dataclass(frozen=True, slots=True)
class Question:
    """What is done only after a yes."""

    text: str
    action: Action


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the servers."""

    looks: Sequence[Look] = ()
    """None before the first."""
    heads: Sequence[Job] = ()
    """The first jobs of each state that can be seen in the tube at `place`."""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the operator has chosen."""

    order: str
    pattern: str = ""
    """That of -t: other tubes are not looked at."""
    place: Place | None = None
    wanted: str = ""
    """Of the tubes' names: a part, or a pattern with `*`."""
    typing: bool = False
    """`wanted` is being typed."""
    helping: bool = False
    question: Question | None = None
    notice: str = ""
    """What became of an action, until the next key."""
    ended: bool = False
    actions: tuple[Action, ...] = ()
    """To be done now."""


def listed(looks: Sequence[Look], state: State) -> list[Row]:
    """The tubes that the operator wants to see, server by server."""
    found = [row for look in looks for row in rows(look, state.order)]
    if not state.wanted:
        return found
    if is_wild(state.wanted):
        names = {*matching((state.wanted,), (row.tube.name for row in found))}
        return [row for row in found if row.tube.name in names]
    return [row for row in found if state.wanted.lower() in row.tube.name.lower()]


def chosen(shown: Sequence[Row], state: State) -> Row | None:
    """The tube that keys are about: the first, if the one that was chosen is not there."""
    return next((row for row in shown if placed(row) == state.place), shown[0] if shown else None)


def placed(row: Row) -> Place:
    """Where it is."""
    return Place(row.server, row.tube.name)


def pressed(state: State, key: str, shown: Sequence[Row]) -> State:
    """What a key makes of it, with these tubes `shown`."""
    state = replace(state, notice="", actions=())
    if state.question is not None:
        return _answered(state, state.question, key)
    if state.typing:
        return _typed(state, key)
    if state.helping:
        return replace(state, helping=False, ended=key == "q")
    act = KEYS.get(key)
    return state if act is None else act(state, shown)


def _answered(state: State, question: Question, key: str) -> State:
    actions = (question.action,) if key in ("y", "Y") else ()
    return replace(state, question=None, actions=actions, notice="" if actions else "not done")


def _typed(state: State, key: str) -> State:
    if key == "enter":
        return replace(state, typing=False)
    if key == "escape":
        return replace(state, typing=False, wanted="")
    wanted = state.wanted[:-1] if key == "backspace" else state.wanted + key * (len(key) == 1)
    return replace(state, wanted=wanted)


def _moved(by: int) -> Callable[[State, Sequence[Row]], State]:
    def move(state: State, shown: Sequence[Row]) -> State:
        row = chosen(shown, state)
        if row is None:
            return state
        number = min(max(0, shown.index(row) + by), len(shown) - 1)
        return replace(state, place=placed(shown[number]))

    return move


def _sorted_otherwise(state: State, _shown: Sequence[Row]) -> State:
    orders = [*ORDERS]
    return replace(state, order=orders[(orders.index(state.order) + 1) % len(orders)])


def _pause(state: State, shown: Sequence[Row]) -> State:
    row = chosen(shown, state)
    if row is None:
        return state
    name = _named(row, shown)
    if row.tube.pause:
        return replace(state, question=Question(f"let {name} go on?", Action("resume", placed(row))))
    return replace(state, question=Question(f"pause {name} for an hour?", Action("pause", placed(row))))


def _kick(state: State, shown: Sequence[Row]) -> State:
    row = chosen(shown, state)
    if row is None:
        return state
    jobs = row.tube.jobs
    # As the protocol has it: delayed ones only where none is buried.
    what = many(jobs.buried, "buried job") if jobs.buried else many(jobs.delayed, "delayed job")
    if not jobs.buried + jobs.delayed:
        return replace(state, notice=f"no job of {row.tube.name} is buried or delayed")
    name = _named(row, shown)
    return replace(state, question=Question(f"make {what} of {name} ready?", Action("kick", placed(row))))


def _named(row: Row, shown: Sequence[Row]) -> str:
    """Its name; of which server, where there are tubes of several."""
    return row.tube.name if {other.server for other in shown} == {row.server} else f"{row.tube.name} at {row.server}"


PAGE = 10
ALL = 10**9

KEYS: dict[str, Callable[[State, Sequence[Row]], State]] = {
    "q": lambda state, _: replace(state, ended=True),
    "?": lambda state, _: replace(state, helping=True),
    "h": lambda state, _: replace(state, helping=True),
    "/": lambda state, _: replace(state, typing=True),
    "escape": lambda state, _: replace(state, wanted=""),
    "s": _sorted_otherwise,
    "p": _pause,
    "K": _kick,
    "up": _moved(-1),
    "k": _moved(-1),
    "down": _moved(1),
    "j": _moved(1),
    "page up": _moved(-PAGE),
    "page down": _moved(PAGE),
    "home": _moved(-ALL),
    "end": _moved(ALL),
}
