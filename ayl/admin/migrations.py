"""The calls of an old release, moved to the tubes of a new one as far as that one can run them."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked, conversation
from ayl.admin.draining import release_tubes
from ayl.admin.errors import NoSuchTube
from ayl.admin.moves import Moves, moves
from ayl.admin.statistics import looks, statistics
from ayl.admin.successors import Successor
from ayl.admin.waiting import looked_at

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ayl.admin.facts import TubeStatistics
    from ayl.admin.server import Server
    from ayl.admin.waiting import Waiting
    from ayl.migration import Fate, Migration, Verdict

FATES: tuple[Fate, ...] = ("moved", "translated", "buried", "left")
"""In the order in which they are told."""

MOST_CALLS = 1000
"""Of which each has a count of its own; the rest have one together."""

MOST_REASONS = 3
"""Of the jobs of one call; they may hold its arguments, so that no two are alike."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The jobs of one call that had, or would have, the same fate."""

    call: str
    """`shop.Order.ship`; empty for what is no call of the app's."""
    fate: Fate
    jobs: int
    reasons: tuple[str, ...] = ()
    """Up to three of why they were buried, or stay."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What has become of the calls of a release so far, or what would."""

    app: str
    old: str
    """The release that has sent them."""
    new: str
    dry_run: bool
    """Nothing was changed."""
    tubes: tuple[str, ...]
    """Of the old release, as far as they were begun."""
    calls: tuple[Migrated, ...]
    waiting: int
    """How many jobs waited in all tubes at the beginning."""
    reserved: int = 0
    """Jobs that workers of the old release hold: those were not looked at."""
    twice: int = 0
    """Jobs that a worker has taken, and another one their copy, before one of the two could be deleted."""
    stopped: str = ""
    """Why some may be left that were not looked at."""

    def number(self, *fates: Fate) -> int:
        """How many jobs had one of these."""
        return sum(row.jobs for row in self.calls if row.fate in fates)


def waiting(tube: TubeStatistics) -> int:
    """How many jobs wait in it."""
    return tube.jobs.ready + tube.jobs.delayed + tube.jobs.buried


def migrate(
    server: Server, migration: Migration, old: str, *, dry_run: bool = False
) -> Generator[MigrationReport, None, None]:
    """Pass over all jobs that wait in the tubes of the release `old`, and tell now and then what has become of them.

    Lanes are kept, and of each job the priority, what is left of its delay, its time to run and what it remembers. What
    cannot run in the new release is buried in its old tube, with the reason. `dry_run` disturbs nothing, and tells what
    would become of the jobs that are found by their ids.

    The generator may be closed at any time. NoSuchTube if there is none; ServerUnavailable, NotConfigured.
    """
    largest = statistics(server).max_job_size
    found = release_tubes(server, migration.app, old)
    tally = _Tally(migration, old, dry_run, sum(map(waiting, found)))
    tubes = [tube.name for tube in found]
    own = f"{migration.app}/{old}"
    for tube in tubes:
        successor = checked(f"{migration.app}/{migration.version}{tube.removeprefix(own)}")
        decide = _Decision(migration, tally, tube, successor, largest)
        tally.tubes.append(tube)
        with suppress(NoSuchTube):  # it has gone meanwhile, with the last of its jobs
            for done in _planned(server, tube, decide) if dry_run else moves(server, tube, decide):
                tally.present = done
                yield tally.report()
        tally.tube_is_done()
    with conversation(server) as client:
        tally.reserved = sum(tube.jobs.reserved for tube in looks(client, tubes))
    yield tally.report()


def _planned(server: Server, tube: str, decide: _Decision) -> Generator[Moves, None, None]:
    """The same for the jobs where they are."""
    would: Counter[str] = Counter()
    for portion in looked_at(server, tube):
        would.update(map(decide.plan, portion))
        yield Moves(stayed=dict(would))


def together(one: Moves, other: Moves) -> Moves:
    """The sum of both."""
    return Moves(
        Counter(one.moved) + Counter(other.moved),
        Counter(one.stayed) + Counter(other.stayed),
        one.twice + other.twice,
        "; ".join(filter(None, (one.stopped, other.stopped))),
    )


class _Decision:
    """What becomes of each job of a tube."""

    def __init__(self, migration: Migration, tally: _Tally, old: str, new: str, largest: int) -> None:
        self._migration = migration
        self._tally = tally
        self._old = old
        self._new = new
        self._largest = largest

    def __call__(self, job: Waiting) -> Successor | str:
        verdict = self._verdict(job)
        label = self._tally.label(verdict)
        moves, body = verdict.fate != "buried", verdict.body or job.body
        is_buried_for_this = not moves and job.state == "buried" and body == job.body
        if verdict.fate == "left" or is_buried_for_this:
            return label
        return Successor(
            self._new if moves else self._old,
            body,
            job.priority,
            job.delay,
            job.time_to_run,
            buried=not moves or job.is_buried,
            label=label,
        )

    def plan(self, job: Waiting) -> str:
        """The same, and it stays."""
        return self._tally.label(self._verdict(job))

    def _verdict(self, job: Waiting) -> Verdict:
        """With a body that the server takes: where there is no room for the reason, the report alone has it."""
        verdict = self._migration.verdict(job.body)
        if len(verdict.body) <= self._largest:
            return verdict
        if verdict.fate == "translated":
            reason = f"translated it has {len(verdict.body):,} bytes; the server takes {self._largest:,}"
            return verdict._replace(fate="buried", body=b"", reason=reason)
        return verdict._replace(body=b"")


class _Tally:
    """What has become of the jobs, by call."""

    def __init__(self, migration: Migration, old: str, dry_run: bool, waiting: int) -> None:
        self._migration = migration
        self._old = old
        self._dry_run = dry_run
        self._waiting = waiting
        self._fates: dict[str, tuple[str, Fate]] = {}
        """Label -> the call, and what became of it."""
        self._reasons: dict[str, dict[str, None]] = {}
        self._before = Moves()
        self.tubes: list[str] = []
        self.present = Moves()
        """Of the tube that is passed over."""
        self.reserved = 0

    def label(self, verdict: Verdict) -> str:
        """Under which such jobs are counted."""
        label = f"{verdict.fate} {verdict.call}"
        if label not in self._fates:
            call = verdict.call if len(self._fates) < MOST_CALLS else ""
            label = f"{verdict.fate} {call}"
            self._fates[label] = call, verdict.fate
        if verdict.reason and len(reasons := self._reasons.setdefault(label, {})) < MOST_REASONS:
            reasons[verdict.reason] = None
        return label

    def tube_is_done(self) -> None:
        """The next one begins."""
        self._before, self.present = together(self._before, self.present), Moves()

    def report(self) -> MigrationReport:
        done = together(self._before, self.present)
        return MigrationReport(
            self._migration.app,
            self._old,
            self._migration.version,
            self._dry_run,
            (*self.tubes,),
            (*self._rows(Counter(done.moved) + Counter(done.stayed)),),
            self._waiting,
            self.reserved,
            done.twice,
            done.stopped,
        )

    def _rows(self, counts: Counter[str]) -> Iterator[Migrated]:
        """Sorted by fate and call; what the server refused has its words for a reason."""
        rows = []
        for label, jobs in counts.items():
            known = self._fates.get(label)
            call, fate = known or ("", "left")
            reasons = (*self._reasons.get(label, ()),) if known else (label,)
            rows.append(Migrated(call, fate, jobs, reasons))
        yield from sorted(rows, key=lambda row: (FATES.index(row.fate), row.call))
