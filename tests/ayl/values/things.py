"""The classes and values that the tests send, and their way through a message."""

from __future__ import annotations

import enum
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ayl.values import decode, encode, value

if TYPE_CHECKING:
    from collections.abc import Callable


# --- the classes the tests send --------------------------------------------------------------------------------


@value("test.Suit")
class Suit(enum.Enum):
    HEARTS = "♥"
    SPADES = "♠"
    PIKES = "♠"  # noqa: PIE796 -- an alias


@value("test.Level")
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@value("test.Colour")
class Colour(enum.StrEnum):
    RED = "red"


@value("test.Open")
class Open(enum.Enum):
    KNOWN = 1

    @classmethod
    def _missing_(cls, number: Any) -> Open:
        made = object.__new__(cls)
        made._name_, made._value_ = f"UNKNOWN_{number}", number
        return made


@value("test.Right")
class Right(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4


@value("test.Mode")
class Mode(enum.IntFlag):
    R = 4
    W = 2


@value("test.Eject")
class Eject(enum.Flag, boundary=enum.EJECT):
    ONE = 1


@value("test.Money")
@dataclass(frozen=True, slots=True)
class Money:
    amount: Any
    currency: Any = "EUR"


@value("test.Stay")
@dataclass
class Stay:
    nights: Any
    note: Any = field(default="", kw_only=True)
    total: Any = field(init=False, default=None)


@value("test.Sealed")
@dataclass(frozen=True, slots=True)
class Sealed:
    start: int
    end: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", self.start + 1)


@value("test.Positive")
@dataclass(frozen=True)
class Positive:
    number: int

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise KeyError(self.number)


@value("test.Point")
class Point(NamedTuple):
    x: Any
    y: Any = 0


@value("test.Order")
class Order(msgspec.Struct, frozen=True, rename="camel"):
    line_items: Any
    paid: Any = False


@dataclass
class Unregistered:
    customer: object = None


class UnregisteredEnum(enum.IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


class Stored:
    """An object that lives in some database: it travels as a reference."""

    def __init__(self, key: object) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and self.key == other.key

    def __hash__(self) -> int:
        return hash(("Stored", repr(self.key)))


def refer(thing: object) -> list[Any] | None:
    if thing is Stored:
        return ["test.Stored"]
    return ["test.Stored", thing.key] if isinstance(thing, Stored) else None


def find(parts: list[Any]) -> object:
    return Stored(*parts[1:]) if parts[1:] else Stored


def nobody(_thing: object) -> None:
    return None


def write(thing: object) -> Any:
    return encode(thing, "args", refer)


def sent(thing: object) -> Any:
    """`thing` after its way through the bytes of a message."""
    return decode(msgspec.json.decode(msgspec.json.encode(write(thing))), find)


def form(thing: Any) -> object:
    """What makes two values the same for us: equal, of the same type, NaN and signed zeros and folds included."""
    kind = type(thing)
    match thing:
        case enum.Enum():
            content: object = (thing.name, thing.value)
        case dict():
            content = [(form(key), form(item)) for key, item in thing.items()]
        case set() | frozenset():
            content = sorted(map(form, thing), key=repr)
        case list() | tuple():
            content = [form(item) for item in thing]
        case Money():
            content = (form(thing.amount), form(thing.currency))
        case Stay():
            content = (form(thing.nights), form(thing.note), form(thing.total))
        case Order():
            content = (form(thing.line_items), form(thing.paid))
        case Stored():
            content = form(thing.key)
        case int():
            content = hex(thing)
        case _:
            content = repr(thing)
    return kind, content


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

# --- strategies over everything that travels --------------------------------------------------------------------


@st.composite
def brief(draw: st.DrawFn, strategy: Callable[[], st.SearchStrategy[Any]]) -> Any:
    """A strategy that prints in a line, as those made of it do: hypothesis warns when they fill pages."""
    return draw(strategy())


any_text = st.text(st.characters(exclude_categories=()))
offsets = st.timedeltas(-timedelta(hours=23), timedelta(hours=23))
fixed_zones = st.one_of(
    st.just(UTC),
    offsets.map(timezone),
    st.builds(timezone, offsets.map(lambda offset: timedelta(minutes=offset // timedelta(minutes=1))), any_text),
    st.builds(timezone, offsets, any_text),
)
zones = st.none() | fixed_zones | st.timezones()
moments = st.builds(
    lambda moment, fold: moment.replace(fold=fold),
    st.one_of(
        st.datetimes(timezones=st.none() | fixed_zones), st.datetimes(timezones=st.timezones(), allow_imaginary=True)
    ),
    st.integers(0, 1),
)
clocks = st.builds(
    lambda clock, zone, fold: clock.replace(tzinfo=zone, fold=fold), st.times(), zones, st.integers(0, 1)
)
huge = st.integers(-(2**70), 2**70) | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64])
paths = any_text.map(lambda text: text.replace("\0", ""))
flags = st.builds(Right, st.integers(0, 7)) | st.builds(Mode, st.integers(0, 2**70))

every_hashable_scalar = st.one_of(
    st.none(),
    st.booleans(),
    huge,
    st.floats(),
    any_text,
    st.decimals().filter(lambda number: not number.is_snan()),
    st.complex_numbers(),
    st.uuids(),
    st.binary(),
    st.dates(),
    moments,
    clocks,
    st.timedeltas(),
    st.builds(range, huge, huge, huge.filter(bool)),
    paths.map(Path),
    paths.map(PurePosixPath),
    st.sampled_from([*Suit, *Level, *Colour]),
    flags,
)
hashable_scalars = brief(lambda: every_hashable_scalar)
scalars = hashable_scalars | st.binary().map(bytearray) | st.just(Decimal("sNaN12"))
every_hashable = st.recursive(
    hashable_scalars | st.builds(Stored, hashable_scalars | st.tuples(hashable_scalars, hashable_scalars)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.frozensets(inner, max_size=4),
        st.builds(Money, inner, inner),
        st.builds(Point, inner, inner),
        st.builds(Order, inner, inner),
    ),
    max_leaves=6,
)
hashables = brief(lambda: every_hashable)
everything = st.recursive(
    scalars | hashables,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(hashables, max_size=4),
        st.dictionaries(any_text | st.sampled_from(["$t", "$ref", "$"]), inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.builds(Money, inner, inner),
        st.builds(Stay, inner, note=inner),
        st.builds(Point, inner, inner),
        st.builds(Order, inner, inner),
    ),
    max_leaves=15,
)


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 -- the untyped kind is a kind users have


def deep(levels: int, wrap: Callable[[Any], Any]) -> Any:
    thing: Any = 1
    for _ in range(levels):
        thing = wrap(thing)
    return thing
