"""Containers that know nothing of jobs: first in first out with gaps, priority lanes, a heap by time.

An item tells where it waits by its `place`: it is in a `Lane` exactly while `item.place is lane`. So
taking an item out of the middle costs nothing (its entry is passed over later), and entries that were
left behind are swept as soon as they outnumber the live ones.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeVar

SWEEP_SLACK = 64
"""Dead entries that are always tolerated, so that small queues never sweep."""


class Placed(Protocol):
    """What a `Lane` needs of its items: a number to sort by and a note of where the item waits."""

    id: int
    place: object


class Dated(Protocol):
    """What `Later` needs of its items: a number and the time at which they fall due."""

    id: int
    deadline: float


P = TypeVar("P", bound=Placed)
D = TypeVar("D", bound=Dated)


class Lane(Generic[P]):
    """Items of one priority, lowest id first.

    Ids nearly always arrive in order, so a deque carries them; one that comes back with an old id (a
    released job) goes to a small heap beside it, and the head is the lower of the two.
    """

    __slots__ = ("back", "dead", "line", "priority", "returned")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.line: deque[P] = deque()
        self.dead = 0  # entries of `line` whose item was taken out of the middle
        self.returned: dict[int, P] = {}
        self.back: list[int] = []  # a heap of ids; those that are not in `returned` any more are dead

    def __len__(self) -> int:
        return len(self.line) - self.dead + len(self.returned)

    def give_back(self, item: P) -> None:
        """Put in an item whose id is lower than that of the last one."""
        self.returned[item.id] = item
        heappush(self.back, item.id)

    def head(self) -> P | None:
        """The item with the lowest id, left where it is."""
        line, back = self.line, self.back
        while line and line[0].place is not self:
            line.popleft()
            self.dead -= 1
        while back and back[0] not in self.returned:
            heappop(back)
        if not back:
            return line[0] if line else None
        first = self.returned[back[0]]
        # An item that left the middle and came back stands in both; then the heap's entry is the living one.
        return line[0] if line and line[0].id < first.id else first

    def discard(self, item: P) -> None:
        """Take out an item that is here, from wherever it stands."""
        item.place = None
        if self.returned.pop(item.id, None) is None:
            self.dead += 1
        if self.dead + len(self.back) - len(self.returned) > len(self) + SWEEP_SLACK:
            self._sweep()

    def _sweep(self) -> None:
        self.line = deque(item for item in self.line if item.place is self and item.id not in self.returned)
        self.dead = 0
        self.back = list(self.returned)
        heapify(self.back)


class Ready(Generic[P]):
    """Items by (priority, id): a lane for each priority in use and a heap of the priorities."""

    __slots__ = ("count", "first", "heap", "lanes")

    def __init__(self) -> None:
        self.lanes: dict[int, Lane[P]] = {}
        self.heap: list[int] = []
        self.count = 0
        self.first: Lane[P] | None = None
        """The lane of the lowest priority number; it may have run empty, then the next one is looked for."""

    def push(self, priority: int, item: P) -> None:
        lane = self.lanes.get(priority)
        if lane is None:
            lane = self._open(priority)
        line = lane.line
        if not line or line[-1].id < item.id:
            line.append(item)
        else:
            lane.give_back(item)
        item.place = lane
        self.count += 1

    def head(self) -> P | None:
        """The best item, left where it is."""
        if not self.count:
            return None
        while True:
            lane = self._first()
            item = lane.head()
            if item is not None:
                return item
            self._close(lane)

    def rank(self) -> tuple[int, int] | None:
        """(priority, id) of the best item."""
        item = self.head()
        return None if item is None else (self._first().priority, item.id)

    def pop(self) -> P | None:
        """Take the best item."""
        lane = self.first
        if lane is not None and not lane.back:
            # The common case, without calls: nothing came back with an old id.
            line = lane.line
            while line:
                item = line.popleft()
                if item.place is lane:
                    item.place = None
                    self.count -= 1
                    return item
                lane.dead -= 1
        found = self.head()
        if found is not None:
            self.discard(self._first().priority, found)
        return found

    def discard(self, priority: int, item: P) -> None:
        """Take out an item that is here."""
        self.lanes[priority].discard(item)
        self.count -= 1

    def below(self, priority: int) -> int:
        """How many items have a priority number less than `priority`."""
        return sum(len(lane) for p, lane in self.lanes.items() if p < priority)

    def _open(self, priority: int) -> Lane[P]:
        # An emptied lane stays until it is met at the head; where a better lane never empties, lanes
        # that are used once each would pile up behind it.
        if len(self.lanes) > 2 * self.count + SWEEP_SLACK:
            self.lanes = {p: lane for p, lane in self.lanes.items() if len(lane)}
            self.heap = list(self.lanes)
            heapify(self.heap)
            self.first = None
        lane: Lane[P] = Lane(priority)
        self.lanes[priority] = lane
        heappush(self.heap, priority)
        if self.first is None or priority < self.first.priority:
            self.first = lane if self.heap[0] == priority else None
        return lane

    def _first(self) -> Lane[P]:
        if self.first is None:
            self.first = self.lanes[self.heap[0]]
        return self.first

    def _close(self, lane: Lane[P]) -> None:
        """Forget the first lane, which is empty. Not called for the last one: the commonest queue of all runs
        empty after each item, and would build a new lane for each.
        """
        del self.lanes[lane.priority]
        heappop(self.heap)
        self.first = None


class Later(Generic[D]):
    """Items by (deadline, id), each removable at once. A deadline must not change while its item is here."""

    __slots__ = ("heap", "items")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int]] = []
        self.items: dict[int, D] = {}

    def __len__(self) -> int:
        return len(self.items)

    def push(self, item: D) -> None:
        self.items[item.id] = item
        heappush(self.heap, (item.deadline, item.id))

    def head(self) -> D | None:
        """The item that falls due first, left where it is."""
        heap = self.heap
        while heap:
            when, key = heap[0]
            item = self.items.get(key)
            if item is not None and item.deadline == when:
                return item
            heappop(heap)
        return None

    def discard(self, item: D) -> None:
        del self.items[item.id]
        if len(self.heap) > 2 * len(self.items) + SWEEP_SLACK:
            self.heap = [(item.deadline, key) for key, item in self.items.items()]
            heapify(self.heap)


class Alarm(Protocol):
    """Something that wants to be called at a time; `armed` is that time, infinite for never."""

    armed: float


A = TypeVar("A", bound=Alarm)

NEVER = float("inf")


class Timers(Generic[A]):
    """One heap of alarms. Arming to an earlier time adds an entry; a later time must wait for the earlier to ring."""

    __slots__ = ("heap", "live", "serial")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, A]] = []
        self.serial = 0
        self.live = 0

    def arm(self, alarm: A, when: float) -> None:
        """Let `alarm` ring no later than `when`."""
        if when >= alarm.armed:
            return
        if alarm.armed == NEVER:
            self.live += 1
        alarm.armed = when
        self.serial += 1
        heappush(self.heap, (when, self.serial, alarm))
        if len(self.heap) > 2 * self.live + SWEEP_SLACK:
            self._sweep()

    def disarm(self, alarm: A) -> None:
        if alarm.armed != NEVER:
            alarm.armed = NEVER
            self.live -= 1

    def _sweep(self) -> None:
        self.heap = [entry for entry in self.heap if entry[2].armed == entry[0]]
        heapify(self.heap)

    def next(self) -> float | None:
        """When the next alarm rings."""
        heap = self.heap
        while heap and heap[0][2].armed != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: float) -> Iterator[A]:
        """Every alarm whose time has come, in order, disarmed as it is handed out."""
        while (when := self.next()) is not None and when <= now:
            alarm = heappop(self.heap)[2]
            self.disarm(alarm)
            yield alarm
