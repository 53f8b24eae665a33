"""Jobs that move: each is put anew, and deleted where it was when the server has confirmed that.

So whatever breaks in between leaves a job twice at worst, with the same message id, and never loses one. Only what
waits can move: what a worker holds is left to it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ayl.admin.conversation import checked
from ayl.admin.leases import TooManyStay
from ayl.admin.sources import OutOfSight, source
from ayl.admin.successors import Successor, target
from ayl.admin.waiting import STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence

    from ayl.admin.server import Server
    from ayl.admin.sources import Source
    from ayl.admin.successors import Target
    from ayl.admin.waiting import Waiting

    Decide: TypeAlias = Callable[[Waiting], "Successor | str"]
    """The job to be put in the place of one that waits, or why that one is to stay."""

EVERY = 50
"""Jobs that are moved one by one between two reports."""

LEASE_LOST = "its time to run was over before it could move"


@dataclass(frozen=True, slots=True)
class Moves:
    """What has become of the jobs of a tube so far."""

    moved: Mapping[str, int] = field(default_factory=dict)
    """How many, under their labels."""
    stayed: Mapping[str, int] = field(default_factory=dict)
    """Why, and how many."""
    twice: int = 0
    """Of those: a worker had taken the job, and another its copy, before one of the two could be deleted."""
    stopped: str = ""
    """Why jobs may be left that were not looked at; empty if all were."""


def moves(
    server: Server, tube: str, decide: Decide, *, states: Collection[str] = STATES, to: Server | None = None
) -> Generator[Moves, None, None]:
    """Pass over the jobs of a tube that wait in these states, and tell now and then what has become of them so far.

    Of each state as many as there are when its turn comes. `decide` may take its time: leases are renewed. `to` is the
    server that the successors are put into, if that is another. The generator may be closed at any time; what it holds
    then is given back, and that counts as nothing for the calls.

    NoSuchTube, NotATubeName; ServerUnavailable if one of the servers fails: then at most a portion is in both.
    """
    checked(tube)
    with target(to or server) as putting, source(server, tube) as taking:
        done = _Done(taking, putting, "" if to not in (None, server) else tube)
        yield done.so_far()
        for state in (state for state in STATES if state in states):
            try:
                for number, portion in enumerate(taking.portions(state)):
                    done.pass_over([*_decided(portion, decide, taking)])
                    if done.full:
                        break
                    if len(portion) != 1 or not number % EVERY:
                        yield done.so_far()
            except (TooManyStay, OutOfSight) as error:
                done.stopped.append(str(error))
            yield done.so_far()
            if done.full:
                return


def _decided(portion: Sequence[Waiting], decide: Decide, taking: Source) -> Iterator[tuple[Waiting, Successor | str]]:
    for job in portion:
        yield job, decide(job)
        taking.leases.keep_alive()


def unchanged(tube: str) -> Callable[[Waiting], Successor]:
    """Everything moves there as it is, and is counted by its state."""

    def decide(job: Waiting) -> Successor:
        return Successor(tube, job.body, job.priority, job.delay, job.time_to_run, job.is_buried, job.state)

    return decide


class _Done:
    """What has become of the jobs so far."""

    def __init__(self, taking: Source, putting: Target, own: str) -> None:
        self._taking = taking
        self._putting = putting
        self._own = own  # the tube itself, where a successor in it must not be taken for another job
        self._moved: Counter[str] = Counter()
        self._stayed: Counter[str] = Counter()
        self._twice = 0
        self.full = False
        """The target takes no more."""
        self.stopped: list[str] = []

    def so_far(self) -> Moves:
        return Moves(dict(self._moved), dict(self._stayed), self._twice, "; ".join(self.stopped))

    def pass_over(self, decided: Sequence[tuple[Waiting, Successor | str]]) -> None:
        """Put the successors, see to what stays, then delete what the successors are in the place of."""
        ends = {job.id: end for job, end in decided}
        present = self._taking.still([job for job, _ in decided])
        if lost := len(decided) - len(present):
            self._stayed[LEASE_LOST] += lost
        leaving = [(job, end) for job in present if isinstance(end := ends[job.id], Successor)]
        moved = []
        for (job, successor), put in zip(leaving, self._putting.put([one for _, one in leaving]), strict=True):
            if isinstance(put, int):
                moved.append((job, successor, put))
                continue
            ends[job.id] = put.why
            if put.final and not self.full:
                self.full = True
                self.stopped.append(put.why)
        for job in present:
            if isinstance(end := ends[job.id], str):
                self._stayed[end] += 1
                self._taking.stay(job.id, job.state)
        self._delete(moved)

    def _delete(self, moved: Sequence[tuple[Waiting, Successor, int]]) -> None:
        for _, successor, new in moved:
            if successor.tube == self._own:
                self._taking.stay(new, "buried" if successor.buried else "")
        deleted = [*zip(moved, self._taking.gone([job for job, _, _ in moved]), strict=True)]
        self._moved.update(successor.label for (_, successor, _), gone in deleted if gone)
        self._twice += self._putting.withdraw([new for (_, _, new), gone in deleted if not gone])
        buried = {job.id: (new, one.priority) for (job, one, new), gone in deleted if gone and one.buried}
        self._putting.line_up(*([buried[job] for job in jobs if job in buried] for jobs in self._taking.out_of_line))
