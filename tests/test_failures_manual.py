"""docs/failures.md is true: its files are written, its commands run, its tables compared with what is decided."""

from __future__ import annotations

import re

from ayl.failures import HANDLED, LONGEST_SECONDS, backoff
from ayl.options import HANDLERS, Options
from ayl.treatments import TREATMENTS
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/failures.md")
TEXT = re.sub(r"^```.*?^```$", "", MANUAL.text, flags=re.DOTALL | re.MULTILINE)
QUOTED = re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)
"""What programs say, in the order of the page."""


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, worker = MANUAL.commands
    assert not MANUAL.snippets
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.python(MANUAL.files["send.py"])  # all of them first, so that their numbers are those of the page
    shop.run(worker)
    shop.wait_until("dear Ada", log="ayl_worker")
    shop.wait_until("letters.greet('busy') (try 2 of 2, now job", log="ayl_worker")
    log = shop.log("ayl_worker")
    for line in QUOTED[:3]:
        like = re.sub(r"now job \\\d+", r"now job \\d+", re.escape(line))
        assert re.search(re.sub(r"in\\ \d+\\ s", r"in\\ (6|7)\\d\\ s", like), log), line
    assert re.search(r"Postbox\.find\(7\)\.empty\(\) \(try 1 of 3, now job \d+\) buried: PermissionError", log)
    assert re.search(r"greet\('busy'\) \(try 1 of 2, now job \d+\) comes back in 1 s: TimeoutError", log)
    program = MANUAL.files["why.py"].replace("11300", str(shop.port))
    assert shop.python(program).splitlines() == QUOTED[3:5]


def test_the_manual_s_errors_are_the_ones_you_get(shop: Shop) -> None:
    for session in MANUAL.sessions:
        shop.session(session)


def test_the_table_of_delays_is_the_one_that_is_kept() -> None:
    rows = re.findall(r"^\| (\d+) \|((?: \d+ \|)+)$", TEXT, re.MULTILINE)
    assert len(rows) == 3
    for delay, cells in rows:
        told = [int(cell) for cell in cells.split("|") if cell.strip()]
        assert told == [backoff(int(delay), number, 0.0) for number in range(1, len(told) + 1)]
    assert LONGEST_SECONDS == 3600
    assert Options().failed_job_delay == 60


def test_every_rule_and_every_handler_is_in_the_manual() -> None:
    assert set(HANDLED) == set(HANDLERS)
    for name in (*TREATMENTS, *HANDLERS):
        assert f"| `{name}`" in TEXT
