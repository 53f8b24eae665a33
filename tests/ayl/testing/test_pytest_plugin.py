"""The pytest plugin, in suites as a user writes them, each run by a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

SHOP = """
import ayl

DONE = []

class Order(ayl.Sendable, ayl_name="shop.Order"):
    def __init__(self, id):
        self.id = id

    @classmethod
    def find(cls, id):
        return cls(id)

    def pay(self):
        self.ayl_send("ship", "ups")

    def ship(self, carrier):
        DONE.append((self.id, carrier))

@ayl.task("shop.tell")
async def tell(text):
    DONE.append(text)
"""

PLUGIN = ("-p", "no:ayl", "-p", "ayl.pytest_plugin", "-p", "no:cacheprovider")
"""The plugin of this checkout, and not that of an installed ayl beside it."""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A directory with an app in it."""
    pytester.makepyfile(shop=SHOP)
    return pytester


def passes(suite: pytest.Pytester, passed: int, *options: str) -> None:
    result = suite.runpytest_subprocess(*PLUGIN, "-W", "error", *options)
    result.assert_outcomes(passed=passed)


def test_what_a_test_sends_is_recorded_and_the_next_begins_anew(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        from shop import DONE, Order, tell

        def test_a_paid_order_is_shipped(ayl_sent):
            order = Order(42)
            order.pay()
            ayl_sent.assert_sent(order.ship, "ups")
            ayl_sent.assert_not_sent(tell)
            assert DONE == []

        def test_nothing_is_left_of_another_test(ayl_sent):
            ayl_sent.assert_nothing_sent()

        def test_shipping_works(ayl_sent):
            Order(42).pay()
            assert ayl_sent.run_sent() == 1
            assert DONE == [(42, "ups")]
    """)
    passes(suite, 3)


def test_an_entry_point_is_all_that_it_takes(suite: pytest.Pytester) -> None:
    installed = suite.mkdir("ayl_installed-1.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: ayl_installed\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[pytest11]\nayl = ayl.pytest_plugin\n")
    suite.syspathinsert()
    suite.makepyfile("""
        from shop import Order

        def test_ship(ayl_sent):
            Order(42).pay()
            ayl_sent.assert_sent(Order(42).ship, "ups")
    """)
    suite.runpytest_subprocess("-W", "error", "--strict-markers").assert_outcomes(passed=1)
    suite.runpytest_subprocess("-p", "no:ayl").assert_outcomes(errors=1)


def test_a_failure_shows_the_test_s_own_line_and_what_was_sent(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        from shop import Order

        def test_ship(ayl_sent):
            Order(42).pay()
            ayl_sent.assert_sent(Order(42).ship, "dhl")
    """)
    result = suite.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        ">       ayl_sent.assert_sent(Order(42).ship, \"dhl\")",
        "E       AssertionError: shop.Order.find(42).ship('dhl') was not sent",
        "E       one call was sent:",
        "E         1. shop.Order.find(42).ship('ups')",
        "E       the nearest, 1, differs:",
        "E         carrier: 'ups' was sent, 'dhl' was expected",
    ])  # fmt: skip
    assert "recordings.py" not in result.stdout.str()


def test_inline_makes_the_calls_where_they_are_sent(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest
        from shop import DONE, Order

        def test_paying_ships(ayl_inline):
            Order(42).pay()
            assert DONE == [(42, "ups")]
            ayl_inline.assert_sent(Order(42).ship, "ups")

        @pytest.mark.usefixtures("ayl_inline")
        def test_by_a_marker():
            DONE.clear()
            Order(7).pay()
            assert DONE == [(7, "ups")]
    """)
    passes(suite, 2)


def test_at_once_no_test_waits_for_a_commit(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import ayl, pytest
        from ayl import commits
        from shop import Order

        @pytest.fixture(autouse=True)
        def open_transaction(monkeypatch):
            monkeypatch.setattr(commits, "WATCHERS", [lambda named: [[].append]])

        def test_waits(ayl_sent):
            Order(1).pay()
            ayl_sent.assert_nothing_sent()

        def test_does_not_wait(ayl_at_once, ayl_sent):
            Order(1).pay()
            ayl_sent.assert_sent(Order(1).ship, "ups")

        def test_waits_again(ayl_sent):
            Order(1).pay()
            ayl_sent.assert_nothing_sent()
    """)
    passes(suite, 3)


def test_a_whole_suite_can_be_kept_from_every_server(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
        import pytest

        @pytest.fixture(autouse=True)
        def _no_server(ayl_sent):
            pass
    """)
    suite.makepyfile("""
        from ayl import testing
        from shop import Order

        def test_one():
            Order(1).pay()
            testing.assert_sent(Order(1).ship, "ups")

        def test_two(ayl_sent):
            Order(1).pay()
            assert len(ayl_sent) == 1
    """)
    passes(suite, 2)


def test_tests_in_coroutines_and_of_unittest_are_recorded_too(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import asyncio, unittest
        import ayl, pytest
        from ayl import testing
        from shop import DONE, tell

        def test_a_coroutine(ayl_sent):
            async def main():
                await ayl.asend(tell, "hello")
                ayl_sent.assert_sent(tell, "hello")
                assert ayl_sent.run_sent() == 1
                assert DONE == ["hello"]
            asyncio.run(main())

        @pytest.mark.usefixtures("ayl_sent")
        class TestMarked(unittest.IsolatedAsyncioTestCase):
            async def test_tell(self):
                await ayl.asend(tell, "hello")
                testing.assert_sent_times(1, tell, "hello")

        class TestPlain(unittest.TestCase):
            def test_tell(self):
                with testing.recording() as sent:
                    ayl.send(tell, "hello")
                sent.assert_sent(tell, "hello")
    """)
    passes(suite, 3)


def test_settings_and_engine_are_the_old_ones_afterwards(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import ayl
        from ayl import delivery, settings
        from ayl.engines.synchronous import SynchronousEngine
        from shop import DONE, Order

        def test_before():
            assert settings.current().app == ""

        def test_assumed(ayl_sent):
            Order(1).pay()
            assert ayl_sent.sent()[0].tube == "test/dev"

        def test_after():
            assert settings.current().app == ""
            ayl.configure(app="shop", engine="synchronous")
            Order(1).pay()
            assert DONE == [(1, "ups")]

        def test_configured(ayl_sent):
            Order(2).pay()
            assert ayl_sent.sent()[0].tube == "shop/dev"
            assert DONE == [(1, "ups")]

        def test_afterwards():
            Order(3).pay()
            assert DONE == [(1, "ups"), (3, "ups")]
    """)
    passes(suite, 5)


def test_a_test_that_fails_or_is_skipped_restores_them_too(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest
        from ayl import settings, testing
        from shop import Order

        def test_fails(ayl_sent, ayl_at_once):
            Order(1).pay()
            raise ValueError

        def test_is_skipped(ayl_inline):
            pytest.skip()

        def test_afterwards():
            assert settings.current().app == ""
            with pytest.raises(RuntimeError, match="nothing is recorded"):
                testing.sent()
    """)
    suite.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1, failed=1, skipped=1)


def test_suites_that_run_at_the_same_time_do_not_meet(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest
        from shop import Order

        @pytest.mark.parametrize("number", range(50))
        def test_alone(number, ayl_sent):
            Order(number).pay()
            assert [call.receiver.key for call in ayl_sent.sent()] == [number]
    """)
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-q"]
    running = [subprocess.Popen(command, cwd=suite.path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "50 passed" in said


def test_the_fixtures_are_listed_with_a_line_of_help(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess(*PLUGIN, "--fixtures")
    for name in ("ayl_sent", "ayl_inline", "ayl_at_once"):
        result.stdout.fnmatch_lines([f"{name} -- *pytest_plugin.py:*"])


def loaded(suite: pytest.Pytester, body: str) -> set[str]:
    """The modules of ayl that a run of a suite with one test has loaded, and those of frameworks."""
    suite.makepyfile(f"""
        import sys

        def test_it{body}

        def test_report():
            print("loaded:", *(name for name in sys.modules if name.split(".")[0] in ("ayl", "asyncio", "sqlalchemy")))
    """)
    result = suite.runpytest_subprocess(*PLUGIN, "-p", "no:anyio", "-s")  # watchfiles brings that plugin along
    (line,) = [line for line in result.outlines if "loaded:" in line]
    return set(line.partition("loaded:")[2].split())


def test_a_suite_that_does_not_use_the_fixtures_does_not_load_what_they_need(suite: pytest.Pytester) -> None:
    plain = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, ayl; print(*(name for name in sys.modules if name.split('.')[0] == 'ayl'))",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert loaded(suite, "(): pass") - {*plain} == {"ayl.pytest_plugin"}


def test_an_app_in_production_loads_nothing_for_tests(tmp_path: Path) -> None:
    script = """
import sys, ayl
ayl.configure(app="shop", engine="synchronous")
ayl.ayl_send([1], "append", 2)
print(*(name for name in sys.modules if "testing" in name or "pytest" in name or "recording" in name))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == []
