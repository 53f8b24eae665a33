"""From a message to the call: look it up on the allow-list, check the arguments, find the objects, call.

What is wrong with the message itself is told apart from what the call does: the former raises CannotRun (or
Unavailable), anything else that comes out is the call's own.
"""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any

from ayl import treatments, values
from ayl.errors import ArgumentsDoNotFit, CannotRun, Gone, NotCallable, NotRegistered, Unavailable
from ayl.message import Message, keywords
from ayl.references import SPAWNERS, Finding, Spawn, find, find_ahead, finding_on_loop, spawn_for
from ayl.registry import registry
from ayl.targets import PLAIN_TYPES, Target, function_target, method_target
from ayl.treatments import Rules
from ayl.values.classes import CODECS
from ayl.values.tags import REFERENCE, SCALARS


def perform(message: Message) -> None:
    """Make the call that `message` describes, in this thread.

    Raises CannotRun if it never can be made, Unavailable if its objects cannot be looked for now, and
    whatever the call raises. A coroutine function is run to its end on an event loop; so is everything about a message
    that names objects which can only be found on one.
    """
    with Finding():
        spawn = _spawn(message)
        if spawn is not None:
            _run_to_its_end(_on_a_loop(message, spawn))
            return
        function, args, kwargs = _prepare(message)
        result = function(*args, **kwargs)
        if inspect.iscoroutine(result):
            _run_to_its_end(_awaited(result))


def is_for_a_loop(message: Message) -> bool:
    """Whether the call can be made on an event loop without holding up others there: a coroutine function that names no
    objects. And whether it must be, for it names objects that can only be found on one.
    """
    if _spawn(message) is not None:
        return True
    try:
        named = values.references([message.on, message.args, message.kwargs])
        return all(len(parts) < 2 for parts in named) and _target(message).is_coroutine
    except (ValueError, NotRegistered, NotCallable, CannotRun, Unavailable):
        return False  # this is told where the call is made


async def perform_on_loop(message: Message) -> None:
    """As `perform`, on the running loop, of a call that is for one."""
    with Finding():
        spawn = _spawn(message)
        if spawn is not None:
            await _on_a_loop(message, spawn)
            return
        function, args, kwargs = _prepare(message)
        await _awaited(function(*args, **kwargs))


def _spawn(message: Message) -> Spawn | None:
    if SPAWNERS:
        with suppress(ValueError):  # what is wrong with the message is told where it is decoded
            return spawn_for(values.references([message.on, message.args, message.kwargs]))
    return None


async def _on_a_loop(message: Message, spawn: Spawn) -> None:
    async with finding_on_loop():
        function, args, kwargs = await spawn(partial(_prepare, message))
        result = await spawn(partial(function, *args, **kwargs))  # keywords are the call's, not those of spawn
        if inspect.iscoroutine(result):
            await result


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> None:
    async with finding_on_loop():
        await coroutine


def _run_to_its_end(coroutine: Coroutine[Any, Any, Any]) -> None:
    from ayl.loops import run  # it needs asyncio, which takes longer to load than all of ayl

    run(coroutine)


def _prepare(message: Message) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    # First everything that needs no database, so that a message that cannot run costs none.
    target, kwargs = _admitted(message)
    _find_together(message.on, message.args, kwargs)
    if message.on is None:
        function = registry.tasks[message.do]
    else:
        receiver = _decoded(message.on, "the receiver")
        if receiver is None:
            raise Gone(f"the receiver of {target.label} exists no more, and nothing can be called on None")
        function = getattr(receiver, target.name)
    args: list[Any] = _decoded(message.args, "args")
    kwargs = {name: _decoded(value, f"kwargs[{name!r}]") for name, value in kwargs.items()}
    _check_values(target, args, kwargs)
    return function, args, kwargs


def check(message: Message) -> None:
    """CannotRun unless this code could begin the call, as far as that is known without any object being found: objects
    are taken to be there, and to be of the class that the message says.
    """
    target, kwargs = _admitted(message)
    _stood_in(message.on, "the receiver")
    if SCALARS.issuperset(map(type, (*message.args, *kwargs.values()))):
        _check_values(target, message.args, kwargs)
        return
    args = [_stood_in(value, f"args[{number}]") for number, value in enumerate(message.args)]
    kwargs = {name: _stood_in(value, f"kwargs[{name!r}]") for name, value in kwargs.items()}
    if not any(value is _UNKNOWN for value in (*args, *kwargs.values())):
        _check_values(target, args, kwargs)


_UNKNOWN = object()
"""Stands for a value that cannot be made without the object that is in it."""


def _stood_in(data: Any, place: str) -> Any:
    try:
        return _decoded(data, place, _stand_in)
    except CannotRun as error:
        # The class of a value may ask an object in it for more than its class.
        if isinstance(error.__cause__, ValueError) and _names_objects(data):
            return _UNKNOWN
        raise


def _names_objects(data: Any) -> bool:
    with suppress(ValueError):
        return any(len(parts) > 1 for parts in values.references(data))
    return False


def _stand_in(parts: list[Any]) -> object:
    cls = registry.model(parts[0])
    if len(parts) == 1:
        return cls
    return _stand_in_type(cls)()


@cache
def _stand_in_type(cls: type) -> type:
    """Of objects that nobody has found: for `isinstance`, and in errors, they are of that class."""
    shown = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (), {**shown, "__slots__": (), "__class__": property(lambda _: cls)})


def _admitted(message: Message) -> tuple[Target, dict[str, Any]]:
    """The target and the named arguments, still encoded, of a call whose number and names of arguments fit."""
    try:
        kwargs = keywords(message)
        target = _target(message)
        if not kwargs or target.takes(message.args, kwargs) is None:  # to bind names takes longer
            target.check(message.args, kwargs)
    except (NotRegistered, NotCallable, ArgumentsDoNotFit) as error:
        raise CannotRun(str(error)) from error
    return target, kwargs


def _check_values(target: Target, args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        target.check_values(args, kwargs)
    except ArgumentsDoNotFit as error:
        raise CannotRun(str(error)) from error


def rules_for(message: Message) -> Sequence[Rules]:
    """What the code that this message calls says of its failures; nothing for what cannot be called."""
    on = message.on
    if on is None:
        return treatments.of_function(registry.tasks.get(message.do))
    match on:
        case {"$ref": [str(name), *_]} if name in registry.models:
            return treatments.of_method(registry.models[name], message.do)
    return ()


def _find_together(on: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """What the message names more than one of, in one go; what is wrong with it is told where it is decoded."""
    if not kwargs and (on is None or (type(on) is dict and REFERENCE in on)) and SCALARS.issuperset(map(type, args)):
        return  # nothing is named but the receiver
    with suppress(ValueError):
        named = [*values.references([on, args, kwargs])]
        if len(named) > 1:
            find_ahead(named)


def _target(message: Message) -> Target:
    """The target, with no object found yet."""
    on = message.on
    if on is None:
        return function_target(message.do)[1]
    if isinstance(on, dict) and isinstance(parts := on.get("$ref"), list) and parts and isinstance(parts[0], str):
        return method_target(registry.model(parts[0]), message.do, on_class=len(parts) == 1)
    cls = type(_decoded(on, "the receiver", lambda _parts: None))
    if cls not in PLAIN_TYPES and cls not in CODECS:
        raise NotCallable(f"nothing can be called on a {cls.__qualname__}")
    return method_target(cls, message.do, on_class=False)


def _decoded(data: Any, place: str, found: Callable[[list[Any]], object] = find) -> Any:
    try:
        return values.decode(data, found)
    except (CannotRun, Unavailable):
        raise
    except (NotRegistered, NotCallable) as error:
        raise CannotRun(f"{place}: {error}") from error
    except ValueError as error:
        raise CannotRun(f"{place} cannot be understood: {error}") from error
