"""Time to run: a call is ended when it is over, and what runs after the call is never hit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.errors import OutOfTime, TimeToRunExceeded
from ayl.limits import Limit, countdown, hasten, limited, unharmed, within

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG: list[str] = []


def spin(seconds: float) -> str:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "done"


def spin_on() -> None:
    spin(20)


@contextlib.contextmanager
def ended_within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.fixture(autouse=True)
def _empty() -> None:
    LOG.clear()


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns very often, so that they meet in the most awkward places."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_call_that_ends_in_time_gives_its_result() -> None:
    assert limited(10, lambda: "done") == "done"


def test_without_a_thread_to_watch_it_no_call_is_made() -> None:
    code = (
        "import threading\n"
        "from ayl.limits import limited\n"
        "threading.stack_size(1 << 46)  # no system has room for that\n"
        "for _ in range(2):\n"
        "    try: limited(9, lambda: print('made'))\n"
        "    except RuntimeError: print('not made')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split("\n") == ["not made", "not made", ""]


def test_a_call_is_ended_once_what_that_takes_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def call() -> None:
        monkeypatch.setitem(sys.modules, "ctypes", None)
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            pass
        ended.append("not yet")
        monkeypatch.undo()
        while True:
            pass

    ended: list[str] = []
    with pytest.raises(TimeToRunExceeded):
        limited(0.05, call)
    assert ended == ["not yet"]


def test_a_call_that_raises_in_time_raises_what_it_does() -> None:
    with pytest.raises(ZeroDivisionError):
        limited(10, lambda: 1 // 0)


def test_a_call_that_takes_too_long_is_ended() -> None:
    with (
        ended_within(2),
        pytest.raises(TimeToRunExceeded, match=r"^the call took longer than 0.1 s, which is its time to run$"),
    ):
        limited(0.1, spin_on)


def test_a_call_is_told_by_an_exception_that_its_handlers_let_through() -> None:
    def careless() -> None:
        try:
            spin_on()
        except Exception:  # noqa: BLE001 - that is what is tested
            LOG.append("swallowed")
        finally:
            LOG.append("cleaned up")

    with pytest.raises(TimeToRunExceeded):
        limited(0.1, careless)
    assert LOG == ["cleaned up"]


def test_a_call_that_insists_on_going_on_is_not_shot_twice() -> None:
    def stubborn() -> str:
        with contextlib.suppress(OutOfTime):
            spin_on()
        return spin(0.2)

    assert limited(0.1, stubborn) == "done"
    spin(0.05)


def test_any_number_of_threads_have_limits_of_their_own() -> None:
    ends: dict[int, str] = {}

    def work(number: int) -> None:
        try:
            ends[number] = limited(0.2 if number % 2 else 10, lambda: spin(0.5))
        except TimeToRunExceeded:
            ends[number] = "ended"

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {number: "ended" if number % 2 else "done" for number in range(6)}


def test_a_limit_within_a_limit_ends_the_inner_call_alone() -> None:
    def outer() -> str:
        with pytest.raises(TimeToRunExceeded):
            limited(0.1, spin_on)
        return "outer goes on"

    assert limited(10, outer) == "outer goes on"


def test_a_limit_around_a_limit_ends_both() -> None:
    def outer() -> None:
        try:
            limited(10, spin_on)
        except TimeToRunExceeded:
            LOG.append("the inner call was not the one to blame")

    with pytest.raises(TimeToRunExceeded, match=r"0\.1 s"):
        limited(0.1, outer)
    assert LOG == []


def test_seconds_left_are_those_of_the_strictest_limit() -> None:
    assert countdown()() is None
    inner = limited(5, lambda: limited(100, lambda: countdown()()))  # noqa: PLW0108 - only in there it counts
    assert inner is not None
    assert 4 < inner <= 5
    assert countdown()() is None


def nested(seconds: float, depth: int) -> str:
    """A call in so many limits, the innermost a little stricter than those around it."""
    if depth == 0:
        return spin(0.0004)
    return limited(seconds, lambda: nested(seconds * 0.95, depth - 1))


def around_the_deadline(rounds: int, depth: int) -> tuple[int, int]:
    """Many calls that end just when their time is over; how many were ended and how many were quicker."""
    ended = done = 0
    for number in range(rounds):
        try:
            assert nested(0.0002 + (number % 40) * 0.00001, depth) == "done"
            done += 1
        except TimeToRunExceeded:
            ended += 1
        for _ in range(20):
            pass  # whatever was still under way would come out here
    return ended, done


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_call_that_ends_when_its_time_is_over_hits_nothing_behind_it(eager_threads: None, depth: int) -> None:
    ends: list[tuple[int, int]] = []

    def work() -> None:
        with contextlib.suppress(BaseException):
            ends.append(around_the_deadline(400, depth))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 3, "one was hit outside of its call"
    assert sum(ended for ended, _ in ends) > 10
    assert sum(done for _, done in ends) > 10
    assert limited(1, lambda: spin(0.1)) == "done"
    assert countdown()() is None


def test_a_forked_child_goes_on_with_its_call_and_its_limit() -> None:
    def fork_and_spin() -> int:
        child = os.fork()
        if child == 0:
            signal.alarm(15)
            try:
                limited(0.1, spin_on)
            except TimeToRunExceeded:
                os._exit(7)
            os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert limited(20, fork_and_spin) == 7


# The synchronous engine


@ayl.task("limits.take")
def take(seconds: float) -> None:
    spin(seconds)
    LOG.append(f"took {seconds}")


@ayl.task("limits.take_asleep")
async def take_asleep(seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
        LOG.append(f"slept {seconds}")
    finally:
        LOG.append("awake")


@ayl.task("limits.hog")
async def hog(seconds: float) -> None:
    """Lets no event loop cancel it."""
    spin(seconds)


@ayl.task("limits.own_timeout")
async def own_timeout() -> None:
    raise TimeoutError("of its own")


@ayl.task("limits.nest")
def nest(seconds: float) -> None:
    try:
        ayl.send(take, seconds)
    except TimeToRunExceeded:
        LOG.append("inner ended")


def test_the_time_to_run_holds_for_calls_made_in_place(inline: None) -> None:
    with ended_within(3), pytest.raises(TimeToRunExceeded, match="1 s"):
        ayl.opts(time_to_run=1).send(take, 20)
    ayl.opts(time_to_run=1).send(take, 0)
    assert LOG == ["took 0"]


def test_the_budget_holds_whatever_the_time_to_run() -> None:
    ayl.configure(app="shop", engine="synchronous?budget=0.1")
    with ended_within(1), pytest.raises(TimeToRunExceeded, match=r"0\.1 s"):
        ayl.send(take, 20)


def test_one_call_of_a_batch_that_is_ended_keeps_none_back() -> None:
    ayl.configure(app="shop", engine="synchronous?budget=0.2")
    with pytest.raises(TimeToRunExceeded):
        ayl.send_many((take, seconds) for seconds in (0, 20, 0))
    assert LOG == ["took 0", "took 0"]


def test_a_coroutine_is_cancelled_when_its_time_is_over() -> None:
    ayl.configure(app="shop", engine="synchronous?budget=0.1")
    with ended_within(1), pytest.raises(TimeToRunExceeded, match="the coroutine was cancelled"):
        ayl.send(take_asleep, 20)
    assert LOG == ["awake"]


def test_a_coroutine_sent_from_a_coroutine_is_cancelled_too() -> None:
    ayl.configure(app="shop", engine="synchronous?budget=0.1")

    async def main() -> None:
        ayl.send(take_asleep, 20)

    with ended_within(1), pytest.raises(TimeToRunExceeded, match="the coroutine was cancelled"):
        asyncio.run(main())


def test_a_coroutine_that_does_not_let_itself_be_cancelled_is_ended_a_little_later() -> None:
    ayl.configure(app="shop", engine="synchronous?budget=0.1")
    with ended_within(3), pytest.raises(TimeToRunExceeded):
        ayl.send(hog, 20)


def test_a_timeout_of_the_coroutines_own_is_its_own(inline: None) -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        ayl.send(own_timeout)


def test_a_call_in_place_within_a_call_in_place_has_its_own_time() -> None:
    ayl.configure(app="shop", engine="synchronous")
    ayl.opts(time_to_run=10).send(nest, 0)
    ayl.configure(defaults={"time_to_run": 1})
    with ended_within(4):
        ayl.opts(time_to_run=10).send(nest, 20)
    assert LOG == ["took 0", "inner ended"]


def test_the_outer_calls_time_ends_the_inner_one_too() -> None:
    ayl.configure(app="shop", engine="synchronous")
    with ended_within(3), pytest.raises(TimeToRunExceeded):
        ayl.opts(time_to_run=1).send(nest, 20)
    assert LOG == []


# Calls that are given up


class Impatient(Limit):
    """Gives a call up soon after the shot."""

    @property
    def patience(self) -> float:
        return 0.2

    def __init__(self, seconds: float) -> None:
        super().__init__(time.monotonic() + seconds, seconds)
        self.given_up = threading.Event()

    def give_up(self) -> None:
        LOG.append("given up")
        self.given_up.set()


def test_a_call_that_goes_on_is_given_up_and_its_thread_stays_where_it_is() -> None:
    limit = Impatient(0.1)

    def go_on() -> None:
        while not limit.given_up.is_set():
            with contextlib.suppress(BaseException):
                time.sleep(0.01)
        LOG.append("ended")

    thread = threading.Thread(target=lambda: LOG.append(str(within(limit, go_on))), daemon=True)
    thread.start()
    assert limit.given_up.wait(5)
    thread.join(0.3)
    assert thread.is_alive()
    assert LOG == ["given up", "ended"]


def test_a_call_that_ends_after_the_shot_is_not_given_up() -> None:
    limit = Impatient(0.1)

    def end_late() -> None:
        try:
            spin_on()
        finally:
            spin(0.1)

    with pytest.raises(TimeToRunExceeded):
        within(limit, end_late)
    assert not limit.given_up.wait(0.3)


def test_a_call_whose_time_is_prolonged_goes_on_and_one_that_is_hastened_ends() -> None:
    limit = Limit(time.monotonic() + 0.1, 1)

    def prolong() -> str:
        limit.deadline += 5
        return spin(0.3)

    assert within(limit, prolong) == "done"
    limit = Limit(time.monotonic() + 100, 100)
    timer = threading.Timer(0.1, hasten, [limit, "the lease is lost"])
    timer.start()
    with ended_within(5), pytest.raises(TimeToRunExceeded, match=r"^the lease is lost$"):
        within(limit, spin_on)
    timer.join()


def test_a_coroutine_whose_time_is_prolonged_goes_on() -> None:
    from ayl.loops import run

    limit = Limit(time.monotonic() + 0.2, 1)

    async def prolong() -> None:
        limit.deadline += 0.4
        await asyncio.sleep(0.4)
        LOG.append("prolonged")
        await asyncio.sleep(20)

    with ended_within(5), pytest.raises(TimeToRunExceeded):
        within(limit, lambda: run(prolong()))
    assert LOG == ["prolonged"]


# What must not be torn


def test_a_call_is_not_ended_in_the_midst_of_a_question_but_behind_it() -> None:
    answers: list[str] = []

    def ask() -> None:
        with unharmed():
            answers.append(spin(0.3))
        answers.append(spin(20))

    with pytest.raises(TimeToRunExceeded), ended_within(1.0):
        limited(0.05, ask)
    assert answers == ["done"]


def test_who_goes_on_though_its_time_is_over_may_ask_all_the_same() -> None:
    answers: list[str] = []

    def ask() -> None:
        try:
            spin_on()
        except OutOfTime:
            with unharmed():
                answers.append("asked")
            raise

    with pytest.raises(TimeToRunExceeded), ended_within(1.0):
        limited(0.05, ask)
    assert answers == ["asked"]


def test_questions_are_asked_without_a_limit_too() -> None:
    with unharmed():
        pass
    assert limited(5, lambda: spin(0.01)) == "done"
