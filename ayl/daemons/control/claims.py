"""What systemd runs is systemd's to start: a keeper beside its units is known to none of them, and outlives them."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ayl.daemons.errors import CannotStart
from ayl.daemons.units import DROP_IN, unit

if TYPE_CHECKING:
    from ayl.daemons.spec.model import Daemon

SYSTEM = "/run/systemd/system"
"""Is there where systemd runs."""

GENERATED = "/run/systemd/generator"
"""What generators have made."""

SOURCE = "SourcePath="


def leave_to_systemd(daemon: Daemon) -> None:
    """CannotStart if systemd is to start it."""
    if advice := claim(daemon, SYSTEM, GENERATED):
        raise CannotStart(daemon.name, advice)


def claim(daemon: Daemon, system: str, generated: str) -> str:
    """What to do instead of starting it, if systemd runs the daemons of its file; else empty. Pure but for what is in
    these directories.
    """
    file = _file(f"{generated}/ayl-workers.service.d/{DROP_IN}")
    if not (os.path.isdir(system) and file and os.path.realpath(file) == os.path.realpath(daemon.source)):  # noqa: PTH112
        return ""
    name = unit(daemon)
    is_new = not os.path.isdir(f"{generated}/{name}.d")  # noqa: PTH112 - paths are text here
    before = "systemctl daemon-reload, then " if is_new else ""
    return f"systemd runs it: {before}systemctl start {shlex.quote(name)}"


def _file(drop_in: str) -> str:
    """Of which the units were made; empty if there are none."""
    try:
        with open(drop_in, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - as above
            lines = [line.removesuffix("\n") for line in file if line.startswith(SOURCE)]
    except OSError:
        return ""
    return lines[0].removeprefix(SOURCE).replace("%%", "%") if lines else ""
