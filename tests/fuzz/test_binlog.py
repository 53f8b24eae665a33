"""Whatever happens to the files of a binlog: all that was synced comes back, or the start is refused with a place."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.binlog.machine import LATER, SIZE, Machine
from tests.conftest import examples

from . import targets
from .choices import Drawn
from .histories import History, files
from .verdicts import check_history, judge, judge_salvage, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

thorough = settings(
    max_examples=examples(60), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)  # the same examples each time: the long run (python -m tests.fuzz) is where chance has its place

LAST = "ayl-binlog.2"


# Chance


@thorough
@given(st.data())
def test_damaged_files_give_back_what_was_synced_or_are_refused_with_a_place(data: st.DataObject) -> None:
    targets.binlog(Drawn(data.draw))


@thorough
@given(st.data())
def test_salvage_keeps_every_whole_record_and_every_damaged_file(data: st.DataObject) -> None:
    targets.salvage(Drawn(data.draw))


# Every place


@cache
def small() -> History:
    """Two segments; in the last one every kind of record, and a body that is a piece of it."""
    machine = Machine()
    run = machine.start(LATER)
    one, two = run.put(b"1" * 2500), run.put(b"2" * 1300)
    run.commit()
    run.log.sync()
    three = run.put(b"three", tube=b"other", delay=9)
    run.bury(two)
    run.commit()
    run.put(machine.contents(LAST)[50 : run.log.position])
    run.commit()
    run.log.sync()
    run.release(one, pri=3, delay=7)
    run.delete(two)
    run.commit()
    run.log.sync()
    run.kick(three)
    run.put(b"", tube=b"n" * 200)
    run.put(b"last")
    run.commit()
    assert run.log.current.name == LAST
    return History(machine, files(machine), [], run.jobs(), closed=False)


def at_every_place(damage: Callable[[bytes, int], bytes]) -> None:
    """The last segment is damaged at one place after the other, a little beyond its last record."""
    history = small()
    sound = history.files[LAST]
    for place in range(pieces(sound)[-1].end + 20):
        now = damage(sound, place)
        assert now != sound or not sound[place]
        judge(history, history.files | {LAST: now}, go_on=False)


def test_undamaged_files_give_back_everything() -> None:
    history = small()
    check_history(history)
    kinds = {piece.kind for name in ("ayl-binlog.1", LAST) for piece in pieces(history.files[name])}
    assert kinds == {1, 2, 3, 4, 5}
    judge(history, history.files)


def test_a_file_cut_off_at_any_place_is_refused() -> None:
    at_every_place(lambda data, place: data[:place])


def test_a_file_with_nothing_behind_any_place_gives_back_what_is_before() -> None:
    """As a crash leaves it that tore a write: no mark is there to say that more had been synced."""
    at_every_place(lambda data, place: data[:place].ljust(SIZE, b"\0"))


def test_a_bit_flipped_at_any_place_is_refused_or_cuts_what_no_mark_follows() -> None:
    at_every_place(lambda data, place: data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])


def test_a_sector_of_zeros_anywhere_is_refused_or_cuts_what_no_mark_follows() -> None:
    at_every_place(lambda data, place: data[:place] + bytes(64) + data[place + 64 :])


def test_salvage_goes_on_behind_damage_at_any_place() -> None:
    history = small()
    sound = history.files["ayl-binlog.1"]
    for place in range(0, pieces(sound)[-1].end, 7):
        now = sound[:place] + bytes([sound[place] ^ 0x40]) + sound[place + 1 :]
        judge_salvage(history, history.files | {"ayl-binlog.1": now})
