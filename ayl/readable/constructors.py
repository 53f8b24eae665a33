"""What may stand before a parenthesis, beside what is called: values that Python writes so."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ayl.values.decoding import LEAVES
from ayl.values.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

Clock = TypeVar("Clock", datetime, time)

CONSTANTS: Final[dict[str, object]] = {
    "None": None,
    "True": True,
    "False": False,
    "datetime.timezone.utc": UTC,
}


def _only(kind: type[T], value: Any) -> T:
    """The value, if it is of this type: the constructors take more, such as the bytes of a pickled datetime."""
    if type(value) is not kind:
        raise TypeError(f"it takes {kind.__name__}, not {type(value).__name__}")
    return value


def _of_text(tag: str) -> Callable[[str], object]:
    """As a message would bring it."""
    return lambda text, /: LEAVES[tag].read([_only(str, text)])


def _clock(kind: type[Clock]) -> Callable[..., Clock]:
    def make(*numbers: int, fold: int = 0, tzinfo: object = None) -> Clock:
        made: Callable[..., Clock] = kind
        return made(*(_only(int, number) for number in numbers), fold=_only(int, fold), tzinfo=_zone(tzinfo))

    return make


def _zone(zone: Any) -> tzinfo | None:
    if zone is None or isinstance(zone, tzinfo):
        return zone
    raise TypeError("tzinfo is datetime.timezone.utc, datetime.timezone(…) or zoneinfo.ZoneInfo(key='…')")


def _date(year: int, month: int, day: int, /) -> date:
    return date(_only(int, year), _only(int, month), _only(int, day))


def _timedelta(days: int = 0, seconds: int = 0, microseconds: int = 0) -> timedelta:
    return timedelta(_only(int, days), _only(int, seconds), _only(int, microseconds))


def _timezone(offset: timedelta, name: str | None = None, /) -> timezone:
    offset = _only(timedelta, offset)
    return timezone(offset) if name is None else timezone(offset, _only(str, name))


def _zone_info(key: str) -> tzinfo:
    return zone_of(_only(str, key))


def _frozenset(elements: set[object] | None = None, /) -> frozenset[object]:
    return frozenset() if elements is None else frozenset(_only(set, elements))


def _set() -> set[object]:
    return set()


def _bytearray(content: bytes, /) -> bytearray:
    return bytearray(_only(bytes, content))


def _range(*bounds: int) -> range:
    return range(*(_only(int, bound) for bound in bounds))


CONSTRUCTORS: Final[dict[str, Callable[..., object]]] = {
    "Decimal": _of_text("Decimal"),
    "PosixPath": _of_text("Path"),
    "PurePosixPath": _of_text("PurePosixPath"),
    "UUID": _of_text("UUID"),
    "bytearray": _bytearray,
    "datetime.date": _date,
    "datetime.datetime": _clock(datetime),
    "datetime.time": _clock(time),
    "datetime.timedelta": _timedelta,
    "datetime.timezone": _timezone,
    "frozenset": _frozenset,
    "range": _range,
    "set": _set,
    "zoneinfo.ZoneInfo": _zone_info,
}
"""The name as Python writes it, and what it makes. ValueError, TypeError or OverflowError for what it cannot take."""
