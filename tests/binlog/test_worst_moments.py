"""Moments, sizes and orders of events that broke a promise of the log once."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest

from ayl_server.binlog.disk import LogFullError
from ayl_server.binlog.records import JOB_FIXED, MARK_SIZE
from ayl_server.binlog.recovery import RecoveryError
from ayl_server.binlog.segment import largest
from tests.simulation.disk import SimulatedDisk
from tests.simulation.faults import Crash, CrashedError, Faults, Moment, PlannedCrash, PlannedError
from tests.simulation.sectors import SECTOR, Luck

from .looks import fill
from .machine import ALWAYS, LATER, SIZE, Machine, Run


def large(capacity: int = 1 << 30) -> Machine:
    return Machine(SimulatedDisk(random.Random(0), Faults(), capacity))  # noqa: S311 - a test's


def files(machine: Machine) -> dict[str, bytes]:
    return {name: machine.contents(name) for name in machine.disk.names()}


def test_a_start_that_is_refused_for_want_of_room_changes_nothing() -> None:
    machine = Machine()
    run = machine.start()
    machine.fill()
    fill(run)
    run.close()
    before = files(machine)
    with pytest.raises(RecoveryError, match="nothing was changed"):
        machine.start(replace(ALWAYS, size=8 * SIZE))
    assert files(machine) == before


def test_after_a_refused_start_others_may_fill_the_disk_and_old_jobs_are_still_safe() -> None:
    machine = Machine()
    run = machine.start()
    machine.fill()
    ids = fill(run)
    run.close()
    with pytest.raises(RecoveryError):
        machine.start(replace(ALWAYS, size=8 * SIZE))
    machine.fill()
    run = machine.start()
    for turn in range(1000):
        run.release(ids[turn % len(ids)])
        run.commit()
    assert machine.start().bodies().keys() == set(ids)


def test_a_server_on_a_full_disk_can_be_started_again_with_the_same_arguments() -> None:
    machine = Machine()
    run = machine.start(replace(ALWAYS, size=4 * SIZE))
    big = run.put(b"x" * 10_000)
    run.close()
    run = machine.start()
    assert run.log.policy.size == 3 * SIZE
    machine.fill()
    ids = fill(run, b"x" * 300)
    run.delete(big)
    run.close()
    assert machine.start().bodies().keys() == set(ids)


def test_compaction_comes_to_an_end_if_two_jobs_just_do_not_fit_into_a_file() -> None:
    machine = large()
    run = machine.start()
    body = (run.log._usable - 50) // 2 + 1 - JOB_FIXED - len(b"default")
    ids = [run.put(b"x" * body) for _ in range(1000)]
    run.commit()
    for _ in range(300):
        run.release(ids[0])
        run.commit()
    before = run.log.migrated
    for _ in range(300):
        run.release(ids[0])
        run.commit()
    assert run.log.migrated - before < 300


def test_two_crashes_one_in_a_rotation_and_one_in_a_rewriting_are_no_damage() -> None:
    """The first comes before a segment's end is written, the second before the rewriting has closed that segment."""
    refused = []
    for first, second in product(range(5, 10), range(12, 30)):
        machine = Machine()
        run = machine.start()
        run.put(b"x" * 3000)
        run.commit()
        machine.disk.faults.crash = PlannedCrash(Crash.PROCESS, Moment.BEFORE, first)
        with suppress(CrashedError):
            run.put(b"y" * 3000)
        crash(machine)
        machine.disk.faults.crash = PlannedCrash(Crash.PROCESS, Moment.BEFORE, second)
        with suppress(CrashedError):
            machine.start(replace(ALWAYS, size=4 * SIZE))
        crash(machine)
        try:
            assert machine.start().bodies()[1] == b"x" * 3000
        except RecoveryError as error:
            refused.append((first, second, str(error)))
    assert not refused


def crash(machine: Machine) -> None:
    machine.disk.crash(Crash.PROCESS, Luck.EVERYTHING, ordered=True)
    machine.disk.faults.forget()


def test_files_do_not_pile_up_when_a_turn_fills_more_of_them_than_are_let_go() -> None:
    """Nothing lives: ten files filled in each turn and eight let go."""
    machine = large()
    run = machine.start()
    for _ in range(100):
        ids = [run.put(b"x" * 2000) for _ in range(10)]
        for job_id in ids:
            run.delete(job_id)
        run.commit()
    assert len(machine.disk.names()) < 50


def test_files_do_not_pile_up_between_rare_syncs() -> None:
    """Nothing lives: twenty-five files filled from sync to sync, and eight let go."""
    machine = large()
    run = machine.start(LATER)
    for turn in range(1000):
        run.delete(run.put(b"x" * 2000))
        run.commit()
        if turn % 50 == 0:
            run.log.sync()
    assert len(machine.disk.names()) < 200


def test_compaction_does_not_go_on_because_dead_files_wait_for_the_sync() -> None:
    """Twenty small releases from sync to sync; each turn compacts a whole file, because dead ones are counted."""
    machine = large()
    run = machine.start(LATER)
    ids = [run.put(b"x" * 50) for _ in range(2000)]
    run.commit()
    run.log.sync()
    for turn in range(8000):
        run.release(ids[turn % len(ids)])
        run.commit()
        if turn % 20 == 0:
            run.log.sync()
    assert len(machine.disk.names()) * SIZE < 5 * run.log.live
    assert run.log.migrated < 4 * len(ids)


def test_a_refused_put_costs_no_compaction_that_wins_nothing() -> None:
    """Three jobs fill a file by nine tenths; no compaction can pack them closer."""
    size = 16 * SIZE
    machine = large(60 * size)
    run = machine.start(replace(ALWAYS, size=size))
    body = b"x" * (size * 3 // 10)
    while run.put(body) is not None:
        run.commit()
    for _ in range(100):  # whatever there is to win
        run.put(body)
        run.commit()
    before = run.log.migrated
    for _ in range(100):
        assert run.put(body) is None
        run.commit()
    assert run.log.migrated - before < 100


def test_files_are_about_four_times_the_living_bytes_if_jobs_are_tiny() -> None:
    machine = large()
    run = machine.start(replace(ALWAYS, size=16 * SIZE))
    ids = [run.put(b"", tube=b"t") for _ in range(20_000)]
    run.commit()
    most = 0
    for turn in range(20_000):
        run.release(ids[turn])
        if turn % 20 == 0:
            run.commit()
            most = max(most, len(machine.disk.names()))
    assert most * 16 * SIZE < 4.2 * run.log.live


def test_salvage_names_no_file_as_missing_that_never_was() -> None:
    machine = Machine()
    run = machine.start()
    for number in range(20):
        run.put(b"%d " % number * 150)
        run.commit()
    last = machine.segments()[-1]
    machine.overwrite(last, 0, bytes(64))
    machine.overwrite(last, SIZE - 64, bytes(64))
    told = machine.start(salvage=True).recovery.damages
    assert [damage.reason for damage in told] == ["this is not a binlog of ayl_server"]


class Unlucky(random.Random):
    """Nothing of a failed sync reaches the platter."""

    drawn = 0.3

    def random(self) -> float:
        self.drawn += 0.001
        return self.drawn


def test_what_a_wipe_whose_sync_failed_should_have_wiped_does_not_come_back() -> None:
    """As far as the next start sees, the place is zeros; on the platter there is a deletion that nobody was told of."""
    machine = Machine()
    run = machine.start()
    kept = run.put(b"kept")
    run.commit()
    edge = 2 * SECTOR  # two turns end here, so that what follows is in another sector
    body = b"x" * (edge - run.log.position - MARK_SIZE - JOB_FIXED - len(b"default"))
    run.put(body)
    run.delete(kept)
    tear(machine, run, slice(edge, SIZE))
    machine.disk.faults.error = PlannedError("sync", 2)
    usual, machine.disk.rng = machine.disk.rng, Unlucky()
    with pytest.raises(OSError, match="simulated sync error"):
        machine.start()
    machine.disk.rng = usual
    crash(machine)
    run = machine.start()
    assert list(run.bodies()) == [kept]
    run.put(body)
    tear(machine, run, slice(0, edge))
    assert kept in machine.start().bodies()


def tear(machine: Machine, run: Run, survives: slice) -> None:
    """Commit, and lose the power before the sync; this part of the write has reached the platter."""
    machine.disk.faults.crash = PlannedCrash(Crash.MACHINE, Moment.BEFORE, 1)
    with pytest.raises(CrashedError):
        run.commit()
    file = machine.disk.files["ayl-binlog.1"]
    file.kept[survives] = file.seen[survives]
    file.writes.clear()
    machine.disk.crash(Crash.MACHINE, Luck.NOTHING, ordered=True)
    machine.disk.faults.forget()


class Torn(random.Random):
    """A write that a crash cuts off ends behind its first record, if that is a mark."""

    def randint(self, a: int, b: int) -> int:
        return min(b, MARK_SIZE + 7)


def test_a_crash_behind_the_mark_before_the_largest_job_while_room_is_won_leaves_a_log_that_starts() -> None:
    failed = []
    for place in range(130):
        machine = Machine(SimulatedDisk(Torn(0), Faults(), 5 * SIZE))
        run = machine.start()
        largest_job = run.put(b"x" * (largest(SIZE) - JOB_FIXED - len(b"default")))
        assert largest_job is not None
        run.commit()
        machine.fill()
        machine.disk.faults.crash = PlannedCrash(Crash.PROCESS, Moment.WITHIN, place)
        with suppress(CrashedError):
            for _ in range(200):
                run.release(largest_job)
                run.commit()
        crash(machine)
        try:
            machine.start()
        except LogFullError:
            failed.append(place)
    assert not failed


def test_a_crash_while_room_is_won_for_a_deletion_leaves_a_log_that_starts() -> None:
    """The job lives on after the crash, but what was moved meanwhile has taken the room that it would have needed."""
    failed = []
    for changes, place in product(range(60), range(5, 10)):
        machine = Machine(SimulatedDisk(random.Random(0), Faults(), 5 * SIZE))  # noqa: S311 - a test's
        run = machine.start()
        first = run.put(b"x" * (SIZE * 6 // 10))
        second = run.put(b"x" * (SIZE * 6 // 10))
        run.commit()
        machine.fill()
        for _ in range(changes):
            run.release(second)
            run.commit()
        machine.disk.faults.crash = PlannedCrash(Crash.PROCESS, Moment.BEFORE, place)
        with suppress(CrashedError):
            run.delete(first)
            run.commit()
        crash(machine)
        try:
            machine.start()
        except LogFullError:
            failed.append((changes, place))
    assert not failed
