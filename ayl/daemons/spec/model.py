"""What is to run: the daemons of a `daemons.yml`, each with all that it inherits. Valid once read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.problems import Problem


class Kind(Enum):
    """What a daemon is."""

    SERVER = "server"
    """`ayl_server`: the one of this machine."""
    WORKERS = "workers"
    """A worker group: one `ayl_worker`."""
    COMMAND = "command"
    """Any other command that stays in the foreground."""


class Restart(Enum):
    """When a process that has ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    """Not after exit code 0."""
    NEVER = "never"


class Log(Enum):
    """Where what a daemon prints goes, besides a file."""

    JOURNAL = "journal"
    """systemd's."""


@dataclass(frozen=True, slots=True)
class Version:
    """Where an application's version is found; it is looked up whenever a daemon is started, as the daemon's user."""

    source: str
    """`text`, `file`, `git` or `attribute`."""
    value: str
    """The version itself; the path of a file whose first line it is; the arguments of `git`; `MODULE:NAME`."""
    python: str = ""
    """The application's interpreter, which imports that module."""
    path: str = ""
    """The application's path: where its modules and its repository are."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One process to be kept."""

    name: str
    """`APP.GROUP`; `server`."""
    kind: Kind
    command: tuple[str, ...]
    """The program and its arguments; the program is an absolute path, or found on the PATH of `environment`."""
    directory: str
    """Where it is started; absolute."""
    user: str = ""
    """Empty: whoever starts it."""
    group: str = ""
    """Empty: the user's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of it: nothing of whoever starts it is inherited."""
    version: Version | None = None
    """What AYL_VERSION is to say; None: the application says it itself."""
    umask: int = 0o022
    ready: float | None = None
    """Seconds after which it is taken for ready; None: it says so itself (sd_notify)."""
    patience: float = 60.0
    """Seconds that it may take until it is ready."""
    grace: float = 30.0
    """Seconds between the request to end and SIGKILL."""
    stop_signal: str = "SIGTERM"
    """The request."""
    restart: Restart = Restart.ALWAYS
    watchdog: float = 0.0
    """Seconds without a sign of life (sd_notify) after which it is killed and started again; 0: it gives none."""
    overlap: bool = False
    """Whether a successor is started beside it, so that a restart leaves no gap."""
    drain: float = 0.0
    """Seconds that workers of an earlier version stay at most for what still waits in their tubes."""
    log: str | Log = Log.JOURNAL
    """An absolute path, or the journal."""
    run: str = ""
    """Its own directory, for its pid file, its state and its sockets."""
    source: str = ""
    """The file that has it, an absolute path; empty for none."""
    state: str = ""
    """A directory that it needs and that is made for its user (0700) if it is missing; empty: none."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole `daemons.yml`."""

    path: str
    daemons: tuple[Daemon, ...]
    """In the order in which they are started: the server first."""
    run: str = "/run/ayl"
    """The directory of pid files and sockets: a directory in it for each daemon."""
    warnings: tuple[Problem, ...] = ()
    """What is unwise in it."""
