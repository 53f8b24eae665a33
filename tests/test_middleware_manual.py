"""docs/middleware.md is true: its files are written, its commands run, and what they are said to print is printed."""

from __future__ import annotations

import re

from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/middleware.md")


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, worker = MANUAL.commands
    assert not MANUAL.snippets
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(worker)
    shop.python(MANUAL.files["send.py"])
    (told,) = re.findall(r"^The worker then says (.*?)\.$", MANUAL.text, re.MULTILINE | re.DOTALL)
    lines = re.findall("`(.*?)`", told)
    assert len(lines) == 4
    for line in (*lines, "slowly greeting Smith in cy"):
        shop.wait_until(line, log="ayl_worker")
