"""Name an object so that another process finds it again, and find it.

A locator knows objects of one kind. Which one a class belongs to is told by a mark that its framework
leaves on every class of its own, so no framework is imported until one of its classes is named.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from contextvars import ContextVar
from importlib import import_module
from types import FunctionType, NoneType, TracebackType
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
from ayl.registry import behind, registry
from ayl.values.refusals import PlacelessError


class Locator(Protocol):
    """Finds objects of one kind. Implementations live in `ayl.contrib`; `PlainLocator` is below."""

    def identify(self, obj: Any) -> object:
        """The key under which `find` finds `obj` again, without touching its state; NotSaved if it has none.

        The errors' text goes on where the object's place ends: "is a Document that has no identity yet".
        """

    def find(self, cls: type, keys: Sequence[object], opened: Any) -> Sequence[object | None]:
        """The objects of these keys, fresh and in their order; for one that exists no more None, or the LookupError
        that says so.

        CannotRun for a key that none can have; any other error means that it cannot be known now.
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
        if own is None and not hasattr(obj, "id"):
            raise NotSaved(
                f"is of type {cls.__qualname__} and has no attribute id; give it one, or a method __ayl_ref__() that "
                "says its key"
            )
        key = obj.id if own is None else own(obj)
        if key is None:
            raise NotSaved(f"is of type {cls.__qualname__} and has no id yet: save it before sending")
        return key

    def find(self, cls: type, keys: Sequence[object], opened: None) -> list[object | None]:
        finder = _finder(cls)
        if finder is None:
            raise NotCallable(f"{cls.__qualname__} has neither a classmethod find(id) nor get_cache(id)")
        return [_found(finder, key) for key in keys]

    def open(self, stack: ExitStack) -> None:
        """Nothing to prepare."""


def _finder(cls: type) -> Callable[[object], object] | None:
    # Asked anew for each send, so that it stays true of a class that changes; inspect.getattr_static takes ten times as
    # long.
    for name in (OWN_FINDER, "get_cache", "find"):
        for base in cls.__mro__:
            if name in base.__dict__:
                # A plain function would need the instance that is to be found.
                if isinstance(base.__dict__[name], (FunctionType, NoneType)):
                    break
                finder: Callable[[object], object] = getattr(cls, name)
                return finder
    return None


def _found(finder: Callable[[object], object | None], key: object) -> object | None:
    try:
        return finder(key)
    except LookupError as error:
        return error


OWN_FINDER = "__ayl_find__"

PLAIN = PlainLocator()

MARKS = {
    "__mapper__": "ayl.contrib.sqlalchemy",
    "__rel__": "ayl.contrib.peewee",
    "_base_manager": "ayl.contrib.django",
}
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
        real = behind(obj)
        return None if real is obj else refer(real)
    try:
        return [name, locator_of(cls).identify(obj)]
    except (NotRegistered, NotSaved) as error:
        raise PlacelessError(type(error), str(error)) from None


def refer_noting(named: list[object], obj: object) -> list[Any] | None:
    """As `refer`; an instance that is named is noted down."""
    parts = refer(obj)
    if parts is not None and len(parts) > 1:
        named.append(behind(obj))
    return parts


Identity = tuple[type, object, str]
"""A class, a key, and how that looks: 1, True and 1.0 are equal, alone and within tuples, and so are 0.0 and -0.0; but
they are different keys.
"""


class Finding:
    """The span in which the objects of one job live: what locators found, and opened for it until its end.

    Made by hand: as a generator it would take a tenth of what a call may.
    """

    __slots__ = ("_stack", "_token", "found", "loop_stack", "opened")

    def __init__(self) -> None:
        self._stack: ExitStack | None = None
        self.loop_stack: AsyncExitStack | None = None
        """While the job runs on an event loop: what ends there."""
        self.opened: dict[Locator, Any] = {}
        self.found: dict[Identity, object | None] = {}

    @property
    def stack(self) -> ExitStack:
        """What ends with the span. Most calls name nothing that has to be found, and need none."""
        if self._stack is None:
            self._stack = ExitStack()
        return self._stack

    def __enter__(self) -> None:
        self._token = _finding.set(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        _finding.reset(self._token)
        return None if self._stack is None else self._stack.__exit__(kind, error, trace)


_finding: ContextVar[Finding | None] = ContextVar("ayl_finding", default=None)


@asynccontextmanager
async def finding_on_loop() -> AsyncIterator[None]:
    """Within `Finding()`: the span in which the job has an event loop. What locators opened there is closed there."""
    job = _job()
    try:
        async with AsyncExitStack() as job.loop_stack:
            yield
    finally:
        job.loop_stack = None


def loop_stack() -> AsyncExitStack | None:
    """Ends, with the job's exception if any, what was opened for it on its event loop; None without a loop."""
    return _job().loop_stack


Spawn = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a plain function so that it may wait for the event loop it is awaited on."""

SPAWNERS: list[Callable[[type], Spawn | None]] = []
"""Asked, of each class of which a message names an object, whether it can only be found on an event loop, and how."""


def spawn_for(references: Iterable[list[Any]]) -> Spawn | None:
    """How to run what finds these objects, if that takes an event loop."""
    for parts in references:
        if len(parts) == 2 and (cls := registry.models.get(parts[0])) is not None:
            spawn = next((spawn for spawner in SPAWNERS if (spawn := spawner(cls)) is not None), None)
            if spawn is not None:
                return spawn
    return None


def find(parts: list[Any]) -> object | None:
    """The class or object that these parts name; must be called within `Finding()`.

    None for an object that exists no more, if its class says so (`@ayl.model(gone="pass_none")`); otherwise Gone.
    Raises NotRegistered, or Unavailable for whatever else goes wrong in the looking.
    """
    if not parts or not isinstance(parts[0], str):
        raise Undecodable(f"a reference begins with a name, not {parts!r}")
    cls = registry.model(parts[0])
    if len(parts) == 1:
        return cls
    key = parts[1]
    known = _known(cls, key)
    found = _looked_up(cls, [key])[0] if known is None else known[0]
    if found is not None and not isinstance(found, LookupError):
        return found
    policy = registry.gone_policy(cls)
    if policy == "pass_none":
        return None
    raise Gone(f"{registry.model_names[cls]} {key!r} exists no more", policy) from found


def find_ahead(references: Iterable[list[Any]]) -> None:
    """Look for the objects of classes that are named more than once, all of a class together; `find` has them then."""
    keys: dict[type, dict[Identity, object]] = defaultdict(dict)
    for parts in references:
        if len(parts) == 2 and (cls := registry.models.get(parts[0])) is not None:
            identity = _identity(cls, parts[1])
            if identity is not None:
                keys[cls][identity] = parts[1]
    job = _job()
    for cls, wanted in keys.items():
        if len(wanted) > 1:
            job.found.update(zip(wanted, _looked_up(cls, [*wanted.values()]), strict=True))


def _known(cls: type, key: object) -> tuple[object | None] | None:
    """What `find_ahead` found for this key, in a tuple, for it may be None."""
    found = _job().found
    if not found:
        return None
    identity = _identity(cls, key)
    return (found[identity],) if identity in found else None


def _identity(cls: type, key: object) -> Identity | None:
    """None for a key that cannot be told from others: then it is looked for by itself."""
    try:
        identity = cls, key, repr(key)
        hash(identity)
    except Exception:  # noqa: BLE001 - a list, or a class of the app's, which may fail at this
        return None
    return identity


def _looked_up(cls: type, keys: list[object]) -> Sequence[object | None]:
    locator = locator_of(cls)
    opened = prepare(locator)
    try:
        return locator.find(cls, keys, opened)
    except (AylError, Decay, Bury):
        raise
    except Exception as error:
        shown = ", ".join(repr(key) for key in keys[:3]) + (", …" if len(keys) > 3 else "")
        name = registry.model_names[cls]
        raise Unavailable(f"{name} {shown} cannot be looked for: {type(error).__name__}: {error}") from error


def prepare(locator: Locator) -> Any:
    """What `locator` opened for the present job; it is opened once."""
    job = _job()
    if locator not in job.opened:
        job.opened[locator] = locator.open(job.stack)
    return job.opened[locator]


def present_job() -> Finding | None:
    """The span of the job that runs here; None if none does."""
    return _finding.get()


def _job() -> Finding:
    job = _finding.get()
    if job is None:
        raise RuntimeError("objects can only be found while a job runs")
    return job
