"""A terminal to run commands on: a real pseudo-terminal, and behind it as much of an xterm as ncurses asks for."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = (sys.executable, "-m", "ayl.cli.beanstalk")
PATIENCE = 20.0
"""Seconds, of a machine that does much else; never waited for when all is well."""

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
        self._pending = ""

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

    def _down(self) -> None:
        if self.line == self.height - 1:
            self.cells = [*self.cells[1:], [" "] * self.columns]
            self.styles = [*self.styles[1:], [""] * self.columns]
        else:
            self.line += 1

    def _obey(self, private: str, word: str, numbers: list[int]) -> None:
        if private == "?" and word in "hl":
            self.modes |= {str(number): word == "h" for number in numbers}
        elif word == "m":
            self.style = "" if numbers == [0] else ";".join(map(str, numbers))
        elif word == "H":
            line, column = (*numbers, 1, 1)[:2]
            self.line, self.column = max(line, 1) - 1, max(column, 1) - 1
        elif word in "dGABCD":
            self._move(word, max(numbers[0], 1))
        elif word in "JKX":
            self._erase(word, numbers[0])
        elif word == "b":
            for _ in range(numbers[0]):
                self._write(self.cells[self.line][self.column - 1])
        elif word in "@P":
            self._shift(numbers[0] or 1, insert=word == "@")
        elif (
            word not in "rtlhc"
        ):  # of scrolling regions only the whole screen is asked for here, titles and insert mode
            raise AssertionError(f"unknown: {private}{numbers}{word}")

    def _move(self, word: str, number: int) -> None:
        if word in "dAB":
            self.line = {"d": number - 1, "A": self.line - number, "B": self.line + number}[word]
        else:
            self.column = {"G": number - 1, "C": self.column + number, "D": self.column - number}[word]

    def _erase(self, word: str, number: int) -> None:
        last = self.column + max(number, 1) if word == "X" else self.columns
        first = 0 if number in (1, 2) and word != "X" else self.column
        last = self.column + 1 if number == 1 and word != "X" else last
        for column in range(first, min(last, self.columns)):
            self.cells[self.line][column], self.styles[self.line][column] = " ", ""
        if word == "J":
            below = range(self.line + 1, self.height) if number == 0 else range(self.height)
            for line in below:
                self.cells[line], self.styles[line] = [" "] * self.columns, [""] * self.columns

    def _shift(self, number: int, *, insert: bool) -> None:
        for row, blank in ((self.cells[self.line], " "), (self.styles[self.line], "")):
            rest = row[self.column :]
            moved = [blank] * number + rest[:-number] if insert else rest[number:] + [blank] * number
            row[self.column :] = moved


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], end: int, program_end: int, size: tuple[int, int]) -> None:
        self.process = process
        self.screen = Xterm(*size)
        self._end = end
        self._program_end = program_end
        self.found = termios.tcgetattr(program_end)
        """How it was before."""

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def see(self, *parts: str) -> str:
        """Wait until all this can be read at a time; what else there is."""
        return self.wait(lambda text: all(part in text for part in parts), repr(parts))

    def wait(self, fact: Callable[[str], bool], what: str = "") -> str:
        deadline = time.monotonic() + PATIENCE
        while not fact(self.screen.text):
            assert time.monotonic() < deadline, f"waited in vain for {what}:\n{self.screen.text}"
            self._read(0.05)
        return self.screen.text

    def resize(self, columns: int, lines: int) -> None:
        self.screen = Xterm(columns, lines)
        sized(self._program_end, (columns, lines))

    def ended(self) -> int:
        """The exit code, or a signal's number below 0, after all that was written has been read."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.screen.text}"
            self._read(0.02)
        while self._read(0):
            pass
        return self.process.returncode

    @property
    def is_as_found(self) -> bool:
        """Whether keys and cursor are as they were before."""
        modes = self.screen.modes
        return (
            termios.tcgetattr(self._program_end) == self.found
            and not modes.get("1049", False)
            and modes.get("25", True)
            and not modes.get("1", False)
        )

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._end], (), (), seconds)
        if ready:
            self._decoded(os.read(self._end, 65536))
        return bool(ready)

    _bytes = b""

    def _decoded(self, came: bytes) -> None:
        came = self._bytes + came
        text = came.decode(errors="ignore")
        self._bytes = came[len(text.encode()) :]
        self.screen.feed(text)


def sized(terminal: int, size: tuple[int, int]) -> None:
    """Tell it how many columns and lines it has."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))


@contextmanager
def terminal(
    *words: str, command: tuple[str, ...] = COMMAND, size: tuple[int, int] = (80, 24), **variables: str
) -> Iterator[Terminal]:
    """Run `ayl_beanstalk` on one, from which it gets Ctrl-C and changes of size. At the end it is killed."""
    ours = ("AYL_", "_AYL_", "NO_COLOR", "LINES", "COLUMNS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    end, program_end = pty.openpty()
    sized(program_end, size)
    process = subprocess.Popen(
        ["setsid", "--ctty", *command, *words],
        stdin=program_end,
        stdout=program_end,
        stderr=program_end,
        env=environment | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | variables,
    )
    try:
        yield Terminal(process, end, program_end, size)
    finally:
        process.kill()
        process.wait()
        os.close(end)
        os.close(program_end)
