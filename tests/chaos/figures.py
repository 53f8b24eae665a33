"""What a campaign has seen, and whether that is what was promised: pure.

A call may run twice at the same moment only if the server could not know any more that the first run was going on: its
lease was lost by a cut of the network or a kill of the server, or its time to run was over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .events import Run

EARLY_SECONDS = 0.3
"""A time to run begins with the server's answer, which may be so much ahead of the call's own first line."""

REACH_SECONDS = 1.5
"""After an incident is over, a job whose lease was lost by it may still be on its way to a worker for so long."""

SETTLE_SECONDS = 1.0
"""After its end a call may wait so long for its settlement, on a busy machine."""

POISON_KILLS = 3
"""A call that was cut off so often may have been buried as the cause."""


NOBODY = "nobody"
"""The process of an incident that costs nobody a lease or a run: an end that was asked for."""


class Sent(NamedTuple):
    """A call that the server has acknowledged."""

    kind: str
    time_to_run: float
    """Seconds."""
    deadly: bool = False
    """It may end its process, or have it ended."""


class Incident(NamedTuple):
    """Something was broken on purpose."""

    what: str
    begin: float
    end: float
    """Seconds of the monotonic clock."""
    worker: str = ""
    """Whose; empty for all."""
    process: str = ""
    """The pid, if it concerns one process, which was killed."""

    def touches(self, run: Run, begin: float, end: float) -> bool:
        """Whether it may have cost a run within that span its lease."""
        return (
            self.worker in ("", run.worker)
            and self.process in ("", run.pid)
            and self.begin <= end
            and self.end + REACH_SECONDS >= begin
        )


@dataclass
class Figures:
    """The account of a campaign."""

    sent: int = 0
    done: int = 0
    lost: list[int] = field(default_factory=list)
    """Sent, and never done."""
    runs: int = 0
    cut_off: int = 0
    """Runs whose process was ended by somebody."""
    doubles: Counter[str] = field(default_factory=Counter)
    """Times that a call was done again, by the reason."""
    overlaps: Counter[str] = field(default_factory=Counter)
    """Pairs of runs of one call at the same moment, by the reason."""
    unexplained: list[str] = field(default_factory=list)
    """A sentence for each double, overlap and cut without a reason."""
    longest_overrun: float = 0.0
    """Seconds by which a run outlived its time to run."""
    buried: int = 0
    """Calls put aside on the way, with reason, and given back by the operator."""
    incidents: Counter[str] = field(default_factory=Counter)

    def wrong(self) -> list[str]:
        """Sentences, one for each promise that was not kept."""
        wrong = list(self.unexplained)
        if self.lost:
            wrong.append(f"{len(self.lost)} calls are lost: {self.lost[:10]}")
        return wrong


def judged(sent: Mapping[int, Sent], runs: Sequence[Run], incidents: Sequence[Incident]) -> Figures:
    """The account. What a kill is to a process of its own, a call's own death is to its neighbours."""
    deaths = [
        Incident("a process ended by a call", run.end, run.end, run.worker, run.pid)
        for run in runs
        if run.how == "dies" and run.end is not None
    ]
    attempts: defaultdict[int, list[Run]] = defaultdict(list)
    for run in runs:
        attempts[run.call].append(run)
    figures = Figures(
        sent=len(sent),
        done=sum(any(run.done for run in attempts[call]) for call in sent),
        lost=[call for call in sent if not any(run.done for run in attempts[call])],
        runs=len(runs),
        cut_off=sum(run.how in (None, "dies") for run in runs),
        incidents=Counter(incident.what for incident in incidents),
        longest_overrun=max([0.0, *(_overrun(run, run.end, sent[run.call]) for run in runs if run.end is not None)]),
    )
    figures.unexplained += _cut_off_in_vain(sent, runs, incidents)
    causes = [*incidents, *deaths]
    for call, of_call in attempts.items():
        if len(of_call) > 1:
            of_call.sort(key=lambda run: run.begin)
            copied = _copied(of_call, sent[call], causes)
            _count_doubles(figures, sent[call], of_call, causes, copied)
            cuts = [incident for incident in incidents if not incident.process]
            _count_overlaps(figures, sent[call], of_call, cuts, copied)
    return figures


def _cut_off_in_vain(sent: Mapping[int, Sent], runs: Sequence[Run], incidents: Sequence[Incident]) -> list[str]:
    """A process that was to end, let alone one that was not, first lets its calls come to their end."""
    killed = {incident.process for incident in incidents}
    ended = {run.process for run in runs if run.how in (None, "dies") and sent[run.call].deadly}
    return [
        f"nobody has killed its process: {sent[run.call].kind}, {run}"
        for run in runs
        if run.how is None and run.pid not in killed and run.process not in ended
    ]


def _overrun(run: Run, until: float, sent: Sent) -> float:
    return until - run.begin - sent.time_to_run


def _copied(runs: Iterable[Run], sent: Sent, causes: Sequence[Incident]) -> tuple[float, str]:
    """From when on there may be two jobs of a call, and why: what has failed is put anew with its history before the
    old job is deleted, and something broke in between.
    """
    for run in runs:
        if (
            run.how == "failed"
            and run.end is not None
            and (why := _reason(run, sent, run.end + SETTLE_SECONDS, causes))
        ):
            return run.end, f"{why}, while a failure was written down"
    return float("inf"), ""


def _count_doubles(
    figures: Figures, sent: Sent, runs: Iterable[Run], causes: Sequence[Incident], copied: tuple[float, str]
) -> None:
    """Each run after one that was done needs a reason: why was that one not settled?"""
    done = [run for run in runs if run.done]
    for first, second in pairwise(done):
        assert first.end is not None
        if second.begin < first.end:
            continue  # an overlap
        reason = _reason(first, sent, first.end + SETTLE_SECONDS, causes) or _staleness(first, second, causes)
        reason = reason or (copied[1] if copied[0] <= first.begin else "")
        if reason:
            figures.doubles[reason] += 1
        else:
            figures.unexplained.append(f"no reason to do it again: {_told(sent, first, second, causes)}")


def _count_overlaps(
    figures: Figures, sent: Sent, runs: Iterable[Run], incidents: Sequence[Incident], copied: tuple[float, str]
) -> None:
    for first, second in combinations(runs, 2):
        ends = first.end if first.end is not None else first.begin
        if not (second.begin < ends or (first.how in (None, "dies") and first.attempt in second.alive)):
            continue
        figures.longest_overrun = max(figures.longest_overrun, _overrun(first, second.begin, sent))
        reason = _reason(first, sent, second.begin, incidents) or _staleness(first, second, incidents)
        reason = reason or (copied[1] if copied[0] <= first.begin else "")
        if reason:
            figures.overlaps[reason] += 1
        else:
            figures.unexplained.append(f"two at the same moment: {_told(sent, first, second, incidents)}")


def _reason(run: Run, sent: Sent, until: float, causes: Sequence[Incident]) -> str:
    """Why the lease of this run may have been lost by then; empty if there is no reason."""
    if until >= run.begin + sent.time_to_run - EARLY_SECONDS:
        return "its time to run was over"
    found = [cause for cause in causes if cause.touches(run, run.begin, until)]
    return min(found, key=lambda cause: abs(cause.begin - until)).what if found else ""


def _staleness(first: Run, second: Run, causes: Sequence[Incident]) -> str:
    """Why the second run may be the one whose lease was lost: its job was still on its way when the first one began."""
    found = [cause for cause in causes if cause.touches(second, first.begin, second.begin)]
    return found[-1].what if found else ""


def _told(sent: Sent, first: Run, second: Run, causes: Sequence[Incident]) -> str:
    """For the reader of a failure, with what was broken about then."""
    near = sorted(causes, key=lambda cause: abs(cause.begin - first.begin))[:4]
    return "\n    ".join([sent.kind, str(first), str(second), *map(str, near)])


def may_be_buried(runs: Iterable[Run]) -> bool:
    """Whether so many runs of a call came to no good that it may be taken for the cause. Once that may have befallen it
    before it ran, in the hand of a process that died: where it is known to have killed one before, that counts, too.
    """
    return sum(run.how != "failed" for run in runs) >= POISON_KILLS - 1


def table(figures: Figures) -> str:
    """The figures as they stand in benchmarks/RESULTS.md."""
    rows = [
        ("calls sent", figures.sent),
        ("done", figures.done),
        ("lost", len(figures.lost)),
        ("runs", figures.runs),
        ("runs that were cut off", figures.cut_off),
        ("given back by the operator", figures.buried),
        *((f"done again: {reason}", number) for reason, number in sorted(figures.doubles.items())),
        *((f"two at once: {reason}", number) for reason, number in sorted(figures.overlaps.items())),
        ("without a reason", len(figures.unexplained)),
        ("longest run beyond its time", f"{figures.longest_overrun:.2f} s"),
        *sorted(figures.incidents.items()),
    ]
    return "\n".join(["| | |", "|---|--:|", *(f"| {name} | {value} |" for name, value in rows)])
