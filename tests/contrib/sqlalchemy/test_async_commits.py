"""AsyncSession: the same rules, task by task, and an event loop that goes on while the server is spoken to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import ayl
from ayl import Handle, State
from ayl.errors import NotSubmitted, Refused
from tests.postgres import sqlalchemy_url

from .conftest import with_savepoints

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Outbox
    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Order(Base, ayl.Sendable, ayl_name="async_commits.Order"):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]

    def ship(self, carrier: str) -> None: ...


@ayl.task("async_commits.announce")
def announce(what: str) -> None: ...


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """A database of PostgreSQL for these tests, one after the other."""
    return sqlalchemy_url(postgres.fresh())


Story = Callable[[AsyncEngine], Awaitable[None]]


@pytest.fixture(params=["aiosqlite", "psycopg"])
def told(request: pytest.FixtureRequest, tmp_path: Path, outbox: Outbox) -> Callable[[Story], None]:
    """Runs a test's story on an event loop, with an engine and two orders."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncEngine]:
        if request.param == "psycopg":
            engine = create_async_engine(request.getfixturevalue("elsewhere"))
        else:
            engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
            with_savepoints(engine.sync_engine)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session, session.begin():
            session.add_all([Order(note="one"), Order(note="two")])
        try:
            yield engine
        finally:
            await engine.dispose()

    async def tell(story: Story) -> None:
        async with opened() as engine:
            await story(engine)

    def run(story: Story) -> None:
        asyncio.run(tell(story))

    return run


def left(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


def send(what: str) -> Handle:
    return ayl.send(announce, what)


def test_sends_wait_for_the_commit_and_leave_in_order(told: Callable[[Story], None], outbox: Outbox) -> None:
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await session.get_one(Order, 1)
            order.ayl_send("ship", "ups")
            await ayl.asend(order.ship, "dhl")
            handle = send("shipped")
            assert (left(outbox), handle.state) == ([], State.UNCOMMITTED)
            await session.commit()
            assert (left(outbox), handle.state) == (["ups", "dhl", "shipped"], State.SUBMITTED)

    told(story)


def test_a_rollback_drops_and_a_savepoint_s_drops_its_own(told: Callable[[Story], None], outbox: Outbox) -> None:
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            async with session.begin():
                send("before")
                with suppress(RuntimeError):
                    async with session.begin_nested():
                        session.add(Order(note="three"))
                        send("in it")
                        raise RuntimeError
                async with session.begin_nested():
                    send("released")
            with suppress(RuntimeError):
                async with session.begin():
                    send("never")
                    raise RuntimeError

    told(story)
    assert left(outbox) == ["before", "released"]


def test_a_close_sends_what_only_read_and_drops_the_rest(told: Callable[[Story], None], outbox: Outbox) -> None:
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            (await session.get_one(Order, 1)).ayl_send("ship", "ups")
        async with AsyncSession(engine) as session:
            await session.execute(update(Order).values(note="three"))
            (await session.get_one(Order, 1)).ayl_send("ship", "never")

    told(story)
    assert left(outbox) == ["ups"]


def test_each_task_has_its_own_transaction(told: Callable[[Story], None], outbox: Outbox) -> None:
    async def story(engine: AsyncEngine) -> None:
        begun, done = asyncio.Event(), asyncio.Event()

        async def other() -> None:
            await begun.wait()
            send("at once")
            async with AsyncSession(engine) as session, session.begin():
                await session.get_one(Order, 2)
                send("of the other")
            done.set()

        task = asyncio.create_task(other())
        async with AsyncSession(engine) as session, session.begin():
            await session.get_one(Order, 1)
            send("of the first")
            begun.set()
            await done.wait()
            assert left(outbox) == ["at once", "of the other"]
        await task

    told(story)
    assert left(outbox) == ["at once", "of the other", "of the first"]


def test_the_loop_goes_on_while_the_server_is_slow(told: Callable[[Story], None], outbox: Outbox) -> None:
    asked, went_on = threading.Event(), threading.Event()

    def slow(_number: int) -> NotSubmitted | None:
        asked.set()
        return None if went_on.wait(20) else Refused("the loop stood still")

    outbox.refuse = slow

    async def story(engine: AsyncEngine) -> None:
        async def meanwhile() -> None:
            while not asked.is_set():
                await asyncio.sleep(0.001)
            went_on.set()

        async with AsyncSession(engine) as session:
            task = asyncio.create_task(meanwhile())
            session.add(Order(note="three"))
            handle = send("slowly")
            await session.commit()
            assert handle.state is State.SUBMITTED
            await task

    told(story)


def test_a_refusal_comes_out_of_the_commit_and_the_session_goes_on(
    told: Callable[[Story], None], outbox: Outbox
) -> None:
    outbox.refuse = lambda number: Refused("draining") if number == 1 else None

    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            session.add(Order(note="three"))
            send("refused")
            with pytest.raises(Refused, match="draining"):
                await session.commit()
            assert (await session.get_one(Order, 3)).note == "three"
            send("taken")
            await session.commit()

    told(story)
    assert left(outbox) == ["refused", "taken"]


def test_one_that_is_cancelled_while_it_leaves_has_left(told: Callable[[Story], None], outbox: Outbox) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(_number: int) -> None:
        asked.set()
        assert go_on.wait(20)

    outbox.refuse = slow

    async def story(engine: AsyncEngine) -> None:
        handles = []

        async def commit() -> None:
            async with AsyncSession(engine) as session:
                session.add(Order(note="three"))
                handles.append(send("on its way"))
                await session.commit()

        task = asyncio.create_task(commit())
        while not asked.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        go_on.set()
        while handles[0].state is not State.SUBMITTED:
            await asyncio.sleep(0.001)

    told(story)
    assert left(outbox) == ["on its way"]
