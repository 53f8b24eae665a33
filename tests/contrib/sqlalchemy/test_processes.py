"""A process's beginning and end: transactions that were open before ayl knew of SQLAlchemy, and what nobody ends."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BEGINNING = """
import sys
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
import ayl
from ayl import engines
from tests.ayl.conftest import Outbox

class Printer(Outbox):
    def submit(self, submissions):
        answers = super().submit(submissions)
        print(*(message.args[0] for message in self.messages), flush=True)
        self.writes.clear()
        return answers

printer = Printer()
engines.SCHEMES["printer"] = lambda _settings: printer
ayl.configure(app="shop", version="1", engine="printer")
engine = create_engine("sqlite:///shop.db")

def write(session):
    session.execute(text("CREATE TABLE t (n)"))

@ayl.task("shop.announce")
def announce(what): ...

def send(what):
    return ayl.send(announce, what)
"""


def told(tmp_path: Path, story: str, beginning: str = BEGINNING) -> tuple[list[str], str]:
    """What leaves a process that does this, line by line, and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{beginning}\n{dedent(story)}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def test_at_the_end_sessions_that_only_read_send_in_order(tmp_path: Path) -> None:
    left, complaints = told(
        tmp_path,
        """
        first, second = Session(engine), Session(engine)
        first.execute(text("SELECT 1"))
        send("first")
        second.execute(text("SELECT 1"))
        send("second")
        send("third")
        print("end")
        """,
    )
    assert left == ["end", "first", "second third"]
    assert complaints == ""


def test_at_the_end_sessions_that_wrote_drop_and_say_so(tmp_path: Path) -> None:
    left, complaints = told(
        tmp_path,
        """
        session = Session(engine)
        write(session)
        send("never")
        print("end")
        """,
    )
    assert left == ["end"]
    assert "with them 1 call was dropped" in complaints


def test_the_child_of_a_fork_sends_nothing_of_its_parent_s(tmp_path: Path) -> None:
    left, complaints = told(
        tmp_path,
        """
        import gc, os
        session, abandoned = Session(engine), Session(engine)
        for opened in (session, abandoned):
            opened.execute(text("SELECT 1"))
            send("the parent's")
        del abandoned, opened
        gc.collect()
        child = os.fork()
        if child == 0:
            send("the child's")
            session.close()
            sys.exit()
        os.waitpid(child, 0)
        """,
    )
    assert left == ["the child's", "the parent's", "the parent's"]
    assert complaints == ""


def test_at_the_end_a_refusal_is_told(tmp_path: Path) -> None:
    left, complaints = told(
        tmp_path,
        """
        from ayl.errors import Refused
        printer.refuse = lambda _number: Refused("draining")
        session = Session(engine)
        session.execute(text("SELECT 1"))
        send("refused")
        """,
    )
    assert left == ["refused"]
    assert "could not be sent" in complaints
    assert "Refused: draining" in complaints


@pytest.mark.parametrize(
    ("end", "leaves"), [("commit", ["outer inner"]), ("rollback", []), ("close", [])]
)  # fmt: skip
def test_what_had_begun_before_anything_was_declared_is_known_all_the_same(
    end: str, leaves: list[str], tmp_path: Path
) -> None:
    beginning = """
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
import ayl
begun = Session(create_engine("sqlite://"))
begun.execute(text("SELECT 1"))
begun.begin_nested()
""" + BEGINNING.replace("import ayl\n", "", 1)
    story = f"""
        class Base(DeclarativeBase): ...
        class Order(Base, ayl.Sendable, ayl_name="Order"):
            __tablename__ = "t"
            id: Mapped[int] = mapped_column(primary_key=True)
            def ship(self, what): ...
        Base.metadata.create_all(begun.connection())
        order = Order()
        begun.add(order)
        begun.flush()
        order.ayl_send("ship", "outer")
        with begun.begin_nested():
            order.ayl_send("ship", "inner")
        begun.{end}()
        """
    imports = "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
    assert told(tmp_path, story, imports + beginning)[0] == leaves


def test_ayl_loads_nothing_of_sqlalchemy_before_the_app_does(tmp_path: Path) -> None:
    story = """
        import sys
        import ayl
        @ayl.task("shop.nothing")
        def nothing(): ...
        assert not [name for name in sys.modules if name.startswith(("sqlalchemy", "ayl.contrib"))]
        import sqlalchemy.orm
        assert "ayl.contrib.sqlalchemy" not in sys.modules
        @ayl.task("shop.more")
        def more(): ...
        assert "ayl.contrib.sqlalchemy" in sys.modules
        assert not [name for name in sys.modules if name.startswith(("sqlalchemy.ext.asyncio", "sqlmodel"))]
        """
    assert told(tmp_path, story, "") == ([], "")
