"""Who talks with the servers while the screen is used: a thread, so that no key waits for a server."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from ayl.admin.findings import many
from ayl.admin.kicks import kick
from ayl.admin.onlooker import heads
from ayl.admin.pauses import pause
from ayl.cli.live.rounds import leave_signals, looking
from ayl.cli.live.state import PAUSE_SECONDS, Facts
from ayl.errors import AylError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.admin import Server
    from ayl.admin.jobs import Job
    from ayl.cli.live.state import Action, Place


class Wish(NamedTuple):
    """What the screen would like to know next, and what is to be done before."""

    place: Place | None
    actions: Sequence[Action]


class News(NamedTuple):
    """What it is told."""

    facts: Facts
    notice: str = ""
    error: BaseException | None = None
    """A mistake of ours: the screen is to be given up."""


def _pause(server: Server, tube: str) -> str:
    pause(server, tube, PAUSE_SECONDS)
    return f"{tube} is paused for an hour"


def _resume(server: Server, tube: str) -> str:
    pause(server, tube, 0)
    return f"{tube} goes on"


def _kick(server: Server, tube: str) -> str:
    done: list[str] = []
    for steps in kick(server, tube, None):
        done = [f"{many(kicked.jobs, f'{kicked.state} job')} of {tube} ready again" for kicked in steps if kicked.jobs]
    return done[0] if done else f"no job of {tube} is buried or delayed any more"


ACTIONS: dict[str, Callable[[Server, str], str]] = {"pause": _pause, "resume": _resume, "kick": _kick}
"""What can be done to a tube; each says what came of it."""


class Looker:
    """Looks every so often, and at once when there is a wish; `wake` is called when there is news."""

    def __init__(self, servers: Sequence[Server], pattern: str, seconds: float, wake: Callable[[], None]) -> None:
        self._servers = {str(server): server for server in servers}
        self._look = looking(servers, pattern)
        self._seconds = seconds
        self._wake = wake
        self._wishes: queue.SimpleQueue[Wish] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._facts = Facts()
        # A server may keep it waiting when the screen is left.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wish(self, place: Place | None, actions: Sequence[Action] = ()) -> None:
        self._wishes.put(Wish(place, actions))

    def news(self) -> list[News]:
        """What has come since it was last asked for."""
        came = []
        while not self._news.empty():
            came.append(self._news.get())
        return came

    def _run(self) -> None:
        leave_signals()
        try:
            place: Place | None = None
            due = time.monotonic()
            while True:
                wishes = self._next(due)
                notices = [self._done(action) for wish in wishes for action in wish.actions]
                if wishes:
                    place = wishes[-1].place
                if notices or not wishes:
                    due = time.monotonic() + self._seconds
                    self._facts = Facts(self._look(), (), None)
                self._facts = Facts(self._facts.looks, *self._heads(place))
                self._tell(News(self._facts, "; ".join(notices)))
        except BaseException as error:  # noqa: BLE001 - it is raised where the terminal can be put right first
            self._tell(News(self._facts, error=error))

    def _next(self, due: float) -> list[Wish]:
        """All wishes, as soon as there is one; none if it is time to look anyway."""
        wishes = []
        try:
            wishes.append(self._wishes.get(timeout=max(0.0, due - time.monotonic())))
            while True:
                wishes.append(self._wishes.get_nowait())
        except queue.Empty:
            return wishes

    def _done(self, action: Action) -> str:
        server, tube = action.place
        try:
            return ACTIONS[action.what](self._servers[server], tube)
        except AylError as error:
            return str(error)

    def _heads(self, place: Place | None) -> tuple[Sequence[Job], Place | None]:
        if place is None:
            return (), None
        try:
            return heads(self._servers[place.server], place.tube), place
        except AylError:
            return (), None  # the next look says what is wrong

    def _tell(self, news: News) -> None:
        self._news.put(news)
        self._wake()
