"""Model hooks: calls that are sent whenever an object is saved, after ayl-rails.

    class Order(Base, ayl.Sendable):
        @ayl.ayl_after_save(unless=lambda order: order.draft, options={"delay": 5})
        def reindex(self) -> None: ...

The modules in `ayl.contrib` report saves; what is sent waits for the commit like any other send.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload
from weakref import WeakValueDictionary

from ayl.commits import open_transactions
from ayl.errors import ArgumentsDoNotFit, NotCallable
from ayl.options import Options

if TYPE_CHECKING:
    from ayl.sending import OptionsLike

F = TypeVar("F", bound=Callable[..., Any])

Condition = Callable[[Any], object]
"""Asked with the object when it is saved."""

_MARK = "__ayl_hooks__"


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """When a method is to be sent."""

    created: bool
    """At the first save, the one that makes the row."""
    updated: bool
    """At later saves."""
    once: bool
    """Once for each transaction, however often the object is saved in it."""
    if_: Condition | None
    unless: Condition | None
    options: "OptionsLike"

    def applies(self, obj: object, created: bool) -> bool:
        if not (self.created if created else self.updated):
            return False
        return (self.if_ is None or bool(self.if_(obj))) and not (self.unless is not None and self.unless(obj))


class _Decorator:
    """`@ayl.ayl_after_save`, bare or with arguments."""

    def __init__(self, what: str, *, created: bool, updated: bool, once: bool = False) -> None:
        self._facts = (created, updated, once)
        self.__doc__ = f"""Method decorator: send this method to the object {what}.

        `if_` and `unless` are asked with the object when it is saved; `options` are those of `ayl_send_opts`. The
        method takes no arguments. InvalidOption for wrong options, NotCallable for a private method, ArgumentsDoNotFit
        for one that needs arguments.
        """

    @overload
    def __call__(self, method: F, /) -> F: ...
    @overload
    def __call__(
        self, /, *, if_: Condition | None = None, unless: Condition | None = None, options: "OptionsLike | None" = None
    ) -> Callable[[F], F]: ...
    def __call__(
        self,
        method: F | None = None,
        /,
        *,
        if_: Condition | None = None,
        unless: Condition | None = None,
        options: "OptionsLike | None" = None,
    ) -> F | Callable[[F], F]:
        given: OptionsLike = {} if options is None else options
        if not isinstance(given, Options):
            Options().with_(given)  # wrong ones are refused now
        hook = Hook(*self._facts, if_, unless, given)
        return (lambda named: _marked(named, hook)) if method is None else _marked(method, hook)


def _marked(method: F, hook: Hook) -> F:
    from inspect import signature  # takes longer than all of this file, and not every app has hooks

    if not callable(method) or method.__name__.startswith("_"):
        raise NotCallable(f"{method!r} cannot be sent: hooks are for public methods")
    try:
        signature(method).bind("self")
    except TypeError as error:
        raise ArgumentsDoNotFit(f"hooks send a method without arguments, and {method.__qualname__}: {error}") from None
    setattr(method, _MARK, (*getattr(method, _MARK, ()), hook))
    return method


ayl_after_create = _Decorator("when its row has been made", created=True, updated=False)
ayl_after_update = _Decorator("when its row has been changed", created=False, updated=True)
ayl_after_save = _Decorator("when it has been saved", created=True, updated=True)
ayl_after_commit = _Decorator("once for each transaction that saves it", created=True, updated=True, once=True)

_hooks: dict[type, tuple[tuple[str, Hook], ...]] = {}


def hooks_of(cls: type) -> tuple[tuple[str, Hook], ...]:
    """The methods of `cls` that are sent at saves, each with its hook; those of base classes too, unless overridden."""
    known = _hooks.get(cls)
    if known is None:
        methods: dict[str, object] = {}
        for base in reversed(cls.__mro__):
            methods |= vars(base)
        # A class method has the function that was marked within.
        marked = {name: getattr(method, "__func__", method) for name, method in methods.items()}
        known = tuple((name, hook) for name, method in marked.items() for hook in getattr(method, _MARK, ()))
        _hooks[cls] = known
    return known


# Skipping

Skipped = frozenset[tuple[type, str]]
"""Classes (with their subclasses) and names of methods, empty for all of them."""

_skipped: ContextVar[Skipped] = ContextVar("ayl_skipped_hooks", default=frozenset())


@contextmanager
def skip_ayl_callbacks(cls: type = object, *methods: str) -> Iterator[None]:
    """Within this span saves send nothing: of any class, of one, or not these methods of it.

    NotCallable for a method that the class does not have: a slip must not send what is to be skipped.
    """
    for method in methods:
        if cls is not object and not hasattr(cls, method):
            raise NotCallable(f"{cls.__qualname__} has no method {method!r} that could be skipped")
    token = _skipped.set(_skipped.get() | {(cls, method) for method in methods or ("",)})
    try:
        yield
    finally:
        _skipped.reset(token)


def _skips(cls: type, method: str) -> bool:
    return any(issubclass(cls, base) and name in ("", method) for base, name in _skipped.get())


# For the modules that report saves


class _Noted:
    """Stands for one message while its transaction is open; keeps the object, so that no other gets its id()."""

    __slots__ = ("__weakref__", "_obj")

    def __init__(self, obj: object) -> None:
        self._obj = obj

    def __call__(self) -> None:
        """At the commit there is nothing left to do: the message waits beside this."""


_noted: WeakValueDictionary[tuple[int, str, Hook], _Noted] = WeakValueDictionary()


def saved(obj: object, *, created: bool) -> None:
    """Report that `obj` has been written to its database, after which it has a key. Raises as sends do."""
    from ayl.sending import ayl_send_opts  # who only declares hooks needs nothing of it

    for method, hook in hooks_of(type(obj)):
        if _skips(type(obj), method) or not hook.applies(obj, created):
            continue
        if hook.once and _noted_before(obj, method, hook):
            continue
        ayl_send_opts(obj, method, hook.options)


def _noted_before(obj: object, method: str, hook: Hook) -> bool:
    """Whether this transaction has the message already; if not, it is noted that it has it now."""
    transactions = open_transactions([obj])
    if not transactions:
        return False
    key = (id(obj), method, hook)
    if key in _noted:
        return True
    noted = _noted[key] = _Noted(obj)
    for on_commit in transactions:
        on_commit(noted)  # a rollback lets go of it, and so of the note
    return False
