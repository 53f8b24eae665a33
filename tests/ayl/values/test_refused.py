"""What cannot travel is refused where it was sent, with its place and a cure."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

from .things import (
    Money,
    Open,
    Order,
    Pair,
    Point,
    Stay,
    Text,
    Unregistered,
    UnregisteredEnum,
    deep,
    find,
    form,
    nobody,
    patient,
    sent,
    write,
)


class Nowhere(tzinfo):
    def utcoffset(self, _moment: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _moment: datetime | None) -> None:
        return None

    def tzname(self, _moment: datetime | None) -> str:
        return "nowhere"


class Lazy:
    """What frameworks hand out in the place of an object that they have not looked for yet."""

    def __init__(self, wrapped: object) -> None:
        self._wrapped = wrapped

    __class__ = property(lambda lazy: type(lazy._wrapped))


class FakeMoment(datetime):
    """What libraries that freeze time hand out."""


async def coroutine() -> None: ...


def closed(thing: Any) -> Any:
    thing.close()
    return thing


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
    (FakeMoment(2024, 1, 1), "args", "bare datetime"),
    ([type("Place", (type(Path()),), {})("a")], "args[0]", "bare PosixPath"),
    ([type("Price", (Decimal,), {})(1)], "args[0]", "bare Decimal"),
    ([Lazy(Money)], "args[0]", "stands for a type"),
    ([Lazy(3)], "args[0]", "only stands for a int"),
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
        with pytest.raises(TypeError, match=r"^kwargs\['stay'\]\.note is of type .*things\.Unregistered: register"):
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
