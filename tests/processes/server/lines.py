"""What a server has logged, line by line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

_line = re.compile(rf"{STAMP} (?P<level>INFO|WARNING|ERROR) (?P<event>[a-z_]+): (?P<message>.*)").fullmatch


@dataclass(frozen=True)
class Entry:
    """One line."""

    level: str
    event: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)


def entries(log: str) -> list[Entry]:
    """The lines of a log in the text format; every one of them must be such a line."""
    found = []
    for line in log.splitlines():
        match = _line(line)
        assert match, f"this is no line of a log: {line!r}"
        found.append(Entry(match["level"].lower(), match["event"], match["message"]))
    return found


def objects(log: str) -> list[Entry]:
    """The lines of a log in the JSON format."""
    found = []
    for line in log.splitlines():
        said = json.loads(line)
        assert re.fullmatch(STAMP, said.pop("time")), line
        found.append(Entry(said.pop("level"), said.pop("event"), said.pop("message", ""), said))
    return found


def events(log: str) -> list[str]:
    """What happened, one word for each line."""
    return [entry.event for entry in entries(log)]


def one(log: str, event: str, read: Callable[[str], list[Entry]] = entries) -> Entry:
    """The line about that event, of which there must be one."""
    found = [entry for entry in read(log) if entry.event == event]
    assert len(found) == 1, log
    return found[0]
