"""What became of one daemon. Judged by what is seen of it: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.daemons.errors import DaemonError, NotPermitted

if TYPE_CHECKING:
    from ayl.daemons.conditions import Condition


@dataclass(frozen=True, slots=True)
class Outcome:
    """For one daemon."""

    name: str
    done: bool
    text: str
    tail: tuple[str, ...] = ()
    """The last lines that it printed, where it failed."""
    log: str = ""
    """Where there are more."""
    permitted: bool = True
    """False: another user may do it."""


def failed(name: str, error: DaemonError | OSError) -> Outcome:
    """It could not even be tried."""
    if isinstance(error, DaemonError):
        return Outcome(name, False, error.reason, permitted=not isinstance(error, NotPermitted))
    text = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, PermissionError):
        return Outcome(name, False, f"{text}; root may do that, or you with directories of your own", permitted=False)
    return Outcome(name, False, text)


def judged(condition: Condition, serial: str, seconds: float, patience: float) -> Outcome | None:
    """Whether the order with that serial is carried out, so many seconds after it was given; None: it is open yet.
    The empty serial: whichever it has.
    """
    name, state = condition.name, condition.state
    if condition.keeper is None:
        return Outcome(name, False, "its keeper has ended")
    if state is not None and serial in state.refused:
        text = f"the new process {state.refused[serial]}; the old one stays"
        return Outcome(name, False, text, state.tail, state.log)
    if state is not None and serial in ("", state.serial):
        if state.state == "working":
            status = state.processes[0].status if state.processes else ""
            return Outcome(name, True, f"running (pid {condition.keeper})" + f": {status}" * bool(status))
        if state.state == "ended":
            done = state.has_done_its_part
            return Outcome(name, done, f"its process {state.last_end}", () if done else state.tail, state.log)
        if state.failures:
            text = f"its process {state.last_end}; it will be tried again"
            return Outcome(name, False, text, state.tail, state.log)
    if seconds < patience:
        return None
    text = f"is not ready after {seconds:.0f} s"
    if state is None:
        return Outcome(name, False, text)
    status = state.processes[0].status if state.processes else ""
    return Outcome(name, False, text + f": {status}" * bool(status), state.tail, state.log)
