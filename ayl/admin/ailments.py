"""What is wrong with a server: from what was seen of it to findings. Pure."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from ayl.admin.findings import NOTE, TROUBLE, WARNING, Finding, many, span, worst_first
from ayl.admin.versions import family_of, newer, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ayl.admin.examination import Examination
    from ayl.admin.facts import TubeStatistics
    from ayl.spooled import Contents

MOST = 10
"""Tubes with the same ailment that are told one by one."""

STUCK_SECONDS = 10
"""A job that has been ready for so long while workers wait is not just on its way."""

BACKLOG_SECONDS = 300
"""A job that waits so long for a busy worker is told."""

SKEW_SECONDS = 5
"""Clocks that differ by less may as well agree: the server tells the age of a job in whole seconds."""

FEW_FILES = 0.8
"""The part of the files that a server may open above which it is near its limit."""

LARGE_BINLOG = 1 << 30
"""Bytes."""


def ailments(seen: Examination) -> list[Finding]:
    """The worst first; none if nothing is wrong."""
    return worst_first([finding for rule in RULES for finding in rule(seen)])


# Tubes


def _abandoned(seen: Examination) -> Iterator[Finding]:
    """Tubes with jobs and no worker, told apart by whether another version has workers."""
    watched = _watched(seen)
    lonely: list[TubeStatistics] = []
    outdated: list[TubeStatistics] = []
    for tube in _examined(seen):
        if not tube.workers.total and (tube.jobs.ready or tube.jobs.delayed):
            (outdated if watched.get(family_of(tube.name)) else lonely).append(tube)
    yield from _each(lonely, _waiting, _unwatched)
    yield from _each(outdated, _waiting, lambda tube: _old_version(tube, watched[family_of(tube.name)]))


def _examined(seen: Examination) -> Iterator[TubeStatistics]:
    return (tube for tube in seen.tubes if tube.name in seen.examined)


def _watched(seen: Examination) -> dict[tuple[str, str] | None, list[str]]:
    """Tubes with workers, by app and lane."""
    found: dict[tuple[str, str] | None, list[str]] = {}
    for tube in seen.tubes:
        if tube.workers.total and (family := family_of(tube.name)):
            found.setdefault(family, []).append(tube.name)
    return found


def _waiting(tube: TubeStatistics) -> int:
    return tube.jobs.ready + tube.jobs.delayed


def _counts(tube: TubeStatistics) -> str:
    counts = {"ready": tube.jobs.ready, "delayed": tube.jobs.delayed}
    return " and ".join(f"{many(number, f'{state} job')}" for state, number in counts.items() if number)


def _unwatched(tube: TubeStatistics) -> Finding:
    return Finding(
        "unwatched",
        TROUBLE if tube.jobs.ready else WARNING,
        f"no worker watches {tube.name}, which has {_counts(tube)}",
        f"ayl_worker --require MODULE --tube {quote(tube.name)}",
        {"tube": tube.name, "ready": tube.jobs.ready, "delayed": tube.jobs.delayed},
    )


def _old_version(tube: TubeStatistics, watched: list[str]) -> Finding:
    ours = version_of(tube.name)
    better = [name for name in watched if newer(version_of(name), ours)]
    which = f"the newer {better[0]} has" if better else f"{watched[0]} has, which is another version,"
    migrate = f"ayl_beanstalk migrate {quote(ours)} {quote(version_of((better or watched)[0]))} --require MODULE, or "
    return Finding(
        "old_version",
        TROUBLE if tube.jobs.ready else WARNING,
        f"{tube.name} has {_counts(tube)} and no worker any more; {which} workers",
        f"{migrate}ayl_worker --require MODULE --tube {quote(tube.name)} with the old code",
        {"tube": tube.name, "ready": tube.jobs.ready, "delayed": tube.jobs.delayed, "watched": better or watched},
    )


def _paused(seen: Examination) -> Iterator[Finding]:
    paused = [tube for tube in _examined(seen) if tube.pause_time_left]
    yield from _each(paused, _waiting, lambda tube: Finding(
        "paused",
        WARNING if tube.jobs.ready else NOTE,
        f"{tube.name} is paused for another {span(tube.pause_time_left)}, with {many(tube.jobs.ready, 'ready job')}",
        f"ayl_beanstalk -t {quote(tube.name)} resume",
        {"tube": tube.name, "pause_time_left": tube.pause_time_left, "ready": tube.jobs.ready},
    ))  # fmt: skip


def _buried(seen: Examination) -> Iterator[Finding]:
    whys = {job.tube: job.body.why or job.body.problem for job in seen.buried if job.body is not None}
    tubes = [tube for tube in _examined(seen) if tube.jobs.buried]

    def found(tube: TubeStatistics) -> Finding:
        why, look = whys.get(tube.name, ""), f"ayl_beanstalk -t {quote(tube.name)}"
        return Finding(
            "buried",
            TROUBLE,
            f"{tube.name} has {many(tube.jobs.buried, 'buried job')}; the first: {why or 'nobody wrote down why'}",
            f"{look} peek_buried; with the cause mended: {look} kick all",
            {"tube": tube.name, "buried": tube.jobs.buried, "why": why},
        )

    yield from _each(tubes, lambda tube: tube.jobs.buried, found)
    if len(tubes) > 1 and (common := Counter(filter(None, whys.values())).most_common(3)):
        told = "; ".join(f"{reason} ({many(number, 'tube')})" for reason, number in common)
        yield Finding("buried_reasons", NOTE, f"the most frequent reasons of those that can be seen: {told}", "",
                      {"reasons": [reason for reason, _ in common]})  # fmt: skip


def _kept_waiting(seen: Examination) -> Iterator[Finding]:
    """By the next ready job of each tube: it should not wait while workers do, and not for ever."""
    tubes = {tube.name: tube for tube in seen.tubes}
    stuck, slow = {}, {}
    for job in seen.ready:
        tube = tubes.get(job.tube)
        waited = job.age - job.delay  # since it was put; a job that came back is told as older than that
        if tube is None or tube.pause_time_left or not tube.workers.total:
            continue
        if tube.workers.available and waited >= STUCK_SECONDS and not job.reserves:
            stuck[tube] = (job.id, waited)
        elif not tube.workers.available and waited >= BACKLOG_SECONDS:
            slow[tube] = (job.id, waited)
    yield from _each(stuck, _waiting, lambda tube: Finding(
        "stuck",
        TROUBLE,
        f"{tube.name}: job {stuck[tube][0]} has been ready for {span(stuck[tube][1])}, though "
        f"{many(tube.workers.available, 'worker')} wait{'s' * (tube.workers.available == 1)}",
        f"ayl_beanstalk why {stuck[tube][0]}; and look whether the workers are well: ayl_worker status PATH",
        {"tube": tube.name, "job": stuck[tube][0], "seconds": stuck[tube][1], "available": tube.workers.available},
    ))  # fmt: skip
    yield from _each(slow, _waiting, lambda tube: Finding(
        "backlog",
        WARNING,
        f"{tube.name}: the next of {many(tube.jobs.ready, 'ready job')} has waited for up to {span(slow[tube][1])}; "
        f"{many(tube.workers.total, 'worker')}, none of them free",
        "start another ayl_worker, or one with more --workers",
        {"tube": tube.name, "job": slow[tube][0], "seconds": slow[tube][1], "workers": tube.workers.total},
    ))  # fmt: skip


def _each(
    tubes: Iterable[TubeStatistics], number: Callable[[TubeStatistics], int], found: Callable[[TubeStatistics], Finding]
) -> Iterator[Finding]:
    """A finding for each, those with the most jobs first; of many such tubes the rest is told in one."""
    ordered = sorted(tubes, key=lambda tube: (-number(tube), tube.name))
    findings = [found(tube) for tube in ordered]
    yield from findings[:MOST]
    if rest := findings[MOST:]:
        jobs = sum(map(number, ordered[MOST:]))
        yield Finding(
            rest[0].code,
            worst_first(rest)[0].severity,
            f"{many(len(rest), 'more tube')} like that, with {many(jobs, 'job')}",
            "name some with --tube PATTERN",
            {"tubes": [tube.name for tube in ordered[MOST:]], "jobs": jobs},
        )


# The server


def _draining(seen: Examination) -> Iterator[Finding]:
    if seen.statistics.draining:
        yield Finding("draining", TROUBLE, "the server takes no new jobs (it was sent SIGUSR1): sends are refused",
                      "start it anew when its jobs are done")  # fmt: skip


def _files(seen: Examination) -> Iterator[Finding]:
    connections, most = seen.statistics.connections, seen.most_files
    if most and connections >= FEW_FILES * most:
        yield Finding(
            "connections",
            TROUBLE,
            f"the server has {connections:,} connections and may open {most:,} files: soon it takes no more",
            "raise its limit: LimitNOFILE= of its systemd unit, or ulimit -n before it starts",
            {"connections": connections, "most_files": most},
        )


def _binlog(seen: Examination) -> Iterator[Finding]:
    reported = {key: int(value) for key, value in seen.statistics.reported.items() if key.startswith("binlog-")}
    files = reported.get("binlog-current-index", 0) - reported.get("binlog-oldest-index", 0) + 1
    size = files * reported.get("binlog-max-size", 0)
    if reported.get("binlog-current-index", 0) and size >= LARGE_BINLOG:
        yield Finding(
            "binlog",
            WARNING,
            f"the binlog takes up to {size / (1 << 30):,.1f} GiB: old jobs keep its first files",
            "look at the disk, and for old buried or delayed jobs: ayl_beanstalk list_tubes",
            {"files": files, "bytes": size},
        )


def _clocks(seen: Examination) -> Iterator[Finding]:
    """A message cannot have been sent after the server had it."""
    ahead = {
        job.id: seconds
        for job in (*seen.ready, *seen.buried)
        if job.body is not None and (seconds := job.body.sent - (seen.now - job.age)) > SKEW_SECONDS
    }
    if ahead:
        job, seconds = max(ahead.items(), key=lambda item: item[1])
        yield Finding(
            "clock",
            WARNING,
            f"the clock of whoever sent job {job} is ahead of this machine's by {span(seconds)} or more",
            "compare the clocks of your machines: timedatectl",
            {"job": job, "seconds": round(seconds), "jobs": len(ahead)},
        )


RULES = (_abandoned, _kept_waiting, _buried, _paused, _draining, _files, _binlog, _clocks)


# This machine, and several servers


def spool_ailments(spool: Contents) -> list[Finding]:
    """Of the calls that wait on this machine because no server answered."""
    waiting = [call for call in spool.calls if not call.set_aside]
    aside = [call for call in spool.calls if call.set_aside]
    found = []
    if spool.unreadable:
        files = len(spool.unreadable)
        sentence = f"{many(files, 'file')} of the spool of this machine cannot be read"
        found.append(Finding("spool_unreadable", TROUBLE, sentence, "ayl_beanstalk spool list", {"files": files}))
    if aside:
        sentence = f"{_calls(aside)} of the spool refused by a server and set aside; the first: {aside[0].set_aside}"
        cure = "ayl_beanstalk spool list; ayl_beanstalk spool drain --set-aside"
        found.append(Finding("spool_set_aside", TROUBLE, sentence, cure, {"calls": len(aside)}))
    if waiting:
        sentence = f"{_calls(waiting)} kept in the spool of this machine until a server answers"
        found.append(Finding("spool", WARNING, sentence, "ayl_beanstalk spool drain", {"calls": len(waiting)}))
    return found


def _calls(calls: Sequence[object]) -> str:
    return f"{many(len(calls), 'call')} {'was' if len(calls) == 1 else 'were'}"


def differences(seen: Sequence[Examination]) -> list[Finding]:
    """Of several servers that are meant to be alike."""
    versions = {one.server: one.statistics.version for one in seen}
    if len({*versions.values()}) < 2:
        return []
    told = ", ".join(f"{server} {version}" for server, version in versions.items())
    return [Finding("versions", NOTE, f"the servers are of different versions: {told}", "", {"versions": told})]
