"""`ayl_beanstalk search` on real servers."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from ayl import admin
from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk

from .schemas import SEARCH, fault
from .servers import KINDS, Kind, client, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count()
MESSAGE = "0192d2f0-7d3c-7b4e-a3c1-5d2a7e1f9b60"
CALL = (
    b'{"type":"ayl","v":1,"app":"shop","ver":"1.4.2","do":"ship","id":"%b","sent":1,'
    b'"on":{"$ref":["shop.Order",42]},"args":["ups"]}' % MESSAGE.encode()
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[admin.Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def tube() -> str:
    return f"shop/{next(_numbers)}"


def run(*words: str, server: admin.Server) -> Result:
    return CliRunner().invoke(ayl_beanstalk, ["-p", str(server.port), "search", *words])


def found(*words: str, server: admin.Server) -> Any:
    done = run(*words, "--json", server=server)
    assert (done.stderr, done.exit_code) == ("", ExitCode.OK)
    answer = json.loads(done.stdout)
    assert fault(answer, SEARCH) == ""
    return answer


def ids(*words: str, server: admin.Server) -> list[int]:
    return [job["id"] for job in found(*words, server=server)["found"]]


class TestWhatIsFound:
    def test_jobs_in_every_state(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube, watch=tube) as app:
            buried, held, delayed, ready = (app.put(b"needle", delay=delay) for delay in (0, 0, 60, 0))
            app.bury(app.reserve_job(buried))
            app.reserve_job(held)
            app.put(b"hay")
            assert ids("needle", "-t", tube, server=server) == [ready, delayed, held, buried]
            for state, job in (("ready", ready), ("delayed", delayed), ("reserved", held), ("buried", buried)):
                assert ids("needle", "-t", tube, "--state", state, server=server) == [job]
            assert ids("-t", tube, "--state", "buried", server=server) == [buried]

    def test_nothing_is_disturbed(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube) as app:
            job = app.put(b"needle")
            ids("needle", server=server)
            facts = app.stats_job(job)
            assert (facts["state"], facts["reserves"], facts["kicks"]) == ("ready", 0, 0)

    def test_calls_by_text_pattern_and_message(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube) as app:
            job = app.put(CALL)
            for words in (
                ("shop.Order.find(42).ship",),
                ("--call", "Order.find(*).ship('ups')"),
                ("--id", MESSAGE),
                ("ups", "--call", "Order", "--id", MESSAGE),
            ):
                assert ids(*words, "-t", tube, server=server) == [job]
            for others in (
                ("--call", "Order.find(43)"),
                ("--call", MESSAGE),
                ("--id", MESSAGE[:-1]),
                ("ups", "--call", "nothing"),
            ):
                assert ids(*others, "-t", tube, server=server) == []

    def test_tubes_may_be_a_pattern_and_are_all_without_one(self, server: admin.Server, tube: str) -> None:
        jobs = []
        for lane in ("", "/a", "/b"):
            with client(server, use=tube + lane) as app:
                jobs.append(app.put(f"in {tube}".encode()))
        assert ids(f"in {tube}", server=server) == jobs[::-1]
        assert ids(f"in {tube}", "-t", f"{tube}/*", server=server) == jobs[:0:-1]
        assert ids(f"in {tube}", "-t", tube, server=server) == jobs[:1]

    def test_the_same_as_text(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube) as app:
            job = app.put(CALL)
            there = app.stats()["current-jobs-ready"]
        lines = run("ups", "-t", tube, server=server).stdout.splitlines()
        assert lines[0] == f"{tube} #{job} ready 0:00 shop.Order.find(42).ship('ups')"
        assert lines[1].startswith("1 job found; looked at ")
        assert there > 0

    def test_bodies_that_are_no_text(self, server: admin.Server, tube: str) -> None:
        with client(server, use=tube) as app:
            job = app.put(b"\xff\x00\x1b[31mneedle")
            assert ids("needle", "-t", tube, server=server) == [job]
            assert "\x1b" not in run("needle", "-t", tube, server=server).stdout


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def full(request: pytest.FixtureRequest) -> Iterator[admin.Server]:
    """One with jobs of the ids 1001 to 4000."""
    kind: Kind = request.param
    with kind.running() as started, client(started, use="many") as app:
        app._sock.sendall(b"".join(b"put 0 0 60 4\r\n%04d\r\n" % number for number in range(1, 4001)))
        app._sock.sendall(b"".join(b"delete %d\r\n" % number for number in range(1, 1001)))
        wait_until(lambda: admin.statistics(started).jobs.total == 4000)
        wait_until(lambda: admin.statistics(started).jobs.ready == 3000)
        yield started


class TestBounds:
    def test_it_ends_when_all_were_seen(self, full: admin.Server) -> None:
        answer = found("1001", server=full)
        assert [job["id"] for job in answer["found"]] == [1001]
        assert (answer["looked_at"], answer["there"], answer["enough"]) == (3000, 3000, False)
        assert answer["oldest"] == 1001

    def test_so_many_of_the_newest_ids(self, full: admin.Server) -> None:
        answer = found("0", "--last", "10", server=full)
        assert [job["id"] for job in answer["found"]] == [4000]
        assert (answer["newest"], answer["oldest"]) == (4000, 3991)
        assert "looked at 10 of 3,000 jobs" in run("0", "--last", "10", server=full).stdout
        assert "; for others see --last and --newest" in run("x", "--last", "10", server=full).stdout

    def test_from_an_id_on(self, full: admin.Server) -> None:
        answer = found("2", "--newest", "2500", "--last", "2", server=full)
        assert [job["id"] for job in answer["found"]] == [2500, 2499]

    def test_no_more_than_were_wanted(self, full: admin.Server) -> None:
        answer = found("1", "--most", "3", server=full)
        assert len(answer["found"]) == 3
        assert answer["enough"] is True
        assert "for more see --most" in run("1", "--most", "3", server=full).stdout


def test_jobs_of_a_binlog_are_found_though_the_server_has_counted_none(tmp_path: Path) -> None:
    for kind in KINDS:
        (folder := tmp_path / kind.name).mkdir()
        with kind.running("-b", str(folder)) as server, client(server, use="a") as app:
            app._sock.sendall(b"put 0 60 60 6\r\nneedle\r\n" * 3000)
            app._sock.sendall(b"".join(b"delete %d\r\n" % job for job in range(1, 3001) if job not in (1, 1701, 3000)))
            wait_until(lambda: admin.statistics(server).jobs.total == 3000)
            wait_until(lambda: admin.statistics(server).jobs.delayed == 3)
        with kind.running("-b", str(folder)) as server:
            assert admin.statistics(server).jobs.total == 0
            assert sorted(ids("needle", server=server)) == [1, 1701, 3000]


class TestRefusals:
    def test_nothing_to_look_for(self, server: admin.Server) -> None:
        done = run(server=server)
        assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
        assert "say what to look for" in done.stderr
