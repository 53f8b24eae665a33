"""`ayl_daemons` and people: Tab, and a long wait."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ayl.cli.daemons.patience import line
from tests.cli.live.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from .site import Site


def offered(site: Site, typed: str) -> list[str]:
    """What bash offers at Tab."""
    variables = site.variables | {"_AYL_DAEMONS_COMPLETE": "bash_complete", "COMP_WORDS": f"ayl_daemons {typed}"}
    done = subprocess.run(site.command, env=variables, capture_output=True, text=True, check=True, cwd="/")
    assert done.stderr == ""
    return [offer.partition(",")[2] for offer in done.stdout.splitlines() if offer]


def test_tab_offers_commands(site: Site) -> None:
    assert offered(site, "sta") == ["start", "status"]


@pytest.mark.parametrize("command", ["start", "status", "run"])
def test_tab_offers_the_daemons_of_the_file(site: Site, command: str) -> None:
    first, second = site.has("a"), site.has("b")
    assert offered(site, f"{command} ") == [site.app, first, second]
    assert offered(site, f"{command} {first} {site.app}.") == [second]


def test_tab_takes_the_file_that_is_named(site: Site, tmp_path: Path) -> None:
    site.has("a")
    other = site.config.rename(tmp_path / "other.yml")
    assert offered(site, "start ") == []
    assert offered(site, f"--config {other} start ") == [site.app, site.name("a")]
    assert offered(site, f"start --config {other} {site.app}.") == [site.name("a")]


def test_tab_offers_nothing_of_a_wrong_file(site: Site) -> None:
    site.config.write_text("\tno: yaml")
    assert offered(site, "start ") == []


def test_who_waits_on_a_terminal_sees_for_what(site: Site) -> None:
    name = site.has("a", ready="2.7s")
    with terminal("start", command=tuple(site.command), variables=site.variables) as shown:
        shown.see(f"waiting for {name} (2 s)")
        shown.see(f"{name}: running (pid")
        assert shown.ended() == 0
        assert "waiting" not in shown.screen.text


def test_as_many_names_as_there_is_room_for() -> None:
    names = ["shop.mail", "shop.web", "shop.other"]
    assert line(names, 2.4, 80) == "waiting for shop.mail, shop.web, shop.other (2 s)"
    assert line(names, 2.4, 49) == "waiting for shop.mail, shop.web and 1 more (2 s)"
    assert line(names, 2.4, 40) == "waiting for shop.mail and 2 more (2 s)"
    assert line(names, 2.4, 30) == "waiting for 3 (2 s)"
    assert line(names, 2.4, 5) == "wait"
    assert line(["\x1b"], 2.4, 80) == "waiting for \\x1b (2 s)"
