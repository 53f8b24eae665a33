"""What a keeper is told to run: a daemon of `daemons.yml`, made ready for one start. It is handed over as JSON, which
the keeper of another release may have to read: what is unknown there is left, and what is missing has a default.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ayl.daemons.records import facts, read
from ayl.daemons.spec.model import Kind, Log, Restart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.model import Daemon


PATHS = ("PATH", "VIRTUAL_ENV")
"""Variables that the daemon has of us and that lead into its directory, if its virtual environment is there."""


@dataclass(frozen=True, slots=True)
class Order:
    """See `Daemon` for what has the same name there."""

    serial: str
    """By which who gave it recognises it again."""
    name: str
    kind: str
    command: tuple[str, ...]
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    umask: int = 0o022
    ready: float | None = None
    patience: float = 60.0
    grace: float = 30.0
    stop_signal: str = "SIGTERM"
    restart: Restart = Restart.ALWAYS
    watchdog: float = 0.0
    overlap: bool = False
    drain: float = 0.0
    data: str = ""
    """A directory for what must outlive it, made if it is missing; empty: none."""
    log: str = ""
    """The path of a file, or empty for the journal."""
    root: str = ""
    """Where `directory` leads to when the order is given: of a link, the release that it points to now."""
    owner: tuple[str, str] = ("", "")
    """User and group."""
    source: str = ""
    python: str = ""
    """The interpreter of whoever gave the order, whose ayl the keeper is to be of; empty: its own."""

    def is_same(self, other: Order) -> bool:
        """Whether a process of one is as good as one of the other."""
        return replace(self, serial="", python="") == replace(other, serial="", python="")

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"restart": self.restart.value}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Order:
        """ValueError if it makes no sense."""
        known = facts(cls, read(text))
        if not known["command"]:
            raise ValueError("no command")
        changed = {"command": tuple(known["command"]), "owner": tuple(known.get("owner", ("", "")))}
        return cls(**known | changed | {"restart": Restart(known.get("restart", "always"))})


def order(daemon: Daemon, serial: str, version: str | None, root: str) -> Order:
    """For one start of a daemon. `version`: what AYL_VERSION is to say; `root`: where its directory leads to now."""
    own = {"AYL_DAEMON": daemon.name} | ({} if version is None else {"AYL_VERSION": version})
    # Workers stay with their release, also when they are started again after the link was moved.
    led = partial(_led, directory=daemon.directory, root=root if daemon.kind is Kind.WORKERS else daemon.directory)
    paths = {name: led(daemon.environment[name]) for name in PATHS if name in daemon.environment}
    return Order(
        serial=serial,
        name=daemon.name,
        kind=daemon.kind.value,
        command=tuple(map(led, daemon.command)),
        directory=led(daemon.directory),
        environment={**daemon.environment, **paths, **own},
        umask=daemon.umask,
        ready=daemon.ready,
        patience=daemon.patience,
        grace=daemon.grace,
        stop_signal=daemon.stop_signal,
        restart=daemon.restart,
        watchdog=daemon.watchdog,
        overlap=daemon.overlap,
        drain=daemon.drain,
        data=daemon.state,
        log="" if daemon.log is Log.JOURNAL else str(daemon.log),
        root=root,
        owner=(daemon.user, daemon.group),
        source=daemon.source,
        python=sys.executable,
    )


def _led(text: str, directory: str, root: str) -> str:
    """Paths (with colons between) in that directory as paths in where it leads to."""
    parts = text.split(":")
    return ":".join(
        f"{root}{part[len(directory) :]}" if f"{part}/".startswith(f"{directory}/") else part for part in parts
    )
