"""`logs`: what the daemons have printed."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from errno import EINVAL
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import MEANINGS, Exit, epilog
from ayl.cli.daemons.files import OPTIONS, configuration
from ayl.cli.output import visible
from ayl.daemons.conditions import look
from ayl.daemons.spec.model import Log
from ayl.daemons.units import unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.spec.model import Daemon

BLOCK = 65_536
"""Bytes that are read at once."""

LONGEST_LINE = 1_000_000
"""Bytes of one that is looked for the beginning of, or the end."""

LOOK_SECONDS = 0.2
"""Between two looks whether there is more."""

LINGER_SECONDS = 2.0
"""For which a file that was moved away is read on: keepers look for that once a second."""

LOGS = epilog(
    "ayl_daemons logs shop.mail",
    "ayl_daemons logs -n 100 -f shop",
    meanings={
        Exit.DONE: "done",
        Exit.FAILED: "a log cannot be read",
        Exit.USAGE: MEANINGS[Exit.USAGE],
        Exit.NOT_CONFIGURED: "the file of configuration is wrong or missing: nothing is shown",
        Exit.INTERRUPTED: "interrupted, as --follow is by Ctrl-C",
    },
)


@click.command(
    params=[
        NAMES,
        click.Option(
            ["-n", "--lines"], type=click.IntRange(min=0), default=20, show_default=True, help="How many of the last."
        ),
        click.Option(["-f", "--follow"], is_flag=True, help="Go on with what comes, until Ctrl-C."),
        *OPTIONS,
    ],
    epilog=LOGS,
)
@click.pass_context
def logs(ctx: click.Context, names: tuple[str, ...], lines: int, follow: bool, config: str | None) -> None:
    """Show the last lines of the daemons' logs; several with their names before each line."""
    daemons = chosen(configuration(config, ()).daemons, names)
    journals = [daemon.name for daemon in daemons if daemon.log is Log.JOURNAL]
    for daemon in daemons:
        _mind_foreground(daemon)
    width = max((len(daemon.name) for daemon in daemons), default=0)
    prefixes = {daemon.name: f"{daemon.name:{width}} | " if len(daemons) > 1 else "" for daemon in daemons}
    files = [Followed(str(of.log), prefixes[of.name]) for of in daemons if of.log is not Log.JOURNAL]
    found = [file.show_last(lines, follow=follow) for file in files]
    with _journal(journals, lines, follow=follow) as journal:
        while follow and files:
            time.sleep(LOOK_SECONDS)
            for file in files:
                file.show_new(time.monotonic())
        is_shown = journal is None or journal.wait() == 0
    ctx.exit(Exit.DONE if all(found) and is_shown else Exit.FAILED)


def _mind_foreground(daemon: Daemon) -> None:
    condition = look(daemon.name, daemon.run)
    if condition.state is not None and condition.state.foreground:
        click.echo(
            f"{daemon.name} runs in the foreground (pid {condition.keeper}) and prints there; under systemd: "
            f"journalctl -u {shlex.quote(unit(daemon))}",
            err=True,
        )


@contextmanager
def _journal(names: Sequence[str], lines: int, *, follow: bool) -> Iterator[subprocess.Popen[bytes] | None]:
    """What shows the daemons that print there, as long as we are here; None if there are none."""
    if not names:
        yield None
        return
    sys.stdout.flush()
    words = ["journalctl", *(f"--identifier={name}" for name in names), f"--lines={lines}", *["--follow"] * follow]
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)  # noqa: S603 - the system's own, with names of ours
    except FileNotFoundError:
        raise click.ClickException("there is no journalctl on this machine") from None
    try:
        yield process
    finally:
        process.terminate()  # which is nothing, after its end
        process.wait()


class Followed:
    """One file; where it is replaced by another of its name, that."""

    def __init__(self, path: str, prefix: str) -> None:
        self._path = Path(path)
        self._prefix = prefix
        self._file: BinaryIO | None = None
        self._begun = b""
        self._change_at = inf

    def show_last(self, number: int, *, follow: bool) -> bool:
        """Its last lines; False if it cannot be read, which is told. `follow`: without one that has no end yet, whose
        rest is to come.
        """
        try:
            self._file = _opened(self._path)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                click.echo(f"{visible(str(self._path))}: {error.strerror}", err=True)
                return False
            click.echo(f"{visible(str(self._path))}: nothing was written yet", err=True)
            return True
        lines = last_lines(self._file, number)
        if not follow and (begun := self._file.read(LONGEST_LINE)):
            lines.append(begun)
        for line in lines[-number:] if number else ():
            self._show(line)
        return True

    def show_new(self, now: float) -> None:
        """What has come since."""
        for line in self._new():
            self._show(line)
        with suppress(OSError):
            if self._is_over(now):
                self._change_to(_opened(self._path))

    def _new(self) -> Iterator[bytes]:
        while self._file is not None and (data := self._file.read(BLOCK)):
            *lines, self._begun = (self._begun + data).split(b"\n")
            if len(self._begun) > LONGEST_LINE:
                lines, self._begun = [*lines, self._begun], b""
            yield from lines

    def _is_over(self, now: float) -> bool:
        """Whether nothing more is to come in this file. OSError if none has its name."""
        found = self._path.stat()
        if self._file is None:
            return True
        if os.path.samestat(found, os.fstat(self._file.fileno())):
            self._change_at = inf
            return found.st_size < self._file.tell()
        self._change_at = min(self._change_at, now + LINGER_SECONDS)
        return now >= self._change_at

    def _change_to(self, file: BinaryIO) -> None:
        if self._file is not None:
            self._file.close()
        if self._begun:  # it had no end, and has none to come
            self._show(self._begun)
        self._file, self._begun, self._change_at = file, b"", inf

    def _show(self, line: bytes) -> None:
        click.echo(self._prefix + visible(line.decode(errors="replace").rstrip("\r")))


def _opened(path: Path) -> BinaryIO:
    """A file of text: who may write in its directory could have put something there that never answers."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(EINVAL, "Not a regular file")
    return file


def last_lines(file: BinaryIO, number: int) -> list[bytes]:
    """So many, without their ends; the file is left at its end, but for a last line that has none yet. Fewer, and the
    first not from its beginning, if they are very long.
    """
    end = at = file.seek(0, os.SEEK_END)
    blocks: list[bytes] = []
    ends = 0
    while at > 0 and ends <= number and end - at < max(1, number) * LONGEST_LINE:
        size = min(BLOCK, at)
        at -= size
        file.seek(at)
        blocks.insert(0, file.read(size))
        ends += blocks[0].count(b"\n")
    *lines, begun = b"".join(blocks).split(b"\n")
    begun = begun[-LONGEST_LINE:]
    file.seek(end - len(begun))
    return lines[-number:] if number else []
