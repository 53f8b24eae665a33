"""Sending: the public functions. What they share is in `composing` (the message), `commits`, `batches` and `delivery`.

Whatever is wrong with a call is raised here, where it is made, and nothing has been sent then.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, ParamSpec

from ayl import settings as configuration
from ayl.batches import batch, open_batch
from ayl.commits import hold
from ayl.composing import NOBODY, compose
from ayl.delivery import deliver_one
from ayl.errors import CannotSend, NotCallable, NotRegistered
from ayl.faults import shown
from ayl.handle import Handle
from ayl.options import Options
from ayl.registry import behind, namesake, registry
from ayl.settings import Settings
from ayl.targets import PLAIN_TYPES, Target, function_target, known_target, method_target
from ayl.values.classes import CODECS
from ayl.values.tags import kind_name

P = ParamSpec("P")

OptionsLike = Options | Mapping[str, Any]


def ayl_send(obj: object, method: str, /, *args: Any, **kwargs: Any) -> Handle:
    """Call `obj.method(*args, **kwargs)` later, in a worker that finds `obj` again.

    `obj` is an instance of a registered class, a registered class (for static and class methods), or a plain
    value such as a list. Raises CannotSend or TypeError if the call cannot be written down, NotConfigured
    without an app, NotSubmitted if no server takes it.
    """
    settings = configuration.current()
    return _send(settings, settings.defaults, _receiver(obj, method), args, kwargs)


def ayl_send_opts(obj: object, method: str, options: OptionsLike, /, *args: Any, **kwargs: Any) -> Handle:
    """As `ayl_send`, with options: a dict such as `{"delay": 60}`, or `ayl.Options`."""
    settings = configuration.current()
    return _send(settings, _merged(settings, options), _receiver(obj, method), args, kwargs)


def send(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
    """Call a bound method, class method, static method or registered function later, in a worker.

    The typed form: a type checker sees the signature, so `ayl.send(resident.clear_stay, "three")` is an error
    before anything runs. Raises as `ayl_send` does.
    """
    settings = configuration.current()
    return _send(settings, settings.defaults, receiver_and_target(function), args, kwargs)


async def asend(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
    """As `ayl.send`, for coroutines: the event loop goes on while the server is spoken to."""
    settings = configuration.current()
    return await _asend(settings, settings.defaults, receiver_and_target(function), args, kwargs)


def send_many(calls: Iterable[tuple[Any, ...]]) -> list[Handle]:
    """Send many calls in few writes: each a tuple of what `ayl.send` takes, `(order.ship, "ups")`.

    Raises as a batch does: what is wrong with a call at once (those before it are sent), a refusal when all have been
    tried.
    """
    with batch():
        return [send(*_parts(call)) for call in calls]


class Prepared:
    """Options, ready for a send: `ayl.opts(delay=60).send(order.ship, "ups")`."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Mapping[str, Any]) -> None:
        Options().with_(changes)  # wrong ones are refused now
        self._changes = changes

    def send(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """As `ayl.send`, with these options."""
        settings = configuration.current()
        return _send(settings, settings.defaults.with_(self._changes), receiver_and_target(function), args, kwargs)

    async def asend(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """As `ayl.asend`, with these options."""
        settings = configuration.current()
        return await _asend(
            settings, settings.defaults.with_(self._changes), receiver_and_target(function), args, kwargs
        )

    def send_many(self, calls: Iterable[tuple[Any, ...]]) -> list[Handle]:
        """As `ayl.send_many`, with these options."""
        with batch():
            return [self.send(*_parts(call)) for call in calls]

    def ayl_send(self, obj: object, method: str, /, *args: Any, **kwargs: Any) -> Handle:
        """As `ayl.ayl_send`, with these options."""
        return ayl_send_opts(obj, method, self._changes, *args, **kwargs)


def _parts(call: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(call, tuple) or not call:
        raise CannotSend(f'send_many takes a tuple for each call, (order.ship, "ups"), not {_shown(call)}')
    return call


def opts(**options: Any) -> Prepared:
    """Options for one or more sends; InvalidOption names what is wrong."""
    return Prepared(options)


def _merged(settings: Settings, options: OptionsLike) -> Options:
    if isinstance(options, Options):
        return options
    if not isinstance(options, Mapping):
        raise CannotSend(f"options are a dict or ayl.Options, not {_shown(options)}")
    return settings.defaults.with_(options)


# What is called


def _receiver(obj: object, method: str) -> tuple[object, Target]:
    """The receiver, and the target of `method` on it."""
    if type(method) is str and (target := known_target(obj, method)) is not None:
        return obj, target
    if not isinstance(method, str):
        raise CannotSend(f"the method is given by its name, not as {_shown(method)}; ayl.send takes the method itself")
    if isinstance(obj, type):
        if obj not in registry.model_names:
            raise NotRegistered(_unregistered(obj))
        target = method_target(obj, method, on_class=True)
    else:
        obj = behind(obj)
        cls = type(obj)
        if cls not in registry.model_names and cls not in PLAIN_TYPES and cls not in CODECS:
            raise NotRegistered(_why_not(obj))
        target = method_target(cls, method, on_class=False)
    return obj, target


def _why_not(obj: object) -> str:
    if isinstance(obj, MethodType):
        return f"{_shown(obj)} is not sent to but sent: ayl.send(order.ship, …)"
    if isinstance(obj, (FunctionType, BuiltinFunctionType, partial)):
        return f"{_shown(obj)} is a function: decorate it with @ayl.task and send it with ayl.send(function, …)"
    if isinstance(obj, ModuleType):
        return f"{obj!r} is a module: decorate its functions with @ayl.task and send them with ayl.send(function, …)"
    return "None cannot be sent to" if obj is None else _unregistered(type(obj))


def _shown(given: object) -> str:
    """Without the repr of anybody's object, which may ask a database."""
    if isinstance(given, MethodType):
        return f"the method {given.__qualname__}"
    return repr(given) if isinstance(given, (FunctionType, BuiltinFunctionType, type)) else shown(given)


def _unregistered(cls: type) -> str:
    name = kind_name(cls)
    if namesake(cls):
        return (
            f"the class {name} is registered, but not this one of it: if its module was loaded anew, make the object "
            "anew; and @ayl.model stands above what makes a class anew, such as dataclass(slots=True) and attrs.define"
        )
    return f"the class {name} is not registered; decorate it with @ayl.model"


def receiver_and_target(function: Callable[..., Any]) -> tuple[object, Target]:
    """The receiver (NOBODY for a registered function) and target that a callable stands for."""
    try:
        task = registry.task_names.get(function)
    except TypeError:  # an unhashable callable
        task = None
    if task is not None:
        return NOBODY, function_target(task)[1]
    receiver = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if receiver is not None and not isinstance(receiver, ModuleType):
        if getattr(receiver, name, None) == function:
            return _receiver(receiver, name)
        if type(receiver) in registry.model_names:
            raise NotCallable(
                f"it cannot be told by which name a {type(receiver).__qualname__} has this method (a decorator needs "
                'functools.wraps for that); say it: ayl.ayl_send(order, "ship", …)'
            )
    owner = _owner_of_static(function)
    if owner is not None:
        return _receiver(owner, name)
    if not callable(function):
        raise NotRegistered(
            f"{_shown(function)} is no function; give the function itself, and its arguments behind it: "
            'ayl.send(order.ship, "ups"), not ayl.send(order.ship("ups"))'
        )
    raise NotRegistered(
        f"{_shown(function)} is no registered function and no method of a registered object; "
        "decorate a function with @ayl.task and a class with @ayl.model, and send a method through its object: "
        "ayl.send(order.ship, …)"
    )


def _owner_of_static(function: Callable[..., Any]) -> type | None:
    """The registered class whose static method `function` is; the function itself does not know."""
    owner_name, _, name = getattr(function, "__qualname__", "").rpartition(".")
    if isinstance(function, type):
        return None
    for cls in [*registry.model_names]:  # a copy: another thread may be importing models
        if cls.__qualname__ == owner_name and cls.__module__ == getattr(function, "__module__", None):
            if getattr(cls, name, None) is not function:
                continue
            if not isinstance(vars(cls).get(name), staticmethod):
                raise NotCallable(
                    f"{function.__qualname__} is a method without its object; send it through one: "
                    f"ayl.send({owner_name.lower()}.{name}, …)"
                )
            return cls
    return None


# To the server


def _send(
    settings: Settings, options: Options, called: tuple[object, Target], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Handle:
    parcel, named = compose(settings, options, *called, args, kwargs)
    if not hold(parcel, named, after_commit=options.after_commit):
        deliver_one(parcel)
    elif (joined := open_batch()) is not None and joined.full:
        joined.flush()
    return parcel.handle


async def _asend(
    settings: Settings, options: Options, called: tuple[object, Target], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Handle:
    from asyncio import to_thread  # takes longer than all of ayl, and who is here has it

    # The message is made here: the transaction and the batch that it may have to wait for are this task's.
    parcel, named = compose(settings, options, *called, args, kwargs)
    if not hold(parcel, named, after_commit=options.after_commit):
        await to_thread(deliver_one, parcel)
    elif (joined := open_batch()) is not None and joined.full:
        await to_thread(joined.flush)
    return parcel.handle
