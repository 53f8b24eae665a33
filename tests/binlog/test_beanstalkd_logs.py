"""Binlogs that real servers of beanstalkd's have written."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ayl_server.binlog.beanstalkd import Takeover, is_beanstalkd_file, read

from . import beanstalkd_v5
from .beanstalkd_reading import ids
from .beanstalkd_server import beanstalkd, bury, churn, files, take_over, told

if TYPE_CHECKING:
    from pathlib import Path

    from .beanstalkd_server import Client


def test_a_log_written_by_1_4_6_is_read() -> None:
    assert read(beanstalkd_v5.FILES) == Takeover(beanstalkd_v5.JOBS, beanstalkd_v5.BURIED, 8, [])


def every_kind(client: Client) -> range:
    """Fill the server with jobs in every state. Nothing comes last that it does not write down."""
    bodies = [b"", b"x" * 65_535, bytes(range(256)) * 8, b"\r\n", b"{}"]
    for tube in ("default", "shop/1.4.2", "t" * 200):
        client.use(tube)
        put = [client.put(body, priority=n, delay=1000 * (n == 3), ttr=n) for n, body in enumerate(bodies * 2)]
        bury(client, put[5], put[0], put[6], put[2])
        client.kick(1)  # put[5]
        bury(client, put[9], put[5])
        client.kick_job(put[6])
        client.release(client.reserve_job(put[7]), priority=2**32 - 1, delay=2**32 - 1)
        client.kick_job(put[3])
        client.release(client.reserve_job(put[4]), priority=77, delay=500)
        client.delete(put[8])
    return range(1, put[-1] + 1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("size", ["4096", "100000", "10485760"])
def test_what_a_real_server_said_of_its_jobs_before_it_died_is_what_is_read(
    number: signal.Signals, size: str, tmp_path: Path
) -> None:
    with beanstalkd(tmp_path, "-s", size) as server:
        with server.client() as client:
            answers = told(client, every_kind(client))
        server.gets(number)
        server.wait()
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert takeover.highest_id == 30
    assert ids(takeover) == list(answers)
    assert [job for job in takeover.jobs if not answers[job.id].is_of(job)] == []
    assert [job_id % 10 for job_id in takeover.buried] == [1, 3, 0, 6] * 3


def test_what_a_real_server_does_not_write_down_is_as_it_was_before(tmp_path: Path) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        for _ in range(3):
            client.put(b"", priority=5)
        client.reserve_job(1)
        client.release(client.reserve_job(2), priority=9)
        bury(client, 3)
        client.release(client.reserve_job(3), priority=9)
    jobs = take_over(tmp_path).jobs
    assert [(job.state, job.pri, job.reserves, job.releases) for job in jobs] == [
        ("ready", 5, 0, 0), ("ready", 5, 0, 0), ("buried", 3, 1, 0),
    ]  # fmt: skip


def test_jobs_that_a_real_server_has_moved_to_later_files_keep_their_order(tmp_path: Path) -> None:
    with beanstalkd(tmp_path, "-s", "4096") as server, server.client() as client:
        for n in range(6):
            client.put(b"%d" % n)
        bury(client, 4, 2)
        churn(client, 50, b"x" * 100)
        bury(client, 5, 1)
        churn(client, 100, b"x" * 100)
        bury(client, 3)
        assert client.stats()["binlog-oldest-index"] > 2
        assert client.stats()["binlog-records-migrated"] > 5
        answers = told(client, range(1, 200))
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert takeover.buried == [4, 2, 5, 1, 3]
    assert [answers[job.id].is_of(job) for job in takeover.jobs] == [True] * 6


def test_a_job_of_the_largest_size_and_those_behind_it_are_taken_though_beanstalkd_itself_loses_them(
    tmp_path: Path,
) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        for body in (b"first", b"x" * 65_535, b"third", b"fourth"):
            client.put(body)
    before = take_over(tmp_path)
    assert [(job.id, job.body[:6]) for job in before.jobs] == [
        (1, b"first"),
        (2, b"xxxxxx"),
        (3, b"third"),
        (4, b"fourth"),
    ]
    with beanstalkd(tmp_path) as server, server.client() as client:
        assert list(told(client, range(1, 9))) == [1]
        client.put(b"new second")
        client.bury(client.reserve_job(client.put(b"new third")))
    takeover = take_over(tmp_path)
    assert [(job.id, job.body[:10], job.state) for job in takeover.jobs] == [
        (1, b"first", "ready"),
        (2, b"new second", "ready"),
        (3, b"new third", "buried"),
        (4, b"fourth", "ready"),
        (5, b"x" * 10, "ready"),
        (6, b"third", "ready"),
    ]
    assert len(takeover.damages) == 2


def test_a_real_server_that_went_on_with_a_log_of_1_4_6_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    for name, content in beanstalkd_v5.FILES:
        (tmp_path / "log" / name).write_bytes(content)
    with beanstalkd(tmp_path) as server, server.client(use="shop/1") as client:
        client.delete(4)
        client.kick_job(7)
        client.release(client.reserve_job(8), delay=900)
        client.put(b"new")
        bury(client, 2)
        answers = told(client, [2, 3, 6, 7, 8, 9])  # not 5: by each start beanstalkd counts a burial more
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert ids(takeover) == [2, 3, 5, 6, 7, 8, 9]
    assert [answers[job.id].is_of(job) for job in takeover.jobs if job.id != 5] == [True] * 6
    assert takeover.buried == [5, 2]


def test_a_real_log_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        client.put(b"")
    assert [is_beanstalkd_file(content[:4]) for _, content in files(tmp_path)] == [True]
