"""The app's functions that hear of what happens, and how they are called.

What they are told is in `notifications`, which is loaded by who registers one: the classes of events are large, and
most processes have no such functions.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Generic, TypeVar

from ayl.errors import OutOfTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.notifications import BuryEvent, FailureEvent, UnreachableEvent

E = TypeVar("E")


class Hooks(Generic[E]):
    """The functions that hear of one kind of event."""

    def __init__(self, decorator: str) -> None:
        self._decorator = decorator
        self._functions: tuple[Callable[[E], object], ...] = ()

    def add(self, function: Callable[[E], object]) -> None:
        """TypeError if it could not be called with an event."""
        from inspect import iscoroutinefunction  # takes longer than all of this file

        if not callable(function) or isinstance(function, type):
            raise TypeError(f"{self._decorator} is for functions that take the event, not for {function!r}")
        if iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):
            raise TypeError(
                f"{self._decorator} takes no coroutine function, for no event loop runs where it is called: make "
                f"{_name(function)} a plain function, which may use asyncio.run(…) or send a call with ayl.send(…)"
            )
        # A module that is loaded again brings a new function of the same name; the old one must not hear of it too.
        kept = tuple(known for known in self._functions if known != function and not replaces(function, known))
        self._functions = (*kept, function)

    def __bool__(self) -> bool:
        return bool(self._functions)

    def notify(self, event: E) -> None:
        """Call the functions, in the order in which they were registered.

        Nothing comes out but KeyboardInterrupt, and OutOfTime: that ends the call within which something was sent.
        """
        for function in self._functions:
            try:
                function(event)
            except (KeyboardInterrupt, OutOfTime):
                raise
            except BaseException:
                import logging  # only now: `import ayl` shall not pay for it

                log = logging.getLogger("ayl")
                log.exception("the %s hook %s failed, with: %s", self._decorator, _name(function), event)

    def clear(self) -> None:
        """Forget all functions; for tests."""
        self._functions = ()


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"


def replaces(new: Callable[..., object], old: Callable[..., object]) -> bool:
    """Whether `new` is what `old` was, of a module that was loaded again."""
    # Not methods, nor what is made within functions: those of many objects, or many closures, may share a name.
    functions = isinstance(new, FunctionType) and isinstance(old, FunctionType)
    return functions and _name(new) == _name(old) and "<" not in _name(new)


FAILURES: Hooks[FailureEvent] = Hooks("@ayl.on_failure")
BURIALS: Hooks[BuryEvent] = Hooks("@ayl.on_bury")
OUTAGES: Hooks[UnreachableEvent] = Hooks("@ayl.on_unreachable")
