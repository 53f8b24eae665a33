"""docs/logs.md is true: its files are written, its commands run, and the lines are as it says."""

from __future__ import annotations

from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/logs.md")


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, worker = MANUAL.commands
    assert not MANUAL.snippets
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(worker)
    ship, ask = [line for line in shop.python(MANUAL.files["send.py"]).splitlines() if len(line) == 36]
    shop.wait_until(f"\nINFO shop.ship[{ship}] shop: shipping with ups\n", log="ayl_worker")
    shop.wait_until(f"\nINFO shop.ask[{ask}] shop: asking dhl\n", log="ayl_worker")
    for end in ("failed after 0.", "buried: LookupError: dhl"):
        shop.wait_until(end, log="ayl_worker")
    ends = [line for line in shop.log("ayl_worker").splitlines() if "failed after" in line or "buried" in line]
    assert all(line.split()[1] == f"shop.ask[{ask}]" for line in ends)
    assert "INFO -[-] shop: the shop is open\n" in shop.log("ayl_worker")
    assert "INFO -[-] ayl.worker: takes jobs from shop/1.4.2\n" in shop.log("ayl_worker")
