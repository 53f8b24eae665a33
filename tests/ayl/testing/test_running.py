"""What was sent is run where the test says so: afterwards, or in place; through its bytes, as by a worker."""

from __future__ import annotations

import asyncio

import pytest

import ayl
from ayl import testing
from ayl.errors import Gone
from ayl.handle import State
from ayl.testing import Recording, TooManyCalls

from .depot import DONE, FOUND, Order, echo, fail, note, wait


def test_run_sent_makes_the_calls_in_order_and_finds_their_objects_again(recorded: Recording) -> None:
    ayl.send(Order(42).ship, "ups")
    ayl.send(note, "socks")
    ayl.opts(delay=3600).send(Order(7).merge, [Order(8), Order(9)], {})
    assert DONE == []
    assert recorded.run_sent() == 3
    assert DONE == [(42, "ups", False), "socks", (7, [8, 9], {})]
    assert sorted(FOUND) == [7, 8, 9, 42]


def test_run_sent_runs_each_call_once(recorded: Recording) -> None:
    ayl.send(note, 1)
    assert recorded.run_sent() == 1
    ayl.send(note, 2)
    assert recorded.run_sent() == 1
    assert recorded.run_sent() == 0
    assert DONE == [1, 2]
    assert len(recorded) == 2


def test_run_sent_runs_what_the_calls_send_in_turn_behind_the_others(recorded: Recording) -> None:
    ayl.send(Order(1).ship_and_tell, "ups")
    ayl.send(note, "before")
    assert recorded.run_sent() == 4
    assert DONE == [(1, "ups", False), "before", "1 shipped", "told"]
    recorded.assert_sent(note, "told")


def test_run_sent_ends_a_chain_that_has_no_end(recorded: Recording) -> None:
    ayl.send(echo, 1)
    with pytest.raises(TooManyCalls, match=r"depot\.echo\(11\) is next"):
        recorded.run_sent(limit=10)
    assert DONE == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_run_sent_runs_as_many_as_its_limit(recorded: Recording) -> None:
    for number in range(3):
        ayl.send(note, number)
    assert recorded.run_sent(limit=3) == 3


def test_what_a_call_raises_comes_out_and_the_rest_can_be_run(recorded: Recording) -> None:
    for function, text in ((note, "1"), (fail, "2"), (note, "3")):
        ayl.send(function, text)
    with pytest.raises(ValueError, match="2"):
        recorded.run_sent()
    assert DONE == ["1", "2"]
    assert recorded.run_sent() == 1
    assert DONE == ["1", "2", "3"]


def test_an_object_that_is_gone_comes_out_as_in_a_worker(recorded: Recording) -> None:
    ayl.send(Order(1234).ship, "ups")
    with pytest.raises(Gone, match="1234 exists no more"):
        recorded.run_sent()


def test_coroutines_are_run_to_their_end_even_from_a_coroutine(recorded: Recording) -> None:
    async def main() -> None:
        await ayl.asend(wait, "socks")
        assert recorded.run_sent() == 1

    asyncio.run(main())
    assert DONE == ["socks"]


def test_a_coroutine_may_have_them_run_in_a_thread(recorded: Recording) -> None:
    async def main() -> int:
        await ayl.asend(Order(42).ship, "ups")
        return await asyncio.to_thread(recorded.run_sent)

    assert asyncio.run(main()) == 1
    assert DONE == [(42, "ups", False)]


# In place


def test_inline_makes_calls_where_they_are_sent_and_records_them() -> None:
    with testing.inline() as sent:
        handle = ayl.send(Order(1).ship_and_tell, "ups")
        assert DONE == [(1, "ups", False), "1 shipped", "told"]
    assert handle.state is State.RAN
    assert FOUND == [1]
    sent.assert_sent(note, "1 shipped")
    assert sent.run_sent() == 0


def test_inline_lets_out_what_a_call_raises() -> None:
    with testing.inline() as sent, pytest.raises(ValueError, match="socks"):
        ayl.send(fail, "socks")
    assert len(sent) == 1


def test_inline_makes_the_calls_of_a_batch_at_its_end() -> None:
    with testing.inline():
        with ayl.batch():
            ayl.send(note, 1)
            assert DONE == []
        assert DONE == [1]


def test_inline_within_a_recording_runs_and_records_alone(recorded: Recording) -> None:
    with testing.inline() as sent:
        ayl.send(note, 1)
    assert (len(sent), len(recorded), DONE) == (1, 0, [1])
