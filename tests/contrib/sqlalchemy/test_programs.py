"""Random programs of transactions: what leaves is what was committed, as the database itself says, and as a model says
where there is nothing in the database to see.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, SessionTransaction, mapped_column
from sqlalchemy.pool import StaticPool

import ayl
from tests.postgres import sqlalchemy_url

from .conftest import with_savepoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ayl.conftest import Outbox
    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Row(Base):
    __tablename__ = "row"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


@ayl.task("programs.noted")
def noted(number: int) -> None: ...


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = with_savepoints(create_engine("sqlite://", poolclass=StaticPool))
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        made = create_engine(sqlalchemy_url(postgres.fresh()))
    Base.metadata.create_all(made)
    yield made
    made.dispose()


class Level:
    """What the model knows of a transaction or savepoint."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.wrote = False


class Machine:
    """Carries out each step in a session and in the model."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.savepoints: list[SessionTransaction] = []
        self.levels: list[Level] = []
        self.pending = False
        self.left: list[int] = []
        self.number = 0

    def _begun(self) -> Level:
        if not self.levels:
            self.levels.append(Level())
        return self.levels[-1]

    def _flushed(self) -> None:
        if self.pending:
            self._begun().wrote = True
        self.pending = False

    def send(self) -> None:
        self.number += 1
        ayl.send(noted, self.number)
        (self.levels[-1].sent if self.levels else self.left).append(self.number)

    def read(self) -> None:
        self.session.scalars(select(Row)).all()
        self._begun()
        self._flushed()

    def add(self) -> None:
        self.number += 1
        self.session.add(Row(number=self.number))
        self._begun()
        self.pending = True

    def write(self) -> None:
        """A row and a message of the same number."""
        self.add()
        self.session.flush()
        self._flushed()
        ayl.send(noted, self.number)
        self.levels[-1].sent.append(self.number)

    def savepoint(self) -> None:
        self._flushed()
        self._begun()
        self.savepoints.append(self.session.begin_nested())
        self.levels.append(Level())

    def release(self) -> None:
        if self.savepoints:
            self._flushed()
            self.savepoints.pop().commit()
            ended = self.levels.pop()
            self.levels[-1].sent += ended.sent
            self.levels[-1].wrote |= ended.wrote

    def undo(self) -> None:
        if self.savepoints:
            self.savepoints.pop().rollback()
            self.levels.pop()
            self.pending = False

    def undo_from_the_first(self) -> None:
        if self.savepoints:
            self.savepoints[0].rollback()
            self.savepoints.clear()
            del self.levels[1:]
            self.pending = False

    def fail(self) -> None:
        self.number += 1
        ayl.send(noted, self.number)  # at once, or with what fails
        if not self.levels:
            self.left.append(self.number)
        self.session.add_all([Row(number=-1), Row(number=-1)])
        with suppress(IntegrityError):
            self.session.flush()
        self.pending = False
        if self.savepoints:
            self.undo()
        else:
            self.rollback()

    def commit(self) -> None:
        self.session.commit()
        self._ended(sends=True)

    def rollback(self) -> None:
        self.session.rollback()
        self._ended(sends=False)

    def close(self) -> None:
        self.session.close()
        self._ended(sends=not (self.pending or any(level.wrote for level in self.levels)))

    def _ended(self, *, sends: bool) -> None:
        if sends:
            self.left += [number for level in self.levels for number in level.sent]
        self.levels.clear()
        self.savepoints.clear()
        self.pending = False


Step = Callable[[Machine], None]
Program = list[Step]


def _joined(parts: tuple[list[Program], Program]) -> Program:
    inner, end = parts
    return [*chain.from_iterable(inner), *end]


def _in_savepoint(parts: tuple[list[Program], Program]) -> Program:
    return [Machine.savepoint, *_joined(parts)]


SIMPLE: list[Program] = [
    [Machine.send], [Machine.send], [Machine.add], [Machine.add], [Machine.write], [Machine.write], [Machine.read],
    [Machine.fail],
]  # fmt: skip
SAVEPOINT_ENDS: list[Program] = [[Machine.release], [Machine.undo], [Machine.undo_from_the_first], []]
ENDS: list[Program] = [[Machine.commit], [Machine.rollback], [Machine.close], []]

bodies: st.SearchStrategy[Program] = st.recursive(
    st.sampled_from(SIMPLE),
    lambda inner: st.tuples(st.lists(inner, max_size=3), st.sampled_from(SAVEPOINT_ENDS)).map(_in_savepoint),
    max_leaves=8,
)
transactions = st.tuples(st.lists(bodies, max_size=4), st.sampled_from(ENDS)).map(_joined)
programs = st.lists(transactions, max_size=3).map(lambda parts: [*chain.from_iterable(parts)])


@pytest.mark.filterwarnings("ignore:New instance <Row .* conflicts with persistent instance")
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(program=programs)
def test_what_leaves_is_what_was_committed(program: Program, engine: Engine, outbox: Outbox) -> None:
    outbox.writes.clear()
    with Session(engine) as session:
        session.execute(delete(Row))
        session.commit()
        machine = Machine(session)
        written = set()
        for step in program:
            step(machine)
            if step is Machine.write:
                written.add(machine.number)
            left = [message.args[0] for message in outbox.messages]
            assert left == machine.left
        machine.close()
        left = [message.args[0] for message in outbox.messages]
        assert left == machine.left
        assert written.intersection(left) == written.intersection(session.scalars(select(Row.number)))
