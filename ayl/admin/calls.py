"""Calls that an operator sends, in readable form."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from random import randrange
from typing import TYPE_CHECKING

from ayl import calling, readable
from ayl import message as messages
from ayl.admin.conversation import checked, conversation
from ayl.admin.statistics import look
from ayl.durations import with_declared
from ayl.errors import AylError, CannotSend, MessageTooLarge
from ayl.identifiers import RANDOM_BYTES, uuid7_beginning, uuid7_rests
from ayl.options import fuzzed
from ayl.registry import registry
from ayl.tubes import check_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.admin.server import Server
    from ayl.options import Options
    from ayl.readable import WrittenCall
    from ayl.settings import Settings


@dataclass(frozen=True, slots=True)
class ComposedCall:
    """A call, ready to be put."""

    call: str
    """As Python would write it."""
    message: str
    """Its id."""
    tube: str
    priority: int
    delay: int
    """Seconds."""
    time_to_run: int
    """Seconds."""
    signed: bool
    """Workers that have secrets run no other."""
    checked: bool
    """Whether it fits the app's code; otherwise that was not looked at."""
    body: str


@dataclass(frozen=True, slots=True)
class PutCall:
    """A call that waits on the server."""

    job: int
    """Its id."""
    watching: int
    """Workers of its tube, as connections."""
    call: ComposedCall


def compose(text: str, settings: Settings, options: Options, tube: str = "", *, check: bool) -> ComposedCall:
    """The message of the call that the text describes.

    `tube` is instead of the settings' own, and its name tells app and version then. `check`: the app's modules are
    imported, and the call has to fit them. Raises readable.CannotRead, or another AylError.
    """
    app, version, tube = _whose(settings, options, tube)
    call = _read(text, registry.models.__contains__ if check else readable.looks_like_a_class)
    now = time.time()
    milliseconds = int(now * 1000)
    message_id = uuid7_beginning(milliseconds) + uuid7_rests(os.urandom(RANDOM_BYTES))[-1]
    options = with_declared(options, _declaring(call))
    message = messages.Message(
        type=messages.TYPE, v=messages.VERSION, id=message_id, app=app, ver=version, sent=milliseconds / 1000,
        on=call.on, do=call.do, args=call.args, kwargs=call.kwargs,
        keep_alive=bool(options.keep_alive), time_limit=options.time_limit,
        **{name: getattr(options, name) for name in messages.TOLD},
    )  # fmt: skip
    if check:
        calling.check(message)
    body = messages.encode(message)
    if settings.secrets is not None:
        body = settings.secrets.sign(app, body, now)
    if len(body) > settings.max_message_size:
        raise MessageTooLarge(f"the message has {len(body):,} bytes; the server takes {settings.max_message_size:,}")
    return ComposedCall(
        call=messages.human(message),
        message=message_id,
        tube=tube,
        priority=fuzzed(options.priority, options.fuzz, randrange),
        delay=options.seconds_of_delay(now),
        time_to_run=options.time_to_run,
        signed=settings.secrets is not None,
        checked=check,
        body=body.decode(),
    )


def put_call(server: Server, call: ComposedCall) -> PutCall:
    """Put it there."""
    with conversation(server) as client:
        client.use(call.tube)
        job = client.put(call.body.encode(), call.priority, call.delay, call.time_to_run)
        found = look(client, call.tube)
        return PutCall(job, found.workers.total if found else 0, call)


def _whose(settings: Settings, options: Options, tube: str) -> tuple[str, str, str]:
    """App, version and tube."""
    if not tube:
        return settings.app, settings.version, settings.tube(options.lane)
    app, _, rest = checked(tube).partition("/")
    version = rest.partition("/")[0]
    if not version:
        if not settings.app:
            raise CannotSend(f"{tube} is no tube of an app, app/version: say whose call it is with AYL_APP")
        return settings.app, settings.version, tube
    return check_part("app", app), check_part("version", version), tube


def _read(text: str, is_class: Callable[[str], bool]) -> WrittenCall:
    try:
        return readable.read(text, is_class)
    except AylError:
        raise
    except (TypeError, ValueError) as error:  # as in a send: a value that no message can hold
        raise CannotSend(str(error)) from error


def _declaring(call: WrittenCall) -> tuple[object, ...]:
    """What may say how long the call takes, as far as the app is here."""
    match call.on:
        case None if call.do in registry.tasks:
            return (registry.tasks[call.do],)
        case {"$ref": [str(name), *_]} if name in registry.models:
            return registry.models[name].__mro__
    return ()
