"""A job whose sessions come from an async_sessionmaker: all of it happens on one event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import ForeignKey, create_engine, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncAttrs,
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from sqlalchemy.pool import NullPool

import ayl
from ayl import calling
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import Gone, NotConfigured, Refused, Unavailable
from tests.ayl.conftest import written
from tests.postgres import sqlalchemy_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox
    from tests.postgres import Postgres


class Base(AsyncAttrs, DeclarativeBase): ...


class Guest(Base, ayl.Sendable, ayl_name="async_jobs.Guest"):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    stays: Mapped[list[Stay]] = relationship()

    seen: ClassVar[list[Any]] = []

    async def rename(self, name: str) -> None:
        await asyncio.sleep(0)
        self.name = name
        self.ayl_send("look")
        self.seen.append("called")

    async def rename_and_fail(self, name: str) -> None:
        await self.rename(name)
        raise RuntimeError("on purpose")

    async def count_stays(self, *others: Any) -> None:
        stays = await self.awaitable_attrs.stays
        session = ayl_sqlalchemy.async_session()
        assert session.sync_session is Session.object_session(self)
        await session.refresh(self)
        self.seen.append((len(stays), *others))

    def count_stays_plainly(self) -> None:
        assert ayl_sqlalchemy.session() is Session.object_session(self)
        self.seen.append(len(self.stays))

    def rename_plainly(self, name: str) -> None:
        self.name = name

    def look(self) -> None:
        self.seen.append(self.name)

    def take(self, **names: Any) -> None:
        self.seen.append(names)

    async def wait_elsewhere(self) -> None:
        """As with a pool's connection that was made on another loop."""
        elsewhere = asyncio.new_event_loop()
        try:
            await elsewhere.create_future()
        finally:
            elsewhere.close()

    async def on_which_loop(self) -> None:
        self.seen.append(asyncio.get_running_loop())
        asyncio.create_task(asyncio.sleep(3600)).add_done_callback(lambda _task: self.seen.append("left nothing"))
        await asyncio.sleep(0)

    @staticmethod
    def check_in_plainly(name: str) -> None:
        ayl_sqlalchemy.session().add(Guest(name=name))

    @staticmethod
    async def check_in(name: str) -> None:
        ayl_sqlalchemy.async_session().add(Guest(name=name))

    @staticmethod
    async def check_in_wrongly(name: str) -> None:
        ayl_sqlalchemy.session().add(Guest(name=name))


class Stay(Base, ayl.Sendable, ayl_name="async_jobs.Stay"):
    __tablename__ = "stay"

    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.id"), primary_key=True)
    night: Mapped[str] = mapped_column(primary_key=True)


class Unbound(Base, ayl.Sendable, ayl_name="async_jobs.Unbound"):
    """Of a synchronous factory."""

    __tablename__ = "unbound"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]

    def change(self, guest: Guest) -> None:
        self.note = guest.name
        guest.name = "Brown"

    @staticmethod
    async def use_async_session() -> None:
        ayl_sqlalchemy.async_session("local")


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """A database of PostgreSQL for these tests, one after the other."""
    return sqlalchemy_url(postgres.fresh())


@pytest.fixture(params=["aiosqlite", "psycopg"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """How to reach one database synchronously and asynchronously."""
    if request.param == "aiosqlite":
        return f"sqlite:///{tmp_path}/hotel.db", f"sqlite+aiosqlite:///{tmp_path}/hotel.db"
    url = request.getfixturevalue("elsewhere")
    return url, url


@pytest.fixture
def local(place: tuple[str, str], inline: None) -> Iterator[sessionmaker[Session]]:
    made = create_engine(place[0])
    Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        session.add_all([Guest(id=3, name="Jones", stays=[Stay(night="monday")]), Guest(id=4, name="Smith")])
        session.add(Unbound(id=1, note=""))
    Guest.seen.clear()
    yield sessionmaker(made)
    made.dispose()


@pytest.fixture
def remote(place: tuple[str, str], local: sessionmaker[Session]) -> Iterator[AsyncEngine]:
    """An engine with a pool, bound; its connections are closed where they were made."""
    made = create_async_engine(place[1])
    ayl_sqlalchemy.bind(async_sessionmaker(made))
    yield made
    calling._run_to_its_end(made.dispose())


def stored(local: sessionmaker[Session], key: int = 3) -> Guest:
    with local() as session:
        return session.get_one(Guest, key)


def test_a_coroutine_method_changes_its_object_and_the_commit_sends(
    local: sessionmaker[Session], remote: AsyncEngine
) -> None:
    stored(local).ayl_send("rename", "Brown")
    assert stored(local).name == "Brown"
    assert Guest.seen == ["called", "Brown"]


def test_a_call_that_raises_is_rolled_back(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        stored(local).ayl_send("rename_and_fail", "Brown")
    assert stored(local).name == "Jones"
    assert Guest.seen == ["called"]


def test_a_commit_that_fails_is_the_calls_failure(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    with pytest.raises(IntegrityError):
        stored(local).ayl_send("rename", "Smith")
    assert stored(local).name == "Jones"


def test_a_call_that_is_committed_is_put_aside_if_what_it_sent_is_refused(
    local: sessionmaker[Session], remote: AsyncEngine, outbox: Outbox
) -> None:
    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(ayl.Bury, match=r"is committed, but .*: too big"):
        calling.perform(written(on={"$ref": ["async_jobs.Guest", 3]}, do="rename", args=["Brown"]))
    assert stored(local).name == "Brown"


def test_the_objects_are_usable_in_the_coroutine(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    stored(local).ayl_send("count_stays", stored(local, 4))
    ((number, other),) = Guest.seen
    assert (number, inspect(other).identity) == (1, (4,))


def test_a_plain_method_may_load_lazily(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    stored(local).ayl_send("count_stays_plainly")
    stored(local).ayl_send("rename_plainly", "Brown")
    assert Guest.seen == [1]
    assert stored(local).name == "Brown"


def test_parameters_have_any_names(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    stored(local).ayl_send("take", fn=1, _require_await=True)
    assert Guest.seen == [{"fn": 1, "_require_await": True}]


def test_a_coroutine_function_has_an_async_session(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    Guest.ayl_send("check_in", "Miller")
    with local() as session:
        assert session.scalars(select(Guest).filter_by(name="Miller")).one()


def test_a_database_that_does_not_answer_is_unavailable(local: sessionmaker[Session]) -> None:
    nowhere = create_async_engine("sqlite+aiosqlite:////nowhere/at/all.db", poolclass=NullPool)
    ayl_sqlalchemy.bind(async_sessionmaker(nowhere))
    with pytest.raises(Unavailable, match=r"async_jobs\.Guest 3 cannot be looked for: OperationalError"):
        stored(local).ayl_send("look")


def test_a_connection_of_another_loop_is_told_with_the_cure(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    with pytest.raises(RuntimeError, match="different loop") as caught:
        stored(local).ayl_send("wait_elsewhere")
    (note,) = caught.value.__notes__
    assert "poolclass=NullPool" in note


def test_one_that_is_gone_is_gone(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    with pytest.raises(Gone, match=r"^async_jobs\.Guest 99 exists no more$"):
        calling.perform(written(on={"$ref": ["async_jobs.Guest", 99]}, do="look"))


def test_all_jobs_run_on_one_loop_so_that_a_pool_serves_them_and_none_leaves_tasks_behind(
    local: sessionmaker[Session], remote: AsyncEngine
) -> None:
    for _ in range(3):
        stored(local).ayl_send("on_which_loop")
    first, *rest = Guest.seen
    assert rest == ["left nothing", first, "left nothing", first, "left nothing"]
    assert remote.pool.checkedin() == 1  # type: ignore[attr-defined] # the pool of both dialects has it


@pytest.mark.parametrize("method", ["check_in_plainly", "check_in_wrongly"])
def test_a_session_that_could_not_be_used_is_refused_with_the_one_that_can(
    method: str, local: sessionmaker[Session], remote: AsyncEngine
) -> None:
    with pytest.raises(
        NotConfigured, match=r"'default' makes AsyncSessions: use .*async_session\(\) in an `async def`"
    ):
        Guest.ayl_send(method, "Miller")


def test_an_async_session_of_a_plain_factory_is_refused(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    ayl_sqlalchemy.bind(local, "local", models=Unbound)
    with pytest.raises(NotConfigured, match="'local' makes no AsyncSessions"):
        Unbound.ayl_send("use_async_session")


@pytest.mark.parametrize("place", ["psycopg"], indirect=True)  # SQLite lets only one of two sessions write
def test_both_kinds_work_in_one_job(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    ayl_sqlalchemy.bind(local, "local", models=Unbound)
    with local() as session:
        session.get_one(Unbound, 1).ayl_send("change", stored(local))
    with local() as session:
        assert session.get_one(Unbound, 1).note == "Jones"
    assert stored(local).name == "Brown"


def test_a_factory_that_makes_async_sessions_unseen_is_refused(
    local: sessionmaker[Session], remote: AsyncEngine
) -> None:
    ayl_sqlalchemy.bind(lambda: AsyncSession(remote))
    with pytest.raises(NotConfigured, match=r"made a AsyncSession, which is no Session.* bind an async_sessionmaker"):
        stored(local).ayl_send("look")


def test_a_scoped_async_session_is_the_job_s(local: sessionmaker[Session], remote: AsyncEngine) -> None:
    scoped = async_scoped_session(async_sessionmaker(remote), asyncio.current_task)
    ayl_sqlalchemy.bind(scoped)

    @ayl.task("async_jobs.look_at_scope")
    async def look_at_scope(guest: Guest) -> None:
        assert scoped() is ayl_sqlalchemy.async_session()
        assert scoped().sync_session is Session.object_session(guest)
        Guest.seen.append("same")

    ayl.send(look_at_scope, stored(local))
    assert Guest.seen == ["same"]


def test_from_a_coroutine_in_place_a_job_has_a_loop_of_its_own(
    place: tuple[str, str], local: sessionmaker[Session]
) -> None:
    ayl_sqlalchemy.bind(async_sessionmaker(create_async_engine(place[1], poolclass=NullPool)))

    async def handler() -> None:
        stored(local).ayl_send("rename", "Brown")

    asyncio.run(handler())
    assert stored(local).name == "Brown"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_the_loop_survives_a_call_that_ends_the_process(
    error: BaseException, local: sessionmaker[Session], remote: AsyncEngine
) -> None:
    @ayl.task("async_jobs.end")
    async def end(guest: Guest) -> None:
        raise error

    with pytest.raises(type(error)):
        ayl.send(end, stored(local))
    stored(local).ayl_send("rename", "Brown")
    assert stored(local).name == "Brown"
