"""`logs`: what the daemons have printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import Exit
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

LOOK_SECONDS = 0.2
"""Between two looks whether there is more."""


@click.command(
    params=[
        NAMES,
        click.Option(
            ["-n", "--lines"], type=click.IntRange(min=0), default=20, show_default=True, help="How many of the last."
        ),
        click.Option(["-f", "--follow"], is_flag=True, help="Go on with what comes, until Ctrl-C."),
        *OPTIONS,
    ]
)
@click.pass_context
def logs(ctx: click.Context, names: tuple[str, ...], lines: int, follow: bool, config: str | None) -> None:
    """Show the last lines of the daemons' logs; several with their names before each line.

    \b
    Examples:
      ayl_daemons logs shop.mail
      ayl_daemons logs -n 100 -f shop
    """
    daemons = chosen(configuration(config).daemons, names)
    journals = [daemon.name for daemon in daemons if daemon.log is Log.JOURNAL]
    if journals:
        _show_journal(ctx, journals, lines, follow=follow)
    for daemon in daemons:
        _mind_foreground(daemon)
    width = max((len(daemon.name) for daemon in daemons), default=0)
    prefixes = [f"{daemon.name:{width}} | " if len(daemons) > 1 else "" for daemon in daemons]
    files = [Followed(str(daemon.log), prefix) for daemon, prefix in zip(daemons, prefixes, strict=True)]
    found = [file.show_last(lines) for file in files]
    while follow:
        time.sleep(LOOK_SECONDS)
        for file in files:
            file.show_new()
    ctx.exit(Exit.DONE if all(found) else Exit.FAILED)


def _mind_foreground(daemon: Daemon) -> None:
    condition = look(daemon.name, daemon.run)
    if condition.state is not None and condition.state.foreground:
        click.echo(
            f"{daemon.name} runs in the foreground (pid {condition.keeper}) and prints there; under systemd: "
            f"journalctl -u {shlex.quote(unit(daemon))}",
            err=True,
        )


def _show_journal(ctx: click.Context, names: Sequence[str], lines: int, *, follow: bool) -> None:
    words = ["journalctl", *(f"--identifier={name}" for name in names), f"--lines={lines}", *["--follow"] * follow]
    try:
        ctx.exit(subprocess.run(words, check=False).returncode)  # noqa: S603 - the system's own, with names of ours
    except FileNotFoundError:
        raise click.ClickException("there is no journalctl on this machine") from None


class Followed:
    """One file; where it is replaced by another of its name, that."""

    def __init__(self, path: str, prefix: str) -> None:
        self._path = Path(path)
        self._prefix = prefix
        self._file: BinaryIO | None = None
        self._begun = b""

    def show_last(self, number: int) -> bool:
        """Its last lines; False if it cannot be read, which is told."""
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                click.echo(f"{visible(str(self._path))}: {error.strerror}", err=True)
                return False
            click.echo(f"{visible(str(self._path))}: nothing was written yet", err=True)
            return True
        for line in last_lines(self._file, number):
            self._show(line)
        return True

    def show_new(self) -> None:
        """What has come since."""
        for line in self._new():
            self._show(line)

    def _new(self) -> Iterator[bytes]:
        while self._file is not None and (data := self._file.read(BLOCK)):
            *lines, self._begun = (self._begun + data).split(b"\n")
            yield from lines
        try:
            found = self._path.stat()
            now = None if self._file is None else os.fstat(self._file.fileno())
            if now is None or not os.path.samestat(found, now) or found.st_size < self._file_position():
                self._file = self._path.open("rb")
        except OSError:
            return

    def _file_position(self) -> int:
        return 0 if self._file is None else self._file.tell()

    def _show(self, line: bytes) -> None:
        click.echo(self._prefix + visible(line.decode(errors="replace").rstrip("\r")))


def last_lines(file: BinaryIO, number: int) -> list[bytes]:
    """So many, without their ends; the file is left at its end, but for a last line that has none yet."""
    end = at = file.seek(0, os.SEEK_END)
    text = b""
    while at > 0 and text.count(b"\n") <= number:
        size = min(BLOCK, at)
        at -= size
        file.seek(at)
        text = file.read(size) + text
    *lines, begun = text.split(b"\n")
    file.seek(end - len(begun))
    return lines[-number:] if number else []
