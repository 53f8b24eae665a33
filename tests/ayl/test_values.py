"""Arguments come back from JSON equal and of the same type, or are refused where they were sent."""

from __future__ import annotations

import enum
import importlib
import io
import json
import math
import sys
import threading
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ayl.values import decode, encode, references, value
from ayl.values.decoding import BRANCHES, LEAVES

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


class TestWhatTravels:
    @patient
    @given(everything)
    def test_every_accepted_value_comes_back_equal_and_of_the_same_type(self, thing: Any) -> None:
        assert form(sent(thing)) == form(thing)

    @patient
    @given(everything)
    def test_what_is_written_is_plain_json_for_any_language(self, thing: Any) -> None:
        written = write(thing)
        assert json.loads(json.dumps(written, allow_nan=False)) == written

    @patient
    @given(scalars | hashables)
    def test_every_kind_comes_back_from_every_kind_of_container(self, thing: Any) -> None:
        for container in ([thing], {"a": thing}, {1: thing}, (thing,), Money(thing), Point(thing), Order(thing)):
            assert form(sent(container)) == form(container)

    @pytest.mark.parametrize(
        "thing",
        [None, True, 0, -(2**63), 2**63 - 1, 1.5, "", "ascii", "Käse 🧀", [], {}, [1, [2, {"a": None}]], {"": "$"}],
    )
    def test_what_json_holds_is_written_as_it_is(self, thing: object) -> None:
        assert write(thing) == thing

    @pytest.mark.parametrize(
        ("thing", "written"),
        [
            (2**63, ["int", "0x8000000000000000"]),
            (-math.inf, ["float", "-inf"]),
            ("\ud800", ["str", "7aCA"]),
            (1 - 2j, ["complex", 1.0, -2.0]),
            (Decimal("-0.00"), ["Decimal", "-0.00"]),
            (UUID(int=1), ["UUID", "00000000-0000-0000-0000-000000000001"]),
            (b"\0\xff", ["bytes", "AP8="]),
            (bytearray(b"a"), ["bytearray", "YQ=="]),
            (range(1, 9, 2), ["range", 1, 9, 2]),
            (Path("/a/b"), ["Path", "/a/b"]),
            (Path("/\udcff"), ["Path", {"$t": ["str", "L+2zvw=="]}]),
            (PurePosixPath("a"), ["PurePosixPath", "a"]),
            (date(2024, 2, 29), ["date", "2024-02-29"]),
            (time(1, 2), ["time", "01:02:00"]),
            (timedelta(-1, 2, 3), ["timedelta", -1, 2, 3]),
            (datetime(2024, 1, 2, 3, 4, 5), ["datetime", "2024-01-02T03:04:05"]),  # noqa: DTZ001
            (datetime(2024, 1, 2, tzinfo=UTC), ["datetime", "2024-01-02T00:00:00+00:00"]),
            (
                datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
                ["datetime", "2024-10-27T02:30:00", "Europe/Berlin", 1],
            ),
            (
                datetime(2024, 1, 2, tzinfo=timezone(timedelta(microseconds=1))),
                ["datetime", "2024-01-02T00:00:00", 1],
            ),
            (
                datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1), "CET")),
                ["datetime", "2024-01-02T00:00:00+01:00", None, 0, "CET"],
            ),
            ((1, (2,)), ["tuple", [1, {"$t": ["tuple", [2]]}]]),
            ({1}, ["set", [1]]),
            (frozenset({"a"}), ["frozenset", ["a"]]),
            ({1: 2, "a": 3}, ["dict", [[1, 2], ["a", 3]]]),
            ({"$t": 1}, ["dict", [["$t", 1]]]),
            (Suit.HEARTS, ["enum", "test.Suit", "HEARTS"]),
            (Right.READ | Right.RUN, ["flag", "test.Right", 5]),
            (Money(3), ["value", "test.Money", {"amount": 3, "currency": "EUR"}]),
        ],
    )
    def test_the_wire_form_of_each_tag_is_pinned(self, thing: object, written: list[object]) -> None:
        assert write(thing) == {"$t": written}
        assert form(decode({"$t": written}, find)) == form(thing)

    def test_nothing_the_sender_may_change_later_is_shared_with_what_was_written(self) -> None:
        inner = [1]
        thing = {"a": inner}
        written = write(thing)
        inner.append(2)
        assert written == {"a": [1]}

    def test_reading_shares_nothing_with_the_message_either(self) -> None:
        data = [[1], {"a": [2]}]
        made: Any = decode(data, find)
        made[0].append(2)
        made[1]["a"].append(3)
        assert data == [[1], {"a": [2]}]

    def test_an_int_beyond_pythons_limit_of_decimal_digits_travels(self) -> None:
        assert sent(10**50_000) == 10**50_000

    def test_equal_sets_are_written_alike_whatever_order_they_were_filled_in(self) -> None:
        elements = [("a", 1), ("b", None), 3, "c", 2.5, frozenset({1, 2}), frozenset({3}), Money(1)]
        assert write(set(elements)) == write(set(sorted(elements, key=repr)))  # noqa: C414 -- the order is the point
        assert write({11, 2, 1}) == {"$t": ["set", [1, 2, 11]]}

    def test_a_decimal_is_written_the_same_under_any_decimal_context(self) -> None:
        with localcontext(Context(prec=2, capitals=0, traps=[])):
            assert write(Decimal("1.2345E+9")) == {"$t": ["Decimal", "1.2345E+9"]}
            assert sent(Decimal("1.2345E+9")) == Decimal("1.2345E+9")
            with pytest.raises(ValueError, match="Decimal"):
                decode({"$t": ["Decimal", "abc"]}, find)

    def test_a_zone_of_the_database_comes_back_as_that_very_zone(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        assert sent(datetime(2024, 1, 1, tzinfo=berlin)).tzinfo is berlin

    def test_a_moment_told_twice_a_year_stays_the_one_it_was(self) -> None:
        late = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
        assert sent(late).utcoffset() == timedelta(hours=1)


class TestReferences:
    def test_an_object_that_can_be_found_again_travels_as_a_reference(self) -> None:
        assert write([Stored(42), Stored]) == [{"$ref": ["test.Stored", 42]}, {"$ref": ["test.Stored"]}]
        assert sent([Stored(42), Stored]) == [Stored(42), Stored]

    def test_a_key_may_be_any_value(self) -> None:
        thing = Stored((1, UUID(int=3)))
        assert sent(thing) == thing

    def test_a_reference_goes_before_the_value_class(self) -> None:
        assert encode(Money(1), "args", lambda _: ["shop.Money", 7]) == {"$ref": ["shop.Money", 7]}

    def test_plain_and_tagged_values_are_never_asked_about(self) -> None:
        asked: list[object] = []

        def ask(thing: object) -> None:
            asked.append(thing)

        encode([1, "a", None, 2.5, (1, {2}), Decimal(1), {"a": {3: b""}}, Money(1), Suit.HEARTS], "args", ask)
        assert asked == [Money(1), Suit.HEARTS]

    def test_what_refer_raises_is_let_through_as_it_is(self) -> None:
        class UnsavedError(TypeError):
            pass

        def unsaved(_thing: object) -> None:
            raise UnsavedError("the order was never saved")

        with pytest.raises(UnsavedError, match=r"^the order was never saved$"):
            encode([[Stored(None)]], "args", unsaved)

    def test_what_find_raises_is_let_through_as_it_is(self) -> None:
        def gone(_parts: list[Any]) -> object:
            raise LookupError("gone")

        with pytest.raises(LookupError, match=r"^gone$"):
            decode({"$t": ["value", "test.Money", {"amount": {"$ref": ["x", 1]}, "currency": ""}]}, gone)

    def test_a_key_that_cannot_travel_names_its_place(self) -> None:
        with pytest.raises(TypeError, match=r"^\(the key of args\[0\]\) is of type object: "):
            write([Stored(object())])

    def test_a_key_holds_no_reference_in_turn(self) -> None:
        with pytest.raises(TypeError, match=r"^\(the key of args\)\[1\] is of type .*Stored"):
            write(Stored((1, Stored(2))))
        with pytest.raises(ValueError, match="no other reference"):
            decode({"$ref": ["test.Stored", {"$ref": ["test.Stored", 1]}]}, find)

    def test_all_references_are_listed_in_order_as_find_will_get_them(self) -> None:
        key = UUID(int=9)
        data = write([Stored(1), {"a": (Stored(key), 5)}, {Stored(2): Money(Stored(3))}, Stored])
        named = "test.Stored"
        assert list(references(data)) == [[named, 1], [named, key], [named, 2], [named, 3], [named]]

        found: list[list[Any]] = []
        decode(data, lambda parts: found.append(parts) or len(found))  # type: ignore[func-returns-value]
        assert sorted(map(str, found)) == sorted(map(str, references(data)))

    def test_a_users_dict_that_looks_like_a_reference_is_none(self) -> None:
        assert list(references(write([{"$ref": ["test.Stored", 1]}]))) == []
        assert sent({"$ref": ["test.Stored", 1]}) == {"$ref": ["test.Stored", 1]}

    @pytest.mark.parametrize(
        "data",
        [
            {"$ref": []},
            {"$ref": "x"},
            {"$ref": {"a": 1}},
            {"$ref": [1]},
            {"$ref": ["x", 1, 2]},
            {"$ref": ["x"], "y": 1},
            {"$ref": ["x"], "$t": ["int", "0x1"]},
            {"$ref": ["x", {"$t": ["no"]}]},
        ],
    )
    def test_a_malformed_reference_is_a_value_error_for_both_readers(self, data: object) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            decode(data, find)
        with pytest.raises(ValueError, match=r"\w"):
            list(references([data]))


class Nowhere(tzinfo):
    def utcoffset(self, _moment: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _moment: datetime | None) -> None:
        return None

    def tzname(self, _moment: datetime | None) -> str:
        return "nowhere"


class FakeMoment(datetime):
    """What libraries that freeze time hand out."""


async def coroutine() -> None: ...


def closed(thing: Any) -> Any:
    thing.close()
    return thing


def deep(levels: int, wrap: Callable[[Any], Any]) -> Any:
    thing: Any = 1
    for _ in range(levels):
        thing = wrap(thing)
    return thing


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 -- the untyped kind is a kind users have
REFUSED: list[tuple[Any, str, str]] = [
    ([0, Unregistered()], "args[1]", "@ayl.value"),
    ([Open.KNOWN, Open(2)], "args[1]", "no declared member"),
    ([0, Money(Unregistered())], "args[1].amount", "@ayl.value"),
    ([0, Stay(1, note=[lambda: 1])], "args[1].note[0]", "not code"),
    ([{"rows": [0, 1, 2, object()]}], "args[0]['rows'][3]", "@ayl.model"),
    ({"stay": UnregisteredEnum.ONE}, "args['stay']", "@ayl.value"),
    ({1: {None: {2.5: Pair(1, 2)}}}, "args[1][None][2.5]", "@ayl.value"),
    ({(1, 2): object()}, "args[<tuple>]", "@ayl.model"),
    ({10**5000: object()}, "args[<int>]", "@ayl.model"),
    ({"x" * 200: object()}, f"args['{'x' * 79}…]", "@ayl.model"),
    ([{(1, object()): 1}], "(a key of args[0])[1]", "@ayl.model"),
    ([{1, print}], "(an element of args[0])", "not code"),
    ([frozenset({(0, print)})], "(an element of args[0])[1]", "not code"),
    ((Point(1, Order([object()])),), "args[0].y.line_items[0]", "@ayl.model"),
    (object(), "args", "@ayl.model"),
    (
        deep(15, lambda inner: [inner] if inner != 1 else [object()]),
        "args[0][0][0][0][0][0][0][0][0][0][0][0]…",
        "@ayl",
    ),
    (Text("a"), "args", "bare str"),
    (OrderedDict(a=1), "args", "bare dict"),
    (defaultdict(list), "args", "bare dict"),
    (Counter("a"), "args", "bare dict"),
    ({Text("a"): 1}, "(a key of args)", "bare str"),
    ([type("Number", (int,), {})(1)], "args[0]", "bare int"),
    ([type("Bytes", (bytes,), {})(b"")], "args[0]", "bare bytes"),
    (FakeMoment(2024, 1, 1), "args", "@ayl.model"),
    ([type("Place", (type(Path()),), {})("a")], "args[0]", "@ayl.model"),
    (UserDict(), "args", "@ayl.model"),
    (deque(), "args", "@ayl.model"),
    (Fraction(1, 2), "args", "@ayl.model"),
    (PureWindowsPath("a"), "args", "@ayl.model"),
    (..., "args", "@ayl.model"),
    ([Money], "args[0]", "class"),
    *(([code], "args[0]", "not code") for code in (print, "".join, Money.__init__, json, Path.cwd, partial(print))),
    ([closed(io.StringIO())], "args[0]", "open file"),
    ([(item for item in "a")], "args[0]", "list(…)"),
    ([iter([])], "args[0]", "list(…)"),
    ([{}.keys()], "args[0]", "list(…)"),
    ([closed(coroutine())], "args[0]", "await"),
    ([threading.Lock()], "args[0]", "this process"),
    ([threading.RLock()], "args[0]", "this process"),
    ([threading.Event()], "args[0]", "this process"),
    ([memoryview(b"")], "args[0]", "bytes(…)"),
    ([ZoneInfo("UTC")], "args[0]", "name"),
    ([ValueError("x")], "args[0]", "str(…)"),
    ([datetime(2024, 1, 1, tzinfo=Nowhere())], "args[0]", "Nowhere; only zoneinfo.ZoneInfo and datetime.timezone"),
    ([time(1, tzinfo=Nowhere())], "args[0]", "Nowhere; only"),
]


class TestWhatIsRefused:
    @pytest.mark.parametrize(("thing", "place", "cure"), REFUSED)
    def test_a_refusal_names_the_place_the_type_and_the_cure(self, thing: Any, place: str, cure: str) -> None:
        with pytest.raises(TypeError) as refused:
            encode(thing, "args", nobody)
        said = str(refused.value)
        assert said.startswith(f"{place} is of type ")
        assert cure in said
        assert "\n" not in said
        assert refused.value.__suppress_context__

    def test_the_place_may_begin_with_anything(self) -> None:
        with pytest.raises(
            TypeError, match=r"^kwargs\['stay'\]\.note is of type .*test_values\.Unregistered: register"
        ):
            encode(Stay(1, note=Unregistered()), "kwargs['stay']", nobody)

    @patient
    @given(st.lists(st.integers(0, 5), max_size=10), st.sampled_from([object(), print, Unregistered(), Text("a")]))
    def test_the_place_leads_to_the_refused_value_however_deep(self, path: list[int], culprit: object) -> None:
        thing: Any = culprit
        for index in reversed(path):
            thing = [0] * index + [thing, object()]
        with pytest.raises(TypeError) as refused:
            encode(thing, "args", nobody)
        assert str(refused.value).partition(" is of type ")[0] == "args" + "".join(f"[{index}]" for index in path)

    def test_a_zone_that_was_read_from_a_file_is_refused(self, tmp_path: Path) -> None:
        source = next(file for file in map(Path, _zone_files("Europe/Berlin")) if file.is_file())
        for key in (None, "no key", "No/Such_Zone", "Asia/Tokyo"):
            with source.open("rb") as data:
                zone = ZoneInfo.from_file(data, key=key)
            with pytest.raises(TypeError, match=r"^args is of type datetime: its time zone was read from a file"):
                write(datetime(2024, 1, 1, tzinfo=zone))

    def test_a_dataclass_with_a_field_that_was_never_set_is_refused(self) -> None:
        half = Stay.__new__(Stay)
        with pytest.raises(TypeError, match=r"^args\[0\] has a field without a value: .*nights"):
            write([half])

    def test_a_value_that_contains_itself_is_refused_at_its_place(self) -> None:
        thing: list[Any] = [1]
        thing.append({"again": thing})
        with pytest.raises(ValueError, match=r"^args\[1\]\['again'\]\[1\]\['again'\].*… nests deeper than 100 levels"):
            write(thing)

    wraps: tuple[Callable[[Any], Any], ...] = (
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: {"a": inner},
        lambda inner: {1: inner},
        lambda inner: {2.5: inner},
        lambda inner: frozenset({inner}),
        Money,
        Point,
        Order,
    )

    @pytest.mark.parametrize("wrap", wraps)
    def test_a_hundred_levels_travel_and_one_more_does_not(self, wrap: Callable[[Any], Any]) -> None:
        assert form(sent(deep(100, wrap))) == form(deep(100, wrap))
        with pytest.raises(ValueError, match="nests deeper than 100 levels"):
            write(deep(101, wrap))

    def test_what_the_caller_wraps_around_a_hundred_levels_can_still_be_read(self) -> None:
        written = write(deep(100, lambda inner: [inner]))
        assert decode({"args": [written]}, find) == {"args": [written]}


def _zone_files(key: str) -> list[str]:
    import zoneinfo

    return [f"{folder}/{key}" for folder in zoneinfo.TZPATH]


class TestRegistering:
    def test_the_default_name_is_module_and_qualified_name(self) -> None:
        @value
        @dataclass
        class Local:
            a: int

        assert write(Local(1))["$t"][1] == f"{__name__}.TestRegistering.{Local.__qualname__.partition('.')[2]}"
        assert sent(Local(1)) == Local(1)

    def test_the_name_may_be_given_by_keyword_and_left_out_with_empty_brackets(self) -> None:
        @value()
        @value(name="test.ByKeyword")
        @dataclass
        class Local:
            a: int

        assert sent(Local(1)) == Local(1)
        assert decode({"$t": ["value", "test.ByKeyword", {"a": 1}]}, find) == Local(1)

    def test_the_topmost_name_is_written_and_the_ones_below_are_still_read(self) -> None:
        @value("test.New")
        @value("test.Old")
        @dataclass
        class Renamed:
            a: int

        assert write(Renamed(1))["$t"][1] == "test.New"
        assert decode({"$t": ["value", "test.Old", {"a": 1}]}, find) == Renamed(1)

    def test_a_class_of_main_is_refused_with_the_cure(self) -> None:
        cls: Any = dataclass(type("Local", (), {"__module__": "__main__", "__annotations__": {}}))
        with pytest.raises(ValueError, match=r'__main__.*@ayl\.value\("shop\.Local"\).*move it into a module'):
            value(cls)
        assert value("test.FromMain")(cls) is cls

    def test_two_classes_under_one_name_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"'test\.Money' already names .*Money: give .*Unregistered another name"):
            value("test.Money")(Unregistered)
        assert sent(Money(1)) == Money(1)

    def test_a_reloaded_class_takes_the_place_of_the_old_one(self) -> None:
        def define() -> Any:
            @value("test.Reloaded")
            @dataclass
            class Reloaded:
                a: int

            return Reloaded

        old, new = define(), define()
        assert type(sent(new(1))) is new
        with pytest.raises(TypeError, match="replaced by a newer one"):
            write(old(1))

    @pytest.mark.parametrize("cls", [object, Stored, Text, dict, int])
    def test_a_class_of_another_kind_is_refused(self, cls: type) -> None:
        with pytest.raises(TypeError, match="is no dataclass, Enum, attrs class"):
            value("test.Other")(cls)

    def test_a_decorator_in_the_wrong_order_is_refused_even_below_a_dataclass(self) -> None:
        class Sub(Money):
            note: str = ""

        with pytest.raises(TypeError, match=r"place @ayl\.value above the decorator"):
            value("test.Sub")(Sub)

    def test_something_that_is_neither_class_nor_name_is_refused(self) -> None:
        with pytest.raises(TypeError, match="takes a name or stands above a class"):
            value(3)  # type: ignore[call-overload]

    def test_a_dataclass_that_its_fields_do_not_suffice_for_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="cannot be made from its fields: missing a required argument: 'scale'"):

            @value("test.Scaled")
            @dataclass
            class Scaled:
                a: int
                scale: InitVar[int]

        with pytest.raises(TypeError, match="cannot be made from its fields: missing a required argument: 'b'"):

            @value("test.Custom")
            @dataclass(init=False)
            class Custom:
                a: int

                def __init__(self, b: int) -> None:
                    self.a = b

    def test_a_dataclass_that_is_also_a_builtin_would_lose_content_and_is_refused(self) -> None:
        with pytest.raises(TypeError, match="holds more than its fields"):

            @value("test.Rows")
            @dataclass
            class Rows(list[int]):
                title: str

    def test_a_refused_class_leaves_nothing_behind(self) -> None:
        with pytest.raises(TypeError):
            value("test.Nothing")(Stored)
        with pytest.raises(ValueError, match="no class is registered"):
            decode({"$t": ["value", "test.Nothing", {}]}, find)


class TestRegisteredClasses:
    def test_fields_outside_the_constructor_are_set_even_on_a_frozen_class_with_slots(self) -> None:
        thing = Sealed(1)
        object.__setattr__(thing, "end", 99)
        assert sent(thing) == thing
        assert sent(thing).end == 99

    def test_the_constructor_checks_what_a_message_brings(self) -> None:
        with pytest.raises(ValueError, match=r"^test\.Positive does not accept its fields: -1$"):
            decode({"$t": ["value", "test.Positive", {"number": -1}]}, find)

    def test_a_named_tuple_stays_one_and_an_untyped_one_too(self) -> None:
        value("test.Pair")(Pair)
        try:
            assert type(sent(Pair(1, (2,)))) is Pair
            assert sent(Point(1, 2)) == Point(1, 2)
        finally:
            from ayl.values import classes

            del classes.NAMES["test.Pair"], classes.CODECS[Pair]

    def test_a_struct_travels_by_its_attribute_names(self) -> None:
        assert write(Order([1]))["$t"][2] == {"line_items": [1], "paid": False}

    def test_an_enum_is_found_by_the_names_of_its_members_alone(self) -> None:
        for name in ("__class__", "mro", "name", "_member_map_", "♥", ""):
            with pytest.raises(ValueError, match="has no member"):
                decode({"$t": ["enum", "test.Suit", name]}, find)
        assert decode({"$t": ["enum", "test.Suit", "PIKES"]}, find) is Suit.SPADES

    @pytest.mark.parametrize("flag", [Right(0), Right(7), Right.READ, Mode(0), Mode(64), Mode(2**70), Eject.ONE])
    def test_combinations_of_a_flag_travel_by_value(self, flag: enum.Flag) -> None:
        assert form(sent(flag)) == form(flag)

    @pytest.mark.parametrize(("name", "bits"), [("Right", 8), ("Right", -1), ("Eject", 2), ("Suit", 1), ("Mode", -1)])
    def test_bits_that_a_flag_does_not_know_are_refused(self, name: str, bits: int) -> None:
        with pytest.raises(ValueError, match=f"test.{name}"):
            decode({"$t": ["flag", f"test.{name}", bits]}, find)

    def test_attrs_classes_travel(self) -> None:
        attr = importlib.import_module("attr")
        cls = attr.make_class(
            "Rate",
            {"plain": attr.ib(), "_hidden": attr.ib(default=2), "late": attr.ib(init=False)},
            frozen=True,
            slots=True,
        )
        thing = cls(1, hidden=Decimal(3))
        with pytest.raises(TypeError, match=r"register it with @ayl\.value"):
            write(thing)
        value("test.Rate")(cls)
        with pytest.raises(TypeError, match=r"^args has a field without a value"):
            write(thing)
        object.__setattr__(thing, "late", (1,))
        assert sent(thing) == thing
        with pytest.raises(ValueError, match="lacks the field '_hidden'"):
            decode({"$t": ["value", "test.Rate", {"plain": 1, "late": 2}]}, find)


@pytest.fixture(scope="module")
def pydantic() -> Any:
    return importlib.import_module("pydantic")


@pytest.fixture(scope="module")
def guest(pydantic: Any) -> Any:
    alias = pydantic.AliasChoices("n", pydantic.AliasPath("names", 0))
    base = pydantic.create_model(
        "Guest",
        __config__={"extra": "allow", "frozen": True},
        name=(str, pydantic.Field(validation_alias=alias)),
        rate=(Decimal, pydantic.Field(default=Decimal(1), gt=0, alias="Rate")),
        friend=(Any, None),
        _seen=(Any, pydantic.PrivateAttr(default=0)),
    )
    return value("test.Guest")(base)


class TestPydanticModels:
    def test_fields_come_back_with_types_aliases_extras_private_ones_and_what_was_set(self, guest: Any) -> None:
        plain = guest(n="a")
        full = guest(n="b", Rate="2.50", friend=(plain, {1}), colour=frozenset({1}), **{"$odd": 1})
        full._seen = {2}
        for thing in (plain, full):
            back = sent(thing)
            assert back == thing
            assert type(back) is guest
            assert back.model_fields_set == thing.model_fields_set
            assert back._seen == thing._seen
        assert type(sent(full).friend[0]) is guest

    def test_an_unregistered_model_is_refused_with_the_cure(self, pydantic: Any) -> None:
        with pytest.raises(TypeError, match=r"register it with @ayl\.value"):
            write(pydantic.create_model("Local")())

    def test_a_refused_field_names_its_place(self, guest: Any) -> None:
        with pytest.raises(TypeError, match=r"^args\[0\]\.friend\[1\] is of type object"):
            write([guest(n="a", friend=[1, object()])])
        with pytest.raises(TypeError, match=r"^args\.model_extra\['colour'\] is of type object"):
            write(guest(n="a", colour=object()))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"rate": -1}, "greater than 0"),
            ({"name": 3}, "valid string"),
            ({"other": 1}, "no field 'other'"),
            ({"model_extra": 3}, "takes a dict of names as model_extra"),
            ({"model_extra": {"name": "x"}}, "extra"),
            ({"__pydantic_private__": {"__class__": 3}}, "private"),
            ({"__pydantic_private__": 3}, "takes a dict of names"),
            ({"model_fields_set": ["name"]}, "takes a set of names"),
            ({"model_fields_set": {"$t": ["set", ["__dict__"]]}}, "were set"),
        ],
    )
    def test_what_the_model_did_not_declare_is_refused(self, guest: Any, change: dict[str, Any], said: str) -> None:
        fields = {"name": "a", "rate": 1, "friend": None}
        decode({"$t": ["value", "test.Guest", fields]}, find)
        with pytest.raises(ValueError, match=said) as refused:
            decode({"$t": ["value", "test.Guest", fields | change]}, find)
        assert "\n" not in str(refused.value)

    def test_extra_fields_are_refused_where_the_model_would_drop_them(self, pydantic: Any) -> None:
        value("test.Strict")(pydantic.create_model("Strict", a=(int, ...)))
        with pytest.raises(ValueError, match="does not allow the extra fields"):
            decode({"$t": ["value", "test.Strict", {"a": 1, "model_extra": {"b": 2}}]}, find)

    def test_a_root_model_travels(self, pydantic: Any) -> None:
        cls = value("test.Root")(type("Root", (pydantic.RootModel[list[int]],), {"__module__": __name__}))
        assert sent(cls([1, 2])) == cls([1, 2])

    def test_a_pydantic_dataclass_travels(self, pydantic: Any) -> None:
        cls = value("test.PydanticStay")(pydantic.dataclasses.dataclass(type("S", (), {"__annotations__": {"a": int}})))
        assert sent(cls(1)) == cls(1)


# --- messages nobody should send --------------------------------------------------------------------------------

json_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
names = st.sampled_from(["test.Money", "test.Suit", "test.Right", "test.Point", "test.Stay", "test.Order", "test.Mode"])
tags = st.sampled_from([*LEAVES, *BRANCHES])
tellings = st.sampled_from(
    ["2024-01-02", "2024-01-02T03:04:05", "03:04:05", "nan", "1E+5", "0xff", "YQ==", "HEARTS", "Europe/Berlin", "/a"]
)
hostile = st.recursive(
    json_leaves | tellings | names,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text() | st.sampled_from(["$t", "$ref", "amount", "currency", "x", "y"]), inner, max_size=4),
        st.builds(lambda tag, payload: {"$t": [tag, *payload]}, tags, st.lists(inner, max_size=5)),
        st.builds(lambda body: {"$t": body}, inner),
        st.builds(lambda body: {"$ref": body}, inner | st.lists(inner, max_size=3)),
        st.builds(
            lambda name, fields: {"$t": ["value", name, fields]}, names, st.dictionaries(st.text(), inner, max_size=3)
        ),
        st.builds(
            lambda amount, currency: {"$t": ["value", "test.Money", {"amount": amount, "currency": currency}]},
            inner,
            inner,
        ),
        st.builds(lambda items: {"$t": ["dict", items]}, st.lists(st.tuples(inner, inner).map(list), max_size=3)),
        st.builds(lambda tag, items: {"$t": [tag, items]}, tags, st.lists(inner, max_size=3)),
    ),
    max_leaves=20,
)

ADVERSARIAL: list[Any] = [
    {"$t": None},
    {"$t": []},
    {"$t": {}},
    {"$t": "int"},
    {"$t": [[]]},
    {"$t": [{}]},
    {"$t": ["eval", "1"]},
    {"$t": ["__class__"]},
    {"$t": ["int", "0x1"], "more": 1},
    {"more": 1, "$t": ["int", "0x1"]},
    {"$T": ["int", "0x1"]},
    {"$": 1},
    {"a": 1, "$b": 2},
    *(
        {"$t": ["int", text]}
        for text in ("", "1", "0x", "0xG", "0x_1", " 0x1", "0x1\n", "+0x1", "-0x-1", "0X1", "0x\u0661")
    ),
    {"$t": ["int", 1]},
    *({"$t": ["float", text]} for text in ("1", "NaN", " nan", "infinity", "1e999", "-nan", "")),
    *({"$t": ["str", text]} for text in ("a", "YQ", "YQ==\n", " YQ==", "Y Q==", "é", "/w==", "YQ==YQ==", "YQ===")),
    *({"$t": ["bytes", text]} for text in ("a", "YQ", "YQ==\n", "====", "\ud800")),
    {"$t": ["complex", 1, 2]},
    {"$t": ["complex", "1", 2.0]},
    *(
        {"$t": ["Decimal", text]}
        for text in ("", "abc", "1_0", " 1", "1\n", "\u0661", "1e5", "+1", "nan", "inf", "1E+9" + "9" * 20)
    ),
    *({"$t": ["UUID", text]} for text in ("", "0" * 32, "{00000000-0000-0000-0000-000000000000}", "g" * 36)),
    *({"$t": ["date", text]} for text in ("", "2024-02-30", "20240101", "2024-W01-1", "0000-01-01", "10000-01-01")),
    *({"$t": ["time", text]} for text in ("", "24:00", "1:2", "01:02", "010203", "01:02:03Z", "T01:02:03")),
    *(
        {"$t": ["datetime", *parts]}
        for parts in (
            ["2024-01-01 00:00:00"],
            ["2024-01-01"],
            ["2024-01-01T00:00:00Z"],
            ["2024-01-01T00:00:00+25:00"],
            ["2024-01-01T00:00:00+00:00:00.000001"],
            ["2024-01-01T00:00:00", None, 2],
            ["2024-01-01T00:00:00", None, True],
            ["2024-01-01T00:00:00", None, None],
            ["2024-01-01T00:00:00", None, 0, "CET"],
            ["2024-01-01T00:00:00", 10**30],
            ["2024-01-01T00:00:00", 86_400_000_000],
            ["2024-01-01T00:00:00", True],
            ["2024-01-01T00:00:00+01:00", "Europe/Berlin"],
            ["2024-01-01T00:00:00+01:00", 3],
            ["2024-01-01T00:00:00", "Europe/Berlin", 0, "CET"],
            ["2024-01-01T00:00:00", "No/Such_Zone"],
            ["2024-01-01T00:00:00", "Europe"],
            ["2024-01-01T00:00:00", "../../etc/passwd"],
            ["2024-01-01T00:00:00", "/etc/passwd"],
            ["2024-01-01T00:00:00", "Europe/Berlin\0"],
            ["2024-01-01T00:00:00", "Europe/Berlin\n"],
            ["2024-01-01T00:00:00", "os.path"],
            ["2024-01-01T00:00:00", "leapseconds"],
            ["2024-01-01T00:00:00", ""],
            ["2024-01-01T00:00:00", "x" * 100_000],
        )
    ),
    {"$t": ["timedelta", 10**10, 0, 0]},
    {"$t": ["timedelta", 10**400, 0, 0]},
    {"$t": ["timedelta", 0, 86_400, 0]},
    {"$t": ["timedelta", 0, -1, 0]},
    {"$t": ["timedelta", 0.5, 0, 0]},
    {"$t": ["timedelta", True, 0, 0]},
    {"$t": ["range", 1, 2, 0]},
    {"$t": ["range", 1, 2]},
    {"$t": ["range", 1.0, 2, 1]},
    {"$t": ["range", {"$t": ["str", "YQ=="]}, 2, 1]},
    {"$t": ["Path", 1]},
    {"$t": ["Path", ["a"]]},
    {"$t": ["tuple"]},
    {"$t": ["tuple", 1, 2]},
    {"$t": ["tuple", {"a": 1}]},
    {"$t": ["set", [[]]]},
    {"$t": ["set", [{}]]},
    {"$t": ["set", [1, 1]]},
    {"$t": ["set", [1, True]]},
    {"$t": ["set", [{"$t": ["Decimal", "sNaN"]}]]},
    {"$t": ["frozenset", [{"$t": ["set", []]}]]},
    {"$t": ["dict", [[1]]]},
    {"$t": ["dict", [[1, 2, 3]]]},
    {"$t": ["dict", [1]]},
    {"$t": ["dict", {"a": 1}]},
    {"$t": ["dict", [[[], 1]]]},
    {"$t": ["dict", [[1, 2], [1, 3]]]},
    {"$t": ["enum", "os", "HEARTS"]},
    {"$t": ["enum", "test.Money", "amount"]},
    {"$t": ["enum", "test.Suit", {"$t": ["tuple", []]}]},
    {"$t": ["flag", "test.Right", True]},
    {"$t": ["flag", "test.Money", 1]},
    {"$t": ["value", "test.Money"]},
    {"$t": ["value", "test.Money", []]},
    {"$t": ["value", "test.Money", {}]},
    {"$t": ["value", "test.Money", {"amount": 1}]},
    {"$t": ["value", "test.Money", {"amount": 1, "currency": 2, "__class__": 3}]},
    {"$t": ["value", "test.Money", {"amount": 1, "currency": 2, "$x": 3}]},
    {"$t": ["value", "test.Money", {"$t": ["tuple", []]}]},
    {"$t": ["value", "test.Money", {"$t": ["dict", [[1, 2]]]}]},
    {"$t": ["value", "test.Suit", {}]},
    {"$t": ["value", "test.Positive", {"number": "a"}]},
    {"$t": ["value", "test.Positive", {"number": 0}]},
    {"$t": ["value", "subprocess.Popen", {"args": "true"}]},
    {"$t": ["value", "x" * 100_000, {}]},
    {"$t": ["set", [{"$t": ["value", "test.Money", {"amount": [], "currency": 1}]}]]},
]


class TestHostileMessages:
    @pytest.mark.parametrize("data", ADVERSARIAL, ids=lambda data: repr(data)[:60].encode("ascii", "replace").decode())
    def test_what_nobody_would_have_written_is_a_value_error_of_one_short_line(self, data: Any) -> None:
        for message in (data, [data], {"a": data}, {"$t": ["tuple", [data]]}):
            with pytest.raises(ValueError, match=r"\w") as refused:
                decode(message, find)
            said = str(refused.value)
            assert "\n" not in said
            assert len(said) < 700

    @patient
    @given(hostile)
    def test_any_json_is_read_or_is_a_value_error(self, data: Any) -> None:
        try:
            made = decode(data, find)
        except ValueError:
            return
        # What is read can be written again, and is then the same: nothing half-understood gets through.
        assert form(sent(made)) == form(made)

    @patient
    @given(hostile)
    def test_any_json_is_searched_for_references_or_is_a_value_error(self, data: Any) -> None:
        try:
            found = list(references(data))
        except ValueError:
            return
        assert all(type(parts[0]) is str and 1 <= len(parts) <= 2 for parts in found)

    @patient
    @given(everything, st.data())
    def test_a_message_changed_in_one_place_is_read_or_is_a_value_error(self, thing: Any, draw: st.DataObject) -> None:
        data = write([thing])
        places = list(_places(data))
        container, index = draw.draw(st.sampled_from(places))
        container[index] = draw.draw(hostile)
        try:
            decode(data, find)
        except ValueError:
            return

    @pytest.mark.parametrize("tag", [*LEAVES, *BRANCHES])
    @pytest.mark.parametrize(
        "payload", [[], [None], [[[]], 1], [{}], [{"$t": ["no"]}], ["", ""], [None] * 9, [1, [], {}]]
    )
    def test_every_tag_refuses_what_it_does_not_take(self, tag: str, payload: list[Any]) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            decode({"$t": [tag, *payload]}, find)

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda inner: [inner],
            lambda inner: {"a": inner},
            lambda inner: {"$t": ["tuple", [inner]]},
            lambda inner: {"$t": ["tuple", inner]},
            lambda inner: {"$t": ["dict", [[inner, 1]]]},
            lambda inner: {"$t": ["dict", [[1, inner]]]},
            lambda inner: {"$t": ["str", inner]},
            lambda inner: {"$t": ["range", inner, 2, 1]},
            lambda inner: {"$t": ["value", "test.Money", {"amount": inner, "currency": 1}]},
            lambda inner: {"$t": ["value", "test.Money", inner]},
            lambda inner: {"$t": inner},
            lambda inner: {"$ref": inner},
            lambda inner: {"$ref": ["x", inner]},
        ],
    )
    def test_hostile_nesting_is_a_value_error(self, wrap: Callable[[Any], Any]) -> None:
        data = deep(5000, wrap)
        with pytest.raises(ValueError, match=r"\w"):
            decode(data, find)
        try:
            list(references(data))
        except ValueError:
            return

    def test_reading_imports_nothing(self) -> None:
        before = set(sys.modules)
        for name in ("this", "antigravity", "this.s", "idlelib.idle"):
            hostile_bodies: list[list[Any]] = [
                ["value", name, {}],
                ["enum", name, "a"],
                ["datetime", "2024-01-01T00:00:00", name],
                [name, 1],
            ]
            for data in hostile_bodies:
                with pytest.raises(ValueError, match=r"\w"):
                    decode({"$t": data}, find)
        assert {name for name in set(sys.modules) - before if not name.startswith("tzdata")} == set()

    def test_a_huge_range_or_exponent_costs_nothing(self) -> None:
        assert decode({"$t": ["range", 0, 2**62, 1]}, find) == range(2**62)
        assert str(decode({"$t": ["Decimal", "1E+999999999999"]}, find)) == "1E+999999999999"

    def test_what_is_no_json_is_refused_too(self) -> None:
        for thing in ((1,), {1}, b"", object(), Text("a"), OrderedDict()):
            with pytest.raises(ValueError, match="a message holds JSON"):
                decode([thing], find)


def _places(data: Any) -> Any:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield data, index
            yield from _places(item)
    elif isinstance(data, dict):
        for key, item in data.items():
            yield data, key
            yield from _places(item)
