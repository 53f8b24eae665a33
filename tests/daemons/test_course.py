"""When a daemon's process is started, replaced, asked to end and killed, by a clock that the test sets."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl.daemons.course import FIRST_PAUSE, LONGEST_PAUSE, STEADY, Course, Deed, Run, told
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Restart

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDER = Order(serial="1", name="shop.mail", kind="workers", command=("work",), directory="/", patience=60, grace=30)
OVERLAPPING = replace(ORDER, overlap=True)

READY = {"READY": "1"}


class Daemon:
    """A course, and the processes that are there because of it."""

    def __init__(self, order: Order = ORDER) -> None:
        self.now = 1000.0
        self.course = Course(order, self.now)
        self.deeds: list[tuple[Deed, int]] = []
        self.alive: list[int] = []
        self.act()

    def act(self) -> None:
        while deeds := self.course.tick(self.now):
            for deed, run in deeds:
                self.deeds.append((deed, run.number))
                if deed is Deed.START:
                    self.alive.append(run.number)

    def wait(self, seconds: float) -> None:
        """Time passes; the keeper looks whenever the course says so."""
        until = self.now + seconds
        while (due := self.course.next()) <= until:
            assert due > self.now or self.course.tick(self.now) == []
            self.now = max(self.now, due)
            self.act()
        self.now = until
        self.act()

    def says(self, number: int, note: Mapping[str, str]) -> None:
        self.course.heard(number, note, self.now)
        self.act()

    def ends(self, number: int, code: int = 0) -> None:
        self.alive.remove(number)
        self.course.ended(number, code, self.now)
        self.act()

    def replace(self, order: Order) -> None:
        self.course.replace(order, self.now)
        self.act()

    def stop(self) -> None:
        self.course.stop(self.now)
        self.act()

    def taken(self) -> list[tuple[Deed, int]]:
        """What was done since the last look."""
        found, self.deeds = self.deeds, []
        return found

    @property
    def state(self) -> str:
        return self.course.state


def working(order: Order = ORDER) -> Daemon:
    daemon = Daemon(order)
    daemon.says(1, READY)
    assert daemon.taken() == [(Deed.START, 1)]
    assert daemon.state == "working"
    return daemon


# Start


def test_it_is_started_at_once_and_works_when_it_says_so() -> None:
    daemon = Daemon()
    assert daemon.state == "starting"
    daemon.says(1, {"STATUS": "loading"})
    assert daemon.state == "starting"
    daemon.says(1, READY)
    assert daemon.state == "working"
    assert daemon.course.next() == inf


def test_one_that_says_nothing_works_after_its_time() -> None:
    daemon = Daemon(replace(ORDER, ready=2.0))
    daemon.wait(1.9)
    assert daemon.state == "starting"
    daemon.wait(0.2)
    assert daemon.state == "working"


def test_one_that_is_not_ready_in_time_is_killed_and_tried_again() -> None:
    daemon = Daemon()
    daemon.wait(59)
    assert daemon.taken() == [(Deed.START, 1)]
    daemon.wait(1)
    assert daemon.taken() == [(Deed.KILL, 1)]
    daemon.ends(1, -9)
    assert daemon.state == "pausing"
    daemon.wait(FIRST_PAUSE)
    assert daemon.taken() == [(Deed.START, 2)]


def test_who_asks_for_more_time_gets_it() -> None:
    daemon = Daemon()
    daemon.wait(50)
    daemon.says(1, {"EXTEND_TIMEOUT_USEC": "100000000"})
    daemon.wait(99)
    assert daemon.taken() == [(Deed.START, 1)]
    daemon.wait(2)
    assert daemon.taken() == [(Deed.KILL, 1)]


@pytest.mark.parametrize("value", ["", "x", "-1", "²", "9" * 400])
def test_what_is_no_time_changes_none_for_the_worse(value: str) -> None:
    daemon = Daemon()
    daemon.says(1, {"EXTEND_TIMEOUT_USEC": value})
    daemon.wait(59)
    assert daemon.alive == [1]
    assert daemon.taken() == [(Deed.START, 1)]


# Ends


def test_who_dies_again_and_again_is_started_after_growing_pauses() -> None:
    daemon = Daemon()
    pauses = []
    for number in range(1, 10):
        daemon.says(number, READY)
        daemon.ends(number, 1)
        pauses.append(daemon.course.next() - daemon.now)
        daemon.wait(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert daemon.course.failures == 9


def test_after_a_minute_of_work_an_end_is_the_first_again() -> None:
    daemon = Daemon()
    for number in range(1, 5):
        daemon.ends(number, 1)
        daemon.wait(60)
    daemon.says(5, READY)
    daemon.wait(STEADY)
    daemon.ends(5, 1)
    assert daemon.course.next() - daemon.now == FIRST_PAUSE
    assert daemon.course.failures == 1


@pytest.mark.parametrize(
    ("restart", "code", "state"),
    [
        (Restart.ALWAYS, 0, "pausing"),
        (Restart.ALWAYS, 1, "pausing"),
        (Restart.ON_FAILURE, 0, "ended"),
        (Restart.ON_FAILURE, 1, "pausing"),
        (Restart.ON_FAILURE, -9, "pausing"),
        (Restart.NEVER, 0, "ended"),
        (Restart.NEVER, 1, "ended"),
    ],
)
def test_whether_another_comes_is_what_the_order_says(restart: Restart, code: int, state: str) -> None:
    daemon = working(replace(ORDER, restart=restart))
    daemon.ends(1, code)
    assert daemon.state == state


def test_one_that_has_ended_is_started_by_a_restart() -> None:
    daemon = working(replace(ORDER, restart=Restart.NEVER))
    daemon.ends(1)
    daemon.replace(replace(ORDER, serial="2"))
    assert daemon.taken() == [(Deed.START, 2)]


def test_who_gives_no_sign_of_life_is_killed() -> None:
    daemon = working(replace(ORDER, watchdog=10.0))
    for _ in range(5):
        daemon.wait(9)
        daemon.says(1, {"WATCHDOG": "1"})
    assert daemon.taken() == []
    daemon.wait(10)
    assert daemon.taken() == [(Deed.KILL, 1)]
    daemon.ends(1, -9)
    daemon.wait(FIRST_PAUSE)
    assert daemon.taken() == [(Deed.START, 2)]


def test_who_is_asked_to_end_need_give_no_sign_of_life() -> None:
    daemon = working(replace(ORDER, watchdog=10.0))
    daemon.stop()
    daemon.wait(29)
    assert daemon.taken() == [(Deed.ASK, 1)]


# Stop


def test_a_stop_asks_first_and_kills_when_the_grace_is_over() -> None:
    daemon = working()
    daemon.stop()
    assert daemon.taken() == [(Deed.ASK, 1)]
    daemon.wait(29)
    assert daemon.taken() == []
    daemon.wait(1)
    assert daemon.taken() == [(Deed.KILL, 1)]
    assert not daemon.course.is_over
    daemon.ends(1, -9)
    assert daemon.course.is_over


def test_a_second_stop_asks_again_and_gives_no_more_time() -> None:
    daemon = working()
    daemon.stop()
    daemon.wait(20)
    daemon.stop()
    assert daemon.taken() == [(Deed.ASK, 1), (Deed.ASK, 1)]
    daemon.wait(10)
    assert daemon.taken() == [(Deed.KILL, 1)]


def test_who_pauses_is_stopped_at_once() -> None:
    daemon = Daemon()
    daemon.ends(1, 1)
    daemon.stop()
    assert daemon.course.is_over
    daemon.wait(100)
    assert daemon.taken() == [(Deed.START, 1)]


def test_all_processes_are_stopped() -> None:
    daemon = working(replace(OVERLAPPING, drain=600))
    daemon.says(1, {"X_AYL_TUBES": "shop/1"})
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.says(2, {**READY, "X_AYL_TUBES": "shop/2"})
    daemon.replace(replace(OVERLAPPING, serial="3"))
    daemon.taken()
    daemon.stop()
    assert sorted(daemon.taken(), key=lambda done: done[1]) == [(Deed.ASK, 1), (Deed.ASK, 2), (Deed.ASK, 3)]


# Replace


def test_without_overlap_the_next_is_started_when_the_old_one_has_ended() -> None:
    daemon = working()
    daemon.replace(replace(ORDER, serial="2"))
    assert daemon.taken() == [(Deed.ASK, 1)]
    daemon.wait(20)
    assert daemon.taken() == []
    daemon.ends(1)
    assert daemon.taken() == [(Deed.START, 2)]
    assert daemon.course.current is not None
    assert daemon.course.current.order.serial == "2"


def test_with_overlap_the_old_one_is_asked_when_the_next_works() -> None:
    daemon = working(OVERLAPPING)
    daemon.replace(replace(OVERLAPPING, serial="2"))
    assert daemon.taken() == [(Deed.START, 2)]
    assert daemon.state == "replacing"
    daemon.says(2, READY)
    assert daemon.taken() == [(Deed.ASK, 1)]
    assert daemon.state == "working"
    daemon.ends(1)
    assert daemon.alive == [2]


def test_when_the_next_fails_the_old_one_stays_and_it_is_said_why() -> None:
    daemon = working(OVERLAPPING)
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.ends(2, 78)
    assert daemon.state == "working"
    assert daemon.course.refused == {"2": "ended with exit code 78"}
    assert daemon.alive == [1]
    daemon.ends(1, 1)
    daemon.wait(FIRST_PAUSE)
    assert daemon.course.current is not None
    assert daemon.course.current.order.serial == "1"


def test_when_the_next_is_never_ready_the_old_one_stays() -> None:
    daemon = working(OVERLAPPING)
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.wait(60)
    daemon.ends(2, -9)
    assert daemon.course.refused == {"2": "was not ready within 60 s"}
    assert daemon.alive == [1]


def test_when_the_old_one_dies_meanwhile_the_next_is_all_there_is() -> None:
    daemon = working(OVERLAPPING)
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.ends(1, 1)
    assert daemon.state == "starting"
    daemon.says(2, READY)
    assert daemon.state == "working"
    assert daemon.taken() == [(Deed.START, 2)]


def test_an_order_during_a_replacement_takes_the_place_of_that() -> None:
    daemon = working(OVERLAPPING)
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.replace(replace(OVERLAPPING, serial="3"))
    assert daemon.taken() == [(Deed.START, 2), (Deed.ASK, 2), (Deed.START, 3)]
    daemon.says(2, READY)  # too late
    daemon.says(3, READY)
    assert daemon.taken() == [(Deed.ASK, 1)]


def test_who_pauses_is_started_at_once_with_the_new_order() -> None:
    daemon = Daemon()
    daemon.ends(1, 1)
    daemon.taken()
    daemon.replace(replace(ORDER, serial="2"))
    assert daemon.taken() == [(Deed.START, 2)]
    assert daemon.course.failures == 0


# Drain


def test_workers_whose_tubes_the_next_do_not_watch_stay_until_these_are_drained() -> None:
    daemon = working(replace(OVERLAPPING, drain=600))
    daemon.says(1, {"X_AYL_TUBES": "shop/1 shop/1/mail"})
    daemon.replace(replace(OVERLAPPING, serial="2", drain=600))
    daemon.says(2, {**READY, "X_AYL_TUBES": "shop/2 shop/2/mail"})
    assert daemon.taken() == [(Deed.START, 2), (Deed.DRAIN, 1)]
    daemon.wait(100)
    assert daemon.taken() == []
    daemon.course.drained(1, daemon.now)
    daemon.act()
    assert daemon.taken() == [(Deed.ASK, 1)]


def test_they_stay_no_longer_than_they_may() -> None:
    daemon = working(replace(OVERLAPPING, drain=600))
    daemon.says(1, {"X_AYL_TUBES": "shop/1"})
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.says(2, {**READY, "X_AYL_TUBES": "shop/2"})
    daemon.wait(599)
    assert daemon.taken() == [(Deed.START, 2), (Deed.DRAIN, 1)]
    daemon.wait(1)
    assert daemon.taken() == [(Deed.ASK, 1)]


@pytest.mark.parametrize("tubes", ["shop/1", "shop/1 shop/2"])
def test_workers_of_the_same_tubes_do_not_wait(tubes: str) -> None:
    daemon = working(replace(OVERLAPPING, drain=600))
    daemon.says(1, {"X_AYL_TUBES": "shop/1"})
    daemon.replace(replace(OVERLAPPING, serial="2"))
    daemon.says(2, {**READY, "X_AYL_TUBES": tubes})
    assert daemon.taken() == [(Deed.START, 2), (Deed.ASK, 1)]


def draining(**changes: object) -> Daemon:
    """The first process is there for its tube, at most 600 s, and the second works."""
    order = replace(OVERLAPPING, drain=600, **changes)  # type: ignore[arg-type] # of whatever the test is about
    daemon = working(order)
    daemon.says(1, {"X_AYL_TUBES": "shop/1", "X_AYL_ENGINE": "beanstalkd://here"})
    daemon.replace(replace(order, serial="2"))
    daemon.says(2, {**READY, "X_AYL_TUBES": "shop/2"})
    assert daemon.taken() == [(Deed.START, 2), (Deed.DRAIN, 1)]
    return daemon


def test_one_that_dies_while_it_drains_is_started_again_with_its_own_order_until_all_is_drained() -> None:
    daemon = draining()
    daemon.wait(100)
    daemon.ends(1, -9)
    assert daemon.state == "working"
    daemon.wait(FIRST_PAUSE / 2)
    assert daemon.taken() == []
    daemon.wait(FIRST_PAUSE / 2)
    assert daemon.taken() == [(Deed.START, 3), (Deed.DRAIN, 3)]
    (again,) = daemon.course.leaving
    assert (again.order.serial, again.tubes, again.engine) == ("1", "shop/1", "beanstalkd://here")
    daemon.says(3, READY)
    daemon.course.drained(3, daemon.now)
    daemon.act()
    assert daemon.taken() == [(Deed.ASK, 3)]
    daemon.ends(3)
    daemon.wait(1000)
    assert daemon.taken() == []
    assert daemon.alive == [2]


def test_what_is_started_again_has_the_time_that_is_left() -> None:
    daemon = draining()
    daemon.wait(590)
    daemon.ends(1, 1)
    daemon.wait(FIRST_PAUSE)
    daemon.says(3, READY)
    daemon.taken()
    daemon.wait(8.9)
    assert daemon.taken() == []
    daemon.wait(0.2)
    assert daemon.taken() == [(Deed.ASK, 3)]


def test_it_is_not_started_again_when_its_time_is_over_meanwhile() -> None:
    daemon = draining()
    daemon.wait(600 - FIRST_PAUSE / 2)
    daemon.ends(1, 1)
    daemon.wait(1000)
    assert daemon.taken() == []


def test_its_pauses_grow_too() -> None:
    daemon = draining()
    starts = []
    for number in (1, 3, 4, 5):
        daemon.ends(number, 1)
        died = daemon.now
        daemon.wait(daemon.course.next() - daemon.now)
        starts.append(daemon.now - died)
    assert starts == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]


def test_it_is_not_started_again_where_the_order_says_so_or_all_stops() -> None:
    daemon = draining(restart=Restart.NEVER)
    daemon.ends(1, 1)
    daemon.wait(1000)
    assert daemon.taken() == []
    daemon = draining()
    daemon.ends(1, 1)
    daemon.stop()
    daemon.ends(2)
    assert daemon.course.is_over
    daemon.wait(1000)
    assert daemon.taken() == [(Deed.ASK, 2)]


def test_another_keeper_starts_it_again_too() -> None:
    daemon = draining()
    daemon.ends(1, 1)
    daemon.course = Course.of(json.loads(json.dumps(daemon.course.record())))
    daemon.wait(FIRST_PAUSE)
    assert daemon.taken() == [(Deed.START, 3), (Deed.DRAIN, 3)]


def test_what_an_earlier_release_has_recorded_is_enough() -> None:
    record = working().course.record()
    del record["returning"]
    del record["runs"][0]["returns"]
    assert Course.of(record).state == "working"


# Whatever happens


KINDS = (
    st.tuples(st.just("wait"), st.floats(0, 100)),
    st.tuples(st.just("ready"), st.integers(0, 5)),
    st.tuples(st.just("end"), st.tuples(st.integers(0, 5), st.sampled_from([0, 1, -9]))),
    st.tuples(st.just("replace"), st.booleans()),
)

EVENTS = st.lists(st.one_of(*KINDS), max_size=30)

DRAINING_EVENTS = st.lists(st.one_of(*KINDS, st.tuples(st.just("tubes"), st.integers(0, 5))), max_size=30)


def happen(daemon: Daemon, what: str, fact: object) -> None:
    match what, fact:
        case "wait", float(seconds):
            daemon.wait(seconds)
        case "ready", int(at) if daemon.alive:
            daemon.says(daemon.alive[at % len(daemon.alive)], READY)
        case "tubes", int(at) if daemon.alive:
            number = daemon.alive[at % len(daemon.alive)]
            daemon.says(number, {"X_AYL_TUBES": f"shop/{number}"})
        case "end", (int(at), int(code)) if daemon.alive:
            daemon.ends(daemon.alive[at % len(daemon.alive)], code)
        case "replace", bool(overlap):
            daemon.replace(replace(ORDER, overlap=overlap, drain=50, serial=str(daemon.now)))


def is_serving(run: Run) -> bool:
    return run.is_ready and not run.is_asked


@given(DRAINING_EVENTS, st.booleans())
def test_whatever_happens_a_stop_brings_all_to_an_end(events: list[tuple[str, object]], overlap: bool) -> None:
    daemon = Daemon(replace(ORDER, overlap=overlap))
    for what, fact in events:
        happen(daemon, what, fact)
        assert sorted(daemon.alive) == sorted(run.number for run in daemon.course.runs)
    daemon.stop()
    daemon.taken()
    alive = [*daemon.alive]
    daemon.wait(ORDER.grace)
    assert {number for deed, number in daemon.taken() if deed is Deed.KILL} <= set(alive)
    for number in alive:
        daemon.ends(number, -9)
    assert daemon.course.is_over
    daemon.wait(1000)
    assert daemon.taken() == []


@given(EVENTS)
def test_a_replacement_never_takes_the_last_that_works_away(events: list[tuple[str, object]]) -> None:
    daemon = Daemon(OVERLAPPING)
    for what, fact in events:
        served = any(map(is_serving, daemon.course.runs))
        happen(daemon, what, True if what == "replace" else fact)
        if served and what != "end":
            assert any(map(is_serving, daemon.course.runs))


@given(DRAINING_EVENTS)
def test_without_overlap_there_are_never_two(events: list[tuple[str, object]]) -> None:
    daemon = Daemon()
    for what, fact in events:
        happen(daemon, what, False if what == "replace" else fact)
        assert len(daemon.alive) <= 1


def test_ends_are_told_in_words() -> None:
    assert told(0) == "ended with exit code 0"
    assert told(-11) == "was killed by SIGSEGV"
    assert told(-40) == "was killed by signal 40"
