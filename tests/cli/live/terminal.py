"""A terminal to run commands on: a real pseudo-terminal, with an xterm behind it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.processes.deadline import PATIENCE

from .xterm import Xterm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMMAND = (sys.executable, "-m", "ayl.cli.beanstalk")


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

    @property
    def foreground(self) -> int:
        """The process group that gets the signals of keys."""
        return os.tcgetpgrp(self._end)

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
    *words: str,
    command: tuple[str, ...] = COMMAND,
    size: tuple[int, int] = (80, 24),
    variables: Mapping[str, str] = MappingProxyType({}),
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
        env=environment | {"TERM": "xterm", "LC_ALL": "C.UTF-8", **variables},
    )
    try:
        yield Terminal(process, end, program_end, size)
    finally:
        process.kill()
        process.wait()
        os.close(end)
        os.close(program_end)
