"""A batch changes when calls leave, not whether: in few writes, in order, whatever happens to the block."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.batches import BATCH_SIZE
from ayl.errors import CannotSend, NotSubmitted, Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox

LOG: list[Any] = []


@ayl.task("batches.note")
def note(number: int) -> None:
    LOG.append(number)


@ayl.task("batches.fail")
def fail(number: int) -> None:
    LOG.append(number)
    raise ValueError(number)


@pytest.fixture(autouse=True)
def _empty() -> None:
    LOG.clear()


def numbers(outbox: Outbox) -> list[int]:
    return [message.args[0] for message in outbox.messages]


def refuse(*refused: int, error: Callable[[str], NotSubmitted] = Refused) -> Any:
    return lambda number: error(f"no room for {number}") if number in refused else None


def test_calls_leave_together_at_the_end_and_in_order(outbox: Outbox) -> None:
    with ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(10)]
        assert not outbox.writes
        assert [handle.job_id for handle in handles] == [None] * 10
        assert batch.sent == 0
    assert len(outbox.writes) == 1
    assert numbers(outbox) == list(range(10))
    assert [handle.job_id for handle in handles] == list(range(1, 11))
    assert batch.sent == 10


def test_ids_are_known_at_once(outbox: Outbox) -> None:
    with ayl.batch():
        handle = ayl.send(note, 1)
        known = handle.id
    assert outbox.messages[0].id == known == handle.id


def test_a_batch_without_calls_writes_nothing(outbox: Outbox) -> None:
    with ayl.batch() as batch:
        pass
    assert (outbox.writes, batch.sent) == ([], 0)


def test_a_long_batch_leaves_in_parts(outbox: Outbox) -> None:
    with ayl.batch() as batch:
        for number in range(2 * BATCH_SIZE + 1):
            ayl.send(note, number)
        assert [len(write) for write in outbox.writes] == [BATCH_SIZE, BATCH_SIZE]
    assert [len(write) for write in outbox.writes] == [BATCH_SIZE, BATCH_SIZE, 1]
    assert numbers(outbox) == list(range(2 * BATCH_SIZE + 1))
    assert batch.sent == 2 * BATCH_SIZE + 1


def test_options_and_lanes_are_each_calls_own(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.opts(delay=1, lane="slow").send(note, 1)
        ayl.send(note, 2)
        ayl.opts(priority=3).send(note, 3)
    assert [(each.tube, each.priority, each.delay) for each in outbox.submissions] == [
        ("shop/1.4.2/slow", 512, 1),
        ("shop/1.4.2", 512, 0),
        ("shop/1.4.2", 3, 0),
    ]


# Blocks that raise


def send_and_raise(error: BaseException) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        raise error


@pytest.mark.parametrize(
    "error", [RuntimeError("on purpose"), KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError()], ids=repr
)
def test_what_was_sent_before_an_exception_is_sent(error: BaseException, outbox: Outbox) -> None:
    with pytest.raises(type(error)) as caught:
        send_and_raise(error)
    assert caught.value is error
    assert numbers(outbox) == [1]


def test_a_call_that_cannot_be_sent_takes_no_other_with_it(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.send(note, 2)
        with pytest.raises(CannotSend):
            ayl.send(note)  # type: ignore[call-arg]
        ayl.send(note, 3)
    assert numbers(outbox) == [2, 3]


def test_a_block_that_raises_keeps_its_error_and_learns_that_nothing_left(outbox: Outbox) -> None:
    outbox.refuse = refuse(1, error=Unreachable)
    with pytest.raises(RuntimeError, match="on purpose") as caught:
        send_and_raise(RuntimeError("on purpose"))
    assert caught.value.__notes__ == ["and the batch could not be sent: no room for 1"]


# Refusals


def test_a_refusal_in_the_middle_stops_no_other_and_is_raised_at_the_end(outbox: Outbox) -> None:
    outbox.refuse = refuse(2, 4)
    with pytest.raises(Refused, match="no room for 2"), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(1, 6)]
    assert numbers(outbox) == [1, 2, 3, 4, 5]
    assert [handle.job_id for handle in handles] == [1, None, 3, None, 5]
    assert [str(handle.error) for handle in handles if handle.error] == ["no room for 2", "no room for 4"]
    assert batch.sent == 3


def test_a_refusal_of_an_early_part_stops_no_later_one(outbox: Outbox) -> None:
    outbox.refuse = refuse(2)
    with pytest.raises(Refused, match="no room for 2"), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(1, BATCH_SIZE + 11)]
    assert numbers(outbox) == list(range(1, BATCH_SIZE + 11))
    assert [handle.job_id for handle in handles[:3]] == [1, None, 3]
    assert batch.sent == BATCH_SIZE + 9


def test_a_handle_of_a_refused_call_says_so(outbox: Outbox) -> None:
    outbox.refuse = refuse(1)
    with pytest.raises(Refused), ayl.batch():
        handle = ayl.send(note, 1)
    assert handle.job_id is None
    assert "no room for 1" in repr(handle)


# In place


def test_the_synchronous_engine_makes_the_calls_at_the_end(inline: None) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        ayl.send(note, 2)
        assert LOG == []
    assert LOG == [1, 2]


def test_a_call_that_fails_in_place_stops_no_other(inline: None) -> None:
    with pytest.raises(ValueError, match=r"^2$"), ayl.batch():
        _ = ayl.send(note, 1), ayl.send(fail, 2), ayl.send(note, 3)
    assert LOG == [1, 2, 3]


def test_a_block_that_raises_keeps_its_error_when_a_call_fails_in_place(inline: None) -> None:
    def block() -> None:
        with ayl.batch():
            ayl.send(fail, 1)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        block()
    assert LOG == [1]
