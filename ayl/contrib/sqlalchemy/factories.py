"""Where sessions come from: the bound factories, and which of them serves which class."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import Mapper, Session, registry, scoped_session
from sqlalchemy.util.concurrency import greenlet_spawn

from ayl.errors import NotConfigured
from ayl.references import PLAIN, SPAWNERS, Spawn, locator_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Factory = Callable[[], "Session"] | Callable[[], "AsyncSession"]

Models = type | registry | MetaData
"""Mapped classes, or what they have in common: a declarative base, its registry or its metadata."""

DEFAULT = "default"


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A factory of sessions, as it was bound."""

    name: str
    factory: Callable[[], Any]
    models: frozenset[object]
    """Empty for one that serves whatever no other serves."""
    scope: Any
    """The `scoped_session` whose present session each job's takes the place of; None for other factories."""
    asynchronous: bool


BOUND: dict[str, Bound] = {}


def bind(factory: Factory, name: str = DEFAULT, *, models: Models | Iterable[Models] = ()) -> None:
    """Which sessions a worker uses: a `sessionmaker`, or any callable that makes a new session; a `scoped_session`,
    which gives out the job's session while a job runs; or an `async_sessionmaker`.

    With several databases give each factory a name and its `models`: mapped classes, a declarative base, its registry
    or its metadata. The nearest class counts. One factory may be bound without models; it serves the rest. Another
    factory of the same name takes its place. NotConfigured if a class would be served by two.
    """
    known = frozenset((models,) if isinstance(models, Models) else models)
    for model in known:
        if not isinstance(model, Models):
            raise NotConfigured(
                f"models are mapped classes, a declarative base, its registry or its metadata, not {model!r}"
            )
        for other in BOUND.values():
            if other.name != name and model in other.models:
                raise NotConfigured(f"{model!r} is served by the factory {other.name!r} already, and by one only")
    scoped, asynchronous = _kind(factory)
    make = factory.session_factory if scoped else factory  # type: ignore[union-attr] # a scoped_session has it
    BOUND[name] = Bound(name, make, known, factory if scoped else None, asynchronous)
    if asynchronous and _spawn not in SPAWNERS:
        SPAWNERS.append(_spawn)


def _kind(factory: Any) -> tuple[bool, bool]:
    """Whether it is scoped, and whether it makes AsyncSessions."""
    # Importing it would take greenlet, which only those have who use it.
    extension = sys.modules.get("sqlalchemy.ext.asyncio")
    if extension is not None and isinstance(factory, (extension.async_sessionmaker, extension.async_scoped_session)):
        return isinstance(factory, extension.async_scoped_session), True
    return isinstance(factory, scoped_session), False


def named(name: str) -> Bound:
    """The factory of that name, and for `default` the one there is; NotConfigured if there is none."""
    bound = BOUND.get(name) or (_rest() if name == DEFAULT else None)
    if bound is None:
        raise _not_bound(f"and none was bound{'' if name == DEFAULT and not BOUND else f' as {name!r}'}", name, "")
    return bound


def serving(cls: type) -> Bound:
    """The factory for a mapped class; NotConfigured if there is none."""
    bound = (_of_its_own(cls) if any(bound.models for bound in BOUND.values()) else None) or _rest()
    if bound is None:
        what = f"for {cls.__qualname__}, and none was bound{' for it' if BOUND else ''}"
        raise _not_bound(what, DEFAULT, f", models=[{cls.__name__}]" if BOUND else "")
    return bound


def _of_its_own(cls: type) -> Bound | None:
    mapper: Mapper[Any] = sqlalchemy.inspect(cls)
    for model in (*cls.__mro__, mapper.registry, *(getattr(table, "metadata", None) for table in mapper.tables)):
        for bound in BOUND.values():
            if model in bound.models:
                return bound
    return None


def _rest() -> Bound | None:
    """The factory that serves what no other serves."""
    rest = {bound.name: bound for bound in BOUND.values() if not bound.models}
    return rest.get(DEFAULT) or (next(iter(rest.values())) if len(rest) == 1 else None)


def _not_bound(what: str, name: str, models: str) -> NotConfigured:
    shown = models if name == DEFAULT else f", {name!r}{models}"
    return NotConfigured(
        f"a job needs an SQLAlchemy session {what}; add to the module that the worker loads:\n"
        f"    ayl.contrib.sqlalchemy.bind(sessionmaker(engine){shown})"
    )


def _spawn(cls: type) -> Spawn | None:
    """For `ayl.references.SPAWNERS`."""
    if not hasattr(cls, "__mapper__") or locator_of(cls) is PLAIN:
        return None
    try:
        return greenlet_spawn if serving(cls).asynchronous else None
    except NotConfigured:  # told when the object is looked for
        return None
