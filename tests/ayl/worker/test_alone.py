"""One call alone in its process: the others step aside, and whoever takes too long is not waited for."""

from __future__ import annotations

import select
import threading

from ayl.worker.alone import Alone
from tests.ayl.conftest import wait_until

LONG = 30.0


def is_readable(alone: Alone) -> bool:
    return bool(select.select([alone], [], [], 0)[0])


def stepping_aside(alone: Alone) -> threading.Thread:
    thread = threading.Thread(target=alone.step_aside)
    thread.start()
    return thread


def test_the_only_member_is_alone_at_once() -> None:
    alone = Alone()
    alone.join()
    assert alone.begin(LONG)
    alone.end()
    assert not is_readable(alone)


def test_it_waits_until_all_others_are_aside_and_they_until_it_is_over() -> None:
    alone, begun, told = Alone(), threading.Event(), threading.Event()
    alone.join(3)
    alone.tell(told.set)
    asking = threading.Thread(target=lambda: begun.set() if alone.begin(LONG) else None)
    asking.start()
    wait_until(lambda: is_readable(alone))
    assert alone.is_wanted
    others = [stepping_aside(alone)]
    assert told.wait(LONG)
    assert not begun.wait(0.05)
    others.append(stepping_aside(alone))
    assert begun.wait(LONG)
    assert all(other.is_alive() for other in others)
    alone.end()
    for thread in (asking, *others):
        thread.join(LONG)
        assert not thread.is_alive()
    assert not is_readable(alone)


def test_who_leaves_is_not_waited_for() -> None:
    alone, begun = Alone(), threading.Event()
    alone.join(2)
    asking = threading.Thread(target=lambda: begun.set() if alone.begin(LONG) else None)
    asking.start()
    wait_until(lambda: alone.is_wanted)
    alone.leave()
    assert begun.wait(LONG)
    asking.join()


def test_two_are_never_alone_at_a_time() -> None:
    alone = Alone()
    alone.join()
    assert [alone.begin(LONG), alone.begin(LONG)] == [True, False]
    alone.end()
    assert alone.begin(LONG)


def test_others_that_take_too_long_go_on_and_the_seat_stays_taken() -> None:
    alone = Alone()
    alone.join(2)
    assert alone.begin(0.01)
    assert not alone.is_wanted
    assert not is_readable(alone)
    alone.step_aside()  # comes back at once
    assert not alone.begin(LONG)
    alone.end()
    assert alone.begin(0.01)
