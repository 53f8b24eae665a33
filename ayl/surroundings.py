"""Middleware: functions of the app around each call that a worker makes.

    @ayl.middleware
    def timed(call: ayl.Running) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            seconds.observe(call.name, perf_counter() - began)

Each is a generator with one `yield`, where the call is made: what it raises comes out there. One form for all calls,
whether they are made in a thread or on an event loop; the time to run holds for both together.
"""

from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from ayl.listeners import replaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.running import Running

M = TypeVar("M", bound="Callable[[Running], Iterator[None]]")

_functions: "tuple[Callable[[Running], Iterator[None]], ...]" = ()
_spans: "tuple[Callable[[Running], AbstractContextManager[None]], ...]" = ()


def middleware(function: M, /) -> M:
    """Function decorator: from now on a worker makes each call within this function, where it yields.

    Who is registered first is the outermost. What it raises is the failure of the call, as if that had raised it; what
    it catches is none. TypeError for what is no generator function of one argument, the call.
    """
    global _functions, _spans
    _check(function)
    kept = [known for known in _functions if known != function and not replaces(function, known)]
    _functions = (*kept, function)
    _spans = tuple(map(contextmanager, _functions))
    return function


def _check(function: object) -> None:
    from inspect import isasyncgenfunction, isgeneratorfunction, signature, unwrap  # long, as listeners say

    name = getattr(function, "__qualname__", repr(function))
    if isasyncgenfunction(function):
        raise TypeError(f"{name} is async, but has to surround plain functions, too: make it `def`, with one `yield`")
    if not callable(function) or not isgeneratorfunction(function):
        wrapped = " without @contextmanager" if isgeneratorfunction(unwrap(function)) else ""  # type: ignore[arg-type]
        raise TypeError(f"@ayl.middleware is for generator functions with one `yield`{wrapped}, not for {name}")
    try:
        signature(function).bind(None)
    except TypeError as error:
        raise TypeError(f"{name} is called with one argument, the call: {error}") from None


def is_there() -> bool:
    """Whether any is registered."""
    return bool(_spans)


def surround(stack: ExitStack | AsyncExitStack) -> None:
    """Until the stack is unwound, a worker makes the call that `ayl.current()` is; it is within all of them."""
    if _spans:
        from ayl.running import current  # who only declares calls need not load it

        call = current()
        assert call is not None  # noqa: S101 - of workers only
        for span in _spans:
            stack.enter_context(span(call))


def clear() -> None:
    """Forget all of them; for tests."""
    global _functions, _spans
    _functions = _spans = ()
