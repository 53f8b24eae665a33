"""What must be in the server, job by job, and the writes that change it: with it no reply needs to be waited for."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from benchmarks.wire import DELETED, PUT, RESERVE, Exchange, delete, inserted, reserve_and_delete, reserved

BLOCK = 200
TRIPLES = 66
"""Puts, reserves and deletes in one write: about 200 commands."""

SCATTERED = 10
"""Jobs that one of many tubes is given at a time, so that those of a tube do not lie together in memory."""


class Stock:
    """The ids in each tube, oldest first; for one connection to a fresh server."""

    def __init__(self, tubes: int) -> None:
        self.tubes = [deque[int]() for _ in range(tubes)]
        self.names = [b"stock-%d" % number for number in range(tubes)] if tubes > 1 else [b"default"]
        self.last_id = 0
        self._used = self._watched = b"default"

    def fill(self, tubes: int, jobs: int) -> Iterator[Exchange]:
        """Spread so many jobs over the first `tubes`."""
        if tubes == 1:
            return (self.put(0, BLOCK) for _ in range(jobs // BLOCK))
        rounds = jobs // tubes // SCATTERED
        pieces = (self.put(number, SCATTERED) for _ in range(rounds) for number in range(tubes))
        return joined(pieces, BLOCK // SCATTERED)

    def drain(self) -> Iterator[Exchange]:
        """Take everything, tube by tube."""
        for number, ids in enumerate(self.tubes):
            while ids:
                taken = [ids.popleft() for _ in range(min(len(ids), BLOCK // 2))]
                yield glued(self._watch(number), reserve_and_delete(taken))

    def put(self, number: int, jobs: int) -> Exchange:
        new = range(self.last_id + 1, self.last_id + 1 + jobs)
        self.last_id += jobs
        self.tubes[number].extend(new)
        return glued(self._use(number), (PUT * jobs, inserted(new)))

    def turn(self, number: int) -> Exchange:
        """In one tube: a put, a reserve and a delete of the oldest job, and so on."""
        ids, commands, replies = self.tubes[number], [], []
        for _ in range(TRIPLES):
            self.last_id += 1
            ids.append(self.last_id)
            oldest = ids.popleft()
            commands.append(PUT + RESERVE + delete(b"%d" % oldest))
            replies.append(inserted([self.last_id]) + reserved(oldest) + DELETED)
        moving = glued(self._use(number), self._watch(number))
        return glued(moving, (b"".join(commands), b"".join(replies)))

    def _use(self, number: int) -> Exchange:
        name = self.names[number]
        if name == self._used:
            return b"", b""
        self._used = name
        return b"use %b\r\n" % name, b"USING %b\r\n" % name

    def _watch(self, number: int) -> Exchange:
        """Watch this tube and no longer the last."""
        name, last = self.names[number], self._watched
        if name == last:
            return b"", b""
        self._watched = name
        return b"watch %b\r\nignore %b\r\n" % (name, last), b"WATCHING 2\r\nWATCHING 1\r\n"


def glued(*parts: Exchange) -> Exchange:
    """One write for several."""
    return b"".join(commands for commands, _ in parts), b"".join(replies for _, replies in parts)


def joined(pieces: Iterable[Exchange], size: int) -> Iterator[Exchange]:
    """So many pieces in a write."""
    rest = iter(pieces)
    while piece := list(islice(rest, size)):
        yield glued(*piece)
