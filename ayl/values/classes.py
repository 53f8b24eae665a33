"""`@ayl.value`: the classes whose instances travel by value, and the table they are found in again."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from .members import Members
from .models import Model, is_model
from .records import Record, arguments_of
from .refusals import PlacelessError, cure, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound=type[Any])

Codec = Members | Record | Model

CODECS: Final[dict[type, Codec]] = {}
"""How instances of exactly this class are written."""

NAMES: Final[dict[str, Codec]] = {}
"""What a name in a message means. Nothing else decides which class a message can make."""


@overload
def value(cls: C, /) -> C: ...
@overload
def value(name: str | None = None) -> Callable[[C], C]: ...
def value(name: Any = None) -> Any:
    """Let instances of this class travel by value: `@ayl.value` or `@ayl.value("shop.Money")`.

    For dataclasses, Enums, attrs classes, pydantic models, NamedTuples and msgspec Structs. Place it above the
    decorator that makes the class one of those. A worker builds the instance through the class's own
    constructor, so what that checks is checked there too; one that alters what it is given will alter it twice.

    The name is part of every message; without one it is `module.QualName`. When a class is renamed or moved, an
    additional `@ayl.value("the.old.Name")` below the new one keeps old messages readable: the topmost is written,
    all are read.
    """
    if isinstance(name, type):
        return _register(name, None)
    if name is not None and not isinstance(name, str):
        raise TypeError(f"@ayl.value takes a name or stands above a class, it got {name!r}")
    return lambda cls: _register(cls, name)


def _register(cls: C, name: str | None) -> C:
    if name is None:
        if cls.__module__ == "__main__":
            raise ValueError(
                f"{cls.__qualname__} is defined in __main__, where no worker can find it: give it a name, "
                f'@ayl.value("shop.{cls.__qualname__}"), or move it into a module that can be imported'
            )
        name = f"{cls.__module__}.{cls.__qualname__}"
    codec = _codec(name, cls)
    known = NAMES.get(name)
    if known is not None and known.cls is not cls:
        if not _same_origin(known.cls, cls):
            raise ValueError(
                f"{name!r} already names {known.cls.__module__}.{known.cls.__qualname__}: give "
                f"{cls.__module__}.{cls.__qualname__} another name"
            )
        # The same class anew, as after importlib.reload. Instances of the old one would come back as another type.
        CODECS.pop(known.cls, None)
    NAMES[name] = CODECS[cls] = codec
    return cls


MAPPED = "__mapper__"
"""SQLAlchemy's mark on its classes: also on those that are dataclasses or, with SQLModel, pydantic models. Instances
have an identity and travel by reference; by value they would come back as strangers to the database.
"""


def _codec(name: str, cls: type) -> Codec:
    if hasattr(cls, MAPPED):
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} is mapped to a table, so its instances travel by reference: "
            "decorate it with @ayl.model"
        )
    if issubclass(cls, Enum):
        return Members(name, cls)
    if is_model(cls):
        return Model(name, cls)
    if (arguments := arguments_of(cls)) is not None:
        return Record(name, cls, arguments)
    raise TypeError(
        f"{cls.__module__}.{cls.__qualname__} is no dataclass, Enum, attrs class, pydantic model, NamedTuple or "
        "msgspec Struct; place @ayl.value above the decorator that makes it one"
    )


def _same_origin(one: type, other: type) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def codec_of(instance: object) -> Codec:
    cls = type(instance)
    codec = CODECS.get(cls)
    if codec is None:
        raise _unregistered(instance, cls)
    return codec


def _unregistered(instance: object, cls: type) -> PlacelessError:
    if any(_same_origin(known.cls, cls) for known in [*NAMES.values()]):
        return refusal(instance, "its class has been replaced by a newer one of that name; make it anew")
    if hasattr(cls, MAPPED):
        return refusal(instance, "its class is mapped to a table: decorate it with @ayl.model")
    if issubclass(cls, Enum) or is_model(cls) or arguments_of(cls) is not None:
        return refusal(instance, "register it with @ayl.value")
    return refusal(instance, cure(instance))


def codec_named(name: str) -> Codec:
    codec = NAMES.get(name)
    if codec is None:
        raise ValueError(f"no class is registered with @ayl.value as {name[:200]!r}, or its module is not imported")
    return codec
