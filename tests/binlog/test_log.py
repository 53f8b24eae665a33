"""The binlog as it grows: when it writes and syncs, when its files come and go, and what it does without room."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ayl_server.binlog.records import (
    HEADER_SIZE,
    KIND_END,
    KIND_JOB,
    KIND_MARK,
    MARK_SIZE,
    STOP,
    job_size,
    parse_header,
    payloads,
)
from tests.simulation.faults import Crash, CrashedError, Moment, PlannedCrash, PlannedError
from tests.simulation.sectors import Luck

from .looks import LARGEST, POLICIES, check
from .machine import ALWAYS, LATER, NEVER, Machine

if TYPE_CHECKING:
    from ayl_server.binlog.log import Policy


def watched(machine: Machine) -> list[str]:
    """What the disk is asked to do from now on."""
    deeds: list[str] = []
    machine.disk.trace = lambda line: deeds.append(line.strip())
    return deeds


def syncs(deeds: list[str]) -> list[str]:
    return [deed for deed in deeds if "sync" in deed]


def kinds(machine: Machine, name: str) -> list[int]:
    """Of the records in a file, in order."""
    data = machine.contents(name)
    return [payload[0] for _, payload in payloads(data, HEADER_SIZE, parse_header(data).salt)]


# Writing and syncing


def test_nothing_is_written_before_the_commit_and_then_everything_at_once() -> None:
    machine = Machine()
    run = machine.start()
    deeds = watched(machine)
    ids = [run.put(), run.put(), run.put()]
    run.delete(ids[1])
    before = (list(deeds), run.log.dirty)
    run.commit()
    assert before == ([], True)
    assert [deed.split()[1] for deed in deeds] == ["write", "sync"]
    assert not run.log.dirty
    run.commit()
    assert len(deeds) == 2


def test_a_sync_can_wait_for_its_time_and_then_happens_once() -> None:
    machine = Machine()
    run = machine.start(LATER)
    deeds = watched(machine)
    for _ in range(3):
        run.put()
        run.commit()
    assert run.log.unsynced
    assert syncs(deeds) == []
    run.log.sync()
    run.log.sync()
    assert len(syncs(deeds)) == 1
    assert not run.log.unsynced


def test_who_wants_no_syncs_gets_none_while_the_server_runs_and_one_at_its_end() -> None:
    machine = Machine()
    run = machine.start(NEVER)
    deeds = watched(machine)
    for _ in range(100):
        run.delete(run.put(b"x" * 200))
        run.commit()
    assert len(run.log.segments) < 5
    assert run.log.current.number > 5
    assert syncs(deeds) == []
    run.close()
    assert syncs(deeds)


def test_a_mark_stands_before_the_first_record_after_each_sync_and_nowhere_else() -> None:
    machine = Machine()
    run = machine.start(LATER)
    for _ in range(2):
        run.put()
        run.put()
        run.commit()
        run.put()
        run.commit()
        run.log.sync()
    assert kinds(machine, "ayl-binlog.1") == [KIND_MARK, KIND_JOB, KIND_JOB, KIND_JOB] * 2
    run.log.close()
    assert kinds(machine, "ayl-binlog.1")[-1] == KIND_MARK


def test_what_was_written_is_counted() -> None:
    run = Machine().start()
    run.delete(run.put())
    run.put()
    run.commit()
    assert (run.log.written, run.log.migrated) == (4, 0)  # with a mark


# Segments


def test_a_segment_is_ended_when_the_next_is_surely_there() -> None:
    machine = Machine()
    run = machine.start()
    deeds = watched(machine)
    for _ in range(3):
        run.put(b"x" * 1500)
        run.commit()
    assert kinds(machine, "ayl-binlog.1")[-1] == KIND_END
    assert kinds(machine, "ayl-binlog.2") == [KIND_MARK, KIND_JOB]
    # The files are called as they were when they were opened: they wait as reserves.
    begun = deeds.index("disk: rename reserve.2 ayl-binlog.2")
    header = f"disk: write reserve.2 0 {HEADER_SIZE + len(STOP)}"
    assert deeds[begun - 3] == header
    assert deeds[begun - 1 : begun + 2] == ["disk: sync reserve.2", deeds[begun], "disk: sync the directory"]
    assert deeds[begun + 2].startswith("disk: write reserve.1")
    assert deeds[begun + 3] == "disk: sync reserve.1"


def test_no_record_leaves_less_room_in_a_segment_than_its_end_needs() -> None:
    for size in range(1, 300):
        machine = Machine()
        run = machine.start()
        for _ in range(70):
            run.put(b"x" * size)
            run.commit()  # the disk refuses what goes beyond a file's end
        check(run, machine)
        assert machine.start().bodies() == run.bodies()


def test_segments_that_nobody_needs_are_used_again_and_not_made_anew() -> None:
    machine = Machine()
    run = machine.start()
    deeds = watched(machine)
    for _ in range(500):
        run.delete(run.put(b"x" * 500))
        run.commit()
    assert run.log.current.number > 50
    assert sum(deed.startswith("disk: create") for deed in deeds) < 5
    assert len(machine.disk.names()) < 5


def test_a_job_keeps_its_segment_and_all_after_it_until_compaction_moves_it() -> None:
    machine = Machine()
    run = machine.start()
    old = run.put(b"old")
    for _ in range(300):
        run.delete(run.put(b"x" * 500))
        run.commit()
        check(run, machine)
    assert run.log.migrated > 0
    assert run.job(old).file > 1
    assert len(machine.disk.names()) <= 8
    assert machine.start().bodies() == {old: b"old"}


@POLICIES
def test_ten_thousand_releases_need_no_more_room_than_ten(policy: Policy) -> None:
    machine = Machine()
    run = machine.start(policy)
    ids = [run.put(b"x" * 40) for _ in range(10)]
    for turn in range(10_000):
        run.release(ids[turn % 10], pri=turn % 5, delay=turn % 3)
        if turn % 3 == 0:
            run.commit()
        if turn % 50 == 0:
            run.log.sync()
    run.commit()
    assert len(machine.disk.names()) <= 8
    assert machine.start(policy).jobs().keys() == set(ids)


def test_a_log_that_is_never_at_rest_when_it_is_synced_needs_no_more_room() -> None:
    """A busy server: whenever its timer calls for a sync, the next commands have already been reported."""
    machine = Machine()
    run = machine.start(LATER)
    old = run.put(b"old")
    for _ in range(2000):
        run.commit()
        run.delete(run.put(b"x" * 500))
        run.log.sync()
    run.commit()
    assert run.log.current.number > 200
    assert len(machine.disk.names()) <= 8
    assert machine.start().bodies() == {old: b"old"}


def test_starting_again_and_again_needs_no_more_room() -> None:
    machine = Machine()
    machine.start().put(b"x")
    for turn in range(500):
        run = machine.start()
        if turn == 0:
            run.put(b"kept")
            run.commit()
        if turn % 2:
            run.close()
    assert len(machine.disk.names()) <= 6
    assert list(machine.start().bodies().values()) == [b"kept"]


def test_room_that_is_needed_no_more_is_given_back() -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(b"x" * 50) for _ in range(1000)]
    run.commit()
    many = len(machine.disk.names())
    for job_id in ids:
        run.delete(job_id)
        run.commit()
    check(run, machine)
    assert many > 30
    assert len(machine.disk.names()) < 8


@pytest.mark.parametrize("seed", range(6))
def test_the_books_of_the_log_are_right_in_any_life(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a test's
    machine = Machine()
    run = machine.start(LATER)
    for _ in range(600):
        ids = list(run.bodies())
        deed = rng.randrange(12) if ids else 0
        if deed < 4:
            run.put(
                b"x" * rng.choice((0, 10, 300, 1900, 1990, LARGEST - 200, LARGEST)), tube=rng.choice((b"a", b"b" * 200))
            )
        elif deed < 7:
            run.delete(rng.choice(ids))
        elif deed < 10:
            rng.choice((run.release, run.bury))(rng.choice(ids))
        elif deed == 10:
            run.log.sync()
        if rng.random() < 0.5:
            run.commit()
            check(run, machine)
    run.commit()
    assert machine.start().bodies() == run.bodies()


# A disk that fails


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_an_error_of_the_disk_comes_out_of_the_commit_and_what_was_committed_before_is_there(operation: str) -> None:
    machine = Machine()
    run = machine.start()
    kept = run.put(b"kept")
    run.commit()
    run.put(b"lost, or not")
    machine.disk.faults.error = PlannedError(operation, 0)
    with pytest.raises(OSError, match=f"simulated {operation} error"):
        run.commit()
    machine.disk.faults.forget()
    assert kept in machine.start().bodies()


def test_an_error_of_the_disk_comes_out_of_a_sync_that_came_later() -> None:
    machine = Machine()
    run = machine.start(LATER)
    run.put()
    run.commit()
    machine.disk.faults.error = PlannedError("sync", 0)
    with pytest.raises(OSError, match="simulated sync error"):
        run.log.sync()


@pytest.mark.parametrize("operation", ["write", "sync", "directory"])
@pytest.mark.parametrize("after", range(2))
def test_an_error_while_a_segment_is_begun_comes_out_of_what_begins_it(operation: str, after: int) -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(b"x" * 1000) for _ in range(3)]
    run.commit()
    while run.log.position + 300 < run.log.current.limit:
        run.release(ids[0])
        run.commit()
    machine.disk.faults.error = PlannedError(operation, after)
    with pytest.raises(OSError, match=f"simulated {operation} error"):
        run.put(b"x" * 1000)
    machine.disk.faults.forget()
    assert machine.start().bodies().keys() == set(ids)


def test_a_file_that_cannot_be_made_only_means_that_jobs_are_refused() -> None:
    machine = Machine()
    run = machine.start()
    kept = run.put(b"x" * 3000)
    run.commit()
    refused = 0
    while not refused and run.log.current.number < 10:
        machine.disk.faults.error = PlannedError("create", 0)
        refused += run.put(b"x" * 3000) is None
    assert run.complaints == ["simulated create error"]
    machine.disk.faults.forget()
    run.commit()
    assert run.put(b"x" * 3000) is not None
    run.commit()
    assert kept in machine.start().bodies()


# A machine that loses its power


def test_whoever_begins_to_sync_syncs_what_was_written_before() -> None:
    machine = Machine()
    run = machine.start(NEVER)
    ids = [run.put(b"x" * 500) for _ in range(50)]
    run.commit()
    run = machine.start(ALWAYS)
    machine.disk.crash(Crash.MACHINE, Luck.NOTHING, ordered=True)
    assert machine.start().bodies().keys() == set(ids)


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_segments_that_go_at_once_leave_no_gap_if_the_power_fails_meanwhile(ordered: bool) -> None:
    """Also where a file system does not promise to keep the changes of a directory in their order."""
    finished, place = False, 0
    while not finished:
        machine = Machine()
        run = machine.start()
        ids = [run.put(b"x" * 600) for _ in range(30)]
        run.commit()
        for job_id in ids[:-3]:
            run.delete(job_id)
        machine.disk.faults.crash = PlannedCrash(Crash.MACHINE, Moment.BEFORE, place)
        with suppress(CrashedError):
            run.commit()
            finished = True
        machine.disk.crash(Crash.MACHINE, Luck.SECTORS, ordered=ordered)
        machine.disk.faults.forget()
        assert machine.start().bodies().keys() >= set(ids[-3:])
        place += 1
    assert place > 3


# Compaction


def test_what_is_compacted_says_how_the_job_is_now() -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(b"%d" % number, tube=b"t%d" % number, pri=number, delay=number % 2 * 9) for number in range(6)]
    run.bury(ids[0])
    run.bury(ids[1], pri=77)
    run.kick(ids[0])
    run.release(ids[2], pri=5, delay=1000)
    run.reserve(ids[3])
    first = {run.job(job_id).file for job_id in ids}
    for _ in range(300):
        run.delete(run.put(b"x" * 500))
        run.commit()
    assert first == {1}
    assert all(run.job(job_id).file > 1 for job_id in ids)
    assert machine.start().jobs() == run.jobs()


def test_the_buried_stay_in_their_order_over_compactions_and_restarts() -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(b"x" * 20) for _ in range(12)]
    order = ids[::3] + ids[1::3] + ids[2::3]
    for job_id in order:
        run.bury(job_id)
    for turn in range(200):
        run.delete(run.put(b"x" * 1000))
        run.commit()
        if turn % 50 == 0:
            run = machine.start()
            again = order.pop(3)
            run.kick(again)
            run.bury(again)
            order.append(again)
    assert run.log.migrated > 0
    assert run.buried() == order
    assert machine.start().buried() == order


def test_the_room_that_a_job_takes_is_what_its_record_takes() -> None:
    run = Machine().start()
    before = run.log.position
    job_id = run.put(b"x" * 100, tube=b"t" * 30)
    assert run.log.position - before == MARK_SIZE + job_size(run.job(job_id))
