"""A server that starts again: what it brings back."""

from __future__ import annotations

import pytest

from ayl_server.binlog.log import Policy
from ayl_server.binlog.records import Header, parse_header
from ayl_server.binlog.recovery import RecoveryError, open_log
from ayl_server.broker import Broker
from ayl_server.model import BURIED, DELAYED, READY, ProcessFacts
from tests.simulation.faults import Crash, CrashedError, Moment, PlannedCrash
from tests.simulation.sectors import Luck

from .looks import filled
from .machine import ALWAYS, LATER, SIZE, Machine

# What comes back


def test_an_empty_directory_becomes_a_binlog_of_one_segment_and_a_reserve() -> None:
    machine = Machine()
    run = machine.start()
    assert sorted(machine.disk.names()) == ["ayl-binlog.1", "reserve.2"]
    assert (run.recovery.jobs, run.recovery.bytes_read, run.recovery.torn, run.recovery.damages) == (0, 0, None, [])
    assert machine.start().jobs() == {}


def test_jobs_in_every_state_come_back_with_all_that_was_counted() -> None:
    machine = Machine()
    run = machine.start()
    ready = run.put(b"ready", pri=2**32 - 1, ttr=2**32 - 1)
    delayed = run.put(b"delayed", tube=b"n" * 200, delay=2**32 - 1)
    buried, kicked, released = run.put(b""), run.put(b"\r\n"), run.put(b"\0\xff")
    run.bury(buried, pri=7)
    for _ in range(3):
        run.bury(kicked)
        run.kick(kicked)
    run.release(released, pri=3, delay=0)
    run.release(released, pri=4, delay=10)
    run.commit()
    again = machine.start()
    assert again.jobs() == run.jobs()
    assert [again.job(job).state for job in (ready, delayed, buried, kicked, released)] == [
        READY, DELAYED, BURIED, READY, DELAYED
    ]  # fmt: skip
    past = again.job(kicked).past()
    assert (again.job(kicked).reserves, past.buries, past.kicks, past.releases) == (3, 3, 3, 0)
    assert again.job(released).past().releases == 2


def test_who_held_a_job_has_lost_it_and_it_is_ready() -> None:
    machine = Machine()
    run = machine.start()
    plain, parked = run.put(), run.put()
    run.bury(parked)
    run.reserve(plain)
    run.reserve(parked)
    run.commit()
    again = machine.start()
    assert [again.job(job).state for job in (plain, parked)] == [READY, READY]
    assert again.broker.tube(b"default").ready.count == 2


def test_what_was_counted_when_a_job_was_last_told_of_comes_back() -> None:
    """Reserves and timeouts are not worth a write of their own."""
    machine = Machine()
    run = machine.start()
    job_id = run.put(ttr=1)
    run.reserve(job_id)
    run.clock.advance(2)
    run.tick()
    run.commit()
    assert machine.start().job(job_id).reserves == 0
    run.release(job_id)
    run.commit()
    again = machine.start().job(job_id)
    assert (again.reserves, again.past().timeouts, again.past().releases) == (2, 1, 1)


def test_a_delayed_job_that_is_due_meanwhile_is_ready_at_the_first_tick() -> None:
    machine = Machine()
    run = machine.start()
    job_id = run.put(delay=10)
    run.commit()
    machine.clock.reboot(uptime=3.0)
    machine.clock.jump(11)
    run = machine.start()
    assert run.broker.next_deadline() is not None
    run.tick()
    assert run.job(job_id).state == READY


def test_a_server_that_was_not_killed_leaves_the_same_as_one_that_was() -> None:
    machine = Machine()
    run = machine.start()
    run.put(b"one")
    run.close()
    run = machine.start()
    run.put(b"two")
    run.commit()
    assert machine.start().bodies() == {1: b"one", 2: b"two"}


def test_tubes_of_jobs_that_are_gone_are_not_there() -> None:
    machine = Machine()
    run = machine.start()
    run.delete(run.put(tube=b"gone"))
    run.put(tube=b"kept")
    run.commit()
    assert set(machine.start().broker.tubes) == {b"default", b"kept"}


def test_restored_jobs_are_not_among_those_put_since_the_start() -> None:
    machine = Machine()
    machine.start().put()
    run = machine.start()
    assert run.broker.total_jobs == 0
    run.put()
    assert run.broker.total_jobs == 1


# Clocks


def test_a_wall_clock_that_was_set_back_makes_no_delay_longer_and_no_job_younger_than_nothing() -> None:
    machine = Machine()
    run = machine.start()
    job_id = run.put(delay=100)
    run.clock.advance(40)
    run.commit()
    machine.clock.jump(-86_400)
    run = machine.start()
    job = run.job(job_id)
    assert 0 < job.deadline - run.clock.steady <= 100
    assert run.clock.steady - job.created == 0
    run.clock.advance(100)
    run.tick()
    assert job.state == READY


def test_a_wall_clock_that_jumps_while_the_server_runs_changes_no_delay() -> None:
    machine = Machine()
    run = machine.start()
    machine.clock.jump(3600)
    job_id = run.put(delay=100)
    run.commit()
    machine.clock.advance(1)
    again = machine.start()
    assert again.job(job_id).deadline - again.clock.steady == 99


def test_age_and_delay_go_on_over_a_boot() -> None:
    machine = Machine()
    run = machine.start()
    job_id = run.put(delay=100)
    run.commit()
    machine.clock.advance(30)
    machine.clock.reboot(uptime=5.0)
    run = machine.start()
    job = run.job(job_id)
    assert job.deadline - run.clock.steady == 70
    assert run.clock.steady - job.created == 30


# Ids and order


@pytest.mark.parametrize("policy", [ALWAYS, LATER], ids=["always", "later"])
def test_no_id_is_given_twice_even_if_all_jobs_are_deleted(policy: Policy) -> None:
    machine = Machine()
    given: list[int | None] = []
    for turn in range(40):
        run = machine.start(policy)
        for _ in range(turn % 4):
            given.append(run.put(b"x" * 700))
            run.commit()
            run.delete(given[-1])
        run.commit()
        if turn % 2:
            run.close()
    assert given == list(range(1, len(given) + 1))
    assert machine.start().put() == len(given) + 1


def test_the_buried_come_back_in_their_order_in_each_tube_and_new_ones_come_behind() -> None:
    machine = Machine()
    run = machine.start()
    ids = [run.put(tube=b"ab"[number % 2 : number % 2 + 1]) for number in range(8)]
    for number in (5, 2, 7, 0, 3, 6):
        run.bury(ids[number])
    run.kick(ids[2])
    run.commit()
    run = machine.start()
    assert run.buried(b"a") == [ids[0], ids[6]]
    assert run.buried(b"b") == [ids[5], ids[7], ids[3]]
    run.bury(ids[2])
    run.bury(ids[1])
    run.commit()
    run = machine.start()
    assert run.buried(b"a") == [ids[0], ids[6], ids[2]]
    assert run.buried(b"b") == [ids[5], ids[7], ids[3], ids[1]]


def test_a_burial_gets_no_number_that_was_given_even_if_that_job_is_gone() -> None:
    machine = Machine()
    run = machine.start()
    for _ in range(30):
        job_id = run.put(b"x" * 500)
        run.bury(job_id)
        run.delete(job_id)
        run.commit()
    run = machine.start()
    job_id = run.put()
    run.bury(job_id)
    assert run.job(job_id).deadline == 31.0


# Segments of other sizes


def test_after_a_change_of_their_size_old_segments_are_read_and_new_ones_have_the_new_size() -> None:
    machine = Machine()
    ids = set()
    for size in (SIZE, 4 * SIZE, 2 * SIZE, SIZE):
        run = machine.start(Policy(size=size))
        reserves = [name for name in machine.disk.names() if name.startswith("reserve")]
        assert {machine.disk.size(name) for name in reserves} == {size}
        for _ in range(30):
            ids.add(run.put(b"x" * 300))
            run.commit()
        assert machine.disk.size(run.log.current.name) == size
        assert machine.start().bodies().keys() == ids
        run = machine.start(Policy(size=size))
    for job_id in ids:
        run.delete(job_id)
        run.commit()
    assert machine.disk.size(run.log.current.name) == SIZE


@pytest.mark.parametrize(("before", "after"), [(SIZE, 2 * SIZE), (2 * SIZE, SIZE), (10 * SIZE, SIZE)])
def test_after_a_change_of_their_size_a_full_disk_is_no_danger_to_old_jobs(before: int, after: int) -> None:
    """The start may be refused, if it says why. What must not be is that it fails later, in the middle of the work."""
    machine = Machine()
    run = machine.start(Policy(size=before))
    machine.fill()
    ids = []
    while (job_id := run.put(b"x" * 50)) is not None:
        ids.append(job_id)
    run.close()
    policy = Policy(size=after)
    try:
        run = machine.start(policy)
    except (RecoveryError, OSError) as refused:
        assert "room" in str(refused) or "space" in str(refused)  # noqa: PT017 - or it is not raised at all
        policy = Policy(size=before)
        run = machine.start(policy)
    machine.fill()
    for turn in range(1000):
        run.release(ids[turn % len(ids)])
        run.commit()
    assert machine.start(policy).bodies().keys() == set(ids)


def test_a_job_that_is_larger_than_any_may_be_now_comes_back_and_files_stay_as_large_as_it_needs() -> None:
    machine = Machine()
    large = Policy(size=4 * SIZE)
    run = machine.start(large)
    job_id = run.put(b"x" * 10_000)
    run.close()
    run = machine.start()
    assert run.bodies() == {job_id: b"x" * 10_000}
    assert run.log.policy.size == 3 * SIZE
    for _ in range(100):
        run.delete(run.put(b"x" * 500))
        run.commit()
    assert run.log.migrated
    run.delete(job_id)
    run.close()
    assert machine.start().log.policy.size == SIZE


@pytest.mark.parametrize("luck", Luck)
@pytest.mark.parametrize("closed", [True, False])
def test_a_crash_while_the_log_is_written_anew_in_another_size_costs_no_job(luck: Luck, closed: bool) -> None:
    """Wherever it comes; and whatever order the directory keeps its changes in."""
    sizes = [Policy(size=4 * SIZE), ALWAYS]
    finished, place = False, 0
    while not finished:
        machine = Machine()
        run = machine.start()
        for number in range(20):
            run.put(b"%d " % number * 150)
            run.commit()
        if closed:
            run.close()
        machine.disk.faults.crash = PlannedCrash(Crash.MACHINE, Moment.BEFORE, place)
        try:
            machine.start(sizes[0])
            finished = True
        except CrashedError:
            pass
        machine.disk.crash(Crash.MACHINE, luck, ordered=place % 2 == 0)
        machine.disk.faults.forget()
        assert machine.start(sizes[place % 2]).jobs() == run.jobs(), place
        place += 1
    assert place > 10


# What is told


def test_whoever_waits_is_told_how_far_the_reading_is() -> None:
    machine, run = filled()
    heard: list[tuple[int, int, int]] = []
    broker = Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"))
    recovery = open_log(
        machine.disk,
        ALWAYS,
        broker,
        machine.clock.clocks(),
        salt=machine.salt,
        complain=lambda _: None,
        progress=lambda *told: heard.append(told),
    )
    total = SIZE * len(machine.segments())
    assert heard[-1] == (total, total, len(run.jobs()))
    assert [done for done, _, _ in heard] == list(range(SIZE, total + 1, SIZE))
    assert (recovery.bytes_read, recovery.jobs) == (total, len(run.jobs()))


def test_a_header_tells_what_its_segment_needs_to_know() -> None:
    machine, _ = filled()
    for number, name in enumerate(machine.segments(), 1):
        head: Header = parse_header(machine.contents(name))
        assert (head.number, head.capacity) == (number, SIZE)
