"""What is wrong with a `daemons.yml`: every problem with its place."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ayl.errors import AylError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; lines and columns count from 1, 0 is for a file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is wrong, or (a warning) unwise."""

    place: Place
    key: str
    """Its path, as in `applications.shop.user`; empty for a file as a whole."""
    text: str
    """What is wrong; what was expected."""

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.text}" if self.key else f"{self.place}: {self.text}"


class BadConfiguration(AylError):
    """A `daemons.yml` is wrong: `problems` has everything that is, by place. Nothing was started."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = (*sorted(set(problems)),)
        super().__init__("\n".join(map(str, self.problems)))


class Wrong(Exception):
    """A value that makes no sense. `expected`: what would have, where its kind does not tell that better."""

    def __init__(self, text: str, expected: str = "") -> None:
        super().__init__(text)
        self.expected = expected


def shown(text: str) -> str:
    """A value in a message: not all of a long one."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def near(name: str, names: Iterable[str]) -> str:
    """The end of a message: the name that may have been meant."""
    close = get_close_matches(name, [*names], n=1)
    return f"; did you mean {close[0]}?" if close else ""
