"""What is left to do of a release before its workers can go."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import conversation, similar
from ayl.admin.errors import NoSuchTube
from ayl.admin.statistics import looks
from ayl.tubes import check_part, tube_name

if TYPE_CHECKING:
    from collections.abc import Generator

    from ayl.admin import facts
    from ayl.admin.server import Server

FIRST_PAUSE = 0.2
"""Seconds until the second look; each pause is twice the one before."""

LONGEST_PAUSE = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Drain:
    """The tubes of a release, as they are now."""

    app: str
    version: str
    drained: bool
    """No job is ready, reserved or delayed there."""
    ready: int
    reserved: int
    delayed: int
    buried: int
    workers: int
    """Connections that watch one of the tubes, counted for each."""
    tubes: list[facts.TubeStatistics]
    """Its own and those of its lanes, by name; one without jobs and workers does not exist."""


def release_tubes(server: Server, app: str, version: str) -> list[facts.TubeStatistics]:
    """The tubes of a release: its own and those of its lanes, by name.

    NoSuchTube if there is none; InvalidOption for what cannot be an app or a version.
    """
    own = tube_name(check_part("app", app), check_part("version", version))
    with conversation(server) as client:
        names = client.tubes()
        found = [*looks(client, sorted(name for name in names if name == own or name.startswith(f"{own}/")))]
    if not found:
        raise NoSuchTube(server, own, similar(own, names))
    return found


def drain(server: Server, app: str, version: str) -> Drain:
    """One look; a release without tubes is drained. InvalidOption as above."""
    try:
        tubes = release_tubes(server, app, version)
    except NoSuchTube:
        tubes = []
    counts = {
        state: sum(getattr(tube.jobs, state) for tube in tubes) for state in ("ready", "reserved", "delayed", "buried")
    }
    return Drain(
        app,
        version,
        drained=not (counts["ready"] or counts["reserved"] or counts["delayed"]),
        **counts,
        workers=sum(tube.workers.total for tube in tubes),
        tubes=tubes,
    )


def draining(server: Server, app: str, version: str, seconds: float) -> Generator[Drain, None, None]:
    """A look now and then, until nothing is left to do or that time is over."""
    give_up, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        yield (found := drain(server, app, version))
        left = give_up - time.monotonic()
        if found.drained or left <= 0:
            return
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
