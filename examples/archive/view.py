"""The demo's live picture: redrawn on a terminal, a line a second elsewhere."""

import shutil
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to see at one time."""

    done: int
    calls: int
    ready: int
    delayed: int
    reserved: int
    workers: int
    seconds: float


class View:
    """Draws moments."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._drawn = False
        self._next_line = 0.0

    def say(self, text: str) -> None:
        """A line that stays."""
        self._erase()
        print(text, flush=True)

    def draw(self, moment: Moment, *, last: bool = False) -> None:
        """Show a moment in the place of the one before."""
        if self.live:
            self._erase()
            width = shutil.get_terminal_size().columns
            print(_bar(moment, width)[: width - 1])
            print(_counts(moment)[: width - 1], flush=True)
            self._drawn = not last
        elif last or time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 1.0
            print(f"  {moment.done:,} of {moment.calls:,} calls done; {_counts(moment).strip()}", flush=True)

    def _erase(self) -> None:
        if self._drawn:
            print("\x1b[2A\x1b[J", end="")
            self._drawn = False


def _bar(moment: Moment, width: int) -> str:
    figures = f" {moment.done:,} / {moment.calls:,} calls"
    room = max(10, min(50, width - len(figures) - 4))
    full = room * moment.done // max(1, moment.calls)
    return f"  {'█' * full}{'░' * (room - full)}{figures}"


def _counts(moment: Moment) -> str:
    rate = moment.done / moment.seconds if moment.seconds > 0 else 0.0
    waiting = f"ready {moment.ready:,}   delayed {moment.delayed:,}   reserved {moment.reserved}"
    return f"  {rate:,.0f} done/s   {waiting}   workers {moment.workers}"
