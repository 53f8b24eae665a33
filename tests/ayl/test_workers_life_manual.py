"""docs/workers_life.md is true: its commands are run, and its tables are those of the code."""

from __future__ import annotations

import json
import re

from ayl.cli.worker import EPILOG, main
from ayl.pidfiles import holder
from ayl.worker import exits, titles
from ayl.worker.farewell import LAST_SECONDS
from ayl.worker.liveness import LEAST_SECONDS
from ayl.worker.restarts import FAILED_STARTS, MOST_SECONDS
from ayl.worker.signals import ORDERS
from tests.pages import ROOT, Page
from tests.shop import Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/workers_life.md")


def test_following_the_manual_works(shop: Shop) -> None:
    told, status, as_json, named, server, send, burst = MANUAL.commands
    MANUAL.write(shop.directory)
    shop.run(server)
    shop.run(send)
    assert shop.run(burst) == "good morning, Jones\n"
    shop.run(told)
    shop.wait_until("takes jobs from", log="ayl_worker")
    assert "working" in shop.run(status)
    assert json.loads(shop.run(as_json))["tubes"] == "shop/1.4.2"
    shop.run(named)
    shop.wait_until(" INFO mails[", log="ayl_worker")
    assert holder(str(shop.directory / "mails.pid")) == shop.background[-1].pid


def rows() -> dict[str, str]:
    return dict(re.findall(r"^\| (\S.*?) \| (\S.*) \|$", MANUAL.text, re.MULTILINE))


def test_the_signals_are_those_that_are_heard() -> None:
    told = {name: meaning for names, meaning in rows().items() for name in re.findall(r"`(SIG\w+)`", names)}
    assert told == {number.name: order.name.lower() for number, order in ORDERS.items()}
    assert [name for name in told if name not in EPILOG] == []


def test_the_exit_codes_are_those_of_the_help() -> None:
    told = {int(code): meaning for code, meaning in rows().items() if code.isdecimal()}
    helped = dict(re.findall(r"^ +(\d+)  (.*)$", EPILOG, re.MULTILINE))
    assert set(told) == set(map(int, helped)) >= {exits.OK, exits.NO_APP, exits.CRASH_LOOP, exits.CUT, exits.CONFIG}
    assert "given back" in told[exits.CUT]


def test_the_numbers_are_those_of_the_code() -> None:
    defaults = {option.name: option.default for option in main.params}
    assert f"{defaults['grace']:g} unless you\nsay otherwise" in MANUAL.text
    assert f"killed {LAST_SECONDS:g} s\nlater" in MANUAL.text
    assert f"up to {MOST_SECONDS:g} s" in MANUAL.text
    assert FAILED_STARTS == 5
    assert (f"exit code {exits.STUCK}" in MANUAL.text, LEAST_SECONDS) == (True, 60)
    assert f"every {titles.LOOK_SECONDS:g} s while" in MANUAL.text
    assert f"up to {titles.LONGEST} characters" in MANUAL.text


def test_units_know_the_exit_codes_that_another_start_would_not_mend() -> None:
    (codes,) = re.findall(r"`RestartPreventExitStatus=([\d ]+)`", MANUAL.text)
    assert {*map(int, codes.split())} == {2, exits.NO_APP, exits.CONFIG}
    assert f"`SuccessExitStatus={exits.CUT}`" in MANUAL.text


def test_the_unit_is_as_the_page_says() -> None:
    unit = (ROOT / "packaging/systemd/ayl-worker@.service").read_text()
    assert "](../packaging/systemd/ayl-worker@.service)" in MANUAL.text
    for line in ("Type=notify", "KillMode=mixed"):
        assert f"`{line}`" in MANUAL.text
        assert f"\n{line}\n" in unit
    assert "\nWatchdogSec=" in unit
