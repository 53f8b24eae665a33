"""Sending: from an object, a method's name and arguments to a message at the engine.

Whatever is wrong with a call is raised here, where it is made, and nothing has been sent then.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import randrange
from typing import Any, ParamSpec

from ayl import message as messages
from ayl import settings as configuration
from ayl import values
from ayl.engines import engine_for
from ayl.engines.base import Engine, Submission
from ayl.errors import CannotSend, MessageTooLarge, NotCallable, NotRegistered, NotSubmitted
from ayl.identifiers import uuid7
from ayl.options import Options, fuzzed
from ayl.references import refer
from ayl.registry import registry
from ayl.settings import Settings
from ayl.targets import PLAIN_TYPES, Target, function_target, method_target
from ayl.values.classes import CODECS

P = ParamSpec("P")

OptionsLike = Options | Mapping[str, Any]

BATCH_SIZE = 500
"""Messages that a batch gathers before it sends them; bounds its memory and what one write holds."""


class Handle:
    """A call that was sent."""

    __slots__ = ("error", "id", "job_id", "tube")

    def __init__(self, message_id: str, tube: str) -> None:
        self.id = message_id
        """The message's id (UUID version 7), known at once and the same wherever the message goes."""
        self.tube = tube
        self.job_id: int | None = None
        """The server's id of the job; None while the message waits in a batch."""
        self.error: NotSubmitted | None = None
        """Why the server did not take it (in a batch; a single send raises it)."""

    def __repr__(self) -> str:
        state = str(self.error) if self.error else "not yet submitted" if self.job_id is None else f"job {self.job_id}"
        return f"<ayl.Handle {self.id} in {self.tube}, {state}>"


def ayl_send(obj: object, method: str, /, *args: Any, **kwargs: Any) -> Handle:
    """Call `obj.method(*args, **kwargs)` later, in a worker that finds `obj` again.

    `obj` is an instance of a registered class, a registered class (for static and class methods), or a plain
    value such as a list. Raises CannotSend or TypeError if the call cannot be written down, NotConfigured
    without an app, NotSubmitted if no server takes it.
    """
    settings = configuration.current()
    return _submit(settings, settings.defaults, *_receiver(obj, method), args, kwargs)


def ayl_send_opts(obj: object, method: str, options: OptionsLike, /, *args: Any, **kwargs: Any) -> Handle:
    """As `ayl_send`, with options: a dict such as `{"delay": 60}`, or `ayl.Options`."""
    settings = configuration.current()
    return _submit(settings, _merged(settings, options), *_receiver(obj, method), args, kwargs)


def send(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
    """Call a bound method, class method, static method or registered function later, in a worker.

    The typed form: a type checker sees the signature, so `ayl.send(resident.clear_stay, "three")` is an error
    before anything runs. Raises as `ayl_send` does.
    """
    settings = configuration.current()
    return _submit(settings, settings.defaults, *_callable(function), args, kwargs)


class Prepared:
    """Options, ready for a send: `ayl.opts(delay=60).send(order.ship, "ups")`."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Mapping[str, Any]) -> None:
        Options().with_(changes)  # wrong ones are refused now
        self._changes = changes

    def send(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """As `ayl.send`, with these options."""
        settings = configuration.current()
        return _submit(settings, settings.defaults.with_(self._changes), *_callable(function), args, kwargs)

    def ayl_send(self, obj: object, method: str, /, *args: Any, **kwargs: Any) -> Handle:
        """As `ayl.ayl_send`, with these options."""
        return ayl_send_opts(obj, method, self._changes, *args, **kwargs)


def opts(**options: Any) -> Prepared:
    """Options for one or more sends; InvalidOption names what is wrong."""
    return Prepared(options)


def _merged(settings: Settings, options: OptionsLike) -> Options:
    if isinstance(options, Options):
        return options
    if not isinstance(options, Mapping):
        raise CannotSend(f"options are a dict or ayl.Options, not {options!r}")
    return settings.defaults.with_(options)


# What is called


def _receiver(obj: object, method: str) -> tuple[Any, Target]:
    """The receiver in encoded form, and the target of `method` on it."""
    if not isinstance(method, str):
        raise CannotSend(f"the method is given by its name, not as {method!r}; ayl.send takes the method itself")
    if isinstance(obj, type):
        if obj not in registry.model_names:
            raise NotRegistered(f"the class {obj.__qualname__} is not registered; decorate it with @ayl.model")
        target = method_target(obj, method, on_class=True)
    else:
        cls = type(obj)
        if cls not in registry.model_names and cls not in PLAIN_TYPES and cls not in CODECS:
            raise NotRegistered(_why_not(obj))
        target = method_target(cls, method, on_class=False)
    return values.encode(obj, "the receiver", refer), target


def _why_not(obj: object) -> str:
    cls = type(obj)
    if callable(obj) and not hasattr(cls, "ayl_send"):
        return f"{obj!r} is a function: decorate it with @ayl.task and send it with ayl.send(function, …)"
    if cls.__qualname__ == "module":
        return f"{obj!r} is a module: decorate its functions with @ayl.task and send them with ayl.send(function, …)"
    if obj is None:
        return "None cannot be sent to"
    return f"the class {cls.__module__}.{cls.__qualname__} is not registered; decorate it with @ayl.model"


def _callable(function: Callable[..., Any]) -> tuple[Any, Target]:
    """The receiver (None for a registered function) and target that a callable stands for."""
    try:
        task = registry.task_names.get(function)
    except TypeError:  # an unhashable callable
        task = None
    if task is not None:
        return None, function_target(task)[1]
    receiver = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if receiver is not None and getattr(receiver, name, None) == function:
        return _receiver(receiver, name)
    owner = _owner_of_static(function)
    if owner is not None:
        return _receiver(owner, name)
    raise NotRegistered(
        f"{function!r} is no registered function and no method of a registered object; "
        "decorate a function with @ayl.task, and send a method through its object: ayl.send(order.ship, …)"
    )


def _owner_of_static(function: Callable[..., Any]) -> type | None:
    """The registered class whose static method `function` is; the function itself does not know."""
    owner_name, _, name = getattr(function, "__qualname__", "").rpartition(".")
    for cls in registry.model_names:
        if cls.__qualname__ == owner_name and cls.__module__ == function.__module__:
            if getattr(cls, name, None) is not function:
                continue
            if not isinstance(vars(cls).get(name), staticmethod):
                raise NotCallable(
                    f"{function.__qualname__} is a method without its object; send it through one: "
                    f"ayl.send({owner_name.lower()}.{name}, …)"
                )
            return cls
    return None


# The message


def _submit(
    settings: Settings,
    options: Options,
    on: Any,
    target: Target,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Handle:
    target.check(args, kwargs)
    tube = settings.tube(options.lane)
    now = time.time_ns()
    message_id = uuid7(now // 1_000_000, os.urandom(10))
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
            sent=round(now / 1e9, 3),
        )
    )
    if len(body) > settings.max_message_size:
        raise MessageTooLarge(
            f"the message for {target.label} has {len(body):,} bytes; the server takes {settings.max_message_size:,}. "
            "Store the data and send its key, or raise the limit (ayl_server -z) and max_message_size"
        )
    priority = fuzzed(options.priority, options.fuzz, randrange)
    submission = Submission(body, tube, priority, options.seconds_of_delay(now / 1e9), options.time_to_run)
    handle = Handle(message_id, tube)
    batch = _batch.get()
    if batch is not None and not batch.closed:
        batch.add(submission, handle)
        return handle
    outcome = _engine(settings).submit([submission])[0]
    if isinstance(outcome, NotSubmitted):
        raise outcome
    handle.job_id = outcome
    return handle


# The engine in use

_lock = threading.Lock()
_engines: dict[Settings, Engine] = {}
_latest: tuple[Settings | None, Engine | None] = None, None


def _engine(settings: Settings) -> Engine:
    global _latest
    known, engine = _latest
    if known is settings and engine is not None:  # hashing the settings for each send would cost more than the rest
        return engine
    with _lock:
        engine = _engines.get(settings)
        if engine is None:
            engine = _engines[settings] = engine_for(settings)
        _latest = settings, engine
    return engine


def close() -> None:
    """Close the connections that sends have opened; the next send opens new ones."""
    global _latest
    with _lock:
        _latest = None, None
        for engine in _engines.values():
            engine.close()
        _engines.clear()


# Batches

_batch: ContextVar["Batch | None"] = ContextVar("ayl_batch", default=None)


class Batch:
    """Messages that leave together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: list[tuple[Submission, Handle]] = []
        self._refusal: Exception | None = None
        self.sent = 0
        """How many messages the server has taken."""
        self.closed = False
        """The block has ended; whoever still sees this batch (a task started in the block) sends by itself."""

    def add(self, submission: Submission, handle: Handle) -> None:
        """Take in one message; send if enough have gathered."""
        self._waiting.append((submission, handle))
        if len(self._waiting) >= BATCH_SIZE:
            self._send()

    def close(self) -> None:
        """Send the rest. Raises the first refusal, after all have been tried; each handle knows its own."""
        self.closed = True
        self._send()
        if self._refusal is not None:
            raise self._refusal

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            outcomes = _engine(self._settings).submit([submission for submission, _ in waiting])
        except Exception as error:  # noqa: BLE001 - from a call that ran in place: raised when all have been tried
            self._refusal = self._refusal or error
            return
        for (_, handle), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, NotSubmitted):
                handle.error = outcome
                self._refusal = self._refusal or outcome
            else:
                handle.job_id = outcome
                self.sent += 1


@contextmanager
def batch() -> Iterator[Batch]:
    """Sends within this span leave in few writes, at its end at the latest; also if the span raises.

    A batch changes when calls leave, not whether: what was sent before an exception is sent. What the server
    refuses is raised at the end.
    """
    gathered = Batch(configuration.current())
    token = _batch.set(gathered)
    try:
        yield gathered
    except BaseException as error:
        _batch.reset(token)
        try:
            gathered.close()
        except Exception as trouble:  # noqa: BLE001 - the block's own error is the one to raise
            error.add_note(f"and the batch could not be sent: {trouble}")
        raise
    else:
        _batch.reset(token)
        gathered.close()
