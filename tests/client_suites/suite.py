"""What a suite of tests is: data, without a word on how it is fetched or run.

Texts of a suite may name places in braces, which are known once it is run: {port} where the server listens
({port1} is the one after it, for suites that start several servers), {beanstalkd} the server's command and
{shims} the directory that holds it under that name, {folder} for what the tests write, {report} where the
report goes, {libraries} where Python packages were installed, {python} and {python2}, {script} the program
that is the test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Command = tuple[str, ...]


class Origin(Enum):
    """Where the tests come from."""

    PYPI = "PyPI"
    PYPI_PYTHON2 = "PyPI, for Python 2"
    """Its own pip must fetch it: a newer one runs the package's setup.py and fails."""
    NPM = "npm"
    CHECKOUT = "a checkout"
    """The client's packages carry no tests, its repository does."""


@dataclass(frozen=True)
class Edit:
    """A change to a file of the package. A text that is not there is an error: then it is not what we looked at."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Reported:
    """Tests that one command runs, which writes an xUnit report."""

    command: Command
    starts_servers: bool = False
    """Whether the tests start `beanstalkd` themselves. Otherwise they get a fresh server."""
    edits: tuple[Edit, ...] = ()
    patience: tuple[Edit, ...] = ()
    """What lets a busy machine pass: how long the tests wait for a server to listen, how late a timer may be."""


@dataclass(frozen=True)
class Scripts:
    """Tests that are programs, each with a fresh server: one that ends with 0 has passed."""

    pattern: str
    command: Command


@dataclass(frozen=True)
class Suite:
    """The tests of one client, one version of it."""

    name: str
    version: str
    language: str
    origin: Origin
    sha256: str
    """Of the package; for a checkout, of the file with the tests. What is run is what was looked at."""
    way: Reported | Scripts
    tests: int
    """How many there are to run; fewer mean that something was left out silently."""
    preparations: tuple[Command, ...] = ()
    """What fetches libraries that the tests need, in the package's directory."""
    variables: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Tests that say nothing about a server, and why."""
    known_failures: Mapping[str, str] = field(default_factory=dict)
    """Tests that fail on the original too, and why."""
    seconds: float = 120.0
    """How long it may take, or for scripts, each of them."""
    test_file: str = ""
    """Of a checkout: where the tests are."""
