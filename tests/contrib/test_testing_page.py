"""docs/testing.md is true of ORMs: its apps and tests are run as they stand, each in a directory of its own."""

from __future__ import annotations

import sys

import pytest

from tests.pages import Page

pytest_plugins = ["pytester"]

FILES = {
    section: {block.file: block.text for block in Page("docs/testing.md").blocks if block.section == section}
    for section in ("Django", "SQLAlchemy", "Peewee")
}

PROJECT = """
INSTALLED_APPS = ["store"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "store.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "for tests only"
"""


def test_tests_of_django_pass_as_they_stand_on_the_page(pytester: pytest.Pytester) -> None:
    store = pytester.mkpydir("store")
    for name, text in FILES["Django"].items():
        (store.parent / name).write_text(text)
    (pytester.path / "settings.py").write_text(PROJECT)
    done = pytester.run(sys.executable, "-W", "error", "-m", "django", "test", "--settings=settings", "--pythonpath=.")
    assert done.ret == 0
    done.stderr.fnmatch_lines(["Ran 3 tests*", "OK"])


@pytest.mark.parametrize(("section", "tests"), [("SQLAlchemy", 3), ("Peewee", 2)])
def test_tests_of_pytest_pass_as_they_stand_on_the_page(section: str, tests: int, pytester: pytest.Pytester) -> None:
    for name, text in FILES[section].items():
        (pytester.path / name).write_text(text)
    plugin = ("-p", "no:ayl", "-p", "ayl.pytest_plugin", "-p", "no:cacheprovider")
    pytester.runpytest_subprocess(*plugin, "-W", "error").assert_outcomes(passed=tests)


def test_the_page_has_no_other_code() -> None:
    assert [[*files] for files in FILES.values()] == [
        ["store/models.py", "store/tests.py"],
        ["models.py", "test_orders.py"],
        ["test_peewee.py"],
    ]
