"""A tube that has very many jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from ayl import admin, message
from ayl.admin.conversation import Reply, conversation
from ayl.engines.spool.records import Record
from ayl.engines.spool.store import Spool
from ayl.options import Options

from .matrix import CODE, MODULE
from .servers import client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ayl.admin import Server

STATES = ("ready", "delayed", "buried")

_apps = count()


@dataclass
class Scene:
    """A tube with many jobs, and what else commands are about."""

    server: Server
    folder: Path
    number: int
    """Of jobs, a third of them in each state."""
    app: str = field(default_factory=lambda: f"many{next(_apps)}")
    ids: dict[str, list[str]] = field(default_factory=dict)

    @property
    def tube(self) -> str:
        return f"{self.app}/1"

    @property
    def spool(self) -> Path:
        return self.folder / self.app

    def fill(self) -> None:
        (self.folder / f"{MODULE}.py").write_text(CODE)
        body = message.filled(message.form(self.app, "1", "shop.restock", Options()), "0192", 1.0, None, ["socks"], {})
        each = self.number // len(STATES)
        with conversation(self.server) as client:
            client.use(self.tube)
            for state in STATES:
                put = b"put 512 %d 120 %d\r\n%b\r\n" % (90000 if state != "ready" else 0, len(body), body)
                ids = [reply.words[0] for reply in answers(client.ask([put] * each, b"INSERTED"))]
                self.ids[state] = [number.decode() for number in ids]
                if state == "buried":
                    for start in range(0, each, 100):  # a server looks through all that a connection holds
                        some = ids[start : start + 100]
                        [*answers(client.ask((b"reserve-job %b\r\n" % job for job in some), b"RESERVED", body=True))]
                        [*answers(client.ask((b"bury %b 512\r\n" % job for job in some), b"BURIED"))]

    def keep(self, engine: Server) -> None:
        """As many calls in the spool as there are jobs in the tube, for that server."""
        body = b"x" * 100
        records = [
            Record(f"id{number}", self.tube, 0, 0.0, 120, f"beanstalk://{engine}", 1.0, body)
            for number in range(self.number)
        ]
        spool = Spool(str(self.spool), 10**10)
        for start in range(0, self.number, 500):
            spool.append(records[start : start + 500])

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs of each state the tube has."""
        with client(self.server) as onlooker:
            if self.tube not in onlooker.tubes():
                return dict.fromkeys(STATES, 0)
            found: Any = onlooker.stats_tube(self.tube)
            return {state: found[f"current-jobs-{state}"] for state in STATES}

    @property
    def total(self) -> int:
        """How many jobs the server has."""
        jobs = admin.statistics(self.server).jobs
        return jobs.ready + jobs.reserved + jobs.delayed + jobs.buried


def answers(said: Iterable[object]) -> Iterator[Reply]:
    for answer in said:
        assert isinstance(answer, Reply), answer
        yield answer


def fresh(server: Server, folder: Path, number: int) -> Scene:
    """A scene that is filled."""
    made = Scene(server, folder, number)
    made.fill()
    return made
