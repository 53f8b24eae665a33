"""Why a job does not run, or does: from what is known of it to findings. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from ayl.admin.bodies import ORDER
from ayl.admin.findings import NOTE, TROUBLE, WARNING, Fact, Finding, many, span, worst_first
from ayl.admin.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.admin.circumstances import Circumstances
    from ayl.admin.facts import TubeStatistics
    from ayl.admin.jobs import Job

CALM = 1024
"""Jobs of a lower priority than this are urgent: the server counts them."""


def reasons(found: Circumstances) -> list[Finding]:
    """The worst first; at least one."""
    if found.job is None:
        return [_gone(found)]
    rules = (*RULES.get(found.job.state, ()), *ALWAYS)
    findings = [finding for rule in rules for finding in rule(found, found.job)]
    return worst_first(findings) or [Finding("changed", NOTE, "it has changed while it was looked at: look again")]


def _gone(found: Circumstances) -> Finding:
    server = found.statistics
    keeps = _keeps_jobs(found)
    lost = "" if keeps else ", or the server was started anew, which lost it: it keeps no binlog"
    return Finding(
        "gone",
        TROUBLE,
        f"no job {found.id} is there: its call was made, or somebody deleted it{lost}; "
        f"the server has been up for {span(server.uptime)}",
        f"ayl_beanstalk search TEXT finds jobs by what is in them{'' if keeps else '; ayl_server -b DIR keeps them'}",
        {"uptime": server.uptime, "binlog": int(keeps)},
    )


def _keeps_jobs(found: Circumstances) -> bool:
    return found.statistics.reported.get("binlog-current-index", 0) != 0


# Ready


def _paused(found: Circumstances, job: Job) -> Iterator[Finding]:
    if (tube := found.tube) is not None and tube.pause_time_left:
        seconds = tube.pause_time_left
        yield Finding(
            "paused",
            WARNING,
            f"its tube {tube.name} is paused for another {span(seconds)}, until {_clock(found.now, seconds)}",
            f"ayl_beanstalk -t {quote(tube.name)} resume",
            {"tube": tube.name, "pause_time_left": seconds},
        )


def _unwatched(found: Circumstances, job: Job) -> Iterator[Finding]:
    tube = found.tube
    if tube is None or tube.workers.total:
        return
    others = [other.name for other in found.elsewhere]
    hint = f"; there are workers at {', '.join(others[:3])}" if others else ""
    facts: dict[str, Fact] = {"tube": tube.name, "watched": others}
    versions = f"{quote(version_of(tube.name))} {quote(version_of(others[0]))}" if others else ""
    migrate = f"ayl_beanstalk migrate {versions} --require MODULE, or " if versions else ""
    cure = f"{migrate}ayl_worker --require MODULE --tube {quote(tube.name)}"
    yield Finding("unwatched", TROUBLE, f"no worker watches its tube {tube.name}{hint}", cure, facts)


def _busy(found: Circumstances, job: Job) -> Iterator[Finding]:
    tube = found.tube
    if tube is None or not tube.workers.total or tube.workers.available:
        return
    workers = tube.workers.total
    does = "has its hands full" if workers == 1 else "have their hands full"
    yield Finding(
        "busy",
        WARNING,
        f"{many(workers, 'worker')} of its tube {tube.name} {does}, here or with other tubes: none waits for a job",
        "start another ayl_worker, or one with more --workers",
        {"tube": tube.name, "workers": workers, "reserved": tube.jobs.reserved},
    )


def _place(found: Circumstances, job: Job) -> Iterator[Finding]:
    head, tube = found.head, found.tube
    if head is None or tube is None:
        return
    if (head.priority, head.id) >= (job.priority, job.id):
        yield _next(job, tube)
        return
    ready = max(1, tube.jobs.ready - 1)
    least = min(ready, max(1, tube.jobs.urgent) if job.priority >= CALM else 1)
    before = f"{ready:,}" if ready == least else f"{least:,} to {ready:,}"
    yield Finding(
        "behind",
        NOTE,
        f"more urgent or older jobs are before it in {tube.name}: {before}; the next is {head.id} with priority "
        f"{head.priority}, and this one has {job.priority}",
        "",
        {"tube": tube.name, "next": head.id, "next_priority": head.priority, "priority": job.priority,
         "before_at_least": least, "before_at_most": ready},
    )  # fmt: skip


def _next(job: Job, tube: TubeStatistics) -> Finding:
    facts: dict[str, Fact] = {"tube": tube.name, "available": tube.workers.available}
    sentence = f"it is the next job of its tube {tube.name}"
    if tube.workers.available and not tube.pause_time_left:
        workers = many(tube.workers.available, "worker")
        sentence += (
            f", for which {workers} wait{'s' * (tube.workers.available == 1)}: it should run at once, look again"
        )
    return Finding("next", NOTE, sentence, "", facts)


# In other states


def _delayed(found: Circumstances, job: Job) -> Iterator[Finding]:
    moment = _clock(found.now, job.time_left)
    tries = job.body.tries if job.body is not None else 0
    again = f": it has failed {many(tries, 'time')} and is tried again" if tries else ""
    yield Finding(
        "delayed",
        NOTE,
        f"it is delayed for another {span(job.time_left)}, until {moment}{again}",
        f"ayl_beanstalk kick_job {job.id} makes it ready now",
        {"time_left": job.time_left, "until": found.now + job.time_left},
    )


def _held(found: Circumstances, job: Job) -> Iterator[Finding]:
    held = max(0, job.time_to_run - job.time_left)
    facts: dict[str, Fact] = {"held_at_least": held, "time_left": job.time_left, "time_to_run": job.time_to_run}
    holder = found.workers and found.workers.holder
    if holder and holder.told:
        facts |= {"pid": holder.pid, "seconds": holder.seconds or 0.0}
        by = f"the worker process {holder.pid} of this machine, which has been at it for {span(holder.seconds or 0)}"
    elif holder:
        facts |= {"pid": holder.pid}
        by = f"perhaps the process {holder.pid} of this machine, whose title shows such a call"
    elif found.workers and found.workers.asked:
        by = "another machine or client: no worker of this one that answers makes its call"
    else:
        by = "somebody whom the server does not name; no worker of this machine can be asked (ayl_worker --status PATH)"
    left = f"the lease ends in {span(job.time_left)}" if job.time_left else "the lease ends now"
    yield Finding(
        "held",
        NOTE,
        f"it is reserved by {by}; it was taken, or its lease was renewed, {span(held)} ago, and {left}",
        "nothing, as a rule: when the lease ends, another worker gets it",
        facts,
    )


def _buried(found: Circumstances, job: Job) -> Iterator[Finding]:
    body = job.body
    why = body.why if body is not None else ""
    tries, kills = (body.tries, body.kills) if body is not None else (0, 0)
    after = [f"after {tries:,} failed {'try' if tries == 1 else 'tries'}"] if tries else []
    after += [f"after killing {many(kills, 'worker')}"] if kills else []
    nobody = "nobody wrote down why, as a worker does: an operator or another client did it"
    yield Finding(
        "buried",
        TROUBLE,
        f"{' '.join(['it is buried', *after])}: {why or nobody}",
        f"when the cause is mended: ayl_beanstalk kick_job {job.id}",
        {"why": why, "tries": tries, "kills": kills},
    )


# In any state


def _undecodable(found: Circumstances, job: Job) -> Iterator[Finding]:
    if job.body is not None and job.body.problem.startswith(ORDER):
        yield Finding("order", NOTE, f"it is no call but {job.body.problem}, for the first that is free")
    elif job.body is not None and job.body.problem and job.state != "buried":
        yield Finding(
            "undecodable",
            WARNING,
            f"its body is no call: {job.body.problem}; a worker of ayl buries such a job",
            f"ayl_beanstalk peek_job {job.id}; ayl_beanstalk delete {job.id}",
            {"problem": job.body.problem},
        )


def _distrusted(found: Circumstances, job: Job) -> Iterator[Finding]:
    if found.distrust:
        yield Finding(
            "distrusted",
            TROUBLE,
            f"workers with the keys at hand bury it: {found.distrust}",
            "send the call again, with the app's AYL_SECRETS",
            {"problem": found.distrust},
        )


def _history(found: Circumstances, job: Job) -> Iterator[Finding]:
    taken = job.reserves - (job.state == "reserved")
    if taken < 1:
        return
    ends = {"timeouts": job.timeouts, "releases": job.releases, "buries": job.buries}
    lost = max(0, taken - sum(ends.values()))
    words = ("ran out of time", "was given back", "was buried", "lost its worker or connection")
    told = [f"{word} {_times(number)}" for number, word in zip([*ends.values(), lost], words, strict=True) if number]
    yield Finding(
        "history",
        NOTE if not (job.timeouts or lost) else WARNING,
        f"it was taken {_times(taken)} before: it {', '.join(told)}",
        "",
        {**ends, "reserves": job.reserves, "lost": lost, "kicks": job.kicks},
    )


def _draining(found: Circumstances, job: Job) -> Iterator[Finding]:
    if found.statistics.draining:
        yield Finding(
            "draining",
            WARNING,
            "the server is draining: it hands out jobs, but takes no new ones, so a call that fails comes "
            "back without its reason",
            "start the server anew to end that",
        )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _clock(now: float, seconds: int) -> str:
    """So many seconds from now, by this machine's clock, with the day if that is another one."""
    today, then = (datetime.fromtimestamp(moment, UTC).astimezone() for moment in (now, now + seconds))
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M:%S}"


RULES: dict[str, tuple[Callable[[Circumstances, Job], Iterator[Finding]], ...]] = {
    "ready": (_unwatched, _paused, _busy, _place),
    "delayed": (_delayed, _paused, _unwatched),
    "reserved": (_held,),
    "buried": (_buried,),
}
"""What is looked at for a job of each state ..."""

ALWAYS = (_undecodable, _distrusted, _history, _draining)
"""... and of any."""
