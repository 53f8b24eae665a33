"""Random programs of transactions, savepoints, commits and rollbacks: what has left is what is committed, always.

The model is the database itself: with each call a row is written, and at each step another connection looks which rows
are committed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import peewee
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ayl
from ayl import State

from .conftest import closed, is_sqlite
from .models import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox

PLAIN = (
    "send", "send", "send", "commit", "rollback", "outer commit", "outer rollback", "db.commit", "db.rollback",
    "bad SQL", "error",
)  # fmt: skip
"""Steps of a program that contain no others; those that end something act on the innermost or outermost block."""

BLOCKS = ("atomic", "atomic", "atomic", "transaction", "savepoint", "session", "manual", "caught", "caught")

Program = list[Any]

STEP = st.recursive(
    st.sampled_from(PLAIN),
    lambda steps: st.tuples(st.sampled_from(BLOCKS), st.lists(steps, max_size=5), st.booleans()),
    max_leaves=25,
)


class OnPurposeError(Exception):
    """Ends a block of a program."""


class Run:
    """One program on one database."""

    def __init__(self, database: Any, outbox: Outbox, committed: Callable[[], list[str]]) -> None:
        self.database = database
        self.outbox = outbox
        self.committed = committed
        self.handles: list[ayl.Handle] = []
        self.blocks: list[Any] = []

    def steps(self, program: Program) -> None:
        for step in program:
            if isinstance(step, str):
                self.plain(step)
            else:
                self.block(*step)
            self.compare()

    def compare(self) -> None:
        left = [message.args[0] for message in self.outbox.messages]
        assert left == self.committed()
        assert len(left) == sum(handle.state is State.SUBMITTED for handle in self.handles)

    def plain(self, step: str) -> None:
        if step == "send":
            word = f"{len(self.handles):03}"
            Order.create(note=word)
            self.handles.append(ayl.send(note, word))
            return
        if step == "error":
            raise OnPurposeError
        if step == "bad SQL":
            with suppress(peewee.PeeweeException):  # but PostgreSQL's transaction is aborted
                self.database.execute_sql("select 1 from nowhere")
            return
        what, _, how = step.rpartition(" ")
        if how.startswith("db."):
            if self.database.in_transaction():
                getattr(self.database, how.removeprefix("db."))()
                self.compare()
                self.database.begin()
        elif self.blocks:
            getattr(self.blocks[0 if what else -1], how)()

    def block(self, kind: str, program: Program, failing: bool) -> None:
        if kind == "caught":
            # The driver's and peewee's complaints are part of the game: the outer blocks go on.
            with suppress(OnPurposeError, peewee.PeeweeException, ValueError):
                self.steps(program)
        elif kind == "session":
            self.session(program, failing)
        elif kind == "manual":
            self.manual(program, failing)
        else:
            with suppress(OnPurposeError), getattr(self.database, kind)() as block:
                self.blocks.append(block)
                try:
                    self.steps(program)
                finally:
                    del self.blocks[-1]
                if failing:
                    raise OnPurposeError

    def session(self, program: Program, failing: bool) -> None:
        self.database.session_start()
        self.steps(program)
        (self.database.session_rollback if failing else self.database.session_commit)()

    def manual(self, program: Program, failing: bool) -> None:
        with self.database.manual_commit():
            self.database.begin()
            self.steps([step for step in program if isinstance(step, str)])
            (self.database.rollback if failing else self.database.commit)()


@ayl.task("programs.note")
def note(word: str) -> None: ...


def seen_from_elsewhere(database: Any) -> list[str]:
    """The rows that are committed, as another connection sees them."""
    rows: list[str] = []

    def look() -> None:
        with database.connection_context():
            rows.extend(order.note for order in Order.select().order_by(Order.note))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return rows


def run(database: Any, outbox: Outbox, program: Program) -> None:
    closed(database)
    Order.delete().execute()
    outbox.writes.clear()
    one = Run(database, outbox, lambda: seen_from_elsewhere(database))
    with suppress(OnPurposeError, peewee.PeeweeException, ValueError):
        one.steps(program)
    closed(database)
    one.compare()
    assert not [handle for handle in one.handles if handle.state is State.UNCOMMITTED]


PROGRAMS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@PROGRAMS
@given(program=st.lists(STEP, max_size=6))
def test_on_sqlite_what_has_left_is_what_is_committed(program: Program, sqlite: Any, outbox: Outbox) -> None:
    sqlite.pragma("journal_mode", "wal")  # or the look from elsewhere would have to wait
    run(sqlite, outbox, program)


@PROGRAMS
@given(program=st.lists(STEP, max_size=6))
def test_on_postgresql_what_has_left_is_what_is_committed(program: Program, postgresql: Any, outbox: Outbox) -> None:
    run(postgresql, outbox, program)


KNOWN: dict[str, Program] = {
    "a savepoint goes on after its rollback": ["send", ("atomic", ["send", "rollback", "send"], False), "send"],
    "an outer savepoint is released within an inner one": [
        ("atomic", ["send", ("atomic", ["send", ("atomic", ["send", "outer commit", "send"], True)], False)], False)
    ],
    "a commit within a savepoint": [
        ("atomic", ["send", ("caught", [("atomic", ["outer commit", "send"], True)], False)])
    ],
}


@pytest.mark.parametrize("name", KNOWN)
def test_programs_that_are_worth_a_name(name: str, database: Any, outbox: Outbox) -> None:
    if is_sqlite(database):
        database.pragma("journal_mode", "wal")
    run(database, outbox, [(*step, False)[:3] if isinstance(step, tuple) else step for step in KNOWN[name]])
