"""From a receiver, a target and arguments to a message, ready to leave; what is wrong with a call is raised here."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ayl import message as messages
from ayl import values
from ayl.delivery import Parcel
from ayl.engines.base import Submission
from ayl.errors import MessageTooLarge
from ayl.handle import Handle
from ayl.identifiers import uuid7
from ayl.options import Options, fuzzed
from ayl.references import refer_noting
from ayl.registry import registry
from ayl.settings import Settings
from ayl.targets import Target
from ayl.values.tags import REFERENCE

NOBODY = object()
"""Stands for the receiver of a function."""


def compose(
    settings: Settings,
    options: Options,
    receiver: object,
    target: Target,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Parcel, list[object]]:
    """The message for one call, and the stored objects that it names."""
    named: list[object] = []
    refer = partial(refer_noting, named)
    on = _encoded(receiver, refer)
    target.check(args, kwargs)
    tube = settings.tube(options.lane)
    now = time.time_ns()
    message_id = uuid7(now // 1_000_000, _noise())
    body = messages.encode(
        messages.Message(
            type=messages.TYPE,
            v=messages.VERSION,
            id=message_id,
            app=settings.app,
            ver=settings.version,
            on=on,
            do=target.name or target.label,
            args=values.encode([*args], "args", refer) if args else [],
            kwargs=values.encode(kwargs, "kwargs", refer) if kwargs else {},
            failed_job_handler=options.failed_job_handler,
            failed_job_count=options.failed_job_count,
            failed_job_delay=options.failed_job_delay,
            sent=now // 1_000_000 / 1000,
        )
    )
    target.check_values(args, kwargs)  # what can travel at all, and holds no end of itself
    if settings.secrets is not None:
        body = settings.secrets.sign(settings.app, body, now / 1e9)
    if len(body) > settings.max_message_size:
        raise MessageTooLarge(
            f"the message for {target.label} has {len(body):,} bytes; the server takes {settings.max_message_size:,}. "
            "Store the data and send its key, or raise the limit (ayl_server -z) and max_message_size"
        )
    submission = Submission(
        body,
        tube,
        fuzzed(options.priority, options.fuzz, _below),
        options.seconds_of_delay(now / 1e9),
        options.time_to_run,
        message_id,
        options.unreachable or settings.unreachable,
    )
    return Parcel(settings, submission, Handle(message_id, tube)), named


_kept_noise: list[bytes] = []
os.register_at_fork(after_in_child=_kept_noise.clear)  # or parent and child would make the same ids


def _noise() -> bytes:
    """Ten random bytes. The kernel is asked for many at a time, which costs it no more."""
    try:
        return _kept_noise.pop()
    except IndexError:
        many = os.urandom(10 * 256)
        _kept_noise.extend(many[start : start + 10] for start in range(10, len(many), 10))
        return many[:10]


def _encoded(receiver: object, refer: Callable[[object], list[Any] | None]) -> Any:
    if receiver is NOBODY:
        return None
    if isinstance(receiver, type):  # its name is all there is to it
        return {REFERENCE: [registry.model_names[receiver]]}
    return values.encode(receiver, "the receiver", refer)


def _below(limit: int) -> int:
    from random import randrange  # for those who ask for fuzz

    return randrange(limit)  # noqa: S311 - spreads load, keeps no secret
