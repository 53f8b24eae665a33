"""docs/safety.md is true: its commands and snippets are run, in their order, in a fresh directory."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from ayl.signing import key_ring
from tests.ayl.hostile.corpus import CORPUS
from tests.pages import Page
from tests.shop import PATIENCE, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANUAL = Page("docs/safety.md")


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Iterator[Shop]:
    shop = Shop(tmp_path, free_port)
    MANUAL.write(tmp_path)
    yield shop
    shop.close()


def test_the_errors_are_the_ones_you_get(shop: Shop) -> None:
    assert not MANUAL.snippets
    shop.session("\n".join(MANUAL.sessions))


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, export, worker, signed, unsigned, kill = MANUAL.commands
    shop.run(server)
    name, _, secrets = export.removeprefix("export ").partition("=")
    shop.environment[name] = secrets.strip('"')
    shop.run(worker)
    shop.run(signed)
    shop.wait_until("shipping 42 with ups", log="ayl_worker")
    shop.run(unsigned)
    (line,) = re.findall(r"^    (job .*)$", MANUAL.text, re.MULTILINE)
    shop.wait_until(line, log="ayl_worker")
    assert ", signed)" in shop.run(kill)
    shop.wait_until("retired", log="ayl_worker")
    assert shop.background[1].wait(PATIENCE) == 0
    assert "shipping 43" not in shop.log("ayl_worker")


def test_the_file_rotates_keys_as_it_is_said(shop: Shop) -> None:
    (table,) = [block.text for block in MANUAL.blocks if block.language == "toml"]
    ring = key_ring(tomllib.loads(table)["secrets"])
    moments = {"2026-12": "2026a", "2027-01": "2026a", "2027-02": "2027a", "2028-01": "2027a"}
    for month, key in moments.items():
        now = tomllib.loads(f"moment = {month}-15T00:00:00Z")["moment"].timestamp()
        body = ring.sign("shop", b'{"type":"ayl"}', now)
        assert body.startswith(f'{{"sig":"{key}.'.encode())
    (shop.directory / "ayl.toml").write_text(table)
    os.chmod(shop.directory / "ayl.toml", 0o600)  # noqa: PTH101 - as the manual says
    assert shop.python("import ayl; print(ayl.configure().secrets)") == "KeyRing(2026a, 2027a)\n"


def test_the_corpus_is_as_large_as_is_said() -> None:
    (told,) = re.findall(r"some (\d+) messages", MANUAL.text)
    assert abs(len(CORPUS) - int(told)) < 20
