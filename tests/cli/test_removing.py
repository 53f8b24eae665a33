"""`ayl_beanstalk delete`, `eat_job` and `eat_all_jobs`."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from ayl import admin
from ayl.cli import ExitCode

from .gate import gate
from .scenes import fresh
from .servers import KINDS
from .test_beanstalk import COMMAND, environment
from .test_changing import bury, count

if TYPE_CHECKING:
    from pathlib import Path

    import greenstalk

    from .operators import Operator


class TestDelete:
    def test_jobs_of_any_tube_and_state_are_deleted_and_the_others_are_told(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        app.put(b"held")
        held = app.reserve(timeout=0).id
        (buried,) = bury(app, 1)
        ready, delayed = app.put(b""), app.put(b"", delay=900)
        ids = (ready, held, 2**63, buried, delayed, ready)
        done = operator.types("delete", *ids, "--yes", "--json", tube="nowhere")
        assert json.loads(done.stdout) == {
            "done": [ready, buried, delayed],
            "declined": [{"id": held, "state": "reserved"}, {"id": 2**63, "state": ""}],
        }
        assert done.stderr == (
            f"ayl_beanstalk: job {held} is reserved: try again when no worker has it\n"
            f"ayl_beanstalk: no job {2**63} at {operator.server}\n"
        )
        assert done.exit_code == ExitCode.REFUSED
        assert [count(app, state) for state in ("ready", "reserved", "delayed", "buried")] == [0, 1, 0, 0]

    def test_it_says_how_many(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        assert operator.reads("delete", app.put(b""), "-y") == "deleted 1 job\n"
        assert operator.reads("delete", *(app.put(b"") for _ in range(1234)), "-y") == "deleted 1,234 jobs\n"


class TestConsent:
    @pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 2), ("", 2)])
    def test_at_a_terminal_it_asks(
        self, operator: Operator, app: greenstalk.Client[bytes], answer: str, left: int
    ) -> None:
        for _ in range(2):
            app.put(b"")
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "wb", buffering=0) as keys:
            keys.write(answer.encode() + b"\n")
            done = subprocess.run(
                [*COMMAND, "-h", str(operator.server), "-t", operator.tube, "eat_all_jobs"],
                stdin=theirs,
                capture_output=True,
                text=True,
                check=False,
                env=environment(),
                timeout=30,
            )
            os.close(theirs)
        assert f"Delete 2 ready jobs of {operator.tube} at {operator.server}? [y/N]: " in done.stderr
        assert count(app, "ready") == left
        assert done.stdout == ("" if left else f"deleted 2 ready jobs of {operator.tube}\n")
        assert done.returncode == (ExitCode.REFUSED if left else ExitCode.OK)


class TestEatJob:
    def test_the_next_job_is_shown_and_gone(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(b"later", priority=5)
        job = app.put(b"next", priority=4)
        assert re.fullmatch(rf"#{job} ready 0:0\d next\n", operator.reads("eat_job", "--yes"))
        assert operator.gets("eat_job", "--yes")["job"]["body"]["text"] == "later"
        assert operator.reads("eat_job", "--yes") == f"no ready job in {operator.tube}\n"

    def test_a_pause_does_not_keep_it_from_the_operator(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        app.put(b"x")
        app.pause_tube(operator.tube, 60)
        assert operator.reads("eat_job", "--yes").endswith(" x\n")


class TestEatAllJobs:
    @pytest.mark.parametrize("state", ["ready", "delayed", "buried"])
    def test_all_of_a_state_are_deleted_and_no_others(
        self, operator: Operator, app: greenstalk.Client[bytes], state: str
    ) -> None:
        bury(app, 600)
        for _ in range(600):
            app.put(b"x" * 100)
            app.put(b"", delay=900)
        assert operator.reads("eat_all_jobs", state, "--yes") == f"deleted 600 {state} jobs of {operator.tube}\n"
        assert {name: count(app, name) for name in ("ready", "delayed", "buried")} == {
            "ready": 600,
            "delayed": 600,
            "buried": 600,
        } | {state: 0}

    def test_ready_jobs_of_a_paused_tube_are_eaten_too(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for _ in range(700):
            app.put(b"")
        app.pause_tube(operator.tube, 60)
        assert operator.gets("eat_all_jobs", "--yes") == {"tube": operator.tube, "state": "ready", "jobs": 700}

    def test_jobs_with_the_shortest_time_to_run_are_eaten_too(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        for _ in range(700):
            app.put(b"", ttr=1)
        assert operator.gets("eat_all_jobs", "--yes")["jobs"] == 700

    def test_jobs_of_other_tubes_are_left_alone(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(b"")
        app.use("default")
        kept = app.put(b"", priority=0)
        assert operator.gets("eat_all_jobs", "--yes")["jobs"] == 1
        app.delete(kept)

    def test_an_empty_tube_raises_no_question(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        assert app.using() == operator.tube
        assert operator.reads("eat_all_jobs") == f"deleted 0 ready jobs of {operator.tube}\n"

    def test_a_pattern_asks_once_and_tells_each_tube(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for lane in ("a", "b", "c"):
            app.use(f"{operator.tube}/{lane}")
            app.put(b"")
        tubes = f"{operator.tube}/*"
        assert "Delete 3 ready jobs of 3 tubes at " in operator.is_told("eat_all_jobs", tube=tubes, code=ExitCode.USAGE)
        assert operator.reads("eat_all_jobs", "-y", tube=tubes) == "".join(
            f"deleted 1 ready job of {operator.tube}/{lane}\n" for lane in ("a", "b", "c")
        )

    def test_a_tube_or_state_that_does_not_exist_is_told(self, operator: Operator) -> None:
        for words in (("eat_job", "--yes"), ("eat_all_jobs", "--yes"), ("eat_all_jobs", "buried")):
            assert f"no tube '{operator.tube}' at " in operator.is_told(*words)
        assert "not one of 'ready', 'delayed', 'buried'" in operator.is_told(
            "eat_all_jobs", "reserved", code=ExitCode.USAGE
        )


def test_a_server_that_goes_away_leaves_a_true_report(tmp_path: Path) -> None:
    with KINDS[1].running() as server, gate(server, 150_000) as (there, halfway):
        scene = fresh(server, tmp_path, 3000)
        with subprocess.Popen(
            [*COMMAND, "-h", str(there), "-t", scene.tube, "eat_all_jobs", "delayed", "--yes"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as process:
            assert halfway.reached.wait(20)
            os.kill(int(admin.statistics(server).reported["pid"]), signal.SIGKILL)
            halfway.opened.set()
            said, complaint = process.communicate(timeout=20)
    assert said == ""
    told = f"until then: deleted 500 delayed jobs of {scene.tube}\nayl_beanstalk: {there} closed the connection"
    assert complaint.startswith(told)
    assert process.returncode == ExitCode.UNAVAILABLE
