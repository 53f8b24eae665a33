"""The protocol's commands as one table: word -> function.

A command gets the broker, the session, the bytes behind its word (without the blank that belongs to the
word) and the time, and returns its reply, or None where the reply comes later (`reserve` that waits).
`put` and `quit` are not here: they concern the connection's stream.

A `cmd-*` counter is raised after the arguments were understood and before the action, so that NOT_FOUND
counts and BAD_FORMAT does not. A line with a NUL in it is BAD_FORMAT whatever it says; only the two commands that
ignore trailing garbage need to look.
"""

from collections.abc import Callable
from typing import Final

from ayl_server import protocol, stats
from ayl_server.broker import Broker
from ayl_server.model import Job, Session
from ayl_server.protocol import (
    BAD_FORMAT,
    BURIED,
    DELETED,
    KICKED,
    MAX_TIMEOUT,
    MAX_U32,
    MAX_U64,
    NOT_FOUND,
    NOT_IGNORED,
    PAUSED,
    RELEASED,
    TOUCHED,
    body_reply,
    data_reply,
    leading_name,
    leading_numbers,
    number,
    numbers,
    tube_name,
)

Command = Callable[[Broker, Session, bytes, float], bytes | None]


def reserve(broker: Broker, session: Session, rest: bytes, now: float) -> bytes | None:
    if rest:
        return BAD_FORMAT
    broker.counts[b"reserve"] += 1
    _mark_worker(broker, session)
    return broker.reserve(session, now, None)


def reserve_with_timeout(broker: Broker, session: Session, rest: bytes, now: float) -> bytes | None:
    # As in the original, what follows the number is ignored.
    found = leading_numbers(rest, (MAX_TIMEOUT,))
    if found is None or b"\0" in rest:
        return BAD_FORMAT
    broker.counts[b"reserve-with-timeout"] += 1
    _mark_worker(broker, session)
    return broker.reserve(session, now, found[0][0])


def reserve_job(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    job_id = number(rest)
    if job_id is None:
        return BAD_FORMAT
    job = broker.jobs.get(job_id)
    reply = None if job is None else broker.reserve_job(session, job, now)
    if reply is None:
        return NOT_FOUND
    _mark_worker(broker, session)
    return reply


def _mark_worker(broker: Broker, session: Session) -> None:
    if not session.worker:
        session.worker = True
        broker.workers += 1


def delete(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    # number(), written out for the usual case: with put and reserve this is what a server spends its time on.
    job_id = int(rest) if rest.isdigit() and len(rest) < 20 else number(rest)
    if job_id is None:
        return BAD_FORMAT
    broker.counts[b"delete"] += 1
    job = broker.jobs.get(job_id)
    return DELETED if job is not None and broker.delete(session, job) else NOT_FOUND


def release(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    found = numbers(rest, (MAX_U64, MAX_U32, MAX_U32))
    if found is None:
        return BAD_FORMAT
    broker.counts[b"release"] += 1
    job = session.held.get(found[0])
    if job is None:
        return NOT_FOUND
    broker.release(session, job, found[1], found[2], now)
    return RELEASED


def bury(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    found = numbers(rest, (MAX_U64, MAX_U32))
    if found is None:
        return BAD_FORMAT
    broker.counts[b"bury"] += 1
    job = session.held.get(found[0])
    if job is None:
        return NOT_FOUND
    broker.bury(session, job, found[1])
    return BURIED


def touch(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    job_id = number(rest)
    if job_id is None:
        return BAD_FORMAT
    broker.counts[b"touch"] += 1
    job = session.held.get(job_id)
    if job is None:
        return NOT_FOUND
    broker.touch(job, now)
    return TOUCHED


def kick(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    bound = protocol.kick_bound(rest)
    if bound is None or b"\0" in rest:
        return BAD_FORMAT
    broker.counts[b"kick"] += 1
    return b"KICKED %d\r\n" % broker.kick(session.use, bound, now)


def kick_job(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    job_id = number(rest)
    if job_id is None:
        return BAD_FORMAT
    job = broker.jobs.get(job_id)
    return KICKED if job is not None and broker.kick_job(job, now) else NOT_FOUND


def peek(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    job_id = number(rest)
    if job_id is None:
        return BAD_FORMAT
    broker.counts[b"peek"] += 1
    return _found(broker.jobs.get(job_id))


def peek_ready(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"peek-ready"] += 1
    return _found(session.use.ready.head())


def peek_delayed(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"peek-delayed"] += 1
    return _found(session.use.delayed.head())


def peek_buried(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"peek-buried"] += 1
    return _found(next(iter(session.use.buried.values()), None))


def _found(job: Job | None) -> bytes:
    return NOT_FOUND if job is None else body_reply(b"FOUND", job.id, job.body)


def use(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if not tube_name(rest):
        return BAD_FORMAT
    broker.counts[b"use"] += 1
    broker.use(session, rest)
    return b"USING %b\r\n" % rest


def watch(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if not tube_name(rest):
        return BAD_FORMAT
    broker.counts[b"watch"] += 1
    broker.watch(session, rest)
    return b"WATCHING %d\r\n" % len(session.watching)


def ignore(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if not tube_name(rest):
        return BAD_FORMAT
    broker.counts[b"ignore"] += 1
    if not broker.ignore(session, rest):
        return NOT_IGNORED
    return b"WATCHING %d\r\n" % len(session.watching)


def pause_tube(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    found = leading_name(rest)
    delay = None if found is None else number(found[1], MAX_U32)
    if found is None or delay is None:
        return BAD_FORMAT
    name = found[0]
    # The counter's place is the original's: whether the name is legal is looked at after it.
    broker.counts[b"pause-tube"] += 1
    if not tube_name(name):
        return BAD_FORMAT
    tube = broker.tubes.get(name)
    if tube is None:
        return NOT_FOUND
    broker.pause(tube, delay, now)
    return PAUSED


def stats_server(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"stats"] += 1
    return data_reply(stats.of_server(broker, now))


def stats_tube(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if not tube_name(rest):
        return BAD_FORMAT
    broker.counts[b"stats-tube"] += 1
    tube = broker.tubes.get(rest)
    return NOT_FOUND if tube is None else data_reply(stats.of_tube(tube, now))


def stats_job(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    job_id = number(rest)
    if job_id is None:
        return BAD_FORMAT
    broker.counts[b"stats-job"] += 1
    job = broker.jobs.get(job_id)
    return NOT_FOUND if job is None else data_reply(stats.of_job(job, now))


def list_tubes(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"list-tubes"] += 1
    return data_reply(stats.listing(broker.tubes))


def list_tubes_watched(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"list-tubes-watched"] += 1
    return data_reply(stats.listing(tube.name for tube in session.watching))


def list_tube_used(broker: Broker, session: Session, rest: bytes, now: float) -> bytes:
    if rest:
        return BAD_FORMAT
    broker.counts[b"list-tube-used"] += 1
    return b"USING %b\r\n" % session.use.name


# beanstalkd compares prefixes in this order and takes the first that fits; a blank belongs to the prefix
# where one stands. That is why `statsx` is BAD_FORMAT (`stats` with something behind it) while `deletex` is
# UNKNOWN_COMMAND, and why `pause-tubedefault 0` works.
COMMANDS: dict[bytes, Command] = {
    b"peek ": peek,
    b"peek-ready": peek_ready,
    b"peek-delayed": peek_delayed,
    b"peek-buried": peek_buried,
    b"reserve-with-timeout ": reserve_with_timeout,
    b"reserve-job ": reserve_job,
    b"reserve": reserve,
    b"delete ": delete,
    b"release ": release,
    b"bury ": bury,
    b"kick ": kick,
    b"kick-job ": kick_job,
    b"touch ": touch,
    b"stats-job ": stats_job,
    b"stats-tube ": stats_tube,
    b"stats": stats_server,
    b"use ": use,
    b"watch ": watch,
    b"ignore ": ignore,
    b"list-tubes-watched": list_tubes_watched,
    b"list-tube-used": list_tube_used,
    b"list-tubes": list_tubes,
    b"pause-tube": pause_tube,
}

WHOLE_LINE: Final = {prefix: command for prefix, command in COMMANDS.items() if not prefix.endswith(b" ")}
"""Commands that stand alone on their line, found without looking at prefixes."""

WITH_ARGUMENTS: Final = {prefix[:-1]: command for prefix, command in COMMANDS.items() if prefix.endswith(b" ")}
"""Commands whose word is followed by a blank, found by that word."""


def find(line: bytes) -> tuple[Command, bytes] | None:
    """The command that `line` begins with, whatever follows, and what follows."""
    for prefix, command in COMMANDS.items():
        if line.startswith(prefix):
            return command, line[len(prefix) :]
    return None
