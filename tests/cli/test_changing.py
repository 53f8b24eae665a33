"""`ayl_beanstalk kick`, `kick_job`, `pause` and `resume`."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ayl import admin
from ayl.admin import kicks
from ayl.cli import ExitCode

if TYPE_CHECKING:
    import greenstalk

    from .operators import Operator


def bury(app: greenstalk.Client[bytes], number: int) -> list[int]:
    """So many jobs; their ids."""
    ids = [app.put(b"%d" % each, priority=each) for each in range(number)]
    for _ in ids:
        app.bury(app.reserve(timeout=0))
    return ids


def count(app: greenstalk.Client[bytes], state: str) -> int:
    return int(app.stats_tube(app.using())[f"current-jobs-{state}"])  # type: ignore[literal-required]


class TestKick:
    def test_one_buried_job_is_kicked_unless_more_are_wanted(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        first, *_ = bury(app, 5)
        assert operator.reads("kick") == f"kicked 1 buried job of {operator.tube}\n"
        assert app.peek_ready().id == first
        assert operator.reads("kick", 3) == f"kicked 3 buried jobs of {operator.tube}\n"
        assert (count(app, "ready"), count(app, "buried")) == (4, 1)

    def test_delayed_jobs_are_kicked_only_where_none_is_buried(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        bury(app, 2)
        for _ in range(3):
            app.put(b"", delay=900)
        assert operator.gets("kick", "all") == {"tube": operator.tube, "state": "buried", "jobs": 2}
        assert count(app, "delayed") == 3
        assert operator.gets("kick", "all") == {"tube": operator.tube, "state": "delayed", "jobs": 3}
        assert operator.gets("kick", "all") == {"tube": operator.tube, "state": "", "jobs": 0}

    def test_all_are_kicked_in_portions(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for _ in range(2500):
            app.put(b"", delay=900)
        assert operator.reads("kick", "all") == f"kicked 2,500 delayed jobs of {operator.tube}\n"
        assert count(app, "ready") == 2500

    def test_delayed_jobs_are_left_alone_when_somebody_else_kicks_the_last_buried_one(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        bury(app, kicks.AT_ONCE + 2)
        app.put(b"", delay=900)
        with closing(admin.kick(operator.server, operator.tube, None)) as steps:
            next(steps)
            assert next(steps)[0].jobs == kicks.AT_ONCE
            app.kick(2)
            assert next(steps, None) is None
        assert count(app, "delayed") == 1

    def test_a_tube_with_nothing_to_kick_is_told(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(b"ready")
        assert operator.reads("kick", 9) == f"{operator.tube} has no buried and no delayed jobs\n"

    def test_a_pattern_kicks_so_many_in_each_tube(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for lane in ("a", "b"):
            app.use(f"{operator.tube}/{lane}")
            for _ in range(3):
                app.put(b"", delay=900)
        found = operator.gets("kick", 2, tube=f"{operator.tube}*")
        assert [(kicked["tube"][-1], kicked["jobs"]) for kicked in found if kicked["jobs"]] == [("a", 2), ("b", 2)]

    @pytest.mark.parametrize("word", ["0", "-1", "x", "1.5", "4294967296", "²", "ALL"])
    def test_it_takes_a_number_or_all(self, operator: Operator, word: str) -> None:
        assert "a number from 1 to 4294967295, or all" in operator.is_told("kick", "--", word, code=ExitCode.USAGE)


class TestKickJob:
    def test_buried_and_delayed_jobs_are_kicked_and_the_others_are_told(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        (buried,) = bury(app, 1)
        delayed = app.put(b"", delay=900)
        held = app.put(b"held", priority=0)
        assert app.reserve(timeout=0).id == held
        ready = app.put(b"")
        done = operator.types("kick_job", ready, buried, 2**63, delayed, held, "--json")
        assert json.loads(done.stdout) == {
            "done": [buried, delayed],
            "declined": [
                {"id": ready, "state": "ready"},
                {"id": 2**63, "state": ""},
                {"id": held, "state": "reserved"},
            ],
        }
        assert done.stderr == (
            f"ayl_beanstalk: job {ready} is ready: only buried and delayed jobs are kicked\n"
            f"ayl_beanstalk: no job {2**63} at {operator.server}\n"
            f"ayl_beanstalk: job {held} is reserved: only buried and delayed jobs are kicked\n"
        )
        assert done.exit_code == ExitCode.REFUSED
        assert count(app, "ready") == 3


class TestPause:
    def test_workers_get_nothing_until_it_is_resumed(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(b"x")
        assert operator.reads("pause") == f"{operator.tube} is paused for 3,600 s\n"
        assert 3590 <= app.stats_tube(operator.tube)["pause-time-left"] <= 3600
        assert operator.reads("resume") == f"{operator.tube} is not paused\n"
        assert app.reserve(timeout=0).body == b"x"

    def test_list_tubes_tells_how_long_it_lasts(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(b"x")
        assert operator.gets("pause", 7300) == {"tube": operator.tube, "seconds": 7300}
        titles, row = operator.reads("list_tubes").splitlines()
        assert titles.endswith("  PAUSED")
        assert "  2:01:" in row

    def test_a_pattern_pauses_each_tube(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for lane in ("a", "b"):
            app.use(f"{operator.tube}/{lane}")
            app.put(b"")
        found = operator.gets("pause", 60, tube=f"{operator.tube}/*")
        assert found == [{"tube": f"{operator.tube}/{lane}", "seconds": 60} for lane in ("a", "b")]
        assert operator.reads("resume", tube=f"{operator.tube}/*").count(" is not paused\n") == 2
