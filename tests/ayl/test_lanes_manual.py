"""docs/lanes.md is true: its commands are run."""

from __future__ import annotations

from ayl.engines.watching import LOOK_PART, LOOK_SECONDS
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/lanes.md")


def test_following_the_manual_works(shop: Shop) -> None:
    server, *workers = MANUAL.commands
    MANUAL.write(shop.directory)
    shop.run(server)
    for number, (worker, lane) in enumerate(
        zip(workers, ("mail", "a", "b", "urgent", "pdf", "customer-7"), strict=True), 1
    ):
        send = f"import ayl, shop; ayl.opts(lane='{lane}').send(shop.greet, 'number {number}')"
        shop.run(f'python -c "{send}"')
        shop.run(worker)
        shop.wait_until(f"good morning, number {number}", log="ayl_worker")
        ended = shop.background.pop()  # it would take the next call, too
        ended.terminate()
        ended.wait()


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"every\n{LOOK_SECONDS} seconds" in MANUAL.text
    assert LOOK_PART == 0.01
