"""The three reports and the lists, in beanstalkd 1.13's field order, as YAML that every reader takes for what it is."""

import re
from collections.abc import Iterable

from ayl_server.broker import Broker
from ayl_server.model import BURIED, READY, History, Job, Tube

DIALECT = "1.13"
"""The beanstalkd version that clients are told; bare `X.Y`, because some feed it to a version parser."""

# A plain scalar is safe if it begins like a name or a path, holds nothing that YAML gives a meaning, and
# is none of the words and numbers of YAML 1.1 (which still has yes/no/on/off and sexagesimal numbers).
_plain = re.compile(r"[A-Za-z0-9_/.$(;+][A-Za-z0-9_/.$();+\-]*").fullmatch
_number_like = re.compile(r"[-+.]?[0-9][0-9_,.:eExXoObBa-fA-F+\-]*|[-+]?\.(inf|nan)", re.IGNORECASE).fullmatch
_words = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"})

_past_of_most = History()


def scalar(text: str) -> str:
    """`text` for a YAML value: plain where it reads back as the same string, quoted otherwise."""
    if _plain(text) and not _number_like(text) and text.lower() not in _words:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """`text` in double quotes, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in escaped) + '"'


def report(fields: dict[str, object]) -> bytes:
    """A YAML mapping, one `key: value` a line."""
    lines = "".join(f"{key}: {value}\n" for key, value in fields.items())
    return ("---\n" + lines).encode()


def listing(names: Iterable[bytes]) -> bytes:
    """A YAML list of tube names. Never quoted: clients take the items as they stand."""
    return b"---\n" + b"".join(b"- %b\n" % name for name in names)


def of_server(broker: Broker, now: float) -> bytes:
    """The report of `stats`."""
    facts = broker.facts()
    tubes = broker.tubes.values()
    return report(
        {
            "current-jobs-urgent": sum(tube.ready.below for tube in tubes),
            "current-jobs-ready": sum(tube.ready.count for tube in tubes),
            "current-jobs-reserved": sum(tube.reserved for tube in tubes),
            "current-jobs-delayed": sum(len(tube.delayed) for tube in tubes),
            "current-jobs-buried": sum(len(tube.buried) for tube in tubes),
            **{f"cmd-{word.decode()}": count for word, count in broker.counts.items()},
            "job-timeouts": broker.timeouts,
            "total-jobs": broker.total_jobs,
            "max-job-size": broker.max_job_size,
            "current-tubes": len(broker.tubes),
            "current-connections": len(broker.sessions),
            "current-producers": broker.producers,
            "current-workers": broker.workers,
            "current-waiting": broker.waiting,
            "total-connections": broker.total_sessions,
            "pid": facts.pid,
            "version": quoted(DIALECT),
            "rusage-utime": f"{facts.user_seconds:.6f}",
            "rusage-stime": f"{facts.system_seconds:.6f}",
            "uptime": int(now - broker.started),
            "binlog-oldest-index": facts.binlog.oldest,
            "binlog-current-index": facts.binlog.current,
            "binlog-records-migrated": facts.binlog.migrated,
            "binlog-records-written": facts.binlog.written,
            "binlog-max-size": facts.binlog.max_size,
            "draining": "true" if broker.draining else "false",
            "id": scalar(facts.instance),
            "hostname": scalar(facts.hostname),
            "os": scalar(facts.os),
            "platform": scalar(facts.platform),
        }
    )


def of_tube(tube: Tube, now: float) -> bytes:
    """The report of `stats-tube`."""
    return report(
        {
            "name": scalar(tube.name.decode()),
            "current-jobs-urgent": tube.ready.below,
            "current-jobs-ready": tube.ready.count,
            "current-jobs-reserved": tube.reserved,
            "current-jobs-delayed": len(tube.delayed),
            "current-jobs-buried": len(tube.buried),
            "total-jobs": tube.total,
            "current-using": tube.users,
            "current-watching": tube.watchers,
            "current-waiting": len(tube.waiters),
            "cmd-delete": tube.deletes,
            "cmd-pause-tube": tube.pauses,
            "pause": tube.pause,
            "pause-time-left": max(0, int(tube.unpause_at - now)) if tube.pause else 0,
        }
    )


def of_job(job: Job, now: float) -> bytes:
    """The report of `stats-job`."""
    past = job.history or _past_of_most
    left = 0 if job.state in (READY, BURIED) else max(0, int(job.deadline - now))
    return report(
        {
            "id": job.id,
            "tube": scalar(job.tube.name.decode()),
            "state": job.state,
            "pri": job.pri,
            "age": int(now - job.created),
            "delay": job.delay,
            "ttr": job.ttr,
            "time-left": left,
            "file": job.file,
            "reserves": job.reserves,
            "timeouts": past.timeouts,
            "releases": past.releases,
            "buries": past.buries,
            "kicks": past.kicks,
        }
    )
