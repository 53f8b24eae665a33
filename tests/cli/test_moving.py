"""`ayl_beanstalk move_jobs` on real servers."""

from __future__ import annotations

import json
import signal
import subprocess
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from ayl import admin
from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk

from .schemas import MOVED, fault
from .servers import KINDS, Kind, client, free_port, wait_until
from .test_beanstalk import COMMAND, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = count()
MANY = 10_000
"""Jobs that take a while to move."""

NEW = "for the server each is a new job: its id, age and counters begin anew"


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[admin.Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def tube(server: admin.Server) -> str:
    """One with two ready jobs, one delayed and one buried."""
    name = f"shop/{next(_numbers)}"
    with client(server, use=name) as app:
        for delay in (0, 0, 60):
            app.put(b"small", delay=delay)
        app.bury(app.reserve_job(app.put(b"and buried")))
    return name


def run(*words: str, server: admin.Server, stdin: str = "") -> Result:
    return CliRunner().invoke(ayl_beanstalk, ["-p", str(server.port), *words], input=stdin)


def document(*words: str, server: admin.Server, code: ExitCode = ExitCode.OK) -> Any:
    done = run(*words, "--json", server=server)
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    assert fault(found, MOVED) == ""
    return found


class TestMoveJobs:
    def test_it_tells_what_moved_what_is_left_and_what_begins_anew(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as worker:
            worker.put(b"held", priority=0)
            worker.reserve(0)
            done = run("move_jobs", "-t", tube, "new/1", "-y", server=server)
        assert (done.exit_code, done.stderr) == (ExitCode.OK, "")
        assert done.stdout.splitlines() == [
            f"moved 4 jobs of {tube} at {server} to new/1: 1 delayed, 1 buried, 2 ready",
            f"left in {tube}: 1 reserved",
            NEW,
        ]

    def test_as_json(self, server: admin.Server, tube: str) -> None:
        found = document("move-jobs", "-t", tube, "new/2", "--yes", server=server)
        assert found["moved"] == {"delayed": 1, "buried": 1, "ready": 2}
        assert found["left"] == {"ready": 0, "reserved": 0, "delayed": 0, "buried": 0}
        assert admin.tube_statistics(server, "new/2").jobs.buried == 1

    def test_one_state_alone(self, server: admin.Server, tube: str) -> None:
        assert document("move_jobs", "-t", tube, "new/3", "--state", "ready", "-y", server=server)["moved"] == {
            "ready": 2
        }
        assert admin.tube_statistics(server, tube).jobs.ready == 0

    def test_a_dry_run_changes_nothing_and_asks_nothing(self, server: admin.Server, tube: str) -> None:
        before = admin.tube_statistics(server, tube)
        said = run("move_jobs", "-t", tube, "new/4", "--dry-run", server=server).stdout
        assert said == f"would move 4 jobs of {tube} at {server} to new/4: 1 delayed, 1 buried, 2 ready\n"
        assert document("move_jobs", "-t", tube, "new/4", "--dry-run", server=server)["dry_run"] is True
        assert admin.tube_statistics(server, tube) == before
        assert "new/4" not in {tube.name for tube in admin.tubes(server)}

    def test_another_server_may_refuse_some(self, server: admin.Server, tube: str) -> None:
        with KINDS[0].running("-z", "8") as small:
            words = ("move_jobs", "-t", tube, tube, "--to-server", str(small), "-y")
            found = document(*words, server=server, code=ExitCode.REFUSED)
            assert found["moved"] == {"delayed": 1, "buried": 0, "ready": 2}
            assert found["stayed"] == {"the message is larger than the server allows (its option -z)": 1}
            assert found["left"]["buried"] == 1
            said = run(*words, server=server).stdout
        assert "1 job stayed: the message is larger than the server allows (its option -z)\n" in said

    def test_a_server_that_drains_takes_none(self, server: admin.Server, tube: str) -> None:
        command = [*KINDS[0].command, "-p", str(port := free_port())]
        with subprocess.Popen(command) as draining:
            there = admin.Server(port=port)
            wait_until(lambda: not isinstance(_statistics(there), admin.NoServer))
            draining.send_signal(signal.SIGUSR1)
            wait_until(lambda: getattr(_statistics(there), "draining", False))
            found = document(
                "move_jobs", "-t", tube, "x", "--to-server", str(there), "-y", server=server, code=ExitCode.REFUSED
            )
            draining.kill()
        assert found["stopped"] == "the server is draining: it takes no new jobs"
        assert found["left"] == {"ready": 2, "reserved": 0, "delayed": 1, "buried": 1}


def _statistics(server: admin.Server) -> admin.ServerStatistics | admin.NoServer:
    try:
        return admin.statistics(server)
    except admin.NoServer as error:
        return error


class TestRefusals:
    def complaint(self, *words: str, server: admin.Server, code: ExitCode = ExitCode.REFUSED) -> str:
        done = run("move_jobs", *words, "--yes", server=server)
        assert (done.exit_code, done.stdout) == (code, "")
        return done.stderr

    def test_a_tube_does_not_move_into_itself(self, server: admin.Server, tube: str) -> None:
        fact = f"the jobs of '{tube}' are there already: name another tube, or another server"
        assert fact in self.complaint("-t", tube, tube, server=server)

    def test_nor_by_another_name_of_the_server(self, server: admin.Server, tube: str) -> None:
        there = f"localhost:{server.port}"
        assert "are there already" in self.complaint("-t", tube, tube, "--to-server", there, server=server)

    @pytest.mark.parametrize("name", ["a@b", "a\r\nstats", "\x1b[31m", "shop/*"])
    def test_a_name_that_no_tube_can_have(self, server: admin.Server, tube: str, name: str) -> None:
        for words in (("-t", tube, name), ("-t", name, "x")):
            said = self.complaint(*words, server=server)
            assert "no tube can be named" in said
            assert said[:-1].isprintable()

    def test_no_server_on_the_other_side(self, server: admin.Server, tube: str) -> None:
        nowhere = admin.Server(port=free_port())
        words = ("-t", tube, "x", "--to-server", str(nowhere))
        assert str(nowhere) in self.complaint(*words, server=server, code=ExitCode.UNAVAILABLE)

    def test_more_than_one_server(self, server: admin.Server, tube: str) -> None:
        for there in ("a,b", "http://a"):
            assert self.complaint("-t", tube, "x", "--to-server", there, server=server, code=ExitCode.USAGE)


class TestManyJobs:
    def test_a_server_that_dies_is_told_with_what_was_done(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube) as app:
            app._sock.sendall(b"put 0 60 60 1\r\nx\r\n" * MANY)
            wait_until(lambda: admin.tube_statistics(server, tube).jobs.delayed == MANY + 1)
        with subprocess.Popen([*KINDS[0].command, "-p", str(port := free_port())]) as dying:
            there = admin.Server(port=port)
            wait_until(lambda: not isinstance(_statistics(there), admin.NoServer))
            command = [*COMMAND, "move_jobs", "-t", tube, "x", "--to-server", str(there), "-y", "--json"]
            variables = environment(AYL_BEANSTALK_PORT=str(server.port))
            pipe = subprocess.PIPE
            with subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True) as moving:
                wait_until(lambda: getattr(_statistics(there), "jobs").total > 100)  # noqa: B009 - one of two types
                dying.kill()
                said, complaint = moving.communicate(timeout=20)
        assert moving.returncode == ExitCode.UNAVAILABLE
        found = json.loads(said)
        assert found["stopped"].startswith(f"{there} closed the connection")
        assert complaint.startswith(f"ayl_beanstalk: {found['stopped']}; ")
        assert 0 < found["moved"]["delayed"] == MANY + 1 - found["left"]["delayed"]

    def test_so_is_the_one_they_come_from(self, tube: str) -> None:
        command = [*KINDS[0].command, "-p", str(port := free_port())]
        with KINDS[0].running() as there, subprocess.Popen(command) as dying:
            server = admin.Server(port=port)
            wait_until(lambda: not isinstance(_statistics(server), admin.NoServer))
            with client(server, use=tube) as app:
                app._sock.sendall(b"put 0 60 60 1\r\nx\r\n" * MANY)
                wait_until(lambda: admin.tube_statistics(server, tube).jobs.delayed == MANY)
            command = [*COMMAND, "move_jobs", "-t", tube, "x", "--to-server", str(there), "-y"]
            variables = environment(AYL_BEANSTALK_PORT=str(server.port))
            with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as moving:
                wait_until(lambda: getattr(_statistics(there), "jobs").total > 100)  # noqa: B009 - one of two types
                dying.kill()
                said, _ = moving.communicate(timeout=20)
        assert moving.returncode == ExitCode.UNAVAILABLE
        assert [line.split(" ", 2)[0] for line in said.splitlines()] == ["moved", "not", "for"]
