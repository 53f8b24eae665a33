"""`ayl_beanstalk doctor`: what is wrong with a server, the gravest first."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ayl.admin import Server, ailments, statistics
from ayl.admin.examination import Examination, examine
from ayl.cli import ExitCode
from ayl.settings import configure
from tests.cli.servers import KINDS, Kind, client, free_port, wait_until

from .asking import answer, body, codes, document, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def found(server: Server, tube: str, code: ExitCode = ExitCode.REFUSED) -> dict[str, dict[str, Any]]:
    """The findings about these tubes by their codes, in order."""
    findings = document("doctor", "--tube", tube, server=server, code=code)
    return dict(zip(codes(findings), findings, strict=True))


class TestTubes:
    def test_jobs_that_no_worker_will_take(self, server: Server, tube: str) -> None:
        with client(server, use=tube) as app:
            app.put(body())
            app.put(body(), delay=100)
            assert found(server, tube) == {
                "unwatched": {
                    "code": "unwatched",
                    "severity": "trouble",
                    "sentence": f"no worker watches {tube}, which has 1 ready job and 1 delayed job",
                    "cure": f"ayl_worker --require MODULE --tube {tube}",
                    "facts": {"tube": tube, "ready": 1, "delayed": 1},
                    "server": "",
                }
            }

    def test_delayed_jobs_alone_are_a_warning(self, server: Server, tube: str) -> None:
        with client(server, use=tube) as app:
            app.put(body(), delay=100)
            assert found(server, tube, ExitCode.OK)["unwatched"]["severity"] == "warning"

    def test_an_old_version_with_jobs_left(self, server: Server, tube: str) -> None:
        with client(server, use=tube) as app, client(server, watch=f"{tube}.9"), client(server, watch=f"{tube}.10"):
            app.put(body())
            finding = found(server, tube)["old_version"]
            assert finding["sentence"] == (
                f"{tube} has 1 ready job and no worker any more; the newer {finding['facts']['watched'][0]} has workers"
            )
            assert set(finding["facts"]["watched"]) == {f"{tube}.9", f"{tube}.10"}
            old = tube.removeprefix("shop/")
            assert finding["cure"].startswith(f"ayl_beanstalk migrate {old} {old}.")

    def test_workers_of_another_lane_are_no_help(self, server: Server, tube: str) -> None:
        with client(server, use=tube) as app, client(server, watch=f"{tube}.9/mail"):
            app.put(body())
            assert "unwatched" in found(server, tube)

    def test_buried_jobs_with_the_reason_of_the_first(self, server: Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as app:
            for why in ("no ups", "no dhl"):
                app.bury(app.reserve_job(app.put(body(f'{{"why":"{why}"}}'))))
            finding = found(server, tube)["buried"]
        assert finding["sentence"] == f"{tube} has 2 buried jobs; the first: no ups"
        assert "peek_buried" in finding["cure"]

    def test_the_most_frequent_reasons_are_told(self, server: Server, tube: str) -> None:
        with client(server) as app:
            for lane, why in (("a", "no ups"), ("b", "no ups"), ("c", "no dhl")):
                app.use(f"{tube}/{lane}")
                app.bury(app.reserve_job(app.put(body(f'{{"why":"{why}"}}'))))
        findings = document("doctor", "--tube", f"{tube}/*", server=server, code=ExitCode.REFUSED)
        finding = next(one for one in findings if one["code"] == "buried_reasons")
        assert finding["sentence"].endswith(": no ups (2 tubes); no dhl (1 tube)")

    def test_a_paused_tube_is_a_warning_once_jobs_wait(self, server: Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as app:
            app.pause_tube(tube, 100)
            assert found(server, tube, ExitCode.OK)["paused"]["severity"] == "note"
            app.put(body())
            finding = found(server, tube, ExitCode.OK)["paused"]
        assert finding["severity"] == "warning"
        assert finding["cure"] == f"ayl_beanstalk -t {tube} resume"

    def test_a_message_from_the_future_tells_of_a_clock(self, server: Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as app:
            app.put(body(sent=time.time() + 3700))
            finding = found(server, tube, ExitCode.OK)["clock"]
        assert "is ahead of this machine's by 1 h 1 min or more" in finding["sentence"]

    def test_of_many_tubes_those_with_most_jobs_are_told_and_the_rest_counted(self, server: Server, tube: str) -> None:
        with client(server) as app:
            for number in range(13):
                app.use(f"{tube}/{number}")
                for _ in range(1 + (number == 7)):
                    app.put(body())
        findings = document("doctor", "--tube", f"{tube}/*", server=server, code=ExitCode.REFUSED)
        assert codes(findings) == ["unwatched"] * 11
        assert findings[0]["facts"]["tube"] == f"{tube}/7"
        assert findings[10]["sentence"] == "3 more tubes like that, with 3 jobs"
        assert len(findings[10]["facts"]["tubes"]) == 3

    def test_a_name_that_a_shell_would_obey_is_quoted_in_the_command_to_type(self, server: Server, tube: str) -> None:
        name = f"{tube};$(reboot)"
        with client(server, use=name) as app:
            job = app.put(body())
            assert found(server, name)["unwatched"]["cure"] == f"ayl_worker --require MODULE --tube '{name}'"
            assert f"--tube '{name}'" in answer("why", str(job), server=server)

    def test_a_tube_with_workers_and_without_old_jobs_is_well(self, server: Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as app:
            app.put(body())
            done = run("doctor", "--tube", tube, server=server)
        assert (done.stdout, done.stderr, done.exit_code) == ("all is well with 1 tube\n", "", ExitCode.OK)


class TestWaiting:
    """Rules about time, told with a look at a real server whose jobs are made older."""

    @pytest.fixture
    def seen(self, server: Server, tube: str) -> Iterator[Examination]:
        with client(server, use=tube, watch=tube) as app:
            app.put(body(sent=0))
            yield examine(server, tube)

    def test_a_job_that_waits_for_long_though_no_worker_is_free(self, seen: Examination) -> None:
        (finding,) = ailments.ailments(aged(seen, 301))
        assert (finding.code, finding.severity) == ("backlog", "warning")
        assert "has waited for up to 5 min 1 s; 1 worker, none of them free" in finding.sentence
        assert not ailments.ailments(aged(seen, 299))

    def test_a_job_that_waits_though_workers_wait_too(self, seen: Examination) -> None:
        (finding,) = ailments.ailments(aged(free(seen), 10))
        assert (finding.code, finding.severity) == ("stuck", "trouble")
        assert "has been ready for 10 s, though 1 worker waits" in finding.sentence
        assert not ailments.ailments(aged(free(seen), 9))

    def test_the_time_for_which_it_was_delayed_does_not_count(self, seen: Examination) -> None:
        jobs = tuple(replace(job, delay=300) for job in aged(seen, 301).ready)
        assert not ailments.ailments(replace(seen, ready=jobs))


def aged(seen: Examination, seconds: int) -> Examination:
    return replace(seen, ready=tuple(replace(job, age=seconds) for job in seen.ready))


def free(seen: Examination) -> Examination:
    """With workers that wait."""
    return replace(
        seen,
        tubes=tuple(replace(tube, workers=replace(tube.workers, available=1, busy=0)) for tube in seen.tubes),
    )


class TestServers:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    def test_one_that_drains_is_trouble(self, kind: Kind) -> None:
        with kind.running() as server, client(server) as app:
            os.kill(int(app.stats()["pid"]), signal.SIGUSR1)
            wait_until(lambda: str(app.stats()["draining"]).lower() == "true")
            assert codes(document("doctor", server=server, code=ExitCode.REFUSED)) == ["draining"]

    def test_one_on_this_machine_that_runs_out_of_files_is_trouble(self, server: Server) -> None:
        seen = examine(server)
        assert seen.most_files > 0
        few = replace(seen, most_files=seen.statistics.connections, tubes=(), ready=(), buried=())
        assert [finding.code for finding in ailments.ailments(few)] == ["connections"]

    def test_one_with_a_large_binlog_is_a_warning(self, server: Server) -> None:
        seen = replace(examine(server), tubes=(), ready=(), buried=())
        files: dict[str, int | float | str] = {
            "binlog-oldest-index": 5,
            "binlog-current-index": 132,
            "binlog-max-size": 10 << 20,
        }
        large = replace(seen, statistics=replace(statistics(server), reported=files))
        assert [finding.code for finding in ailments.ailments(large)] == ["binlog"]

    def test_several_are_examined_together(self) -> None:
        with KINDS[0].running() as one, KINDS[1].running() as other, client(one, use="shop/1") as app:
            app.put(body())
            findings = document("-h", f"{one},{other}", "doctor", server=one, code=ExitCode.REFUSED)
            assert codes(findings)[0] == "unwatched"
            assert findings[0]["server"] == str(one)
            assert codes(findings)[1:] in ([], ["versions"])
            done = run("-h", f"{one},127.0.0.1:{free_port()}", "doctor")
            assert done.exit_code == ExitCode.UNAVAILABLE
            assert "unwatched" not in done.stderr
            assert f"{one}: no worker watches shop/1" in done.stdout

    def test_different_versions_are_a_note(self, server: Server) -> None:
        seen = examine(server)
        other = replace(seen, server="elsewhere", statistics=replace(seen.statistics, version="1.10"))
        (finding,) = ailments.differences([seen, other])
        assert (finding.code, finding.severity) == ("versions", "note")
        assert not ailments.differences([seen, seen])


class TestSpool:
    def test_calls_that_wait_on_this_machine(self, server: Server, tube: str, tmp_path: Path) -> None:
        import ayl
        from ayl import delivery

        nowhere = f"beanstalk://127.0.0.1:{free_port()}"
        configure(app="shop", version="1", engine=nowhere, unreachable="spool", spool=str(tmp_path / "spool"))
        ayl.ayl_send([3], "append", 4)
        delivery.close()
        with client(server, use=tube):
            findings = found(server, tube, ExitCode.OK)
        assert findings["spool"]["sentence"] == "1 call was kept in the spool of this machine until a server answers"
        assert findings["spool"]["cure"] == "ayl_beanstalk spool drain"

    def test_a_spool_that_cannot_be_looked_at_hides_nothing_else(
        self, server: Server, tube: str, tmp_path: Path
    ) -> None:
        (tmp_path / "spool").mkdir(mode=0o777)
        (tmp_path / "spool").chmod(0o777)  # anybody could write calls there
        with client(server, use=tube) as app:
            app.put(body())
            assert [*found(server, tube)] == ["unwatched", "spool_unusable"]


def test_ten_thousand_tubes_are_examined_with_little_work() -> None:
    with KINDS[1].running() as server, client(server) as app:
        for start in range(0, 10_000, 500):
            puts = (b"use t%d/1\r\nput 0 0 9 1\r\nx\r\n" % number for number in range(start, start + 500))
            app._sock.sendall(b"".join(puts))
            for _ in range(1000):
                app._reader.readline()
        began = time.process_time()
        findings = document("doctor", server=server, code=ExitCode.REFUSED)
        assert time.process_time() - began < 5
    assert sum("tube" in finding["facts"] for finding in findings) == 10
    assert findings[10]["sentence"] == "9,990 more tubes like that, with 9,990 jobs"
