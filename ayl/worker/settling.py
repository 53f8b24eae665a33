"""How a lease ends: what was decided is told the server, with what the job has to remember.

A retry or a burial puts the message once more, with a new life, and deletes the job. What is given back, and counts as
nothing, is released as it is. Nothing that the server refuses is lost: the job itself is then released or buried.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from ayl import life as lives
from ayl.engines.base import Lease
from ayl.errors import MessageTooLarge, Refused
from ayl.failures import Buried, Delayed, Deleted, Outcome
from ayl.life import Life
from ayl.message import Message

T = TypeVar("T")

log = logging.getLogger("ayl.worker")

SHORT_WHY = 40
"""Characters of a reason for which there may be room where there is none for all of it."""


def settle(lease: Lease, message: Message | None, outcome: Outcome, life: Life | None = None) -> bool:
    """End the lease; False if it was lost before. Unreachable if the server does not answer: then it ends by itself.

    `life` is what the job is to remember; None leaves its body as it is, and so does an outcome that counts as nothing.
    """
    match outcome:
        case Deleted():
            return lease.delete()
        case Delayed(seconds=seconds, counts=False):
            return lease.release(seconds)
    if life is None:
        return _end(lease, outcome)
    try:
        return written_down(life, lease.body, partial(_end, lease, outcome))
    except (MessageTooLarge, Refused) as refusal:
        log.warning("job %d is not changed, and does not remember why: %s", lease.job_id, refusal)
        return _end(lease, _unremembered(lease, message, outcome, life, refusal))


def written_down(life: Life, body: bytes, put: Callable[[bytes], T]) -> T:
    """What `put` returns for that body with this life, of whose reason as much is kept as there is room for. Raises
    what it raises: MessageTooLarge if there is no room for the rest.
    """
    *longer, shortest = dict.fromkeys((life.why, life.why[:SHORT_WHY], ""))
    for why in longer:
        with suppress(MessageTooLarge):
            return put(lives.write(body, Life(life.tries, life.kills, why, life.alone)))
    return put(lives.write(body, Life(life.tries, life.kills, shortest, life.alone)))


def _end(lease: Lease, outcome: Outcome, body: bytes | None = None) -> bool:
    return lease.release(outcome.seconds, body) if isinstance(outcome, Delayed) else lease.bury(body)


def _unremembered(
    lease: Lease, message: Message | None, outcome: Outcome, life: Life, refusal: Exception | None
) -> Outcome:
    """A job that can never remember its tries must not be tried for ever: what the server has counted has to do."""
    standing = lease.standing()
    if message is None or standing is None or not isinstance(outcome, Delayed):
        return outcome
    if isinstance(refusal, MessageTooLarge) and life.tries + standing.releases >= message.failed_job_count:
        return Buried(outcome.reason)
    return outcome
