"""docs/peewee.md is true: its files are written, its commands run and its snippets executed."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest

from tests.manual import Manual
from tests.test_readme import Shop, shop, wait_for_server

__all__ = ["shop"]

MANUAL = Manual("peewee.md")


@pytest.fixture
def followed(shop: Shop) -> Shop:
    """With the manual's files, its server and its worker."""
    _, server, worker = MANUAL.commands
    MANUAL.write(shop)
    shop.run(server)
    wait_for_server(shop.port)
    shop.run(worker)
    return shop


def test_the_manual_says_how_to_install_it() -> None:
    assert MANUAL.commands[0] == 'pip install "ayl[peewee]"'
    assert [line for line in requires("ayl") or () if re.match(r"peewee.*extra == .peewee.$", line)]


def test_following_the_manual_step_by_step_works(followed: Shop) -> None:
    followed.python(MANUAL.files["send.py"])
    for line in ("order 1 goes with ups", "line 0 of order 1 is packed", "restocking 100 socks",
                 "3 lines are packed together", "order 1 is archived", "0 orders are not paid"):  # fmt: skip
        followed.wait_until(line, log="ayl_worker")
    followed.python(MANUAL.files["moments.py"])
    for line in ("restocking 1 shoes", "restocking 1 hats", "restocking 1 scarves"):
        followed.wait_until(line, log="ayl_worker")
    for word in ("gloves", "nobody", "failed"):
        assert word not in followed.log("ayl_worker")
    followed.python(MANUAL.files["try_it.py"])


def test_the_manual_s_errors_are_the_ones_you_get(followed: Shop) -> None:
    assert MANUAL.play(followed) == [""]


def test_the_manual_has_no_other_files_and_sessions() -> None:
    assert set(MANUAL.files) == {"shop.py", "send.py", "moments.py", "try_it.py"}
    assert len(MANUAL.sessions) == 1
