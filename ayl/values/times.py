"""Dates, times and the zones they are told in.

["datetime", text, zone, fold, name], of which only the text is always there. The text carries a fixed offset
where ISO 8601 can, in whole minutes, so that any language reads the common case. Otherwise `zone` holds the offset
in microseconds (Python's own parser takes +00:00:00.000001 for UTC), or the key of a zone of the time zone
database. `name` is that of a fixed offset which was given one.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .scalars import canonical, write_str
from .tags import Leaf, NoneType, tag

if TYPE_CHECKING:
    from collections.abc import Callable

Clock = TypeVar("Clock", datetime, time)

_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)


def _write_clock(value: datetime | time) -> Any:
    zone = value.tzinfo
    parts: list[Any]
    if zone is None:
        parts = [value.isoformat(), None, value.fold]
    elif type(zone) is timezone:
        offset = zone.utcoffset(None)
        if offset % _MINUTE:
            parts = [value.replace(tzinfo=None).isoformat(), offset // _MICROSECOND, value.fold]
        else:
            parts = [value.isoformat(), None, value.fold]
        name = zone.tzname(None)
        if name != timezone(offset).tzname(None):
            parts.append(write_str(str(name)))
    else:
        from .zones import key_of  # zoneinfo takes longer to load than all of this package

        parts = [value.replace(tzinfo=None).isoformat(), key_of(value, zone), value.fold]
    while parts[-1] is None or parts[-1] == 0:
        parts.pop()
    return tag(type(value).__name__, *parts)


def _read_datetime(text: str, zone: str | int | None = None, fold: int = 0, name: str | None = None) -> datetime:
    value = datetime.fromisoformat(text)
    return _in_zone(canonical(value, value.isoformat(), text), zone, fold, name)


def _read_time(text: str, zone: str | int | None = None, fold: int = 0, name: str | None = None) -> time:
    value = time.fromisoformat(text)
    return _in_zone(canonical(value, value.isoformat(), text), zone, fold, name)


def _in_zone(value: Clock, zone: str | int | None, fold: int, name: str | None) -> Clock:
    if fold not in {0, 1}:
        raise ValueError(f"fold is 0 or 1, not {fold:#x}")
    if zone is None:
        return _named(value, name).replace(fold=fold)
    if value.tzinfo is not None:
        raise ValueError("it tells both an offset and a zone")
    if isinstance(zone, str):
        if name is not None:
            raise ValueError("it names a zone twice")
        from .zones import zone_of

        return value.replace(tzinfo=zone_of(zone), fold=fold)
    return _named(value.replace(tzinfo=timezone(zone * _MICROSECOND)), name).replace(fold=fold)


def _named(value: Clock, name: str | None) -> Clock:
    if name is None:
        return value
    offset = value.tzinfo.utcoffset(None) if value.tzinfo else None
    if offset is None:
        raise ValueError("it names an offset and has none")
    return value.replace(tzinfo=timezone(offset, name))


def _read_date(text: str) -> date:
    value = date.fromisoformat(text)
    return canonical(value, value.isoformat(), text)


def _read_timedelta(days: int, seconds: int, microseconds: int) -> timedelta:
    value = timedelta(days, seconds, microseconds)
    if (value.days, value.seconds, value.microseconds) != (days, seconds, microseconds):
        raise ValueError("seconds lie in 0..86399 and microseconds in 0..999999")
    return value


_CLOCK: Final[tuple[tuple[type, ...], ...]] = ((str,), (NoneType, str, int), (int,), (str,))

WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    datetime: _write_clock,
    time: _write_clock,
    date: lambda value: tag("date", value.isoformat()),
    timedelta: lambda value: tag("timedelta", value.days, value.seconds, value.microseconds),
}

LEAVES: Final = (
    Leaf("datetime", _read_datetime, _CLOCK, optional=3),
    Leaf("time", _read_time, _CLOCK, optional=3),
    Leaf("date", _read_date, ((str,),)),
    Leaf("timedelta", _read_timedelta, ((int,), (int,), (int,))),
)
