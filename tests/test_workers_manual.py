"""docs/workers.md is true: its files are written, its commands run."""

from __future__ import annotations

from ayl.worker.coroutines import PLAIN_CALLS
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/workers.md")


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, worker = MANUAL.commands
    assert not MANUAL.snippets
    assert not MANUAL.sessions
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(worker)
    shop.python(MANUAL.files["send.py"])
    for words in (
        "High Street is swept",
        "Mill Lane is swept",
        "The Green is swept",
        "bus 0 is here",
        "bus 499 is here",
    ):
        shop.wait_until(words, log="ayl_worker")


def test_the_manual_tells_the_numbers_that_are_kept() -> None:
    assert f"have {PLAIN_CALLS} such threads" in MANUAL.text
