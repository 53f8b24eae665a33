"""Sending from coroutines, many calls at once, and batches that a coroutine opens."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import State, commits
from ayl.batches import BATCH_SIZE
from ayl.errors import ArgumentsDoNotFit, CannotSend, NotConfigured, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.engines.submissions import Submission
    from tests.ayl.conftest import Outbox, Server


@ayl.task("many.note")
def note(number: int) -> None: ...


@ayl.task("many.wait")
async def wait(number: int) -> None: ...


class Order(ayl.Sendable, ayl_name="many.Order"):
    id = 42

    @classmethod
    def find(cls, key: int) -> Order:
        return cls()

    def ship(self, carrier: str) -> None: ...


def numbers(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


# asend


def test_asend_sends_functions_methods_and_coroutines(outbox: Outbox) -> None:
    async def main() -> list[ayl.Handle]:
        return [await ayl.asend(note, 1), await ayl.asend(wait, 2), await ayl.asend(Order().ship, "ups")]

    handles = asyncio.run(main())
    assert [message.id for message in outbox.messages] == [handle.id for handle in handles]
    assert [message.do for message in outbox.messages] == ["many.note", "many.wait", "ship"]
    assert {handle.state for handle in handles} == {State.SUBMITTED}


def test_the_event_loop_goes_on_while_a_slow_server_is_spoken_to(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    submit = outbox.submit

    def slow(submissions: Sequence[Submission]) -> Sequence[Any]:
        assert answer.wait(10), "the loop stood still: nobody let the server answer"
        return submit(submissions)

    monkeypatch.setattr(outbox, "submit", slow)

    async def main() -> None:
        sending = asyncio.create_task(ayl.asend(note, 1))
        await asyncio.sleep(0.01)
        assert not sending.done()
        answer.set()
        await sending

    asyncio.run(main())
    assert numbers(outbox) == [1]


def test_what_is_wrong_with_a_call_is_raised_by_asend(outbox: Outbox) -> None:
    with pytest.raises(ArgumentsDoNotFit):
        asyncio.run(ayl.asend(note))  # type: ignore[call-arg]
    outbox.refuse = lambda _number: Refused("no room")
    with pytest.raises(Refused, match="no room"):
        asyncio.run(ayl.asend(note, 1))


def test_asend_without_an_app_says_what_to_add() -> None:
    with pytest.raises(NotConfigured, match=r"ayl\.configure"):
        asyncio.run(ayl.asend(note, 1))


def test_asend_with_options(outbox: Outbox) -> None:
    asyncio.run(ayl.opts(delay=60, lane="slow").asend(note, 1))
    assert [(sent.delay, sent.tube) for sent in outbox.submissions] == [(60, "shop/1.4.2/slow")]


def test_asend_joins_the_batch_of_its_own_task(outbox: Outbox) -> None:
    async def main() -> None:
        async with ayl.batch():
            await ayl.asend(note, 1)
            await ayl.asend(note, 2)
            assert outbox.writes == []

    asyncio.run(main())
    assert [len(write) for write in outbox.writes] == [2]


def test_asend_lets_a_full_batch_leave(outbox: Outbox) -> None:
    async def main() -> None:
        async with ayl.batch():
            for number in range(BATCH_SIZE + 1):
                await ayl.asend(note, number)
            assert [len(write) for write in outbox.writes] == [BATCH_SIZE]

    asyncio.run(main())
    assert numbers(outbox) == list(range(BATCH_SIZE + 1))


def test_asend_waits_for_a_commit(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(commits, "WATCHERS", [lambda _named: [waiting.append]])

    async def main() -> ayl.Handle:
        return await ayl.asend(note, 1)

    handle = asyncio.run(main())
    states = [handle.state]
    waiting.pop()()
    assert [*states, handle.state] == [State.UNCOMMITTED, State.SUBMITTED]


def test_asend_reaches_a_real_server(server: Server, tube: str) -> None:
    async def main() -> None:
        await asyncio.gather(*(ayl.asend(note, number) for number in range(20)))

    asyncio.run(main())
    assert sorted(message.args[0] for message in server.take(tube)) == list(range(20))


# async with ayl.batch()


def test_a_batch_of_a_coroutine_leaves_in_another_thread(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    submit = outbox.submit

    def noting(submissions: Sequence[Submission]) -> Sequence[Any]:
        threads.append(threading.current_thread())
        return submit(submissions)

    monkeypatch.setattr(outbox, "submit", noting)

    async def main() -> int:
        async with ayl.batch() as batch:
            ayl.send(note, 1)
            assert outbox.writes == []
        return batch.sent

    assert asyncio.run(main()) == 1
    assert threads != [threading.main_thread()]


def test_a_batch_of_a_coroutine_that_raises_is_sent_and_keeps_its_error(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("no room")

    async def main() -> None:
        async with ayl.batch():
            ayl.send(note, 1)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose") as caught:
        asyncio.run(main())
    assert caught.value.__notes__ == ["and the batch could not be sent: no room"]
    assert numbers(outbox) == [1]


def test_a_refusal_is_raised_at_the_end_of_a_coroutine_s_batch(outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("no room") if number == 1 else None

    async def main() -> None:
        async with ayl.batch():
            ayl.send(note, 1)
            ayl.send(note, 2)

    with pytest.raises(Refused, match="no room"):
        asyncio.run(main())
    assert numbers(outbox) == [1, 2]


def test_batches_of_tasks_that_take_turns_do_not_mix(outbox: Outbox) -> None:
    async def sender(first: int) -> None:
        async with ayl.batch():
            for number in range(first, first + 3):
                await asyncio.sleep(0)
                ayl.send(note, number)

    async def main() -> None:
        await asyncio.gather(sender(0), sender(10))

    asyncio.run(main())
    assert sorted([message.args[0] for message in outbox.messages]) == [0, 1, 2, 10, 11, 12]
    assert sorted(len(write) for write in outbox.writes) == [3, 3]


def test_a_coroutine_that_is_cancelled_at_its_batch_s_end_has_sent_it(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answer = threading.Event(), threading.Event()
    submit = outbox.submit

    def slow(submissions: Sequence[Submission]) -> Sequence[Any]:
        begun.set()
        assert answer.wait(10)
        return submit(submissions)

    monkeypatch.setattr(outbox, "submit", slow)

    async def block() -> None:
        async with ayl.batch():
            ayl.send(note, 1)

    async def main() -> None:
        task = asyncio.create_task(block())
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert numbers(outbox) == [1]


# send_many


def test_send_many_sends_in_order_and_in_few_writes(outbox: Outbox) -> None:
    handles = ayl.send_many((note, number) for number in range(10))
    assert [len(write) for write in outbox.writes] == [10]
    assert [message.id for message in outbox.messages] == [handle.id for handle in handles]
    assert numbers(outbox) == list(range(10))


def test_send_many_takes_whatever_send_takes(outbox: Outbox) -> None:
    ayl.send_many([(note, 1), (Order().ship, "ups"), (wait, 2)])
    assert [message.do for message in outbox.messages] == ["many.note", "ship", "many.wait"]


def test_send_many_of_nothing_writes_nothing(outbox: Outbox) -> None:
    assert ayl.send_many([]) == []
    assert outbox.writes == []


def test_send_many_with_options(outbox: Outbox) -> None:
    ayl.opts(priority=3, lane="slow").send_many([(note, 1), (note, 2)])
    assert [(sent.priority, sent.tube) for sent in outbox.submissions] == [(3, "shop/1.4.2/slow")] * 2


def test_send_many_raises_what_is_wrong_with_a_call_and_has_sent_those_before_it(outbox: Outbox) -> None:
    with pytest.raises(ArgumentsDoNotFit):
        ayl.send_many([(note, 1), (note,), (note, 3)])
    assert numbers(outbox) == [1]


@pytest.mark.parametrize("call", [note, (), [note, 1], "note"], ids=repr)
def test_send_many_says_how_a_call_is_written(call: Any, outbox: Outbox) -> None:
    with pytest.raises(CannotSend, match="send_many takes a tuple for each call"):
        ayl.send_many([call])
    with pytest.raises(CannotSend, match="send_many takes a tuple for each call"):
        ayl.opts(delay=1).send_many([call])
    assert outbox.writes == []


def test_send_many_raises_a_refusal_when_all_have_been_tried(outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("no room") if number == 2 else None
    with pytest.raises(Refused, match="no room"):
        ayl.send_many((note, number) for number in range(3))
    assert numbers(outbox) == [0, 1, 2]


def test_send_many_in_a_batch_leaves_by_itself(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        ayl.send_many([(note, 2), (note, 3)])
        assert numbers(outbox) == [2, 3]
    assert numbers(outbox) == [2, 3, 1]


def test_send_many_in_a_transaction_waits_for_its_commit(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(commits, "WATCHERS", [lambda _named: [waiting.append]])
    handles = ayl.send_many([(note, 1), (note, 2)])
    assert outbox.writes == []
    with ayl.batch():
        for send in waiting:
            send()
    assert {handle.state for handle in handles} == {State.SUBMITTED}
    assert [len(write) for write in outbox.writes] == [2]
