"""Nothing is lost when move_jobs or the server is killed in the middle: `python -m tests.cli.killed_moves --kills 50`.

Numbered jobs, ready, delayed and buried ones, move from one tube to the other and back. Each time the command or its
server is killed at a random moment, and the command is run again until it ends well.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ayl.admin import Server, find_jobs

from .servers import KINDS, Kind, client, free_port, wait_until
from .test_beanstalk import COMMAND, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

TUBES = ("old", "new")
DELAY = 6000
"""Seconds, so that none is ready before the end."""


@dataclass
class Killing:
    """A server with a binlog, and jobs that move on it."""

    kind: Kind
    folder: Path
    chance: random.Random
    server: Server = field(default_factory=lambda: Server(port=free_port()))
    kills: Counter[str] = field(default_factory=Counter)
    states: dict[str, str] = field(default_factory=dict)
    """Of each body, what its job was put as."""

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.stop()

    def start(self) -> None:
        words = ("-l", self.server.host, "-p", str(self.server.port), "-b", str(self.folder))
        self.process = subprocess.Popen([*self.kind.command, *words])
        wait_until(self._serves)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _serves(self) -> bool:
        with suppress(OSError), client(self.server) as app:
            return bool(app.stats())
        return False

    def fill(self, number: int) -> None:
        """So many jobs of each state."""
        with client(self.server, use=TUBES[0]) as app:
            for state in ("ready", "delayed", "buried"):
                for name in range(number):
                    job = app.put(body := f"{state} {name}".encode(), delay=0 if state == "ready" else DELAY)
                    self.states[body.decode()] = state
                    if state == "buried":
                        app.bury(app.reserve_job(job))

    def move(self, old: str, new: str, longest: float) -> None:
        """Until it ends well. The first run is killed, or its server."""
        command = [*COMMAND, "move_jobs", "-t", old, new, "-y"]
        variables = environment(AYL_BEANSTALK_PORT=str(self.server.port))
        before = self.puts()
        with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as moving:
            wait_until(lambda: moving.poll() is not None or self.puts() > before)
            time.sleep(self.chance.uniform(0, longest))
            victim = ""
            if moving.poll() is None:
                victim = self.chance.choice(("command", "server"))
                self.kills[victim] += 1
                (moving if victim == "command" else self.process).kill()
            moving.communicate()
            if victim == "server":
                self.process.wait()
                self.start()
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0 or "no tube" in done.stderr, done.stderr

    def puts(self) -> int:
        with client(self.server) as app:
            return app.stats()["total-jobs"]

    def judge(self, tube: str) -> int:
        """Every job is in that tube, and what it was put as. How many are there more than once."""
        with client(self.server) as app:
            newest = app.put(b"", delay=DELAY)
            app.delete(newest)
        found = [(str(job.body and job.body.text), job) for job in find_jobs(self.server, range(1, newest))]
        assert {body for body, _ in found} == self.states.keys()
        assert [(job.tube, job.state) for _, job in found] == [(tube, self.states[body]) for body, _ in found]
        return len(found) - len(self.states)


def campaign(kind: Kind, *, kills: int, jobs: int, seed: int, longest: float) -> str:
    """So many kills, with so many jobs of each state; what has happened."""
    with tempfile.TemporaryDirectory(prefix="ayl-moves-") as folder:
        killing = Killing(kind, Path(folder), random.Random(seed))  # noqa: S311 - to be repeatable
        with killing.running():
            killing.fill(jobs)
            old, new = TUBES
            while killing.kills.total() < kills:
                killing.move(old, new, longest)
                twice = killing.judge(new)
                old, new = new, old
        return f"{kind.name}: killed {dict(killing.kills)}, {twice} of {3 * jobs:,} jobs are there twice, none is lost"


def main() -> None:
    """Until there were so many kills, with each kind of server."""
    parser = argparse.ArgumentParser(prog="tests.cli.killed_moves", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2000, help="of each state")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--longest", type=float, default=1.0, help="seconds from the first put to the kill, at most")
    words = parser.parse_args()
    for kind in KINDS:
        told = campaign(kind, kills=words.kills, jobs=words.jobs, seed=words.seed, longest=words.longest)
        sys.stdout.write(f"{told}. Seed {words.seed}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
