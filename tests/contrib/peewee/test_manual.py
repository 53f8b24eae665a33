"""docs/peewee.md is true: its files are written, its commands run and its snippets executed.

It is followed by tests/installed, where nothing is there but what it installs.
"""

from __future__ import annotations

from tests.pages import Page
from tests.shop import Shop, installed, shop

__all__ = ["shop"]

MANUAL = Page("docs/peewee.md")


def test_the_manual_says_how_to_install_it() -> None:
    assert MANUAL.commands[0] == 'pip install "ayl[peewee]"'
    assert installed(MANUAL.commands[0]) == {"peewee"}


def follow(shop: Shop) -> None:
    begin(shop)
    shop.python(MANUAL.files["send.py"])
    for line in ("order 1 goes with ups", "line 0 of order 1 is packed", "restocking 100 socks",
                 "3 lines are packed together", "order 1 is archived", "orders are not paid"):  # fmt: skip
        # How many are not paid is known after a second, in which a busy machine may not come to the payment.
        shop.wait_until(line, log="ayl_worker")
    shop.python(MANUAL.files["moments.py"])
    for line in ("restocking 1 shoes", "restocking 1 hats", "restocking 1 scarves"):
        shop.wait_until(line, log="ayl_worker")
    for word in ("gloves", "nobody", "failed"):
        assert word not in shop.log("ayl_worker")
    shop.python(MANUAL.files["try_it.py"])


def begin(shop: Shop) -> None:
    """With the manual's files, its server and its worker."""
    install, server, worker = MANUAL.commands
    shop.install(install)
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(worker)


def test_the_manual_s_errors_are_the_ones_you_get(shop: Shop) -> None:
    begin(shop)
    (session,) = MANUAL.sessions
    shop.session(session)


def test_the_manual_has_no_other_files_and_sessions() -> None:
    assert set(MANUAL.files) == {"shop.py", "send.py", "moments.py", "try_it.py"}
    assert not MANUAL.snippets
