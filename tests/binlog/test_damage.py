"""A log that is not as it should be: what is cut, what is refused, and what salvage makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ayl_server.binlog.records import END_SIZE, HEADER_SIZE, MARK_SIZE, parse_header, payloads
from ayl_server.binlog.recovery import RecoveryError

from .looks import filled
from .machine import LATER, SIZE, Machine
from .samples import a_job, laid, mark, put

REFUSAL = re.compile(
    r"(?P<name>ayl-binlog\.\d+), offset (?P<offset>\d+): (?P<reason>.+)\. Nothing was changed\. Restore the file from a"
    r" copy, or start with --salvage to go on with what can be read; the damaged files are kept"
)

SYNCED = "records that had been written and synced are damaged or missing"


def refusal(machine: Machine) -> tuple[str, int, str]:
    """The file, the offset and the reason with which the log is refused; and that nothing was changed."""
    before = files(machine)
    with pytest.raises(RecoveryError) as error:
        machine.start()
    assert files(machine) == before
    found = REFUSAL.fullmatch(str(error.value))
    assert found, str(error.value)
    return found["name"], int(found["offset"]), found["reason"]


def files(machine: Machine) -> dict[str, bytes]:
    return {name: machine.contents(name) for name in machine.disk.names()}


def offsets(machine: Machine, name: str) -> list[int]:
    """Of the records in a file."""
    data = machine.contents(name)
    return [place for place, _ in payloads(data, HEADER_SIZE, parse_header(data).salt)]


# Torn tails


def test_a_torn_tail_is_cut_told_and_never_read_again() -> None:
    machine = Machine()
    run = machine.start()
    for body in (b"one", b"two"):
        run.put(body)
        run.commit()
    last = run.log.current
    place = run.log.position
    torn = laid(mark(place, 1), put(a_job(3, b"three")), salt=last.salt, at=place)
    machine.overwrite(last.name, place, torn[:-1])
    run = machine.start()
    assert run.bodies() == {1: b"one", 2: b"two"}
    assert run.recovery.torn is not None
    assert (run.recovery.torn.number, run.recovery.torn.offset) == (1, place + MARK_SIZE)
    run = machine.start()
    assert run.recovery.torn is None
    # A shorter record in its place must not let what stood behind it come to life.
    run.put(b"3")
    run.commit()
    assert machine.start().bodies() == {1: b"one", 2: b"two", 3: b"3"}


@pytest.mark.parametrize("kept", range(END_SIZE))
def test_a_crash_before_the_end_of_a_segment_is_written_is_repaired(kept: int) -> None:
    """The next one is there already, and holds nothing yet."""
    machine = Machine()
    run = machine.start()
    bodies = {}
    while run.log.current.number == 1:
        job_id = run.put(b"x" * 300)
        assert job_id is not None
        bodies[job_id] = b"x" * 300
        if run.log.current.number == 1:
            run.commit()
    bodies.popitem()  # it is in the second segment, and was not committed
    end = offsets(machine, "ayl-binlog.1")[-1]
    machine.overwrite("ayl-binlog.1", end + kept, bytes(END_SIZE - kept))
    run = machine.start()
    assert run.bodies() == bodies
    more = run.put(b"more")
    run.commit()
    assert more is not None
    assert machine.start().bodies() == bodies | {more: b"more"}


# What is refused


def test_damage_in_the_middle_of_the_last_segment_is_refused_with_its_place() -> None:
    machine, _ = filled()
    name = machine.segments()[-1]
    place = offsets(machine, name)[1]
    machine.flip(name, place + 30)
    assert refusal(machine) == (name, place, SYNCED)


def test_damage_at_the_end_of_an_older_segment_is_refused() -> None:
    machine, _ = filled()
    place = offsets(machine, "ayl-binlog.1")[-1]
    machine.flip("ayl-binlog.1", place)
    assert refusal(machine) == ("ayl-binlog.1", place, SYNCED)


def test_zeros_in_the_middle_are_no_end() -> None:
    machine, _ = filled()
    place = offsets(machine, "ayl-binlog.2")[2]
    machine.overwrite("ayl-binlog.2", place, bytes(SIZE - place))
    assert refusal(machine) == ("ayl-binlog.2", place, SYNCED)


def test_damage_to_the_last_records_of_a_server_that_was_stopped_well_is_refused() -> None:
    machine = Machine()
    run = machine.start()
    run.put(b"one")
    run.close()
    place = offsets(machine, "ayl-binlog.1")[1]
    machine.flip("ayl-binlog.1", place + 60)
    assert refusal(machine) == ("ayl-binlog.1", place, SYNCED)


Deed = Callable[[Machine, str], None]

HEADERS: dict[str, tuple[Deed, str]] = {
    "emptied": (lambda machine, name: machine.cut(name, 0), "this is not a binlog of ayl_server"),
    "cut off in its header": (lambda machine, name: machine.cut(name, 63), "this is not a binlog of ayl_server"),
    "zeroed": (lambda machine, name: machine.overwrite(name, 0, bytes(SIZE)), "this is not a binlog of ayl_server"),
    "of a later version": (
        lambda machine, name: machine.overwrite(name, 8, b"\x09"),
        "its format is version 9; this ayl_server reads version 1",
    ),
    "flipped": (lambda machine, name: machine.flip(name, 20), "its header is damaged"),
}


@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize("name", HEADERS)
def test_a_file_whose_header_is_none_is_refused_with_a_sentence(name: str, which: int) -> None:
    damage, sentence = HEADERS[name]
    machine, _ = filled()
    victim = machine.segments()[which]
    damage(machine, victim)
    assert refusal(machine) == (victim, 0, sentence)


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_file_that_is_cut_off_anywhere_is_refused(which: int) -> None:
    for size in (HEADER_SIZE, 100, 2000, SIZE - 1):
        machine, _ = filled()
        victim = machine.segments()[which]
        machine.cut(victim, size)
        assert refusal(machine) == (victim, size, f"the file is cut off; it had {SIZE} bytes")


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_missing_file_is_refused(which: int) -> None:
    machine, _ = filled()
    victim = machine.segments()[which]
    machine.disk.remove(victim)
    assert refusal(machine) == (victim, 0, "the file is missing")


def test_a_missing_oldest_file_is_refused_also_after_others_have_gone_rightly() -> None:
    machine, _ = filled()
    run = machine.start()
    for job_id in list(run.bodies())[:-5]:
        run.delete(job_id)
        run.commit()
    oldest = machine.segments()[0]
    assert oldest != "ayl-binlog.1"
    assert machine.start().jobs() == run.jobs()
    machine.disk.remove(oldest)
    assert refusal(machine) == (oldest, 0, "the file is missing")


def test_a_file_under_another_s_number_is_refused() -> None:
    machine, _ = filled()
    one, two = machine.segments()[:2]
    machine.disk.rename(one, "aside")
    machine.disk.rename(two, one)
    machine.disk.rename("aside", two)
    assert refusal(machine) == (one, 0, f"it was written as {two} and renamed")


def test_a_copy_of_a_file_is_refused() -> None:
    machine, _ = filled()
    last = machine.segments()[-1]
    copy = f"ayl-binlog.{int(last.partition('.')[2]) + 1}"
    machine.disk.create(copy, SIZE)
    machine.overwrite(copy, 0, machine.contents(last))
    assert refusal(machine)[0] in (last, copy)


def test_a_start_that_is_refused_for_a_file_too_many_changes_nothing_and_without_it_all_is_well() -> None:
    machine = Machine()
    run = machine.start()
    kept = run.put(b"kept")
    run.commit()
    machine.disk.create("ayl-binlog.2", 0)
    assert refusal(machine) == ("ayl-binlog.2", 0, "this is not a binlog of ayl_server")
    machine.disk.remove("ayl-binlog.2")
    assert machine.start().bodies() == {kept: b"kept"}


def test_records_that_have_changed_places_are_refused() -> None:
    """A disk may write to the wrong place. Each record is good as it stands, but a deletion before its job is none."""
    machine = Machine()
    run = machine.start(LATER)
    first, second = run.put(b"first"), run.put(b"other")
    run.delete(first)
    run.put(b"third")
    run.close()
    name = machine.segments()[0]
    _, one, two, *_ = offsets(machine, name)
    data = machine.contents(name)
    size = two - one
    machine.overwrite(name, one, data[two : two + size] + data[one : one + size])
    assert second is not None
    assert refusal(machine) == (name, one, SYNCED)


def test_a_beanstalkd_s_directory_is_refused_with_advice() -> None:
    machine = Machine()
    machine.disk.create("binlog.3", SIZE)
    machine.overwrite("binlog.3", 0, b"\7\0\0\0")
    with pytest.raises(RecoveryError, match=r"binlog\.3 is beanstalkd's: .* --import"):
        machine.start()
    assert machine.disk.names() == ["binlog.3"]


def test_files_of_others_are_left_alone() -> None:
    machine = Machine()
    others = ["binlog.1", "ayl-binlog", "ayl-binlog.", "ayl-binlog.01", "ayl-binlog.x", "reserve.", "reserve.0", "x"]
    for name in others:
        machine.disk.create(name, 10)
    machine.start().close()
    machine.start()
    assert set(others) < set(machine.disk.names())


def test_an_empty_directory_on_a_full_disk_is_refused_and_not_with_a_riddle() -> None:
    machine = Machine()
    machine.disk.others = machine.disk.capacity - SIZE + 1
    with pytest.raises((RecoveryError, OSError), match=r"(?i)no .*(room|space)"):
        machine.start()


# Salvage


def test_salvage_of_a_sound_log_changes_nothing() -> None:
    machine, run = filled()
    before = files(machine)
    again = machine.start(salvage=True)
    assert again.jobs() == run.jobs()
    assert again.recovery.damages == []
    assert files(machine) == before


def test_salvage_keeps_every_job_but_the_damaged_one_and_the_damaged_files() -> None:
    machine, run = filled()
    before = files(machine)
    name = "ayl-binlog.2"
    place = offsets(machine, name)[1]
    lost = int.from_bytes(machine.contents(name)[place + 9 : place + 17], "little")
    machine.flip(name, place + 100)
    damaged = files(machine)
    again = machine.start(salvage=True)
    expected = run.jobs()
    del expected[lost]
    assert again.jobs() == expected
    assert [(damage.number, damage.offset) for damage in again.recovery.damages] == [(2, place)]
    for segment in before:
        if segment.startswith("ayl-binlog."):
            assert machine.contents(f"damaged.{segment}") == damaged[segment]
    assert machine.start().jobs() == expected


def test_salvage_goes_on_without_a_file_that_is_missing_cut_off_or_unreadable() -> None:
    spoils: list[Deed] = [
        lambda machine, name: machine.disk.remove(name),
        lambda machine, name: machine.cut(name, 1000),
        lambda machine, name: machine.cut(name, 0),
        lambda machine, name: machine.overwrite(name, 0, b"nothing that anybody could read"),
    ]
    for spoil in spoils:
        machine, run = filled()
        elsewhere = {job.id for job in run.broker.jobs.values() if job.file != 2}
        spoil(machine, "ayl-binlog.2")
        again = machine.start(salvage=True)
        assert [damage.number for damage in again.recovery.damages][:1] == [2]
        assert elsewhere <= again.jobs().keys() <= run.jobs().keys()
        assert machine.start().jobs() == again.jobs()


def test_salvage_keeps_the_jobs_of_a_file_whose_header_alone_is_damaged() -> None:
    """All its records are whole; only the salt, without which they cannot be checked, is missing."""
    machine, run = filled()
    machine.overwrite("ayl-binlog.2", 0, bytes(HEADER_SIZE))
    assert machine.start(salvage=True).jobs() == run.jobs()


def test_salvage_keeps_whole_jobs_behind_a_torn_one() -> None:
    """Nothing says whether these were ever synced; but they are there."""
    machine = Machine()
    run = machine.start(LATER)
    for number in range(4):
        run.put(b"%d" % number)
    run.commit()
    machine.flip("ayl-binlog.1", offsets(machine, "ayl-binlog.1")[2] + 20)
    assert list(machine.start(salvage=True).jobs()) == [1, 3, 4]


def test_salvage_takes_no_piece_of_a_binlog_in_a_job_s_body_for_a_record() -> None:
    """Not even if it is a piece of the same segment, and the job's own record is damaged."""
    machine = Machine()
    run = machine.start()
    gone = run.put(b"done long ago")
    run.commit()
    piece = machine.contents("ayl-binlog.1")[: run.log.position]
    run.delete(gone)
    run.commit()
    run.put(piece)
    run.commit()
    kept = run.put(b"kept")
    run.close()
    machine.flip("ayl-binlog.1", offsets(machine, "ayl-binlog.1")[5] + 9)
    again = machine.start(salvage=True)
    assert again.bodies() == {kept: b"kept"}


def test_no_id_is_given_twice_after_a_salvage() -> None:
    machine, run = filled()
    last = max(run.jobs())
    machine.overwrite(machine.segments()[-1], HEADER_SIZE, bytes(SIZE - HEADER_SIZE))
    run = machine.start(salvage=True)
    new = run.put()
    assert new is not None
    assert new > last or not run.recovery.damages
    run.commit()
    again = machine.start()
    assert again.put() == new + 1


def test_salvage_without_room_for_the_jobs_is_refused_and_the_damaged_files_are_as_they_were() -> None:
    machine, run = filled()
    machine.flip("ayl-binlog.2", 200)
    damaged = {name: machine.contents(name) for name in machine.segments()}
    machine.fill()
    with pytest.raises((RecoveryError, OSError), match=r"(?i)no (room|space)"):
        machine.start(salvage=True)
    assert {name: machine.contents(name) for name in damaged} == damaged
    machine.disk.others = 0
    assert len(machine.start(salvage=True).jobs()) >= len(run.jobs()) - 1
