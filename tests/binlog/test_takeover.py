"""Taking over a beanstalkd's jobs: all of them or none, however often it is interrupted."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ayl_server.binlog.disk import Directory, LockedError
from ayl_server.binlog.log import Policy
from ayl_server.binlog.takeover import Report, TakeoverError, done_before, forget_half, take_over
from ayl_server.clocks import Clocks
from ayl_server.model import BURIED, DELAYED, READY
from tests.processes.servers import command
from tests.simulation.faults import Crash, CrashedError, Moment, PlannedCrash, PlannedError
from tests.simulation.sectors import Luck

from . import beanstalkd_writer as writer
from .beanstalkd_server import beanstalkd, bury, told
from .beanstalkd_writer import BIRTH, SECOND, Record
from .machine import ALWAYS, SIZE, Machine, Run

if TYPE_CHECKING:
    from pathlib import Path

    from ayl_server.binlog.disk import Disk

LARGE = Policy(size=1 << 18)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    return folder


def write(old: Path, *records: Record, number: int = 1) -> None:
    (old / f"binlog.{number}").write_bytes(writer.log(*records))


def jobs(count: int) -> list[Record]:
    return [Record(number, body=b"job %d" % number) for number in range(1, count + 1)]


def take(old: Path, run: Run, disk: Disk) -> Report:
    return take_over(old, disk, run.log, run.broker, run.clock.clocks())


def retaken(old: Path, machine: Machine) -> Run:
    """What a server does that was told to take over, whatever an earlier one has left."""
    forget_half(machine.disk)
    run = machine.start()
    if not done_before(old, machine.disk):
        take(old, run, machine.disk)
    return run


# What is taken


def test_jobs_in_every_state_are_taken_and_come_back_after_a_restart(old: Path) -> None:
    machine = Machine()
    now = machine.clock.steady + machine.clock.shift
    birth = int(now - 100) * SECOND
    ready = Record(3, writer.READY, pri=2**32 - 1, ttr=9, created=birth, tube=b"a/b", body=b"\r\n\0", reserves=7)
    held = Record(5, writer.RESERVED, created=birth, timeouts=1, releases=2, buries=3, kicks=4)
    delayed = Record(8, writer.DELAYED, delay=150, created=birth, deadline=int(now + 50) * SECOND, body=b"")
    due = Record(9, writer.DELAYED, delay=50, created=birth, deadline=int(now - 50) * SECOND)
    buried = Record(10, writer.BURIED, created=birth)
    write(old, ready, held, delayed, due, buried)
    run = machine.start()
    assert take(old, run, machine.disk) == Report(5, [])
    found = run.jobs()
    assert {number: job.state for number, job in found.items()} == {
        3: READY, 5: READY, 8: DELAYED, 9: DELAYED, 10: BURIED
    }  # fmt: skip
    assert found[3] == (b"a/b", b"\r\n\0", 2**32 - 1, 0, 9, READY, 0.0, now - 100, 7, 0, 0, 0, 0)
    assert (found[8].body, found[8].when) == (b"", now + 50)
    assert found[5][-4:] == (1, 2, 3, 4)
    run.tick()
    assert run.job(9).state == READY
    assert machine.start().jobs() == found


def test_the_buried_keep_their_order_and_go_on_with_it(old: Path) -> None:
    machine = Machine()
    records = jobs(5)
    write(old, *records, *(replace(records[number - 1], state=writer.BURIED, whole=False) for number in (4, 1, 3)))
    run = machine.start()
    take(old, run, machine.disk)
    assert run.buried(b"shop/1") == [4, 1, 3]
    run.bury(2)
    run.commit()
    assert machine.start().buried(b"shop/1") == [4, 1, 3, 2]


def test_a_job_that_is_larger_than_our_files_is_told_before_anything_is_written(old: Path) -> None:
    machine = Machine()
    write(old, *jobs(3), Record(4, body=b"x" * 9000))
    with pytest.raises(TakeoverError, match="the largest of the jobs has 9000 bytes: start with -z 9000, or more"):
        take(old, machine.start(), machine.disk)
    run = machine.start(Policy(size=3 * SIZE))
    assert take(old, run, machine.disk).jobs == 4


def test_jobs_of_a_second_directory_are_refused_and_not_taken_for_done(old: Path, tmp_path: Path) -> None:
    machine = Machine()
    write(old, *jobs(3))
    retaken(old, machine)
    with pytest.raises(TakeoverError, match=f"the jobs of {old} were taken over by an earlier start; those of"):
        done_before(tmp_path, machine.disk)
    assert done_before(old, machine.disk)


def test_a_directory_of_which_nothing_can_be_read_is_refused_and_can_be_replaced(old: Path) -> None:
    machine = Machine()
    (old / "binlog.1").write_bytes(b"hi")
    with pytest.raises(TakeoverError, match=r"nothing in .* can be read: binlog\.1, offset 0"):
        retaken(old, machine)
    write(old, *jobs(3))
    assert len(retaken(old, machine).bodies()) == 3


def test_no_job_is_due_later_or_born_later_than_our_clock_allows(old: Path) -> None:
    machine = Machine()
    future = BIRTH + 10**9 * SECOND
    write(old, Record(1, writer.DELAYED, delay=60, created=future, deadline=future + 60 * SECOND))
    run = machine.start()
    take(old, run, machine.disk)
    job = run.job(1)
    assert (job.created, job.deadline) == (run.clock.steady, run.clock.steady + 60)


def test_ids_go_on_behind_the_highest_that_was_ever_given_and_so_they_do_after_a_restart(old: Path) -> None:
    machine = Machine()
    records = jobs(9)
    write(old, *records, replace(records[-1], state=writer.DELETED, whole=False))
    run = machine.start()
    take(old, run, machine.disk)
    again = machine.start()
    assert list(again.bodies()) == list(range(1, 9))
    assert again.put() == 10


def test_taken_jobs_are_like_any_others(old: Path) -> None:
    machine = Machine()
    write(old, *jobs(3))
    run = machine.start()
    take(old, run, machine.disk)
    assert run.broker.total_jobs == 0
    run.delete(1)
    run.bury(2)
    run.release(3, delay=5)
    run.commit()
    again = machine.start()
    assert {number: again.job(number).state for number in again.bodies()} == {2: BURIED, 3: DELAYED}
    for number in (2, 3):
        again.delete(number)
    assert b"shop/1" not in again.broker.tubes
    assert again.broker.memory == 0


def test_many_jobs_are_written_in_portions(old: Path) -> None:
    machine = Machine()
    machine.disk.capacity = 1 << 24
    records = jobs(10_500)
    write(old, *records[:6_000])
    write(old, *records[6_000:], number=2)
    run = machine.start(LARGE)
    assert take(old, run, machine.disk).jobs == 10_500
    assert machine.start(LARGE).bodies() == {record.id: record.body for record in records}


def test_damage_to_the_old_files_is_reported_and_costs_no_other_job(old: Path) -> None:
    machine = Machine()
    one, two, three = jobs(3)
    (old / "binlog.1").write_bytes(writer.log(one, two.raw(state=9), three))
    run = machine.start()
    report = take(old, run, machine.disk)
    assert list(run.bodies()) == [1, 3]
    assert [damage.file for damage in report.damages] == ["binlog.1"]


def test_the_old_directory_is_only_read(old: Path) -> None:
    machine = Machine()
    write(old, *jobs(3))
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    take(old, machine.start(), machine.disk)
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before


# All or nothing


def operations(old: Path) -> int:
    """Of the disk, in one takeover."""
    machine = Machine()
    run = machine.start()
    deeds: list[str] = []
    machine.disk.trace = deeds.append
    take(old, run, machine.disk)
    return len(deeds)


@pytest.mark.parametrize("luck", Luck)
def test_half_a_takeover_is_thrown_away_and_repeated(old: Path, luck: Luck) -> None:
    """Wherever the power fails, and whatever of the unsynced is left."""
    records = [Record(number, body=b"%d" % number * 300) for number in range(1, 40)]
    write(old, *records)
    expected = {record.id: record.body for record in records}
    finished = 0
    for place in range(operations(old) + 5):
        machine = Machine()
        run = machine.start()
        machine.disk.faults.crash = PlannedCrash(Crash.MACHINE, Moment.BEFORE, place)
        try:
            take(old, run, machine.disk)
            finished += 1
        except CrashedError:
            pass
        machine.disk.crash(Crash.MACHINE, luck, ordered=False)
        machine.disk.faults.forget()
        assert retaken(old, machine).bodies() == expected
        assert machine.start().bodies() == expected
        assert done_before(old, machine.disk)
        assert not forget_half(machine.disk)
    assert finished >= 1


def test_a_takeover_that_is_interrupted_while_half_of_it_is_thrown_away_is_repeated(old: Path) -> None:
    records = [Record(number, body=b"%d" % number * 300) for number in range(1, 40)]
    write(old, *records)
    for place in range(20):
        machine = Machine()
        run = machine.start()
        machine.disk.faults.crash = PlannedCrash(Crash.PROCESS, Moment.AFTER, operations(old) - 4)
        with pytest.raises(CrashedError):
            take(old, run, machine.disk)
        machine.disk.faults.crash = PlannedCrash(Crash.MACHINE, Moment.BEFORE, place)
        try:
            forget_half(machine.disk)
        except CrashedError:
            machine.disk.crash(Crash.MACHINE, Luck.SECTORS, ordered=False)
        machine.disk.faults.forget()
        assert retaken(old, machine).bodies() == {record.id: record.body for record in records}


def test_what_a_disk_refuses_in_the_middle_is_no_takeover(old: Path) -> None:
    write(old, *[Record(number, body=b"x" * 300) for number in range(1, 40)])
    for operation in ("write", "sync", "directory"):
        machine = Machine()
        run = machine.start()
        machine.disk.faults.error = PlannedError(operation, 2)
        with pytest.raises(OSError, match=os.strerror(errno.EIO) + f"|simulated {operation} error"):
            take(old, run, machine.disk)
        machine.disk.faults.forget()
        assert not done_before(old, machine.disk)
        assert len(retaken(old, machine).bodies()) == 39


def test_without_room_for_all_jobs_none_is_taken(old: Path) -> None:
    machine = Machine()
    write(old, *[Record(number, body=b"x" * 1000) for number in range(1, 100)])
    run = machine.start()
    machine.disk.others = machine.disk.free - 5 * SIZE
    with pytest.raises(TakeoverError, match="the disk has no room for the jobs; nothing has been taken over"):
        take(old, run, machine.disk)
    assert forget_half(machine.disk)
    assert machine.start().bodies() == {}
    machine.disk.others = 0
    assert len(retaken(old, Machine()).bodies()) == 99


def test_without_half_a_takeover_there_is_nothing_to_throw_away(old: Path) -> None:
    machine = Machine()
    machine.start().put()
    assert not forget_half(machine.disk)
    assert not done_before(old, machine.disk)
    assert machine.segments()


# What is refused


def test_a_second_takeover_is_refused_even_if_all_jobs_are_done(old: Path) -> None:
    machine = Machine()
    write(old, *jobs(2))
    run = machine.start()
    take(old, run, machine.disk)
    for _ in range(2):
        with pytest.raises(TakeoverError, match="already holds jobs"):
            take(old, run, machine.disk)
        for number in list(run.bodies()):
            run.delete(number)
        run.commit()
        run = machine.start()
    assert done_before(old, machine.disk)


def test_a_binlog_that_has_jobs_of_its_own_takes_none_over(old: Path) -> None:
    machine = Machine()
    write(old, *jobs(2))
    run = machine.start()
    run.put()
    with pytest.raises(TakeoverError, match="already holds jobs; take over into an empty one"):
        take(old, run, machine.disk)
    assert len(run.bodies()) == 1


def test_a_directory_without_a_beanstalkd_s_binlog_is_refused(old: Path) -> None:
    machine = Machine()
    (old / "binlog.x").write_bytes(b"")
    with pytest.raises(TakeoverError, match=r"old holds no binlog of beanstalkd"):
        take(old, machine.start(), machine.disk)
    assert not forget_half(machine.disk)


# Real servers


def clocks() -> Clocks:
    return Clocks(time.monotonic, time.time)


def test_nothing_is_taken_from_a_beanstalkd_that_runs(tmp_path: Path) -> None:
    machine = Machine()
    run = machine.start()
    with beanstalkd(tmp_path) as server, server.client() as client:
        client.put(b"still served here")
        with pytest.raises(LockedError, match=r"a server still uses .*/log: stop it first"):
            take(tmp_path / "log", run, machine.disk)
        assert client.stats()["current-jobs-ready"] == 1
    assert not forget_half(machine.disk)
    assert take(tmp_path / "log", run, machine.disk).jobs == 1


def test_while_its_jobs_are_taken_no_beanstalkd_starts_there(tmp_path: Path) -> None:
    machine = Machine()
    with beanstalkd(tmp_path) as server, server.client() as client:
        client.put(b"x")
    codes: list[int] = []

    def try_to_start(_: str) -> None:
        if not codes:
            address, folder = f"unix:{tmp_path / 'other'}", str(tmp_path / "log")
            codes.append(subprocess.run([command("beanstalkd"), "-l", address, "-b", folder], check=False).returncode)

    run = machine.start()
    machine.disk.trace = try_to_start
    assert take(tmp_path / "log", run, machine.disk).jobs == 1
    assert codes == [10]


def test_a_real_beanstalkd_s_jobs_are_taken_from_end_to_end(tmp_path: Path) -> None:
    with beanstalkd(tmp_path) as server, server.client(use="shop/1") as client:
        plain = client.put(b"plain", priority=7, ttr=33)
        late = client.put(b"late", delay=1000)
        put_back, first, second = (client.put(b"%d" % number) for number in range(3))
        gone = client.put(b"gone")
        bury(client, second, first)
        client.release(client.reserve_job(put_back), priority=9, delay=500)
        client.delete(gone)
        said = told(client, [plain, late, put_back, first, second])
    (tmp_path / "new").mkdir()
    disk = Directory(tmp_path / "new")
    machine = Machine()
    machine.clock.steady, machine.clock.shift = time.monotonic(), time.time() - time.monotonic()
    run = Run(machine, disk, ALWAYS)
    assert take_over(tmp_path / "log", disk, run.log, run.broker, clocks()) == Report(5, [])
    found = run.jobs()
    run.close()
    disk.close()
    disk = Directory(tmp_path / "new")
    assert done_before(tmp_path / "log", disk)
    again = Run(machine, disk, ALWAYS)
    assert again.jobs() == found
    assert again.buried(b"shop/1") == [second, first]
    assert again.put() == gone + 1
    for number, expected in said.items():
        job, stats = found[number], expected.stats
        assert (job.tube, job.body, job.state) == (b"shop/1", expected.body, stats["state"])
        assert (job.pri, job.delay, job.ttr) == (stats["pri"], stats["delay"], stats["ttr"])
        assert (job.releases, job.buries, job.kicks) == (stats["releases"], stats["buries"], stats["kicks"])
        assert abs(job.created + stats["age"] - expected.before) < 3
        if job.state == DELAYED:
            assert abs(job.when - stats["time-left"] - expected.before) < 3
    disk.close()
