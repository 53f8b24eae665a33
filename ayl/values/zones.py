"""The zones of the time zone database, by their names."""

from __future__ import annotations

import os
import re
import zoneinfo
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .refusals import refusal
from .tags import kind_name, shortened

if TYPE_CHECKING:
    from datetime import datetime, time, tzinfo

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,60}(/[A-Za-z0-9_+-]{1,60}){0,4}")


def key_of(value: datetime | time, zone: tzinfo) -> str:
    """The key of the zone, provided that it leads back to that zone: one read from a file may bear any key."""
    if type(zone) is not ZoneInfo:
        raise refusal(
            value,
            f"its time zone is of type {kind_name(type(zone))}; only zoneinfo.ZoneInfo and datetime.timezone "
            "mean the same everywhere",
        )
    key = zone.key
    try:
        found = zone_of(key) if key else None
    except ValueError:
        found = None
    if found is zone or (found is not None and value.replace(tzinfo=found).utcoffset() == value.utcoffset()):
        return key
    raise refusal(value, "its time zone was read from a file; use ZoneInfo with a key")


@lru_cache(maxsize=1000)
def _known(key: str) -> bool:
    """Whether this machine has a zone of that name."""
    return any(os.path.isfile(os.path.join(path, key)) for path in zoneinfo.TZPATH) or key in _listed()  # noqa: PTH113, PTH118 - pathlib takes longer than the rest


_listed = cache(zoneinfo.available_timezones)
"""Also what the tzdata package brings."""


def zone_of(key: str) -> ZoneInfo:
    """The zone of that name; ValueError if there is none such."""
    # The pattern leaves only what zones are called, so that nothing else is ever opened. And ZoneInfo is not asked for
    # what is not there: it would import a package of tzdata's by a name that came in a message.
    if not _NAME.fullmatch(key):
        raise ValueError(f"{shortened(key)} is no name of a time zone")
    if not _known(key):
        raise ValueError(f"no time zone {key!r} on this machine")
    try:
        return ZoneInfo(key)
    except (KeyError, OSError, ImportError) as error:
        raise ValueError(f"no time zone {key!r} on this machine") from error
