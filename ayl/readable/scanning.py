"""A text, how far it is read, and what is wrong at a place of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from ayl.errors import CannotSend

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = re.compile(r"[ \t\r\n]*")


class CannotRead(CannotSend, ValueError):
    """A text that is no call in readable form; it says what is wrong, and where."""

    def __init__(self, reason: str, text: str, offset: int) -> None:
        self.reason = reason
        self.line_number = text.count("\n", 0, offset) + 1
        start = text.rfind("\n", 0, offset) + 1
        end = text.find("\n", offset)
        self.line = text[start:] if end < 0 else text[start:end]
        self.column = offset - start + 1
        """Characters, from 1."""
        super().__init__(f"{reason} (line {self.line_number}, column {self.column})")


class Scanner:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.ended_in_comma = False
        """Whether a comma stood behind the last item of what was closed last."""

    def skip_blanks(self) -> int:
        """Where it goes on behind them."""
        self.offset = _BLANKS.match(self.text, self.offset).end()  # type: ignore[union-attr] # it always matches
        return self.offset

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches next, if anything does; no blanks are skipped."""
        found = pattern.match(self.text, self.offset)
        if found is not None:
            self.offset = found.end()
        return found

    def takes(self, sign: str) -> bool:
        """Whether this comes next, behind blanks; then it is taken."""
        self.skip_blanks()
        if not self.text.startswith(sign, self.offset):
            return False
        self.offset += len(sign)
        return True

    def need(self, sign: str, where: str) -> None:
        """The same, where nothing else can stand."""
        if not self.takes(sign):
            self.fail(f"{where} lacks a {sign!r}" if self.at_end() else f"{sign!r} should stand here, {where}")

    def at_end(self) -> bool:
        return self.skip_blanks() == len(self.text)

    def until(self, closing: str, what: str) -> Iterator[int]:
        """Before each item up to the closing sign, its place; commas stand between them, and may stand behind them."""
        comma = True
        while not self.takes(closing):
            if not comma:
                missing = f"the {closing!r} of {what} is missing"
                self.fail(missing if self.at_end() else f"a ',' or the {closing!r} of {what} should stand here")
            yield self.skip_blanks()
            comma = self.takes(",")
        self.ended_in_comma = comma

    def fail(self, reason: str, offset: int | None = None) -> NoReturn:
        """CannotRead, about this place or the next."""
        raise CannotRead(reason, self.text, self.offset if offset is None else offset)
