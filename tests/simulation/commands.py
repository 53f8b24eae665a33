"""Random commands, and the replies that they may get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .clients import SimulatedClient
    from .plan import Plan

TUBES = (b"default", b"a", b"b", b"mail/1.4.2")


@dataclass(frozen=True, slots=True)
class Command:
    kind: str
    data: bytes
    replies: frozenset[str]
    numbers: tuple[int, ...] = ()
    name: bytes = b""
    body: bytes = b""
    memory_short: bool = False
    """Whether the server may refuse the job for want of memory."""


RESERVING = frozenset({"RESERVED", "TIMED_OUT", "DEADLINE_SOON"})
SETTLED = {
    "delete": frozenset({"DELETED", "NOT_FOUND"}),
    "release": frozenset({"RELEASED", "NOT_FOUND"}),
    "bury": frozenset({"BURIED", "NOT_FOUND"}),
    "touch": frozenset({"TOUCHED", "NOT_FOUND"}),
    "kick-job": frozenset({"KICKED", "NOT_FOUND"}),
    "reserve-job": frozenset({"RESERVED", "NOT_FOUND"}),
    "peek": frozenset({"FOUND", "NOT_FOUND"}),
    "stats-job": frozenset({"OK", "NOT_FOUND"}),
}
GARBAGE = (b"\r\n", b"hello\r\n", b"put\r\n", b"reserve-with-timeout x\r\n", b"use -\r\n", b"x" * 300 + b"\r\n")


class Commands:
    """Draws what a client says next."""

    def __init__(self, rng: random.Random, plan: Plan, read_disk: Callable[[], bytes]) -> None:
        self.rng = rng
        self.plan = plan
        self.draining = False
        self._read_disk = read_disk
        self._serial = 0
        self._kinds = list(plan.weights)
        self._weights = list(plan.weights.values())

    def draw(self, client: SimulatedClient, crowd: int) -> Command:
        """`crowd`: how many jobs there are."""
        kind = self.rng.choices(self._kinds, self._weights)[0]
        if kind == "put" and crowd >= self.plan.crowd:
            kind = "delete"
        makers: dict[str, Callable[[SimulatedClient], Command]] = {
            "put": self._put,
            "bad-put": self._bad_put,
            "reserve": self._reserve,
            "reserve-with-timeout": self._reserve_with_timeout,
            "release": self._release,
            "bury": self._bury,
            "kick": self._kick,
            "peek-some": self._peek_some,
            "use": self._use,
            "watch": self._watch,
            "ignore": self._ignore,
            "pause-tube": self._pause_tube,
            "lists": self._list,
            "report": self._report,
            "garbage": self._garbage,
            "quit": self._quit,
        }
        maker = makers.get(kind)
        return self._about(kind, client) if maker is None else maker(client)

    # Jobs

    def _put(self, client: SimulatedClient) -> Command:
        pri, delay, ttr, body = self._pri(), self._delay(), self.rng.randint(0, self.plan.longest_ttr), self._body()
        replies = {"INSERTED", "OUT_OF_MEMORY"}
        if len(body) > self.plan.max_job_size:
            replies = {"JOB_TOO_BIG"}
        elif self.draining:
            replies |= {"DRAINING"}
        return Command(
            "put",
            b"put %d %d %d %d\r\n%b\r\n" % (pri, delay, ttr, len(body), body),
            frozenset(replies),
            (pri, delay, ttr),
            body=body,
            memory_short=self.plan.max_memory is not None,
        )

    def _bad_put(self, client: SimulatedClient) -> Command:
        """Its body does not end where it says."""
        size = self.rng.randint(0, 300)
        return Command(
            "bad-put",
            b"put 1 0 1 %d\r\n%b??" % (size, b"y" * size),
            frozenset({"EXPECTED_CRLF", "OUT_OF_MEMORY", "JOB_TOO_BIG"}),
            memory_short=self.plan.max_memory is not None,
        )

    def _body(self) -> bytes:
        rng, plan = self.rng, self.plan
        self._serial += 1
        size = rng.randint(0, plan.usual_size)
        if rng.random() < plan.large_jobs:
            size = rng.randint(plan.usual_size, plan.largest)
        tag = b"%d:" % self._serial
        if rng.random() < 0.05:
            return tag + self._read_disk()[: plan.largest]
        return (tag + b"0123456789" * (size // 10))[: max(size, len(tag))]

    def _pri(self) -> int:
        return self.rng.choice((0, 1, 10, 1023, 1024, 2**32 - 1))

    def _delay(self) -> int:
        if self.rng.random() < self.plan.delayed:
            return self.rng.choice((1, 2, 5, 60, 100_000, 2**32 - 1))
        return 0

    def _job(self, client: SimulatedClient, *, mine: float) -> int:
        """A job's id, with a probability of `mine` of one that this client holds."""
        if client.held and self.rng.random() < mine:
            return self.rng.choice(list(client.held))
        if client.known and self.rng.random() < 0.95:
            return self.rng.choice(client.known)
        return self.rng.choice((0, 1, 10**6, 2**64 - 1))

    def _about(self, kind: str, client: SimulatedClient) -> Command:
        job_id = self._job(client, mine=0.8 if kind in ("delete", "touch") else 0.1)
        return Command(kind, b"%b %d\r\n" % (kind.encode(), job_id), SETTLED[kind], (job_id,))

    def _release(self, client: SimulatedClient) -> Command:
        numbers = self._job(client, mine=0.95), self._pri(), self._delay()
        return Command("release", b"release %d %d %d\r\n" % numbers, SETTLED["release"], numbers)

    def _bury(self, client: SimulatedClient) -> Command:
        numbers = self._job(client, mine=0.95), self._pri()
        return Command("bury", b"bury %d %d\r\n" % numbers, SETTLED["bury"], numbers)

    def _kick(self, client: SimulatedClient) -> Command:
        bound = self.rng.choice((0, 1, 2, 10))
        return Command("kick", b"kick %d\r\n" % bound, frozenset({"KICKED"}), (bound,))

    def _peek_some(self, client: SimulatedClient) -> Command:
        state = self.rng.choice((b"ready", b"delayed", b"buried"))
        return Command("peek-some", b"peek-%b\r\n" % state, SETTLED["peek"])

    def _reserve(self, client: SimulatedClient) -> Command:
        return Command("reserve", b"reserve\r\n", RESERVING, (2**32,))

    def _reserve_with_timeout(self, client: SimulatedClient) -> Command:
        seconds = self.rng.choice((0, 0, 0, 1, 5))
        return Command("reserve-with-timeout", b"reserve-with-timeout %d\r\n" % seconds, RESERVING, (seconds,))

    # Tubes

    def _use(self, client: SimulatedClient) -> Command:
        name = self.rng.choice(TUBES)
        return Command("use", b"use %b\r\n" % name, frozenset({"USING"}), name=name)

    def _watch(self, client: SimulatedClient) -> Command:
        name = self.rng.choice(TUBES)
        return Command("watch", b"watch %b\r\n" % name, frozenset({"WATCHING"}), name=name)

    def _ignore(self, client: SimulatedClient) -> Command:
        name = self.rng.choice(TUBES)
        return Command("ignore", b"ignore %b\r\n" % name, frozenset({"WATCHING", "NOT_IGNORED"}), name=name)

    def _pause_tube(self, client: SimulatedClient) -> Command:
        data = b"pause-tube %b %d\r\n" % (self.rng.choice(TUBES), self.rng.choice((0, 1, 3)))
        return Command("pause-tube", data, frozenset({"PAUSED", "NOT_FOUND"}))

    # The rest

    def _list(self, client: SimulatedClient) -> Command:
        if self.rng.random() < 0.5:
            return Command("list-tube-used", b"list-tube-used\r\n", frozenset({"USING"}))
        return Command("list-tubes-watched", b"list-tubes-watched\r\n", frozenset({"OK"}))

    def _report(self, client: SimulatedClient) -> Command:
        which = self.rng.choice((b"stats", b"list-tubes", b"stats-tube default"))
        return Command("report", which + b"\r\n", frozenset({"OK"}))

    def _garbage(self, client: SimulatedClient) -> Command:
        return Command("garbage", self.rng.choice(GARBAGE), frozenset({"BAD_FORMAT", "UNKNOWN_COMMAND"}))

    def _quit(self, client: SimulatedClient) -> Command:
        return Command("quit", b"quit\r\n", frozenset())
