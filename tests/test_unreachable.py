"""docs/unreachable.md is true: what it shows is run in its order, first without a server, then with one."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ayl.engines.fallback import DRAIN_SECONDS
from ayl.engines.spool.draining import PORTION
from ayl.settings import Settings
from ayl.worker.deliveries import LOOK_SECONDS

from .test_readme import PATIENCE, ROOT, Shop, wait_for_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "unreachable.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line.removeprefix("$ ") for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Iterator[Shop]:
    shop = Shop(tmp_path, free_port)
    shop.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    yield shop
    for process in shop.background:
        process.terminate()
        process.wait(PATIENCE)


def test_following_the_page_step_by_step_works(shop: Shop) -> None:
    (_, module), (_, session), *_ = BLOCKS
    (shop.directory / "shop.py").write_text(module)
    session = session.replace("127.0.0.1:11300", f"127.0.0.1:{shop.port}").replace("4.9 s", "... s")
    session = session.replace("with: ayl_server", f"with: ayl_server -p {shop.port}")  # which the default is not
    (shop.directory / "session.txt").write_text(session)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    shop.python(f"import doctest, sys; sys.exit(doctest.testfile('session.txt', False, optionflags={options}).failed)")

    listed, as_json, server, drained, again = COMMANDS
    assert "1 calls wait in" in shop.run(listed)
    assert '"call": "shop.restock(\'socks\', 100)"' in shop.run(as_json)
    shop.run(server)
    wait_for_server(shop.port)
    assert shop.run(drained) == "delivered 1, set aside 0, still waiting 0\n"
    assert shop.run(again) == "delivered 0, set aside 0, still waiting 0\n"


def test_the_page_tells_the_defaults_and_bounds_that_hold() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \| [^|]* \|$", PAGE, re.MULTILINE))
    settings = Settings()
    for name in ("send_timeout", "probe_interval", "spool_limit"):
        assert float(table[name].replace(",", "")) == getattr(settings, name)
    assert f"`{settings.unreachable}` (the default)" in PAGE
    assert f"spends\n  {DRAIN_SECONDS:g} seconds" in PAGE
    assert f"({PORTION[0]} at most)" in PAGE
    assert LOOK_SECONDS == 5
    assert "within five seconds" in PAGE


def test_the_page_s_long_run_can_be_begun() -> None:
    (line,) = re.findall(r"`\.venv/bin/python (-m .*?)`", PAGE)
    words = line.replace("--kills 100", "--kills 1").split()
    assert words != line.split()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
