"""From a receiver, a target and arguments to a message, ready to leave; what is wrong with a call is raised here."""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import call
from typing import Any

import msgspec

from ayl import message as messages
from ayl import values
from ayl.durations import with_declared
from ayl.engines.submissions import Parcel, Submission
from ayl.errors import MessageTooLarge
from ayl.handle import Handle
from ayl.identifiers import RANDOM_BYTES, uuid7_beginning, uuid7_rests
from ayl.options import Options, Unreachable, fuzzed
from ayl.references import refer_noting
from ayl.registry import registry
from ayl.settings import Settings
from ayl.targets import Checks, Target
from ayl.values.tags import REFERENCE

NOBODY = object()
"""Stands for the receiver of a function."""


Refer = Callable[[object], list[Any] | None]


class Form(msgspec.Struct, frozen=True):
    """What is the same in all calls of one target with the same settings and options."""

    tube: str
    body: bytes
    time_to_run: int
    unreachable: Unreachable
    receiver: object
    """If that is the same in all of them: a class, or nobody."""
    on: Any
    """The receiver in its encoded form, then."""


class _Forms(msgspec.Struct):
    """For the settings and options of the latest send, which most sends share."""

    settings: Settings | None = None
    options: Options = Options()
    by_target: dict[Target, Form] = {}


_forms = _Forms()


def compose(
    settings: Settings,
    options: Options,
    receiver: object,
    target: Target,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Parcel, list[object]]:
    """The message for one call, and the stored objects that it names."""
    forms = _forms  # which another thread may replace
    if forms.settings is not settings or forms.options is not options:
        forms = _begun(settings, options)
    form = forms.by_target.get(target)
    if form is None:
        form = forms.by_target[target] = _new_form(settings, options, receiver, target)
    named: list[object] = []
    on = form.on
    written_args: Sequence[Any] = args
    written_kwargs = kwargs
    checks = target.takes(args, kwargs)
    if checks is None or kwargs or receiver is not form.receiver or not all(map(call, checks, args)):
        refer = partial(refer_noting, named)
        if receiver is not form.receiver:
            on = values.encode(receiver, "the receiver", refer)
        written_args, written_kwargs = _written(target, checks, args, kwargs, refer)
    now = time.time_ns()
    milliseconds = now // 1_000_000
    message_id = _new_id(milliseconds)
    body = messages.filled(form.body, message_id, milliseconds / 1000, on, written_args, written_kwargs)
    if settings.secrets is not None:
        body = settings.secrets.sign(settings.app, body, now / 1e9)
    if len(body) > settings.max_message_size:
        raise MessageTooLarge(
            f"the message for {target.label} has {len(body):,} bytes; the server takes {settings.max_message_size:,}. "
            "Store the data and send its key, or raise the limit (ayl_server -z) and max_message_size"
        )
    priority, delay = options.priority, options.delay
    if options.fuzz:
        priority = fuzzed(priority, options.fuzz, _below)
    if type(delay) is not int:
        delay = options.seconds_of_delay(now / 1e9)
    submission = Submission(body, form.tube, priority, delay, form.time_to_run, message_id, form.unreachable)
    return Parcel(settings, submission, Handle(message_id, form.tube)), named


def _written(
    target: Target, checks: Checks | None, args: tuple[Any, ...], kwargs: dict[str, Any], refer: Refer
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The arguments in their encoded form, if the call fits."""
    if checks is None:
        target.check(args, kwargs)
    written_args: Sequence[Any] = args
    if checks is None or not all(map(call, checks, args)):
        written_args = values.encode([*args], "args", refer)
    written_kwargs = values.encode(kwargs, "kwargs", refer) if kwargs else kwargs
    if checks is None:
        target.check_values(args, kwargs)  # what can travel at all, and holds no end of itself
    return written_args, written_kwargs


def _begun(settings: Settings, options: Options) -> _Forms:
    global _forms
    _forms = forms = _Forms(settings, options)
    return forms


def _new_form(settings: Settings, options: Options, receiver: object, target: Target) -> Form:
    """Raises NotConfigured without an app."""
    tube = settings.tube(options.lane)
    told = with_declared(options, _declaring(receiver, target))
    body = messages.form(settings.app, settings.version, target.name or target.label, told)
    on = None
    if isinstance(receiver, type):  # its name is all there is to it
        on = {REFERENCE: [registry.model_names[receiver]]}
    elif receiver is not NOBODY:
        receiver = _ANYBODY
    return Form(tube, body, told.time_to_run, told.unreachable or settings.unreachable, receiver, on)


_ANYBODY = object()


def _declaring(receiver: object, target: Target) -> tuple[object, ...]:
    """What may say something about calls of this target, the nearest first."""
    if receiver is NOBODY:
        return (registry.tasks[target.label],)
    return (receiver if isinstance(receiver, type) else type(receiver)).__mro__


_moment = 0, ""  # the latest, and how its ids begin
_rests_of_ids: list[str] = []
os.register_at_fork(after_in_child=_rests_of_ids.clear)  # or parent and child would make the same ids


def _new_id(milliseconds: int) -> str:
    global _moment
    moment, beginning = _moment  # which another thread may replace
    if moment != milliseconds:
        beginning = uuid7_beginning(milliseconds)
        _moment = milliseconds, beginning
    try:
        return beginning + _rests_of_ids.pop()
    except IndexError:
        rests = uuid7_rests(os.urandom(RANDOM_BYTES))
        last = rests.pop()
        _rests_of_ids.extend(rests)  # whatever another thread has put there meanwhile
        return beginning + last


def _below(limit: int) -> int:
    from random import randrange  # for those who ask for fuzz

    return randrange(limit)  # noqa: S311 - spreads load, keeps no secret
