"""What systemd is told of each daemon: drop-ins to the units that are installed, made anew by a generator at boot and
at each `systemctl daemon-reload`.

Nothing here asks the machine anything: when generators run, file systems are not mounted yet and users of the network
are not known.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ayl.daemons.spec.model import Kind, Restart
from ayl.daemons.spec.places import DEFAULT_PATH, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.daemons.spec.model import Configuration, Daemon

PROGRAM = "/usr/bin/ayl_daemons"

DROP_IN = "10-daemons.conf"
"""What operators add (`systemctl edit`: override.conf) is read after it, and wins."""

HEAD = "# Made by `ayl_daemons units`, at boot and at each `systemctl daemon-reload`: changes are lost.\n"

START_SECONDS = 30
"""For the keeper itself, beyond the patience with what it starts."""

STOP_SECONDS = 15
"""For the keeper itself, beyond the grace of what it stops."""

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]|^\.")
"""What no name of a unit may have, or begin with; and `:`, which directories of units may not have."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What systemd has no way to write in paths."""


def units(configuration: Configuration) -> dict[str, str]:
    """The texts of all drop-ins, by their paths in the generator's directory; none for a file without daemons.

    ValueError for a name or a path that systemd has no way to write: one with control characters, or (of the file
    itself, a user or a group) with a backslash.
    """
    if not configuration.daemons:
        return {}
    texts = {_drop_in("ayl-workers.service"): _umbrella(configuration)}
    for daemon in configuration.daemons:
        if daemon.kind is Kind.SERVER:
            texts[_drop_in("ayl-server.socket")] = _no_socket(configuration)
        texts[_drop_in(unit(daemon))] = _service(configuration, daemon)
    return texts


def unit(daemon: Daemon) -> str:
    """The name of its unit."""
    return "ayl-server.service" if daemon.kind is Kind.SERVER else f"ayl-worker@{instance(daemon.name)}.service"


def instance(name: str) -> str:
    """The name as that of an instance, in which `-` stands for itself; systemd's `\\xNN` for what it does not take."""
    return _UNFIT.sub(lambda found: "".join(rf"\x{byte:02x}" for byte in found[0].encode()), name)


def _drop_in(name: str) -> str:
    return f"{name}.d/{DROP_IN}"


def _umbrella(configuration: Configuration) -> str:
    wanted = "".join(f"Wants={unit(daemon)}\n" for daemon in configuration.daemons)
    where = _whereabouts(configuration)
    return f"{HEAD}[Unit]\n{_source(configuration)}{wanted}" + (f"\n[Service]\n{where}" if where else "")


def _no_socket(configuration: Configuration) -> str:
    # The file says where the server listens, and a keeper could not hand a socket on.
    return f"{HEAD}[Unit]\nConditionPathExists=!{_text(configuration.path)}\n"


def _service(configuration: Configuration, daemon: Daemon) -> str:
    lines = "\n".join(_settings(daemon))
    return f"{HEAD}[Unit]\n{_source(configuration)}\n[Service]\n{_whereabouts(configuration)}{lines}\n"


def _source(configuration: Configuration) -> str:
    return f"SourcePath={_text(configuration.path)}\n"


def _whereabouts(configuration: Configuration) -> str:
    """Which file is meant, where it is not that of the machine."""
    if configuration.path == DEFAULT_PATH:
        return ""
    return f"Environment={_quoted(f'{VARIABLE}={configuration.path}')}\n"


def _settings(daemon: Daemon) -> Iterator[str]:
    # Who has none is run by whoever starts it, and that is root here, as without systemd; `check` warns of it.
    yield f"User={_text(daemon.user or 'root')}"
    # Empty: the user's own, whatever the unit has.
    yield f"Group={_text(daemon.group)}"
    if daemon.kind is Kind.SERVER or not _is_usual(daemon):
        name = _argument(daemon.name)
        yield f"ExecStartPre=\nExecStartPre=+{PROGRAM} prepare {name}"
        yield f"ExecStart=\nExecStart={PROGRAM} run --prepared {_argument(daemon.run)}"
        yield f"ExecReload=\nExecReload=+{PROGRAM} reload {name}"
    if not _is_usual(daemon):
        yield "RuntimeDirectory="
    # A limit for reloads, too: those wait for the new process, and where nothing overlaps, for the end of the old one.
    longest = max(daemon.patience, daemon.ready or 0.0) + daemon.grace
    yield f"TimeoutStartSec={_seconds(longest + START_SECONDS)}"
    yield f"TimeoutStopSec={_seconds(daemon.grace + STOP_SECONDS)}"
    if daemon.restart is Restart.NEVER:
        yield "Restart=no"
    for path in _writable(daemon):
        yield f"ReadWritePaths={_quoted(f'-{path}')}"


def _is_usual(daemon: Daemon) -> bool:
    """Whether the units have its name and its directory right by themselves."""
    return instance(daemon.name) == daemon.name and daemon.run == f"/run/ayl/{daemon.name}"


def _writable(daemon: Daemon) -> list[str]:
    """Directories that it may write in, as far as its user may: all else is closed to it."""
    paths = [daemon.directory, daemon.run, daemon.state]
    if daemon.kind is Kind.SERVER:
        # Its binlog.
        paths += [value for option, value in zip(daemon.command, daemon.command[1:], strict=False) if option == "-b"]
    return [path for path in dict.fromkeys(paths) if path.startswith("/") and path.strip("/")]


def _seconds(value: float) -> str:
    return "infinity" if math.isinf(value) else f"{value:.6f}".rstrip("0").rstrip(".")


def _text(value: str) -> str:
    """A value that is taken as it stands, to the end of its line."""
    if "\\" in value:
        raise ValueError(f"systemd has no way to write {value!r} here")
    return _written(value)


def _quoted(value: str) -> str:
    """One word of a list."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return _written(f'"{escaped}"')


def _written(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError(f"systemd has no way to write {value!r}")
    return value.replace("%", "%%")


def _argument(value: str) -> str:
    """One word of a command, where `$` stands for variables."""
    if re.fullmatch(r"[A-Za-z0-9_./:@=+,-]+", value):
        return value
    return _quoted(value).replace("$", "$$")
