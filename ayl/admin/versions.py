"""Versions of an app, compared as people mean them: 1.10 is newer than 1.9, and 1.4 than 1.4rc1. Pure."""

from __future__ import annotations

import re

_parts = re.compile(r"[0-9]+|[A-Za-z]+").findall
_commit = re.compile("(?=.*[a-f])[0-9a-f]{7,40}").fullmatch
"""Its id may begin with a digit, too."""

_begins_with_a_number = re.compile("[vV]?[0-9]").match

BEFORE = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
"""What stands behind a version that is not there yet, in order."""

_END = (1, 0, "")


def newer(one: str, other: str) -> bool:
    """Whether `one` is surely newer than `other`: names such as `dev`, and the ids of commits, have no order."""
    return _is_ordered(one) and _is_ordered(other) and _key(one) > _key(other)


def _is_ordered(version: str) -> bool:
    return _begins_with_a_number(version) is not None and _commit(version) is None


def _key(version: str) -> list[tuple[int, int, str]]:
    # 1.4 and 1.4.0 are the same.
    short = re.sub(r"(\.0+)+(?=[^A-Za-z0-9]*(?:[A-Za-z]|$))", "", version.lstrip("vV"))
    return [*map(_rank, _parts(short)), _END]


def _rank(part: str) -> tuple[int, int, str]:
    if part.isdigit():
        return (3, int(part), "")
    word = part.lower()
    return (0, BEFORE[word], "") if word in BEFORE else (2, 0, word)


def version_of(tube: str) -> str:
    """The version that a tube is of: its second part; empty if it has none."""
    return tube.partition("/")[2].partition("/")[0]


def family_of(tube: str) -> tuple[str, str] | None:
    """What the tubes of all versions have in common: app and lane. None for a tube of no version."""
    app, _, rest = tube.partition("/")
    version, _, lane = rest.partition("/")
    return (app, lane) if version else None
