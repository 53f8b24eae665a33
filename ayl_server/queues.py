"""Containers that know nothing of jobs: first in first out with gaps, priority lanes, a heap by time.

An item tells where it waits by its `place`: it is in a `Lane` exactly while `item.place is lane`. So
taking an item out of the middle costs nothing (its entry is passed over later), and entries that were
left behind are swept as soon as they outnumber the live ones.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, Generic, Protocol, TypeVar

SWEEP_SLACK: Final = 64
"""Dead entries that are always tolerated, so that small queues never sweep."""

BUCKET_BITS: Final = 10
"""Items that came back are sorted together if their ids differ in that many low bits."""


class Placed(Protocol):
    """What a `Lane` needs of its items: a number to sort by and a note of where the item waits."""

    id: int
    place: object


class Dated(Protocol):
    """What `Later` needs of its items: a number, the time at which they fall due, a note of where the item waits."""

    id: int
    deadline: float
    place: object


P = TypeVar("P", bound=Placed)
D = TypeVar("D", bound=Dated)


class Returned(Generic[P]):
    """Items that came back with an old id (released jobs), lowest id first.

    They are thrown into buckets by id, and a bucket is sorted when its turn comes: cheaper than a heap of them all.
    """

    __slots__ = ("buckets", "entries", "heap", "sorted_key")

    def __init__(self) -> None:
        self.buckets: dict[int, list[P]] = {}
        self.heap: list[int] = []  # of the keys of `buckets`
        self.entries = 0
        self.sorted_key = -1  # of the bucket that is sorted, highest id first

    def push(self, item: P) -> None:
        key = item.id >> BUCKET_BITS
        bucket = self.buckets.get(key)
        if bucket is None:
            self.buckets[key] = [item]
            heappush(self.heap, key)
        elif key == self.sorted_key:
            insort(bucket, item, key=_falling)
        else:
            bucket.append(item)
        self.entries += 1

    def head(self) -> P | None:
        """The item with the lowest id, whether it still waits or not."""
        heap = self.heap
        while heap:
            key = heap[0]
            bucket = self.buckets[key]
            if bucket:
                if key != self.sorted_key:
                    bucket.sort(key=_falling)
                    self.sorted_key = key
                return bucket[-1]
            heappop(heap)
            del self.buckets[key]
            self.sorted_key = -1
        return None

    def take(self) -> None:
        """Take out what `head` has just found."""
        self.buckets[self.sorted_key].pop()
        self.entries -= 1

    def items(self) -> Iterator[P]:
        for bucket in self.buckets.values():
            yield from bucket


def _falling(item: Placed) -> int:
    return -item.id


class Lane(Generic[P]):
    """Items of one priority, lowest id first.

    Ids nearly always arrive in order, so a deque carries them; those that come back with an old id are kept beside
    it, and the head is the lower of the two. An item that left the middle and came back may stand here several
    times: whichever entry is met first counts, the others are dead once the item has gone.
    """

    __slots__ = ("dead", "line", "priority", "returned")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.line: deque[P] = deque()
        self.returned: Returned[P] | None = None  # most lanes never need it
        self.dead = 0  # entries too many: their item was taken out of the middle

    def __len__(self) -> int:
        return self.entries - self.dead

    @property
    def entries(self) -> int:
        """Live and dead."""
        return len(self.line) + (0 if self.returned is None else self.returned.entries)

    def push(self, item: P) -> None:
        line = self.line
        if not line or line[-1].id < item.id:
            line.append(item)
        else:
            if self.returned is None:
                self.returned = Returned()
            self.returned.push(item)
        item.place = self

    def head(self) -> P | None:
        """The item with the lowest id, left where it is."""
        line = self.line
        while line and line[0].place is not self:
            line.popleft()
            self.dead -= 1
        returned = self.returned
        if returned is None:
            return line[0] if line else None
        while (first := returned.head()) is not None and first.place is not self:
            returned.take()
            self.dead -= 1
        if first is None:
            self.returned = None
            return line[0] if line else None
        return line[0] if line and line[0].id < first.id else first

    def take(self, item: P) -> None:
        """Take out what `head` has just found."""
        item.place = None
        if self.line and self.line[0] is item:
            self.line.popleft()
        elif self.returned is not None:
            self.returned.take()

    def discard(self, item: P) -> None:
        """Take out an item that is here, from wherever it stands."""
        item.place = None
        self.dead += 1
        if self.dead > len(self) + SWEEP_SLACK:
            self._sweep()

    def _sweep(self) -> None:
        alive = {item.id: item for item in self.line if item.place is self}
        returned = [] if self.returned is None else [item for item in self.returned.items() if item.place is self]
        self.line = deque(alive.values())
        self.returned = None
        self.dead = 0
        for item in {item.id: item for item in returned if item.id not in alive}.values():
            self.push(item)


class Ready(Generic[P]):
    """Items by (priority, id): a heap of the priorities in use, and for each a lane, or the item if there is but one.

    Many applications use a few priorities for all jobs, and for those a lane costs next to nothing. Some give each job
    a priority of its own, and a lane for each would cost more than the job.
    """

    __slots__ = ("below", "bound", "count", "first", "heap", "lanes")

    def __init__(self, bound: int = 0) -> None:
        self.lanes: dict[int, P | Lane[P]] = {}
        self.heap: list[int] = []  # every priority of `lanes`; others, and repetitions, are passed over
        self.count = 0
        self.bound = bound
        self.below = 0
        """How many items have a priority number less than `bound`."""
        self.first: Lane[P] | None = None
        """The lane of the lowest priority number, if that has one and it is known; it may have run empty."""

    def push(self, priority: int, item: P) -> None:
        entry = self.lanes.get(priority)
        if entry is None:
            self._open(priority, item)
        elif isinstance(entry, Lane):
            # Lane.push, written out for the usual case.
            line = entry.line
            if not line or line[-1].id < item.id:
                line.append(item)
                item.place = entry
            else:
                entry.push(item)
        else:
            lane = self.lanes[priority] = Lane(priority)
            lower, higher = (entry, item) if entry.id < item.id else (item, entry)
            lane.push(lower)
            lane.push(higher)
        self.count += 1
        if priority < self.bound:
            self.below += 1

    def head(self) -> P | None:
        """The best item, left where it is."""
        while self.count:
            priority = self.heap[0]
            entry = self.lanes.get(priority)
            if entry is None:
                heappop(self.heap)
            elif not isinstance(entry, Lane):
                return entry
            elif (item := entry.head()) is not None:
                self.first = entry
                return item
            else:
                self._close(priority)
        return None

    def rank(self) -> tuple[int, int] | None:
        """(priority, id) of the best item."""
        item = self.head()
        return None if item is None else (self.heap[0], item.id)

    @property
    def priorities(self) -> int:
        """How many there are, some of which may have no items left."""
        return len(self.lanes)

    def heads(self) -> list[P]:
        """The best item of each priority, in no order."""
        heads = [entry.head() if isinstance(entry, Lane) else entry for entry in self.lanes.values()]
        return [item for item in heads if item is not None]

    def pop(self) -> P | None:
        """Take the best item."""
        lane = self.first
        if lane is not None and lane.returned is None:
            # The usual case, without calls: nothing came back with an old id.
            line = lane.line
            while line:
                item = line.popleft()
                if item.place is lane:
                    item.place = None
                    self.count -= 1
                    if lane.priority < self.bound:
                        self.below -= 1
                    return item
                lane.dead -= 1
        return self._pop()

    def _pop(self) -> P | None:
        found = self.head()
        if found is None:
            return None
        priority = self.heap[0]
        entry = self.lanes[priority]
        if isinstance(entry, Lane):
            entry.take(found)
        else:
            self._close(priority)
            found.place = None
        self.count -= 1
        if priority < self.bound:
            self.below -= 1
        return found

    def discard(self, priority: int, item: P) -> None:
        """Take out an item that is here."""
        entry = self.lanes[priority]
        if isinstance(entry, Lane):
            entry.discard(item)
        else:
            item.place = None
            del self.lanes[priority]
            if len(self.heap) > 2 * len(self.lanes) + SWEEP_SLACK:
                self._sweep()
        self.count -= 1
        if priority < self.bound:
            self.below -= 1

    def _open(self, priority: int, item: P) -> None:
        # An emptied lane stays until it is met at the head, because the commonest queue of all runs empty after each
        # item; where a better lane never empties, lanes would pile up behind it.
        if len(self.lanes) > 2 * self.count + SWEEP_SLACK:
            self._sweep()
        self.lanes[priority] = item
        item.place = self
        heappush(self.heap, priority)
        first = self.first
        if first is not None and priority < first.priority:
            self.first = None

    def _close(self, priority: int) -> None:
        """Forget the lowest priority, in which nothing is left."""
        del self.lanes[priority]
        heappop(self.heap)
        self.first = None

    def _sweep(self) -> None:
        self.lanes = {p: entry for p, entry in self.lanes.items() if not isinstance(entry, Lane) or len(entry)}
        self.heap = list(self.lanes)
        heapify(self.heap)
        self.first = None


class Later(Generic[D]):
    """Items by (deadline, id), each removable at once. A deadline must not change while its item is here."""

    __slots__ = ("count", "heap")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, D]] = []  # entries of items that are elsewhere or due later are dead
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def push(self, item: D) -> None:
        item.place = self
        self.count += 1
        heappush(self.heap, (item.deadline, item.id, item))

    def head(self) -> D | None:
        """The item that falls due first, left where it is."""
        heap = self.heap
        while heap:
            when, _, item = heap[0]
            if item.place is self and item.deadline == when:
                return item
            heappop(heap)
        return None

    def discard(self, item: D) -> None:
        item.place = None
        self.count -= 1
        if len(self.heap) > 2 * self.count + SWEEP_SLACK:
            # By id, because an item that left and came back for the same time stands here twice.
            self.heap = list({entry[1]: entry for entry in self.heap if self._lives(entry)}.values())
            heapify(self.heap)

    def _lives(self, entry: tuple[float, int, D]) -> bool:
        when, _, item = entry
        return item.place is self and item.deadline == when


class Alarm(Protocol):
    """Something that wants to be called at a time; `armed` is that time, infinite for never."""

    armed: float


A = TypeVar("A", bound=Alarm)

NEVER: Final = float("inf")


class Timers(Generic[A]):
    """One heap of alarms. Arming to an earlier time adds an entry; a later time must wait for the earlier to ring."""

    __slots__ = ("earliest", "heap", "live", "serial")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, A]] = []
        self.earliest = NEVER
        """No alarm rings before this: a lower bound that costs nothing to ask for."""
        self.serial = 0
        self.live = 0

    def arm(self, alarm: A, when: float) -> None:
        """Let `alarm` ring no later than `when`."""
        if when >= alarm.armed:
            return
        if alarm.armed == NEVER:
            self.live += 1
        alarm.armed = when
        self.earliest = min(self.earliest, when)
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
        self.earliest = heap[0][0] if heap else NEVER
        return heap[0][0] if heap else None

    def due(self, now: float) -> Iterator[A]:
        """Every alarm whose time has come, in order, disarmed as it is handed out."""
        while (when := self.next()) is not None and when <= now:
            alarm = heappop(self.heap)[2]
            self.disarm(alarm)
            yield alarm
