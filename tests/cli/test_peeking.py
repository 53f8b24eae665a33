"""`ayl_beanstalk job_statistics`, `peek_job` and its kind."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from ayl import life, message
from ayl.cli import ExitCode
from ayl.options import Options

if TYPE_CHECKING:
    import greenstalk

    from .operators import Operator

CALL = message.filled(
    message.form("shop", "1", "ship", Options()),
    "0192-call",
    1793000000.5,
    {"$ref": ["shop.Order", 42]},
    ["ups"],
    {"insured": True},
)

NEVER = 2**63
"""An id that no server has given."""


class TestPeekJob:
    def test_a_call_is_shown_as_it_would_be_written(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        job = app.put(CALL)
        said = operator.reads("peek_job", job)
        assert re.fullmatch(rf"#{job} ready 0:0\d shop\.Order\.find\(42\)\.ship\('ups', insured=True\)\n", said)

    def test_each_state_is_told_with_the_time_that_counts(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        app.put(b"first", ttr=50)
        reserved = app.reserve(timeout=0)
        app.put(b"second")
        buried = app.reserve(timeout=0)
        app.bury(buried)
        delayed = app.put(b"third", delay=3000)
        lines = operator.reads("peek_job", reserved.id, buried.id, delayed).splitlines()
        shown = ["reserved 0:4. first", "buried 0:0. second", "delayed 49:5. third"]
        for line, text in zip(lines, shown, strict=True):
            assert re.fullmatch(rf"#\d+ {text}", line)

    def test_a_job_of_another_tube_is_found_too(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        job = app.put(b"x")
        assert operator.gets("peek_job", job, tube="nowhere")[0]["tube"] == operator.tube

    def test_what_is_no_call_is_shown_safely_and_in_short(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        job = app.put(b"\x1b[31m\xff\r\n" + b"x" * 60000)
        said = operator.reads("peek_job", job)
        assert r" \x1b[31m\xff\r\nxxx" in said
        assert said.endswith("x… (60,011 characters)\n")
        assert said[:-1].isprintable()
        assert len(said) < 300

    def test_an_empty_body_is_shown_as_nothing(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        job = app.put(b"")
        assert re.fullmatch(rf"#{job} ready 0:0\d \n", operator.reads("peek_job", job))

    def test_what_is_not_there_is_told_by_id_and_the_others_are_shown(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        job = app.put(b"x")
        for name in ("peek_job", "job_statistics"):
            done = operator.types(name, NEVER, job, NEVER + 1, NEVER, "--json")
            assert [found["id"] for found in json.loads(done.stdout)] == [job]
            assert done.stderr == "".join(
                f"ayl_beanstalk: no job {missing} at {operator.server}\n" for missing in (NEVER, NEVER + 1)
            )
            assert done.exit_code == ExitCode.REFUSED

    @pytest.mark.parametrize("body", [b"", b"\x00\xff\r\n\x1b[31m", b"x" * 65535], ids=["empty", "odd", "large"])
    def test_raw_is_the_body_byte_for_byte(
        self, operator: Operator, app: greenstalk.Client[bytes], body: bytes
    ) -> None:
        assert operator.types("peek_job", app.put(body), "--raw").stdout_bytes == body

    def test_raw_is_of_one_job(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        job = app.put(b"x")
        assert "--raw shows one job" in operator.is_told("peek_job", job, job + 1, "--raw", code=ExitCode.USAGE)
        assert f"no job {NEVER} at" in operator.is_told("peek_job", NEVER, "--raw")

    @pytest.mark.parametrize("word", ["x", "-1", "1.5", "", str(2**64), "#1"])
    def test_what_is_no_id_is_wrong_usage(self, operator: Operator, word: str) -> None:
        assert "Invalid value for 'ID...'" in operator.is_told("peek_job", "--", word, code=ExitCode.USAGE)

    def test_several_hundred_are_asked_for_at_once(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        ids = [app.put(b"%d" % number) for number in range(1200)]
        found = operator.gets("peek_job", *ids)
        assert [(job["id"], job["body"]["text"]) for job in found] == [
            (job, str(number)) for number, job in enumerate(ids)
        ]


class TestJobStatistics:
    def test_all_is_told_of_a_call_and_its_life(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        app.put(life.write(CALL, life.Life(tries=2, kills=1, why="ValueError: no ups")), priority=7, ttr=33)
        job = app.reserve(timeout=0)
        app.bury(job, priority=9)
        said = operator.reads("job_statistics", job.id)
        facts = dict(re.split(r"  +", line, maxsplit=1) for line in said.splitlines())
        assert facts == {
            "job": str(job.id),
            "tube": operator.tube,
            "state": "buried",
            "age": facts["age"],
            "time left": "0:00",
            "priority": "9",
            "delay": "0",
            "time to run": "33",
            "reserves": "1",
            "timeouts": "0",
            "releases": "0",
            "buries": "1",
            "kicks": "0",
            "binlog file": "0",
            "bytes": facts["bytes"],
            "call": "shop.Order.find(42).ship('ups', insured=True)",
            "message": "0192-call",
            "sent": "2026-10-26 07:33:20Z",
            "tries": "2",
            "kills": "1",
            "why": "ValueError: no ups",
        }

    def test_a_body_that_is_no_call_is_told_with_the_reason(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        said = operator.reads("job_statistics", app.put(b"\x07hello"))
        assert "no call      not a message of ayl" in said
        assert r"body         \x07hello" in said

    def test_several_stand_apart(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        said = operator.reads("job_statistics", app.put(b"a"), app.put(b"b"))
        assert len(said.split("\n\n")) == 2


class TestHeads:
    def test_the_first_of_each_state_is_shown(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for name in ("one", "two"):
            app.put(name.encode())
            app.bury(app.reserve(timeout=0))
        app.put(b"later", delay=900)
        app.put(b"sooner", delay=800)
        app.put(b"less urgent", priority=5)
        app.put(b"urgent", priority=4)
        assert operator.reads("peek_ready").endswith(" urgent\n")
        assert operator.reads("peek_delayed").endswith(" sooner\n")
        assert operator.reads("peek_buried").endswith(" one\n")

    def test_a_pattern_shows_that_of_each_tube(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        for lane in ("a", "b"):
            app.use(f"{operator.tube}/{lane}")
            app.put(lane.encode())
        found = operator.gets("peek_ready", tube=f"{operator.tube}/*")
        assert [peek["job"]["body"]["text"] for peek in found] == ["a", "b"]

    def test_looks_leave_no_traces(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        job = app.put(b"x")
        before = app.stats_job(job)
        for name in ("peek_ready", "peek_buried"):
            operator.reads(name)
        operator.reads("job_statistics", job)
        after = app.stats_job(job)
        assert {**after, "age": 0} == {**before, "age": 0}
