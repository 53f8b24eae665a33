"""docs/workers.md is true: its files are written, its commands run."""

from __future__ import annotations

from ayl.worker.coroutines import PLAIN_CALLS
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/workers.md")


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, *workers = MANUAL.commands
    assert not MANUAL.snippets
    assert not MANUAL.sessions
    MANUAL.write(shop.directory)
    shop.run(server)
    for worker in workers:
        shop.run(worker)
    shop.python(MANUAL.files["send.py"])
    for words in (
        "High Street is swept",
        "Mill Lane is swept",
        "The Green is swept",
        "bus 0 is here",
        "bus 499 is here",
        "168 primes below 1000",
        "430 primes below 3000",
    ):
        shop.wait_until(words, log="ayl_worker")


def test_the_manual_tells_the_numbers_that_are_kept() -> None:
    assert f"have {PLAIN_CALLS} such threads" in MANUAL.text
