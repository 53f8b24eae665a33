"""Name an object so that another process finds it again, and find it.

A locator knows objects of one kind. Which one a class belongs to is told by a mark that its framework
leaves on every class of its own, so no framework is imported until one of its classes is named.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from importlib import import_module
from inspect import getattr_static
from types import FunctionType, NoneType
from typing import Any, Protocol

from ayl.errors import (
    AylError,
    Bury,
    Decay,
    Gone,
    NotCallable,
    NotRegistered,
    NotSaved,
    Unavailable,
    Undecodable,
)
from ayl.registry import registry
from ayl.values.refusals import PlacelessError


class Locator(Protocol):
    """Finds objects of one kind. Implementations live in `ayl.contrib`; `PlainLocator` is below."""

    def identify(self, obj: Any) -> object:
        """The key under which `find` finds `obj` again, without touching its state; NotSaved if it has none.

        The errors' text goes on where the object's place ends: "is a Document that has no identity yet".
        """

    def find(self, cls: type, key: object, opened: Any) -> object:
        """The object, fresh. Gone if it exists no more, CannotRun for a key that none can have; any other error
        means that it cannot be known now.
        """

    def open(self, stack: ExitStack) -> Any:
        """Prepare for one job (a session, say), once; `stack` ends it, with the job's exception if any.

        What it returns is handed to each `find`.
        """


class PlainLocator:
    """Classes with `find(id)` or, preferred, `get_cache(id)`; an instance is named by its `id`. As in Ruby ayl.

    A class that wants other words has `__ayl_ref__()`, which gives the key of an instance, and a class method
    `__ayl_find__(key)`; they go before anything else, a framework's way too.
    """

    def identify(self, obj: Any) -> object:
        cls = type(obj)
        if _finder(cls) is None:
            raise NotRegistered(
                f"is of type {cls.__qualname__}, which has no way to find an instance again: give it a classmethod "
                "find(id), or send to a static or class method of it"
            )
        own = getattr(cls, "__ayl_ref__", None)
        key = getattr(obj, "id", None) if own is None else own(obj)
        if key is None:
            raise NotSaved(f"is of type {cls.__qualname__} and has no id yet: save it before sending")
        return key

    def find(self, cls: type, key: object, opened: None) -> object:
        finder = _finder(cls)
        if finder is None:
            raise NotCallable(f"{cls.__qualname__} has neither a classmethod find(id) nor get_cache(id)")
        try:
            found: object = finder(key)
        except LookupError as error:
            raise _gone(cls, key) from error
        if found is None:
            raise _gone(cls, key)
        return found

    def open(self, stack: ExitStack) -> None:
        """Nothing to prepare."""


def _finder(cls: type) -> Callable[[object], object] | None:
    for name in (OWN_FINDER, "get_cache", "find"):
        # A plain function would need the instance that is to be found.
        if not isinstance(getattr_static(cls, name, None), (FunctionType, NoneType)):
            finder: Callable[[object], object] = getattr(cls, name)
            return finder
    return None


def _gone(cls: type, key: object) -> Gone:
    return Gone(f"{registry.model_names[cls]} {key!r} exists no more")


OWN_FINDER = "__ayl_find__"

PLAIN = PlainLocator()

MARKS = {"__mapper__": "ayl.contrib.sqlalchemy"}
"""An attribute that a framework leaves on its classes -> our module for it, which has a `LOCATOR`."""

_locators: dict[type, Locator] = {}


def locator_of(cls: type) -> Locator:
    """The locator that is responsible for the registered class `cls`."""
    locator = _locators.get(cls)
    if locator is None:
        marks = {} if hasattr(cls, OWN_FINDER) else MARKS
        module = next((module for mark, module in marks.items() if hasattr(cls, mark)), None)
        locator = PLAIN if module is None else import_module(module).LOCATOR
        _locators[cls] = locator
    return locator


def refer(obj: object) -> list[Any] | None:
    """The parts of a reference to `obj`: [name] for a registered class, [name, key] for an instance of one."""
    if isinstance(obj, type):
        name = registry.model_names.get(obj)
        return None if name is None else [name]
    cls = type(obj)
    name = registry.model_names.get(cls)
    if name is None:
        return None
    try:
        return [name, locator_of(cls).identify(obj)]
    except (NotRegistered, NotSaved) as error:
        raise PlacelessError(type(error), str(error)) from None


class Finding:
    """The span in which the objects of one job live: what locators opened for it."""

    __slots__ = ("opened", "stack")

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.opened: dict[Locator, Any] = {}


_finding: ContextVar[Finding | None] = ContextVar("ayl_finding", default=None)


@contextmanager
def finding() -> Iterator[None]:
    """The span in which the objects of one job live; what locators opened is closed at its end."""
    with ExitStack() as stack:
        token = _finding.set(Finding(stack))
        try:
            yield
        finally:
            _finding.reset(token)


def find(parts: list[Any]) -> object:
    """The class or object that these parts name; must be called within `finding()`.

    Raises NotRegistered, Gone, or Unavailable for whatever else goes wrong in the looking.
    """
    if not parts or not isinstance(parts[0], str):
        raise Undecodable(f"a reference begins with a name, not {parts!r}")
    cls = registry.model(parts[0])
    if len(parts) == 1:
        return cls
    locator = locator_of(cls)
    opened = prepare(locator)
    try:
        return locator.find(cls, parts[1], opened)
    except (AylError, Decay, Bury):
        raise
    except Exception as error:
        raise Unavailable(f"{parts[0]} {parts[1]!r} cannot be looked for: {type(error).__name__}: {error}") from error


def prepare(locator: Locator) -> Any:
    """What `locator` opened for the present job; it is opened once."""
    job = _finding.get()
    if job is None:
        raise RuntimeError("objects can only be found while a job runs")
    if locator not in job.opened:
        job.opened[locator] = locator.open(job.stack)
    return job.opened[locator]
