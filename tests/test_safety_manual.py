"""docs/safety.md is true: its commands and snippets are run, in their order, in a fresh directory."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest

from ayl.signing import key_ring
from tests.ayl.hostile.corpus import CORPUS
from tests.test_readme import PATIENCE, ROOT, Shop, wait_for_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANUAL = (ROOT / "docs" / "safety.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)
COMMANDS = [line.removeprefix("$ ") for language, text in BLOCKS if language == "console" for line in text.splitlines()]


def texts(language: str) -> list[str]:
    return [text for known, text in BLOCKS if known == language]


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Iterator[Shop]:
    shop = Shop(tmp_path, free_port)
    module, *_ = texts("python")
    (tmp_path / "shop.py").write_text(module)
    yield shop
    for process in reversed(shop.background):
        process.terminate()
        process.wait(PATIENCE)


def test_the_errors_are_the_ones_you_get(shop: Shop) -> None:
    _, *sessions = texts("python")
    assert all(session.startswith(">>>") for session in sessions)
    (shop.directory / "session.txt").write_text("\n".join(sessions))
    options = doctest.NORMALIZE_WHITESPACE
    shop.python(f"import doctest, sys; sys.exit(doctest.testfile('session.txt', False, optionflags={options}).failed)")


def run(shop: Shop, command: str) -> str:
    """As a shell does: quotes taken away, names found on the path."""
    if command.endswith("&") or "python" not in command:
        return shop.run(command)
    return shop._output(shlex.split(command))


def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    server, export, worker, signed, unsigned, kill = COMMANDS
    run(shop, server)
    wait_for_server(shop.port)
    name, _, secrets = export.removeprefix("export ").partition("=")
    shop.environment[name] = secrets.strip('"')
    run(shop, worker)
    run(shop, signed)
    shop.wait_until("shipping 42 with ups", log="ayl_worker")
    run(shop, unsigned)
    (line,) = re.findall(r"^    (job .*)$", MANUAL, re.MULTILINE)
    shop.wait_until(line, log="ayl_worker")
    assert ", signed)" in run(shop, kill)
    shop.wait_until("retired", log="ayl_worker")
    assert shop.background[1].wait(PATIENCE) == 0
    assert "shipping 43" not in shop.log("ayl_worker")


def test_the_file_rotates_keys_as_it_is_said(shop: Shop) -> None:
    (table,) = texts("toml")
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
    (told,) = re.findall(r"some (\d+) messages", MANUAL)
    assert abs(len(CORPUS) - int(told)) < 20
