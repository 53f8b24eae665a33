"""The library's own tutorial holds, example by example, once it is turned into Python 3."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.cli.servers import KINDS, Kind

TUTORIAL = (Path(__file__).parent / "tutorial.mkd").read_text()

REWRITINGS = (
    (r">>> import beanstalkc$", ">>> import ayl.beanstalkc as beanstalkc"),
    (r"\bprint ([\w.]+)", r"print(\1)"),
    (r"^( +)CommandFailed: ", r"\1ayl.beanstalkc.CommandFailed: "),  # Python 3 names an exception's module
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_tutorial_holds_from_its_first_example_to_its_last(kind: Kind) -> None:
    text = TUTORIAL
    for old, new in REWRITINGS:
        text, count = re.subn(old, new, text, flags=re.MULTILINE)
        assert count, old
    told: list[str] = []
    with kind.running() as server:  # a fresh one: the tutorial's first job is job 1
        text = text.replace("port=14711", f"port={server.port}")
        tutorial = doctest.DocTestParser().get_doctest(text, {}, "tutorial", "tutorial.mkd", 0)
        done = doctest.DocTestRunner().run(tutorial, out=told.append)
    assert not done.failed, "".join(told)
    assert done.attempted == TUTORIAL.count(">>> ")
    assert not [example for example in tutorial.examples if doctest.SKIP in example.options]
