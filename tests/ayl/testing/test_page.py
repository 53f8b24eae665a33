"""docs/testing.md is true: its app and its tests are run as they stand, in a directory of their own.

What it says of ORMs is run in tests/contrib/test_testing_page.py.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import commits, testing
from tests.pages import Page

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

PAGE = [block for block in Page("docs/testing.md").blocks if block.section not in ("Django", "SQLAlchemy", "Peewee")]
FILES = {block.file: block.text for block in PAGE if block.file}
REPORTS = [block.text for block in PAGE if block.language == "text"]

PLUGIN = ("-p", "no:ayl", "-p", "ayl.pytest_plugin", "-p", "no:cacheprovider", "-W", "error")

TESTS = {"test_shop.py": 4, "test_inline.py": 1, "test_plain.py": 2, "test_at_once.py": 1}
"""The files of the page and how many tests each has."""


@pytest.mark.parametrize("file", TESTS)
def test_the_tests_of_the_page_pass(file: str, pytester: pytest.Pytester) -> None:
    for name in ("shop.py", file):
        (pytester.path / name).write_text(FILES[name])
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=TESTS[file])


def test_the_tests_of_the_page_pass_together_where_no_test_reaches_a_server(pytester: pytest.Pytester) -> None:
    for name, text in FILES.items():
        (pytester.path / name).write_text(text.replace("SHIPPED == [", "SHIPPED[-2:] == [") if "test" in name else text)
    (pytester.path / "test_more.py").write_text(
        "from ayl import testing\nfrom shop import Order\n\n"
        "def test_more():\n    Order(1).pay()\n    assert len(testing.sent()) == 1\n"
    )
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=sum(TESTS.values()) + 1)


def test_the_tests_of_unittest_pass_without_pytest(pytester: pytest.Pytester) -> None:
    for name in ("shop.py", "test_plain.py"):
        (pytester.path / name).write_text(FILES[name])
    done = pytester.run(sys.executable, "-W", "error", "-m", "unittest", "-q", "test_plain")
    assert done.ret == 0
    done.stderr.fnmatch_lines(["Ran 2 tests*", "OK"])


class Order(ayl.Sendable, ayl_name="shop.Order"):
    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order:
        return cls(key)

    def ship(self, carrier: str, *, insured: bool = False) -> None: ...


def said(claim: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        claim()
    return f"{caught.value}\n"


def test_the_reports_of_the_page_are_the_ones_you_get(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(42)
    with testing.recording() as sent:
        ayl.send(order.ship, "ups", insured=True)
        differing = said(lambda: sent.assert_sent(order.ship, "dhl"))
    waiting: list[object] = []
    monkeypatch.setattr(commits, "WATCHERS", [lambda _named: [waiting.append]])
    with testing.recording() as sent:
        ayl.send(order.ship, "ups")
        held = said(lambda: sent.assert_sent(order.ship, "ups"))
    assert [differing, held] == REPORTS


def test_the_page_has_no_other_code() -> None:
    assert {block.file for block in PAGE if block.language == "python"} == {"shop.py", "conftest.py", *TESTS}
