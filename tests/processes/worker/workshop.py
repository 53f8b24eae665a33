"""A tube of a test's own, the supervisors that serve it, and the diary in which calls are seen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import greenstalk

from ayl import configure, delivery, settings
from ayl import life as lives
from ayl.admin import Server as Address
from ayl.errors import Undecodable
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import HOST, Server, command, environment

if TYPE_CHECKING:
    from ayl.life import Life

APP = "chores"
APP_PATH = Path(__file__).parent / "app"

IMPATIENT = ("--require", "impatient")
"""Words for workers that are to look around oftener than is good for servers."""

TELLING_SECONDS = 0.1
"""For a log to tell what was done a moment ago."""

_versions = count(1)


class Entry(NamedTuple):
    """A line of the diary."""

    word: str
    pid: int


class Supervisor:
    """An `ayl_worker` command that runs, and the worker processes that it starts."""

    def __init__(
        self,
        words: tuple[str, ...],
        variables: dict[str, str],
        log: Path,
        folder: Path,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """`descriptors`: what else is open there."""
        self.log_path = log
        with log.open("wb") as stream:
            # A session of its own: the kernel then knows which processes came of it.
            self.process = subprocess.Popen(
                [command("ayl_worker"), *words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=environment(**variables),
                cwd=folder,
                start_new_session=True,
                pass_fds=descriptors,
            )

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def logs(self, pattern: str) -> list[str]:
        """The lines of the log in which the pattern is found."""
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def awaits(self, pattern: str, times: int = 1) -> None:
        """Wait until the log has so many lines like this; in vain once the supervisor has ended."""
        eventually(lambda: len(self.logs(pattern)) >= times or self.process.poll() is not None, self.log)
        assert len(self.logs(pattern)) >= times, self.log()

    def started(self) -> list[int]:
        """The pids of all workers that it ever started."""
        return [int(line.rpartition(" ")[2]) for line in self.logs(r"started worker \d+$")]

    def gets(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def group_gets(self, number: signal.Signals) -> None:
        """What a terminal does at Ctrl-C: the supervisor and its workers all get the signal."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        eventually(lambda: self.process.poll() is not None, self.log)
        return self.process.returncode

    def left_behind(self) -> list[int]:
        """What still runs of it and of all that it started."""
        return _session(self.process.pid)

    def close(self) -> None:
        """Let nothing stay behind, whatever happened."""
        _kill_session(self.process.pid)
        self.process.wait(PATIENCE)
        # A worker may have been on its way from the supervisor's fork.
        _kill_session(self.process.pid)


def _session(leader: int) -> list[int]:
    """The living processes of a session."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] not in "ZX" and int(fields[3]) == leader:
                members.append(int(entry.name))
    return sorted(members)


def _kill_session(leader: int) -> None:
    for pid in _session(leader):
        with suppress(ProcessLookupError):  # the processes of slots die with their worker
            os.kill(pid, signal.SIGKILL)


class Workshop:
    """Sends to a tube of its own at the server, and starts workers there."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.version = f"{os.getpid()}.{next(_versions)}"
        self.tube = f"{APP}/{self.version}"
        self.client: greenstalk.Client[bytes] = server.client(use=self.tube)
        self.supervisors: list[Supervisor] = []
        self._missed: set[int] = set()
        configure(app=APP, version=self.version, engine=server.url)

    def close(self) -> None:
        """End the workers first, so that none sees the rest vanish."""
        for supervisor in self.supervisors:
            supervisor.close()
        delivery.close()
        settings.reset()
        self.client.close()

    def reconnect(self, server: Server) -> None:
        """Look on at a server that was restarted."""
        self.client.close()
        self.client = server.client(use=self.tube)

    def workers(self, *words: str, workers: int = 1, await_start: bool = True, **variables: str) -> Supervisor:
        """Start a supervisor with so many workers; they are ready once they wait for a job, or have one."""
        words = ("--app-path", str(APP_PATH), "--require", "chores", "--workers", str(workers), *words)
        known = {"AYL_APP": APP, "AYL_VERSION": self.version, "AYL_ENGINE": self.server.url}
        supervisor = self.command(*words, **known | variables)
        if await_start:
            supervisor.awaits("takes jobs from", workers)
        return supervisor

    def command(self, *words: str, **variables: str) -> Supervisor:
        """`ayl_worker` with exactly these words and AYL_* variables."""
        log = self.folder / f"workers-{len(self.supervisors)}.log"
        supervisor = Supervisor(words, variables, log, self.folder)
        self.supervisors.append(supervisor)
        return supervisor

    def told(self) -> str:
        """What all workers have said, for the reader of a failure."""
        return "\n".join(["they said:", *(supervisor.log() for supervisor in self.supervisors)])

    # The diary

    def diary(self) -> list[Entry]:
        """All that was written, in order."""
        try:
            lines = (self.folder / "diary").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Entry(word, int(pid)) for word, pid in map(str.split, lines)]

    def words(self) -> list[str]:
        return [entry.word for entry in self.diary()]

    def read(self, word: str, times: int = 1) -> Entry:
        """Wait until the word stands there so often; its last entry."""

        def entries() -> list[Entry]:
            found = [entry for entry in self.diary() if entry.word == word]
            return found if len(found) >= times else []

        return eventually(entries, self.told)[-1]

    def let_go(self, word: str) -> None:
        """Let the chores that hold on to this word end."""
        (self.folder / word).touch()

    # The server

    def suspect(self, hangups: int) -> None:
        """The next job was in the hand of so many workers that have died; it is put aside until it is kicked."""
        for _ in range(hangups):
            with self.server.client(watch=self.tube) as client:
                client.reserve(timeout=5)
        with self.server.client(watch=self.tube) as client:
            client.bury(client.reserve(timeout=5))

    @property
    def address(self) -> Address:
        """For `ayl.admin`."""
        return Address(HOST, self.server.port)

    def put(self, body: bytes, priority: int = 512) -> int:
        """A job that no send of ours would make."""
        return self.client.put(body, priority)

    def job(self, job_id: int | None) -> greenstalk.StatsJob:
        """What the server knows of a job, which must exist."""
        found = self.look(job_id)
        assert found is not None, f"job {job_id} is gone; {self.told()}"
        return found

    def gone(self, job_id: int | None) -> bool:
        """Whether the server has deleted the job."""
        return self.look(job_id) is None

    def look(self, job_id: int | None) -> greenstalk.StatsJob | None:
        """What the server knows of a job, or of the one that has taken its place; None when it has neither any more."""
        assert job_id is not None
        try:
            return self.client.stats_job(job_id)
        except greenstalk.NotFoundError:
            heir = self.heir(job_id)
            return None if heir is None else self.look(heir)

    def heir(self, job_id: int) -> int | None:
        """The job that has taken the place of another, which is gone, as the workers' logs tell."""

        def lines(pattern: str) -> list[str]:
            found = rf"\bjob {job_id} .*({pattern})"
            return [line for supervisor in self.supervisors for line in supervisor.logs(found)]

        # A failure is told before it is settled, and its end after.
        ends = "comes back in|buried:|dropped:|no longer ours"
        eventually(lambda: len(lines(ends)) >= len(lines("failed after")), self.told)
        if job_id not in self._missed and any(supervisor.logs("was killed by") for supervisor in self.supervisors):
            self._missed.add(job_id)
            time.sleep(TELLING_SECONDS)  # that a call is made alone is told after it has another job
        heirs = lines(r"now job \d+\)")
        return int(re.findall(r"now job (\d+)\)", heirs[-1])[-1]) if heirs else None

    def heirs(self, job_id: int) -> list[int]:
        """The job and all that have taken its place, one after the other."""
        heir = self.heir(job_id)
        return [job_id] if heir is None else [job_id, *self.heirs(heir)]

    def life(self, job_id: int) -> Life:
        """What the job remembers; nothing if nobody can read it."""
        with suppress(Undecodable):
            return lives.read(self.client.peek(job_id).body)
        return lives.NEW

    def await_gone(self, *job_ids: int | None) -> None:
        eventually(lambda: all(self.gone(job_id) for job_id in job_ids), self.told)

    def await_state(self, job_id: int | None, state: str) -> greenstalk.StatsJob:
        eventually(lambda: self.job(job_id)["state"] == state, lambda: f"{self.job(job_id)}; {self.told()}")
        return self.job(job_id)

    def await_jobs(self, state: str, number: int) -> None:
        """Wait until the tube has so many jobs that are ready, reserved, delayed or buried."""
        key = f"current-jobs-{state}"
        eventually(lambda: dict(self.client.stats_tube(self.tube))[key] == number, self.told)

    def await_empty(self) -> None:
        """Wait until all jobs are deleted: none in any state, looked at together, for jobs go from one to the other."""
        states = ("ready", "reserved", "delayed", "buried")

        def left() -> list[int]:
            found: dict[str, Any] = {**self.client.stats_tube(self.tube)}
            return [found[f"current-jobs-{state}"] for state in states]

        eventually(lambda: not any(left()), self.told)

    def await_watched(self) -> None:
        """Wait until a worker watches the tube, whatever it does."""
        eventually(lambda: self.client.stats_tube(self.tube)["current-watching"] > 0, self.told)

    def await_waiting(self, workers: int = 1) -> None:
        """Wait until so many workers wait for a job."""
        eventually(lambda: self.client.stats_tube(self.tube)["current-waiting"] == workers, self.told)


def message(**changes: object) -> bytes:
    """A call of `chores.note` that nothing is wrong with, but for the changes; ... leaves a key out."""
    fields: dict[str, object] = {
        "type": "ayl",
        "v": 1,
        "id": "0192f0c1-2345-7000-8000-0123456789ab",
        "app": APP,
        "ver": "1",
        "do": "chores.note",
        "args": ["nowhere", "nothing"],
    }
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not ...}).encode()
