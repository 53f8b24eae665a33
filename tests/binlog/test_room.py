"""The room of the log: what fits, what a full disk refuses, and that jobs it was taken for always have it."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ayl_server.binlog.segment import capacity_of
from tests.simulation.faults import Crash, CrashedError, Moment, PlannedCrash
from tests.simulation.sectors import Luck

from .looks import LARGEST, POLICIES, check, fill
from .machine import ALWAYS, SIZE, Machine

if TYPE_CHECKING:
    from ayl_server.binlog.log import Policy


# Jobs that hardly fit


def test_a_file_takes_the_largest_job_that_it_was_made_for() -> None:
    size = capacity_of(SIZE, 9000)
    assert size == 12288
    machine = Machine()
    run = machine.start(replace(ALWAYS, size=size))
    large = run.put(b"x" * 9000, tube=b"t" * 200)
    run.commit()
    assert large is not None
    assert machine.start(replace(ALWAYS, size=size)).bodies() == {large: b"x" * 9000}


def test_a_job_larger_than_a_file_is_refused_and_the_log_says_why() -> None:
    machine = Machine()
    run = machine.start()
    fitting = run.put(b"x" * LARGEST)
    assert run.put(b"x" * (LARGEST + 1)) is None
    assert run.complaints == ["the job is larger than its files"]
    run.commit()
    check(run, machine)
    assert machine.start().bodies() == {fitting: b"x" * LARGEST}


# A full disk


@POLICIES
def test_a_full_disk_refuses_jobs_and_goes_on_with_those_it_has_for_ever(policy: Policy) -> None:
    machine = Machine()
    run = machine.start(policy)
    machine.fill()
    ids = fill(run)
    assert len(ids) >= 5
    assert run.complaints[-1] == "simulated: no room"
    files = len(machine.disk.names())
    assert files == 2
    for turn in range(10_000):
        job_id = ids[turn % len(ids)]
        if turn % 5:
            run.release(job_id, pri=turn % 7, delay=turn % 3)
        else:
            run.bury(job_id)
        if turn % 3 == 0:
            run.commit()
        if turn % 100 == 0:
            run.log.sync()
        assert run.put(b"x" * 50) is None
    run.commit()
    check(run, machine)
    assert len(machine.disk.names()) == files
    assert machine.start(policy).bodies().keys() == set(ids)


def test_on_a_full_disk_every_job_can_be_deleted_and_then_there_is_room_again() -> None:
    machine = Machine()
    run = machine.start()
    run.put()
    machine.disk.others = machine.disk.free - 6 * SIZE
    for _ in range(5):
        ids = fill(run)
        assert len(ids) > 50
        for job_id in ids:
            run.delete(job_id)
            run.commit()
        check(run, machine)


def test_once_a_full_disk_has_room_jobs_are_taken_again() -> None:
    machine = Machine()
    run = machine.start()
    machine.fill()
    ids = fill(run)
    machine.disk.others -= 10 * SIZE
    assert len(fill(run)) > len(ids)
    check(run, machine)


def test_a_full_disk_survives_restarts() -> None:
    machine = Machine()
    run = machine.start()
    machine.fill()
    ids = fill(run)
    for turn in range(200):
        run = machine.start()
        assert run.put(b"x" * 50) is None
        run.release(ids[turn % len(ids)])
        run.commit()
        check(run, machine)
        if turn % 3:
            run.close()
    assert machine.start().bodies().keys() == set(ids)


@POLICIES
@pytest.mark.parametrize("spare", [0, 3])
def test_any_life_of_old_jobs_on_a_full_disk_finds_room(policy: Policy, spare: int) -> None:
    """However they are released, buried and deleted, and however rarely the log is synced."""
    for seed in range(40):
        rng = random.Random(seed)  # noqa: S311 - a test's
        machine = Machine()
        run = machine.start(policy)
        machine.disk.others = machine.disk.free - spare * SIZE
        ids: list[int] = []
        while (job_id := run.put(b"x" * rng.randrange(300))) is not None:
            ids.append(job_id)
        run.commit()
        for turn in range(300):
            if ids and rng.random() < 0.1:
                run.delete(ids.pop(rng.randrange(len(ids))))
            elif ids:
                rng.choice((run.release, run.bury))(rng.choice(ids))
            if rng.random() < 0.1 and (job_id := run.put(b"x" * rng.randrange(300))) is not None:
                ids.append(job_id)
            if rng.random() < 0.5:
                run.commit()
            if turn % 100 == 99:
                run.log.sync()
        run.commit()
        check(run, machine)
        assert machine.start(policy).bodies().keys() == set(ids)


@POLICIES
@pytest.mark.parametrize("sizes", [(0, LARGEST), (0, 50, 300, LARGEST // 2 + 1), (50, 2000, 3000, 3600)], ids=str)
def test_jobs_about_as_large_as_a_segment_are_no_danger_on_a_full_disk(policy: Policy, sizes: tuple[int, ...]) -> None:
    for seed in range(25):
        rng = random.Random(seed)  # noqa: S311 - a test's
        machine = Machine()
        run = machine.start(policy)
        machine.disk.others = machine.disk.free - (12, 30)[seed % 2] * SIZE
        ids = [job_id for _ in range(60) if (job_id := run.put(b"x" * rng.choice(sizes))) is not None]
        for _ in range(400):
            if ids and rng.random() < 0.1:
                run.delete(ids.pop(rng.randrange(len(ids))))
            elif ids:
                rng.choice((run.release, run.bury))(rng.choice(ids))
            if rng.random() < 0.1 and (job_id := run.put(b"x" * rng.choice(sizes))) is not None:
                ids.append(job_id)
            if rng.random() < 0.5:
                run.commit()
        run.commit()
        check(run, machine)
        assert machine.start(policy).bodies().keys() == set(ids)


# Crashes


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_room_that_jobs_were_accepted_for_is_still_there_after_the_power_failed(ordered: bool) -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(b"x" * 50) for _ in range(300)]
    run.commit()
    before = len(run.log.reserves.names)
    machine.disk.crash(Crash.MACHINE, Luck.NOTHING, ordered=ordered)
    machine.fill()
    run = machine.start()
    assert len(run.log.reserves.names) == before
    for turn in range(1000):
        run.release(ids[turn % len(ids)])
        run.commit()
    assert machine.start().bodies().keys() == set(ids)


def test_a_crash_in_the_middle_of_the_search_for_room_leaves_a_log_that_has_room() -> None:
    """Again and again, at every moment of it: the last reserve has been begun, and nothing was won for it yet."""
    for seed in range(12):
        rng = random.Random(seed)  # noqa: S311 - a test's
        machine = Machine()
        run = machine.start()
        machine.fill()
        ids = fill(run)
        for _ in range(60):
            kind = rng.choice(tuple(Crash))
            machine.disk.faults.crash = PlannedCrash(kind, rng.choice(tuple(Moment)), rng.randrange(100))
            with suppress(CrashedError):
                run = machine.start()
                for turn in range(200):
                    run.release(ids[turn % len(ids)])
                    run.commit()
            machine.disk.crash(kind, Luck.SECTORS, ordered=False)
            machine.disk.faults.forget()
        assert machine.start().bodies().keys() == set(ids)
