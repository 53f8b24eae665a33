"""What a worker watches: which tubes its connections have in view, those that come into being later included."""

from collections.abc import Callable, Collection, Sequence
from math import ceil, inf
from threading import Lock
from time import monotonic

import greenstalk

from ayl.engines.addresses import Address
from ayl.engines.client import Client
from ayl.engines.dialing import Dial
from ayl.engines.lanes import Turns
from ayl.tubes import is_wild, matching, stem

LOOK_SECONDS = 5
"""Between two looks whether there are new tubes, when some are named with `*`. Who waits asks again as often."""

LOOK_PART = 0.01
"""Of the time is spent on that at most: where there are many tubes, looks are rarer."""


class Watch:
    """Tubes, or names with `*`. Shared by all connections of a process; each of them may be a lane of its own."""

    def __init__(self, tubes: Sequence[str], turns: Turns | None = None) -> None:
        """`turns`: which lane is asked next; without it all tubes are alike, and the server chooses."""
        self.tubes = (*tubes,)
        self.turns = turns
        self.patterns = [tube for tube in self.tubes if is_wild(tube)]
        self._sightings: dict[Address, Sightings] = {}

    def sightings(self, address: Address) -> "Sightings":
        """What was seen at that server."""
        return self._sightings.setdefault(address, Sightings(self.patterns))

    def lanes(self, seen: Collection[str]) -> list[set[str]]:
        """The tubes of each lane. A tube is in one alone: that of its own name, or else of the first that matches."""
        lanes = [{stem(tube)} for tube in self.tubes]
        for number, tube in enumerate(self.tubes):
            if is_wild(tube):
                lanes[number].update(matching([tube], seen))
        taken = {tube for tube in self.tubes if not is_wild(tube)}
        for number, tube in enumerate(self.tubes):
            if is_wild(tube):
                lanes[number] -= taken
                taken |= lanes[number]
        return lanes


class Sightings:
    """Of tubes at one server that match. One that has gone stays: it may come back."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self.tubes: frozenset[str] = frozenset()
        self.interval: float = LOOK_SECONDS
        self._look_at = 0.0 if patterns else inf
        self._lock = Lock()

    def look(self, tubes: Callable[[], Sequence[str]]) -> None:
        """If it is time: one looks for all, who wait for it only when nothing was seen yet. `tubes` asks the server for
        the names of all its tubes.
        """
        if monotonic() < self._look_at or not self._lock.acquire(blocking=not self._look_at):
            return
        try:
            began = monotonic()
            if began < self._look_at:
                return
            seen = matching(self._patterns, tubes())
            if not self.tubes.issuperset(seen):
                self.tubes = self.tubes.union(seen)
            now = monotonic()
            self.interval = max(LOOK_SECONDS, (now - began) / LOOK_PART)
            self._look_at = now + self.interval
        finally:
            self._lock.release()


class Attention:
    """Of one connection: what it watches now."""

    def __init__(self, watch: Watch, sightings: Sightings) -> None:
        self._watch = watch
        self._sightings = sightings
        self._watched = {greenstalk.DEFAULT_TUBE}
        self._seen: frozenset[str] | None = None
        self._lanes: list[set[str]] = []
        self._all: set[str] = set()
        self._lane: int | None = -1

    @property
    def longest_wait(self) -> int | None:
        """Seconds after which a connection that waits has to look again; None for any."""
        return ceil(self._sightings.interval) if self._watch.patterns else None

    def look(self, tubes: Callable[[], Sequence[str]]) -> None:
        """Whether there are other tubes, if it is time."""
        self._sightings.look(tubes)

    def turn_to(self, lane: int | None) -> list[bytes] | None:
        """The commands after which it watches that lane, or all of them; None if the lane has no tubes."""
        if self._seen is not self._sightings.tubes:
            self._seen = self._sightings.tubes
            self._lanes = self._watch.lanes(self._seen)
            self._all = set().union(*self._lanes)
        elif lane == self._lane:
            return []
        tubes = self._all if lane is None else self._lanes[lane]
        if not tubes:
            return None
        self._lane = lane
        commands = [b"watch %b\r\n" % tube.encode("ascii") for tube in sorted(tubes - self._watched)]
        commands += [b"ignore %b\r\n" % tube.encode("ascii") for tube in sorted(self._watched - tubes)]
        self._watched = {*tubes}
        return commands


def watching(address: Address, dial: Dial, watch: Watch, timeout: float) -> Client:
    """A new connection that watches these tubes. Raises one of TROUBLE."""
    client = Client(dial(address, timeout))
    try:
        client.prompt.wait_at_most(timeout)
        attention = Attention(watch, watch.sightings(address))
        client.attention = attention
        client.look()
        client.turn_to(None)
        if not watch.patterns and watch.turns is None:
            client.attention = None  # it never turns to anything else
    except BaseException:
        client.close()
        raise
    return client
