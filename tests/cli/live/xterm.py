"""As much of an xterm as ncurses asks for: what a person would see there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = re.compile(
    r"\x1b\[(?P<private>[?>]?)(?P<numbers>[\d;]*)(?P<word>[@-~])|\x1b(?P<other>[()][0B]|[=>78M])|(?P<text>.)", re.DOTALL
)


class Xterm:
    """The screen of one, fed with what a program writes. What it does not know is an error."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns = columns
        self.height = lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self.styles = [[""] * columns for _ in range(lines)]
        self.column = self.line = 0
        self.style = ""
        self.modes: dict[str, bool] = {}
        """Private ones: 25 the cursor is visible, 1049 the other screen."""
        self._first: tuple[list[list[str]], list[list[str]], int, int] | None = None
        self._pending = ""
        self._region = (0, lines - 1)

    def feed(self, text: str) -> None:
        text = self._pending + text
        position = 0
        while found := TOKEN.match(text, position):
            if found["text"] == "\x1b":
                if len(text) - position < 30:
                    break  # the rest of it is still to come
                raise AssertionError(f"unknown: {text[position : position + 30]!r}")
            position = found.end()
            if found["word"]:
                numbers = [int(number or 0) for number in found["numbers"].split(";")]
                self._obey(found["private"], found["word"], numbers)
            elif found["other"] == "M":
                self._up()
            elif found["text"]:
                self._write(found["text"])
        self._pending = text[position:]

    @property
    def text(self) -> str:
        """What can be read there."""
        return "\n".join("".join(row).rstrip() for row in self.cells).rstrip("\n")

    def styled(self, what: str) -> str:
        """The numbers of the style in which this text stands there."""
        for row, styles in zip(self.cells, self.styles, strict=True):
            if (column := "".join(row).find(what)) >= 0:
                return styles[column]
        raise AssertionError(f"{what!r} is not there:\n{self.text}")

    def _write(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character >= " ":
            wide = unicodedata.east_asian_width(character) in "WF"
            if self.column + wide >= self.columns:
                self.column = 0
                self._down()
            self.cells[self.line][self.column] = character
            self.styles[self.line][self.column] = self.style
            if wide:
                self.cells[self.line][self.column + 1] = ""
            self.column += 1 + wide

    def _up(self) -> None:
        if self.line == self._region[0]:
            self._roll(self._region[0], 1, down=True)
        else:
            self.line = max(self.line - 1, 0)

    def _down(self) -> None:
        if self.line == self._region[1]:
            self._roll(self._region[0], 1, down=False)
        else:
            self.line = min(self.line + 1, self.height - 1)

    def _obey(self, private: str, word: str, numbers: list[int]) -> None:
        if private == "?" and word in "hl":
            self.modes |= {str(number): word == "h" for number in numbers}
            if 1049 in numbers:
                self._turn_to(other=word == "h")
        elif (act := next((act for words, act in ACTS.items() if word in words), None)) is not None:
            act(self, word, numbers)
            # What is drawn for a larger size, before the program has noticed, stays within this one.
            self.line, self.column = min(self.line, self.height - 1), min(self.column, self.columns - 1)
            self._region = (min(self._region[0], self.height - 1), min(self._region[1], self.height - 1))
        elif word not in "tlhc":  # titles, insert mode, questions
            raise AssertionError(f"unknown: {private}{numbers}{word}")

    def _draw_as(self, _word: str, numbers: list[int]) -> None:
        self.style = "" if numbers == [0] else ";".join(map(str, numbers))

    def _go(self, _word: str, numbers: list[int]) -> None:
        line, column = (*numbers, 1, 1)[:2]
        self.line, self.column = max(line, 1) - 1, max(column, 1) - 1

    def _repeat(self, _word: str, numbers: list[int]) -> None:
        for _ in range(numbers[0]):
            self._write(self.cells[self.line][self.column - 1])

    def _scroll(self, word: str, numbers: list[int]) -> None:
        self._roll(self.line if word in "LM" else self._region[0], numbers[0] or 1, down=word in "LT")

    def _limit(self, _word: str, numbers: list[int]) -> None:
        top, bottom = numbers if len(numbers) == 2 else (1, self.height)
        self._region = (top - 1, bottom - 1)
        self.line = self.column = 0

    def _roll(self, top: int, number: int, *, down: bool) -> None:
        """The lines from here to the end of what scrolls."""
        bottom = self._region[1] + 1
        for rows, blank in ((self.cells, " "), (self.styles, "")):
            new = [[blank] * self.columns for _ in range(number)]
            kept = rows[top:bottom]
            rows[top:bottom] = new + kept[:-number] if down else kept[number:] + new

    def _turn_to(self, *, other: bool) -> None:
        """A screen for programs like these, behind which the first one stays as it is."""
        if other:
            self._first = self.cells, self.styles, self.line, self.column
            self.cells = [[" "] * self.columns for _ in range(self.height)]
            self.styles = [[""] * self.columns for _ in range(self.height)]
        elif self._first is not None:
            self.cells, self.styles, self.line, self.column = self._first

    def _move(self, word: str, numbers: list[int]) -> None:
        number = max(numbers[0], 1)
        if word in "dAB":
            self.line = {"d": number - 1, "A": self.line - number, "B": self.line + number}[word]
        else:
            self.column = {"G": number - 1, "C": self.column + number, "D": self.column - number}[word]

    def _erase(self, word: str, numbers: list[int]) -> None:
        number = numbers[0]
        last = self.column + max(number, 1) if word == "X" else self.columns
        first = 0 if number in (1, 2) and word != "X" else self.column
        last = self.column + 1 if number == 1 and word != "X" else last
        for column in range(first, min(last, self.columns)):
            self.cells[self.line][column], self.styles[self.line][column] = " ", ""
        if word == "J":
            below = range(self.line + 1, self.height) if number == 0 else range(self.height)
            for line in below:
                self.cells[line], self.styles[line] = [" "] * self.columns, [""] * self.columns

    def _shift(self, word: str, numbers: list[int]) -> None:
        number, insert = numbers[0] or 1, word == "@"
        for row, blank in ((self.cells[self.line], " "), (self.styles[self.line], "")):
            rest = row[self.column :]
            moved = [blank] * number + rest[:-number] if insert else rest[number:] + [blank] * number
            row[self.column :] = moved


ACTS: dict[str, Callable[[Xterm, str, list[int]], None]] = {
    "m": Xterm._draw_as,
    "H": Xterm._go,
    "dGABCD": Xterm._move,
    "JKX": Xterm._erase,
    "b": Xterm._repeat,
    "@P": Xterm._shift,
    "LMST": Xterm._scroll,
    "r": Xterm._limit,
}
"""What the last characters of sequences mean."""
