"""When two replies agree, although they may differ in bytes. One table says where and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.server.inbox import Mismatch, report

if TYPE_CHECKING:
    from .replies import Reply

SameValue = Callable[[str, str, float], bool]
"""Whether beanstalkd's value and ours agree, at most so many seconds having passed between the two."""


def _whatever(theirs: str, ours: str, slack: float) -> bool:
    return bool(theirs) and bool(ours)


def _number(theirs: str, ours: str, slack: float) -> bool:
    return theirs.isdecimal() and ours.isdecimal()


def _unquoted(theirs: str, ours: str, slack: float) -> bool:
    return theirs == ours.removeprefix('"').removesuffix('"')


def _about(theirs: str, ours: str, slack: float) -> bool:
    """Whole seconds that were cut off: what differs by less than the slack and one may be the same."""
    return theirs.isdecimal() and ours.isdecimal() and abs(int(theirs) - int(ours)) <= slack + 1


RULES: dict[str, tuple[SameValue, str]] = {
    "pid": (_whatever, "two processes"),
    "id": (_whatever, "random, made by each server at its start"),
    "uptime": (_whatever, "they were not started at the same moment"),
    "rusage-utime": (_whatever, "what they cost is not what they say"),
    "rusage-stime": (_whatever, "what they cost is not what they say"),
    "version": (_whatever, "ours speaks the dialect of 1.13, Debian's is 1.12"),
    "hostname": (_whatever, "of the machine; 1.12 quotes no text, so an odd one is no YAML there"),
    "os": (_unquoted, "1.12 quotes no text, ours does where YAML would misread it"),
    "platform": (_unquoted, "1.12 quotes no text, ours does where YAML would misread it"),
    "name": (_unquoted, "1.12 quotes no text, ours does where YAML would misread it"),
    "tube": (_unquoted, "1.12 quotes no text, ours does where YAML would misread it"),
    "file": (_number, "each server has its own binlog, or none"),
    "binlog-oldest-index": (_number, "each server has its own binlog, or none"),
    "binlog-current-index": (_number, "each server has its own binlog, or none"),
    "binlog-records-migrated": (_number, "each server has its own binlog, or none"),
    "binlog-records-written": (_number, "each server has its own binlog, or none"),
    "binlog-max-size": (_number, "ours is started with small files, to compact them often"),
    "age": (_about, "counted from when each server got the job"),
    "time-left": (_about, "counted from when each server was told"),
    "pause-time-left": (_about, "counted from when each server was told"),
}
"""Fields of reports that need not be the same text, and why. Any other field must be."""


def difference(theirs: Reply, ours: Reply, slack: float) -> str:
    """In what beanstalkd's reply and ours differ; "" if they agree."""
    if theirs == ours:
        return ""
    if theirs.word == ours.word == b"OK" and theirs.body is not None and ours.body is not None:
        return _of_documents(theirs.body, ours.body, slack)
    return "the reply"


def _of_documents(theirs: bytes, ours: bytes, slack: float) -> str:
    if not (theirs.endswith(b"\n\r\n") and ours.endswith(b"\n\r\n")):
        return "where the document ends"
    if theirs.startswith(b"---\n- "):
        # beanstalkd moves the last name into the hole that another leaves; ours keeps the order of their coming.
        return "" if sorted(theirs.split(b"\n")) == sorted(ours.split(b"\n")) else "the names in the list"
    try:
        return _of_reports(report(theirs[:-2]), report(ours[:-2]), slack)
    except Mismatch as error:
        return str(error)


def _of_reports(theirs: dict[str, str], ours: dict[str, str], slack: float) -> str:
    if list(theirs) != list(ours):
        return "which fields there are"
    wrong = [key for key in theirs if not same_value(key, theirs[key], ours[key], slack)]
    return ", ".join(f"{key} ({theirs[key]} there, {ours[key]} here)" for key in wrong)


def same_value(key: str, theirs: str, ours: str, slack: float) -> bool:
    """Whether a field of a report agrees."""
    return theirs == ours or (key in RULES and RULES[key][0](theirs, ours, slack))
