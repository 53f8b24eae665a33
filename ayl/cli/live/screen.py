"""A terminal that a command has for itself: lines are drawn, keys are read, and it is left as it was found."""

from __future__ import annotations

import curses
import os
import select
import signal
import socket
import sys
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import click

from ayl.cli.live.drawing import APPEARANCES, Line, Span, cells, fitted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_PPAGE: "page up",
    curses.KEY_NPAGE: "page down",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    curses.KEY_BACKSPACE: "backspace",
    8: "backspace",
    10: "enter",
    13: "enter",
    27: "escape",
    127: "backspace",
}
"""Names of keys that are no characters."""

COLOURS = {"red": curses.COLOR_RED, "magenta": curses.COLOR_MAGENTA}

ESCAPE_MILLISECONDS = 25
"""How long the rest of a key that begins with an escape may take; ncurses would wait a second after Esc itself."""


class _Ended(BaseException):
    """A signal asks for the end: no error, and nothing that a handler of errors should see."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def usable() -> bool:
    """Whether the terminal on stdout is of a known kind, on which lines can be put where they belong."""
    with suppress(curses.error):
        curses.setupterm()
        return curses.tigetstr("cup") is not None
    return False


@contextmanager
def screen(*, coloured: bool) -> Iterator[Screen]:
    """The terminal on stdout, which must be `usable`. SIGTERM and SIGHUP end the process, but after the terminal is
    itself again; Ctrl-C is KeyboardInterrupt.
    """
    ended = None
    with ExitStack() as undo:
        waking, woken = socket.socketpair()
        for end in (waking, woken):
            end.setblocking(False)
            undo.callback(end.close)
        undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False))
        # ncurses leaves a signal alone that is handled already.
        for number, handler in ((signal.SIGTERM, _end), (signal.SIGHUP, _end), (signal.SIGTSTP, _suspend)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                undo.callback(signal.signal, number, signal.signal(number, handler))
        for number in (signal.SIGWINCH, signal.SIGCONT):
            undo.callback(signal.signal, number, signal.signal(number, _wake))
        try:
            window = curses.initscr()
            undo.callback(curses.endwin)
            yield Screen(window, waking, woken, coloured=coloured)
        except _Ended as end:
            ended = end.number
    if ended is not None:
        os.kill(os.getpid(), ended)


def _end(number: int, _frame: object) -> None:
    raise _Ended(number)


def _suspend(number: int, _frame: object) -> None:
    """Ctrl-Z. The handler of ncurses would do as well, if that did not ignore the signal while it draws."""
    drawn = False
    with suppress(curses.error):  # there is no screen yet
        drawn = not curses.isendwin()
    if drawn:
        curses.endwin()
    handler = signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)  # until somebody lets it go on
    signal.signal(number, handler)
    if drawn:
        curses.doupdate()


def _wake(_number: int, _frame: object) -> None:
    """What there is to do is done by who was waiting."""


class Screen:
    """Its lines and its keys."""

    def __init__(self, window: curses.window, waking: socket.socket, woken: socket.socket, *, coloured: bool) -> None:
        self._window = window
        self._waking = waking
        self._woken = woken
        self._typed: deque[str] = deque()
        self._reads = sys.stdin.isatty()
        curses.noecho()
        curses.cbreak()
        window.keypad(True)
        window.nodelay(True)
        with suppress(curses.error):  # a terminal that cannot hide it
            curses.curs_set(0)
        curses.set_escdelay(ESCAPE_MILLISECONDS)
        self._pairs = _pairs() if coloured else {}

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        size = os.get_terminal_size(sys.stdout.fileno())
        lines, columns = self._window.getmaxyx()
        if all(size) and (columns, lines) != size:
            curses.resizeterm(size.lines, size.columns)
            self._window.clear()
            return size.columns, size.lines
        return columns, lines

    def show(self, lines: Sequence[Line]) -> None:
        """These and nothing else; what did not change is not written again."""
        columns, most = self.size
        self._window.erase()
        for number, spans in enumerate(lines[:most]):
            # A terminal that is written to in its last cell would scroll.
            self._draw(number, fitted(spans, columns - (number == most - 1)))
        self._window.refresh()

    def key(self, seconds: float) -> str:
        """The next key: a character or a name of KEYS. Empty if none comes in time, or if it is to be drawn anew."""
        if not self._typed and self._wait(seconds):
            self._read()
        return self._typed.popleft() if self._typed else ""

    def wake(self) -> None:
        """Have `key` return at once; from any thread."""
        with suppress(OSError):  # full: it is awake; or closed: nobody waits any more
            self._waking.send(b"\0")

    def _wait(self, seconds: float) -> bool:
        """Whether there is something typed."""
        ends = [self._woken] + [sys.stdin] * self._reads
        ready, _, _ = select.select(ends, (), (), max(0.0, seconds))
        if self._woken in ready:
            with suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass
        return sys.stdin in ready

    def _read(self) -> None:
        heard = False
        while (code := self._window.getch()) != curses.ERR:
            heard = True
            if name := KEYS.get(code) or (chr(code) if 32 <= code < 127 else ""):
                self._typed.append(name)
        if not heard:
            raise click.Abort  # readable, but nothing to read: the terminal has gone

    def _draw(self, number: int, spans: Line) -> None:
        column = 0
        for span in spans:
            with suppress(curses.error):  # it became smaller just now
                self._window.addstr(number, column, _encodable(span.text), self._attributes(span))
            column += cells(span.text)

    def _attributes(self, span: Span) -> int:
        look = APPEARANCES[span.style]
        if span.chosen:  # no colour can be read well both on its ground and as one
            return curses.A_REVERSE | curses.A_BOLD * any(look)
        return self._pairs.get(look.colour, 0) | curses.A_BOLD * look.bold


def _pairs() -> dict[str, int]:
    """The colours on the terminal's own ground, as attributes; none if it has none."""
    try:
        curses.start_color()
        curses.use_default_colors()
        if curses.COLORS < 8:
            return {}
        for number, code in enumerate(COLOURS.values(), 1):
            curses.init_pair(number, code, -1)
    except curses.error:
        return {}
    return {name: curses.color_pair(number) for number, name in enumerate(COLOURS, 1)}


def _encodable(text: str) -> str:
    """What the terminal's encoding has no character for is a question mark."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
