"""Which sends a batch gathers: those made in its block, by the block's own thread, and no others."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING

import pytest

import ayl

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.ayl.conftest import Outbox


@ayl.task("scope.note")
def note(number: int) -> None: ...


def numbers(outbox: Outbox) -> list[int]:
    return [message.args[0] for message in outbox.messages]


def test_a_batch_within_a_batch_leaves_at_its_own_end(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        with ayl.batch():
            ayl.send(note, 2)
        assert numbers(outbox) == [2]
        ayl.send(note, 3)
    assert numbers(outbox) == [2, 1, 3]


def test_a_batch_is_for_one_span(outbox: Outbox) -> None:
    with ayl.batch() as batch:
        with pytest.raises(RuntimeError, match="begin another"), batch:
            pass
        ayl.send(note, 1)
    with pytest.raises(RuntimeError, match="begin another"), batch:
        pass
    assert numbers(outbox) == [1]


def test_after_a_batch_calls_leave_at_once_again(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.send(note, 1)
    ayl.send(note, 2)
    assert [len(write) for write in outbox.writes] == [1, 1]


def test_a_thread_that_is_started_in_the_block_is_not_in_the_batch(outbox: Outbox) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        thread = threading.Thread(target=ayl.send, args=(note, 2))
        thread.start()
        thread.join()
        assert numbers(outbox) == [2]
    assert numbers(outbox) == [2, 1]


def test_another_thread_sends_at_once_while_a_batch_is_open(outbox: Outbox) -> None:
    opened, sent = threading.Event(), threading.Event()

    def other() -> None:
        opened.wait(5)
        ayl.send(note, 2)
        sent.set()

    thread = threading.Thread(target=other)
    thread.start()
    with ayl.batch():
        opened.set()
        assert sent.wait(5)
        assert numbers(outbox) == [2]
    thread.join()


def test_what_outlives_the_block_does_not_wait_for_it(outbox: Outbox) -> None:
    # A task of asyncio, asyncio.to_thread and the like take a copy of the context with them.
    with ayl.batch():
        context = contextvars.copy_context()
    context.run(ayl.send, note, 1)
    assert numbers(outbox) == [1]


def test_a_task_that_was_started_in_the_block_sends_after_its_end(outbox: Outbox) -> None:
    async def later(ended: asyncio.Event) -> None:
        await ended.wait()
        ayl.send(note, 1)

    async def main() -> None:
        ended = asyncio.Event()
        with ayl.batch():
            task = asyncio.create_task(later(ended))
            await asyncio.sleep(0)
        ended.set()
        await task

    asyncio.run(main())
    assert numbers(outbox) == [1]


def test_a_task_that_the_block_waits_for_is_in_its_batch(outbox: Outbox) -> None:
    async def one(number: int) -> None:
        await ayl.asend(note, number)

    async def main() -> None:
        async with ayl.batch():
            await asyncio.gather(one(1), one(2))
            assert numbers(outbox) == []

    asyncio.run(main())
    assert [len(write) for write in outbox.writes] == [2]


def test_another_thread_is_not_in_the_batch_even_with_a_copy_of_its_context(outbox: Outbox) -> None:
    # It could add to the batch just when that ends.
    async def main() -> None:
        async with ayl.batch():
            await asyncio.to_thread(ayl.send, note, 1)
            assert numbers(outbox) == [1]

    asyncio.run(main())


def test_a_batch_that_is_ended_in_another_context_is_sent(outbox: Outbox) -> None:
    async def noting() -> AsyncGenerator[None]:
        async with ayl.batch():
            ayl.send(note, 1)
            yield

    async def main() -> None:
        generator = noting()
        async for _ in generator:
            break
        await asyncio.create_task(generator.aclose())
        ayl.send(note, 2)

    asyncio.run(main())
    assert numbers(outbox) == [1, 2]
