"""docs/plain.md is true: its files are written, its commands run and its snippets executed.

It is followed by tests/installed, where nothing is there but ayl.
"""

from __future__ import annotations

from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/plain.md")

ALONE = {
    "letters.py": "[('Jones', 2026, 95), ('Smith', 2026, 180)]\n",
    "gone.py": "an empty frame on the north wall\n",
}
"""The files that run by themselves, and what they print."""


def follow(shop: Shop) -> None:
    server, worker = MANUAL.commands
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(worker)
    shop.python(MANUAL.files["send.py"])
    for line in ("stay 3 of Jones is cleared", "stay 4 of Smith is cleared", "menu 1 is cooked, 1 in the cache",
                 "room 12 of east is clean", "ring ring Jones", "2 residents"):  # fmt: skip
        shop.wait_until(line, log="ayl_worker")


def test_the_files_that_run_alone_print_what_they_should(shop: Shop) -> None:
    assert not MANUAL.snippets
    assert set(MANUAL.files) == {"home.py", "send.py", *ALONE}
    for name, printed in ALONE.items():
        assert shop.python(MANUAL.files[name]) == printed


def test_the_manual_s_errors_are_the_ones_you_get(shop: Shop) -> None:
    for session in MANUAL.sessions:
        shop.session(session, 'import ayl; ayl.configure(app="home", version="1")')
