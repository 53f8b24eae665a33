"""Every command in every circumstance of the matrix, on servers of both kinds, and without a terminal."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from ayl import message
from ayl.admin import Server
from ayl.cli import ExitCode
from ayl.engines.spool.records import Record
from ayl.engines.spool.store import Spool
from ayl.options import Options
from tests.ayl.conftest import _clean

from .matrix import CODE, MATRIX, MODULE, Ending, Several
from .operators import Operator, commands
from .schemas import JOB, TUBE, Schema, fault
from .servers import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import greenstalk
    from click.testing import Result

__all__ = ["_clean"]

EVERY = pytest.mark.parametrize("name", MATRIX)

NEVER = 2**63
"""An id that no server has given."""

IMPOSSIBLE = ("a b", "a\r\ndelete 1", "\x1b[31m", "é", "x" * 201, "-a", "a@*", "\udcff")


@dataclass(frozen=True)
class Stage:
    """What a command is about: a tube with the oddest name that the protocol allows, and all else that words name."""

    server: Server
    folder: Path
    app: str
    version: str
    jobs: dict[str, int] = field(default_factory=lambda: {"ready": NEVER, "buried": NEVER, "never": NEVER})
    """Ids."""

    @property
    def tube(self) -> str:
        return f"{self.app}/{self.version}"

    def fill(self, app: greenstalk.Client[bytes]) -> None:
        """Jobs in all states, with what a terminal would obey; the buried one is no call. The worker, who watches this
        tube alone, holds one.
        """
        app.watch(self.tube)
        app.use(self.tube)
        body = message.filled(
            message.form(self.app, self.version, "shop.restock", Options()),
            "0192-call",
            1793000000.5,
            None,
            ["\x1b]0;owned\x07\r\x9b"],
            {},
        )
        self.jobs["buried"] = app.put(b"restock \x1b]0;owned\x07\r\xff")
        app.bury(app.reserve(timeout=0))
        app.put(body)
        app.reserve(timeout=0)
        app.put(body, delay=900)
        self.jobs["ready"] = app.put(body)

    def told(self, text: str) -> str:
        """The text with the names of all this."""
        return text.format(
            server=self.server, tube=self.tube, app=self.app, version=self.version, **self.paths(), **self.jobs
        )

    def paths(self) -> dict[str, Path]:
        return {"code": self.folder, "spool": self.folder / "spool", "nothing": self.folder / "nothing"}

    def types(self, name: str, *more: str, tube: str | None = None, without: str = "") -> Result:
        """The command with its words and more."""
        if "{code}" in MATRIX[name].words:
            configured = f"ayl.configure(app={self.app!r})" if name == "manifest" else ""  # migrate is told with -t
            (self.folder / f"{MODULE}.py").write_text(f"{CODE}{configured}")
        if "{spool}" in MATRIX[name].words:
            record = Record("id", "shop/1", 0, 0.0, 120, f"beanstalk://{self.server}", 1.0, b"{}")
            Spool(str(self.paths()["spool"]), 10**6).append([record])
        words = [self.told(word) for word in MATRIX[name].words if word != without]
        return Operator(self.server, self.tube).types(*name.split(), *words, *more, tube=tube)

    def ends(self, done: Result, ending: Ending) -> None:
        """As the matrix has it; and never with anything that a terminal would obey, as there is none."""
        assert done.exit_code == ending.code, done.output
        assert self.told(ending.says) in done.output
        assert done.output.replace("\n", "").isprintable()
        if ending.code in (ExitCode.REFUSED, ExitCode.UNAVAILABLE):
            assert all(line.startswith("ayl_beanstalk: ") for line in done.stderr.splitlines())


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test loads the code of the app anew."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop(MODULE, None)


@pytest.fixture
def stage(operator: Operator, tmp_path: Path) -> Stage:
    number = operator.tube.partition("/")[2]
    return Stage(operator.server, tmp_path, f"$({number});+.", f"{number};$(v)_-")


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Server]:
    """Where nobody listens, nor can."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield Server(port=reserved.getsockname()[1])


def test_every_command_has_a_row() -> None:
    assert {*MATRIX} == {*commands()}


@EVERY
def test_its_help_teaches_with_an_example(name: str) -> None:
    text = Operator(Server(), "a").reads(*name.split(), "--help")
    assert "Example" in text
    assert f"\n    ayl_beanstalk {name}" in text


@EVERY
def test_json_is_as_the_schema_has_it_and_nothing_else_is_written(
    name: str, stage: Stage, app: greenstalk.Client[bytes]
) -> None:
    stage.fill(app)
    row = MATRIX[name]
    done = stage.types(name, *["--json"] * (row.json is not None))
    assert done.exit_code == row.usual.code, done.output
    if row.json is not None:
        assert fault(json.loads(done.stdout), row.json) == ""
        assert done.stdout.isascii()


@EVERY
def test_text_is_for_people_and_has_nothing_that_a_terminal_would_obey(
    name: str, stage: Stage, app: greenstalk.Client[bytes]
) -> None:
    stage.fill(app)
    stage.ends(stage.types(name), MATRIX[name].usual)


@EVERY
def test_no_server_is_told_in_a_line(name: str, nowhere: Server, tmp_path: Path) -> None:
    stage = Stage(nowhere, tmp_path, "shop", "1")
    stage.ends(stage.types(name), MATRIX[name].no_server)


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row.no_name])
def test_a_name_that_no_tube_can_have_never_goes_out(name: str, nowhere: Server, tmp_path: Path) -> None:
    ending = MATRIX[name].no_name
    assert ending is not None
    for tube in IMPOSSIBLE:
        stage = Stage(nowhere, tmp_path, tube, "1")
        stage.ends(stage.types(name, tube=tube), ending)


@EVERY
def test_a_tube_that_is_not_there_is_told_and_not_made(name: str, stage: Stage, app: greenstalk.Client[bytes]) -> None:
    stage.fill(app)
    other = replace(stage, app=f"{stage.app}other")
    other.ends(other.types(name), MATRIX[name].no_tube)
    assert (other.tube in app.tubes()) == name.startswith("put_")


@EVERY
def test_an_empty_tube_is_no_trouble(name: str, stage: Stage, app: greenstalk.Client[bytes]) -> None:
    stage.fill(app)
    empty = replace(stage, app=f"{stage.app}empty")
    row = MATRIX[name]
    with client(stage.server, watch=empty.tube):
        empty.ends(empty.types(name), row.empty)
        if row.json is not None:
            assert fault(json.loads(empty.types(name, "--json").stdout), row.json) == ""


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row.no_job])
def test_a_job_that_is_not_there_is_told(name: str, stage: Stage) -> None:
    ending = MATRIX[name].no_job
    assert ending is not None
    stage.ends(stage.types(name), ending)


def test_ids_are_taken_where_the_matrix_says_what_becomes_of_a_wrong_one() -> None:
    for row in MATRIX.values():
        assert bool(row.no_job) == any(job in row.words for job in ("{ready}", "{buried}"))


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row.question])
def test_what_destroys_does_nothing_where_nobody_can_be_asked(
    name: str, stage: Stage, app: greenstalk.Client[bytes]
) -> None:
    stage.fill(app)
    before = app.stats_tube(stage.tube)
    done = stage.types(name, without="--yes")
    asked = stage.told(MATRIX[name].question) + "Nobody can be asked here: add --yes\n"
    stage.ends(done, Ending(ExitCode.USAGE, asked.replace("{", "{{").replace("}", "}}")))
    assert app.stats_tube(stage.tube) == before


def test_the_question_is_known_of_all_that_take_a_yes() -> None:
    for row in MATRIX.values():
        assert bool(row.question) == ("--yes" in row.words)


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row.pattern])
def test_a_pattern_is_answered_with_a_list_of_the_same(name: str, stage: Stage, app: greenstalk.Client[bytes]) -> None:
    stage.fill(app)
    found = json.loads(stage.types(name, "--json", tube=f"{stage.app}/*").stdout)
    assert len(found) == 1
    assert fault(found, [MATRIX[name].json]) == ""
    done = stage.types(name, tube=f"{stage.app}other/*")
    stage.ends(done, Ending(ExitCode.REFUSED, f"no tube matches '{stage.app}other/*' at "))


@EVERY
def test_of_several_servers_one_that_is_down_hides_no_others(
    name: str, stage: Stage, app: greenstalk.Client[bytes], nowhere: Server
) -> None:
    stage.fill(app)
    row = MATRIX[name]
    done = stage.types(name, *["--json"] * (row.json is not None), "-h", f"{nowhere},{stage.server}")
    if row.several is Several.UNASKED:
        stage.ends(done, row.usual)
    elif row.several is Several.REFUSED:
        told = f" is about one server, and {nowhere} and {stage.server} were named: say which one"
        stage.ends(done, Ending(ExitCode.USAGE, told))
        assert done.stdout == ""
    else:
        assert row.json is not None
        # What drain finds on one server is told before that another is down.
        assert done.exit_code in {ExitCode.UNAVAILABLE, *([row.usual.code] if name == "drain" else [])}
        each = [{"server": str, "answer": row.json}]
        assert fault(json.loads(done.stdout), each if row.several is Several.EACH else row.json) == ""
        assert f"no server at {nowhere} (" in done.output


@pytest.mark.parametrize(
    ("found", "schema", "told"),
    [
        ({"a": 1}, {"a": int}, ""),
        ({"a": True}, {"a": int}, "it.a is a bool, no int"),
        ({"a": 1, "b": 2}, {"a": int}, "it has ['a', 'b'], not ['a']"),
        ([1, "x"], [int], "it[1] is a str, no int"),
        (None, (JOB, type(None)), ""),
        ({}, TUBE, f"it has [], not {sorted(TUBE)}"),
        ([{}], {}, "it is a list, no dict"),
    ],
    ids=str,
)
def test_a_schema_tells_what_is_otherwise(found: object, schema: Schema, told: str) -> None:
    assert fault(found, schema) == told
