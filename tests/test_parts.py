"""Nothing is left out, and nothing is run twice, when the whole suite is run in parts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from . import __main__ as runner
from .parts import AS_SOURCES, COMPILED, COMPUTING, FILES, TESTS, WAITING, Compiling, Part, parts

if TYPE_CHECKING:
    from pathlib import Path


def names(*, compiled: bool) -> Counter[str]:
    """The files of such parts, and in how many each is."""
    return Counter(
        file.relative_to(TESTS).as_posix() for part in parts() if part.compiled == compiled for file in part.files
    )


def test_every_file_in_which_pytest_looks_for_tests_is_in_exactly_one_part(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("testpaths") == [TESTS.name]
    patterns = pytestconfig.getini("python_files")
    looked_at = {file.relative_to(TESTS).as_posix() for pattern in patterns for file in TESTS.rglob(pattern)}
    assert names(compiled=False) == Counter(looked_at)


def test_those_of_the_server_are_once_more_in_one_but_for_what_needs_its_sources() -> None:
    again = {file.relative_to(TESTS).as_posix() for name in COMPILED for file in (TESTS / name).rglob("test_*.py")}
    assert names(compiled=True) == Counter(again - {*AS_SOURCES})


def test_a_part_has_few_files_of_one_directory() -> None:
    for part in parts():
        assert 1 <= len(part.files) <= FILES
        assert len({file.parent for file in part.files}) == 1


def test_what_waits_is_at_one_end_and_what_computes_at_the_other() -> None:
    directories = [part.files[0].parent.relative_to(TESTS).as_posix() for part in parts()]
    assert (directories[0], directories[-1]) == (WAITING[0], COMPUTING[0])


@pytest.mark.parametrize("name", [*WAITING, *COMPUTING, *COMPILED, *AS_SOURCES])
def test_what_is_named_is_there(name: str) -> None:
    assert (TESTS / name).exists()


def test_what_is_tested_compiled_waits_for_the_compiler(tmp_path: Path) -> None:
    sources = Part((TESTS / "server" / "test_turns.py",))
    both = [sources, sources._replace(compiled=True)]
    compiler = runner.Run(Compiling(words=("timeit", "pass")), tmp_path / "log", waits=False)
    assert runner._ready(both, [compiler]) == [sources]
    compiler.kill(at=0)
    assert runner._ready(both, []) == both


def test_a_part_that_fails_is_told_and_kept_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = Part((TESTS / "ayl" / "worker" / "test_titles.py",)), Part((TESTS / "test_nothing.py",))
    monkeypatch.setattr(runner, "parts", lambda: [good, bad])
    failed: list[runner.Run] = []
    runner.run_all(tmp_path, failed)
    assert [run.part for run in failed] == [bad]
    assert "file or directory not found" in failed[0].said()
    lines = sorted(line.partition("/2 ")[2] for line in capsys.readouterr().out.splitlines())
    assert lines[0].startswith("FAILED tests: test_nothing.py")
    assert lines[1].startswith("tests/ayl/worker: test_titles.py: 2 passed")
