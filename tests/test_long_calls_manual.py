"""docs/long_calls.md is true: its files are written and run, and what is said of options and fields is looked up."""

from __future__ import annotations

import re

from ayl.options import Options
from ayl.running import Running
from ayl.worker import exits, terms
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/long_calls.md")


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, *workers = MANUAL.commands
    assert not MANUAL.snippets
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.python(MANUAL.files["send.py"])
    for worker in workers:
        shop.run(worker)
    (line,) = re.findall(r"^    (buried: .*)$", MANUAL.text, re.MULTILINE)
    for said in (
        " of archive/1, try 1",
        "about 118 s are left",
        "rebuilt 4 folders",
        "done with 4 folders",
        line,
        "scanned page 5",
    ):
        shop.wait_until(said, log="ayl_worker")


def test_the_numbers_are_those_that_hold() -> None:
    assert Options().time_to_run == 120
    assert (terms.SPARE_PART, terms.MOST_SPARE, terms.TOUCHES, exits.OVERRAN) == (0.25, 2.0, 3, 81)


def test_every_field_of_a_running_call_is_in_its_table() -> None:
    fields = {name for name in (*vars(Running), "stopping") if not name.startswith("_")} - {"said"}
    told = {
        name for row in re.findall(r"^\| (`.*?) \|", MANUAL.text, re.MULTILINE) for name in re.findall(r"`(\w+)", row)
    }
    assert told == fields
