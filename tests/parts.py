"""The whole suite in parts: some test files of one directory each. Every test file is in exactly one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent

FILES = 14
"""Of one part at most: few enough for parts to end side by side, enough for what files share to be started rarely."""

WAITING = (
    *("packaging", "processes/worker", "processes/daemons", ".", "processes/server", "cli", "cli/daemons", "chaos"),
    *("crashes", "daemons/keeper", "ayl/spool", "ayl", "contrib/peewee", "ayl/testing", "ayl/values"),
)
"""Directories whose tests mostly wait: for processes that they have started, for time to pass. Longest first."""

COMPUTING = (
    *("simulation", "ayl/hostile", "contrib/django", "server", "contrib/sqlalchemy"),
    *("binlog", "differential", "installed", "fuzz"),
)
"""Directories whose tests use a processor all the time. Longest first."""

COMPILED = ("server", "binlog", "simulation", "differential", "fuzz")
"""Directories whose tests run once more with the server compiled."""

AS_SOURCES = ("simulation/test_mutants.py",)
"""... but for these: mutants are mistakes put into the sources at run time, which machine code takes no notice of."""


class Part(NamedTuple):
    """What one pytest runs."""

    files: tuple[Path, ...]
    """Of one directory."""
    compiled: bool = False
    """Whether it tests the server compiled."""

    @property
    def words(self) -> list[str]:
        """What follows `python -m`."""
        return ["pytest", *map(str, self.files)]

    def __str__(self) -> str:
        first, last = self.files[0], self.files[-1]
        names = first.name if first == last else f"{first.name} to {last.name}"
        return f"{first.parent.relative_to(TESTS.parent)}: {names}{' (compiled)' if self.compiled else ''}"


class Compiling(NamedTuple):
    """What makes the server that is tested compiled: those parts come after it."""

    words: tuple[str, ...] = ("ayl_server.compiled",)
    compiled: bool = False

    def __str__(self) -> str:
        return "the server is compiled"


def parts() -> list[Part]:
    """Those that mostly wait first and those that compute last; at both ends, what takes longest."""
    directories = sorted({file.parent for file in TESTS.rglob("test_*.py")}, key=_turn)
    return [
        Part(files, compiled)
        for directory in directories
        for compiled in (False, True)
        for files in _portions(_files(directory, compiled=compiled))
    ]


def _turn(directory: Path) -> tuple[int, str]:
    name = _name(directory)
    if name in COMPUTING:
        return (len(WAITING) + len(COMPUTING) - COMPUTING.index(name), name)
    return (WAITING.index(name) if name in WAITING else len(WAITING), name)


def _files(directory: Path, *, compiled: bool) -> list[Path]:
    files = sorted(directory.glob("test_*.py"))
    if not compiled:
        return files
    return [file for file in files if _name(directory) in COMPILED and _name(file) not in AS_SOURCES]


def _name(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def _portions(files: list[Path]) -> list[tuple[Path, ...]]:
    """Of about the same number of files, in their order."""
    number = -(-len(files) // FILES)
    return [(*files[len(files) * at // number : len(files) * (at + 1) // number],) for at in range(number)]
