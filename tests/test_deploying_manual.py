"""docs/deploying.md is true: its files are written, its commands run, and they say what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess

import ayl
from ayl import admin
from ayl.admin.conversation import conversation
from ayl.admin.jobs import found
from tests.pages import Page
from tests.shop import PATIENCE, Shop, shop

__all__ = ["shop"]

MANUAL = Page("docs/deploying.md")

REFUSED = ("--check shop.json", "migrate 1.4 1.5")
"""What is in commands that end with 1 here, if they find something."""


def said(shop: Shop, command: str) -> tuple[str, int]:
    """What it prints, and its exit code."""
    done = subprocess.run(
        shlex.split(command),
        cwd=shop.directory,
        env=shop.environment,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    return done.stdout, done.returncode


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    assert not MANUAL.snippets
    assert not MANUAL.sessions
    for name in ("old", "new"):
        (shop.directory / name).mkdir()
    MANUAL.write(shop.directory)
    blocks = [block for block in MANUAL.blocks if block.language in ("console", "text")]
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        for command in block.commands:
            if following is None or following.language != "text":
                told = shop.run(command)
                assert "peek_buried" not in command or ".wrap('red')" in told
                continue
            text, code = said(shop, command)
            assert text == following.text
            assert code == int("could all run in 1.5\n" not in text)
    for words in ("shipping 42 with ups, insured: False", "filling up 100 socks"):
        shop.wait_until(words, log="ayl_worker")
    with conversation(admin.Server(port=shop.port)) as client:
        (delayed,) = [job for job in found(client, range(1, 20)) if job.state == "delayed"]
    assert (delayed.tube, delayed.priority) == ("shop/1.5", 10)
    assert 3500 < delayed.time_left <= 3600
    assert delayed.body is not None
    assert delayed.body.call == "shop.Order.find(43).ship('dhl', insured=False)"
    assert "shipping 43" not in shop.log("ayl_worker")


def test_the_new_release_needs_its_upgrades() -> None:
    names = re.findall(r'upgrade\("([\w.]+)"', MANUAL.files["new/upgrades.py"])
    (problems,) = [block.text for block in MANUAL.blocks if block.text.startswith("CALL  ")]
    assert sorted(names) == sorted(re.findall(r"^shop\.[\w.]+", problems, re.MULTILINE))
    assert {"upgrade", "Call", "Bury"} <= {*ayl.__all__}
