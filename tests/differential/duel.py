"""Steps are done to both servers, and all that is heard is compared."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .comparison import difference
from .manners import fair
from .observer import OBSERVER, harvest, probe
from .servers import Heard, Peer, Restless
from .steps import CarryOn, Connect, Drain, HalfClose, HangUp, Harvest, Probe, Send, Step
from .view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .commands import Command
    from .settings import Settings

SECOND_LOOKS = 10
SECOND_LOOK_SECONDS = 0.02
"""Before a difference counts, it is looked whether the slower server only was slow. By servers.py it never is."""


@dataclass
class Entry:
    """One step and what came of it."""

    step: Step
    sent: bytes = b""
    heard: dict[str, tuple[Heard, Heard]] = field(default_factory=dict)
    """beanstalkd's and ours, by client."""
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Client, and what is wrong with what it heard."""


class Duel:
    """Two servers, clients of both, and what is known of them."""

    def __init__(self, theirs: Peer, ours: Peer, settings: Settings) -> None:
        self.peers = (theirs, ours)
        self.settings = settings
        self.view = View()
        self.entries: list[Entry] = []
        self.started = time.monotonic()
        self._each(lambda peer: peer.connect(OBSERVER))
        self._settle()

    def take(self, step: Step) -> Entry | None:
        """Do one step; None if it would be no fair one."""
        if not fair(self.view, step):
            return None
        entry = Entry(step)
        self.entries.append(entry)
        try:
            entry.sent = self._do(step)
            theirs, ours = self._settle()
        except Restless as error:
            entry.wrong = [("", str(error))]
            return entry
        for who in sorted(theirs, key=lambda who: who != getattr(step, "who", None)):
            self._hear(entry, who, theirs[who], ours[who])
        if not entry.wrong:
            entry.wrong = [(who, "no reply, and it is due") for who in self.view.unexplained()]
        return entry

    def _hear(self, entry: Entry, who: str, theirs: Heard, ours: Heard) -> None:
        if theirs.replies or ours.replies or theirs.ended or ours.ended:
            entry.heard[who] = theirs, ours
        what = _difference(theirs, ours, time.monotonic() - self.started)
        if who != OBSERVER and not what:
            what = self.view.heard(who, theirs.replies)
        if what:
            entry.wrong.append((who, what))
        if theirs.ended and who != OBSERVER:
            self.view.gone(who)

    def _each(self, deed: Callable[[Peer], None]) -> None:
        for peer in self.peers:
            deed(peer)

    # What steps do

    def _do(self, step: Step) -> bytes:
        """Do it to both; the bytes that were sent."""
        match step:
            case Connect(who):
                self._each(lambda peer: peer.connect(who))
                self.view.connected(who)
            case HalfClose(who):
                self._each(lambda peer: peer.half_close(who))
                self.view.parties[who].half_closed = True
            case HangUp(who):
                self._each(lambda peer: peer.hang_up(who))
                self.view.gone(who)
            case Drain():
                self._each(lambda peer: peer.signal(signal.SIGUSR1))
            case Send(who, commands, first):
                self.view.parties[who].unsent = self.view.written(commands)
                self.view.said(who, commands)
                return self._send_on(who, first)
            case CarryOn(who, size):
                return self._send_on(who, size)
            case Probe():
                return self._observe(probe(self.view, self.settings.tubes))
            case Harvest():
                return self._observe(harvest(self.view, self.settings.tubes))
        return b""

    def _send_on(self, who: str, size: int | None) -> bytes:
        party = self.view.parties[who]
        data = party.unsent[:size]
        party.unsent = party.unsent[len(data) :]
        self._each(lambda peer: peer.send(who, data))
        return data

    def _observe(self, commands: Sequence[Command]) -> bytes:
        data = self.view.written(commands)
        self._each(lambda peer: peer.send(OBSERVER, data))
        return data

    # What is heard

    def _settle(self) -> tuple[dict[str, Heard], dict[str, Heard]]:
        theirs, ours = (peer.settle() for peer in self.peers)
        for _ in range(SECOND_LOOKS):
            if all(_outline(theirs[who]) == _outline(ours[who]) for who in theirs):
                break
            time.sleep(SECOND_LOOK_SECONDS)
            for heard, peer in zip((theirs, ours), self.peers, strict=True):
                _add(heard, peer.settle())
        return theirs, ours


def _outline(heard: Heard) -> tuple[int, bool, bool]:
    return len(heard.replies), heard.ended, bool(heard.rest)


def _add(heard: dict[str, Heard], more: dict[str, Heard]) -> None:
    for who, what in more.items():
        heard[who].replies += what.replies
        heard[who].ended |= what.ended
        heard[who].rest = what.rest


def _difference(theirs: Heard, ours: Heard, slack: float) -> str:
    for here, there in zip(theirs.replies, ours.replies, strict=False):
        if what := difference(here, there, slack):
            return what
    if len(theirs.replies) != len(ours.replies):
        return "how many replies there are"
    if theirs.ended != ours.ended:
        return "whether the connection is closed"
    return "what comes after the last reply" if theirs.rest != ours.rest else ""
