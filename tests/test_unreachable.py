"""docs/unreachable.md is true: what it shows is run in its order, first without a server, then with one."""

from __future__ import annotations

import re
import subprocess
import sys

from ayl.engines.fallback import DRAIN_SECONDS
from ayl.engines.spool.draining import PORTION
from ayl.settings import Settings
from ayl.worker.deliveries import LOOK_SECONDS

from .pages import ROOT, Page
from .shop import Shop, shop

__all__ = ["shop"]

PAGE = Page("docs/unreachable.md")


def test_following_the_page_step_by_step_works(shop: Shop) -> None:
    shop.environment["XDG_STATE_HOME"] = str(shop.directory / "state")
    PAGE.write(shop.directory)
    (session,) = PAGE.sessions
    session = session.replace("127.0.0.1:11300", f"127.0.0.1:{shop.port}").replace("4.9 s", "... s")
    # The default port is not named, another one is.
    shop.session(session.replace("with: ayl_server", f"with: ayl_server -p {shop.port}"))

    listed, as_json, server, drained, again = PAGE.commands
    assert "1 calls wait in" in shop.run(listed)
    assert '"call": "shop.restock(\'socks\', 100)"' in shop.run(as_json)
    shop.run(server)
    assert shop.run(drained) == "delivered 1, set aside 0, still waiting 0\n"
    assert shop.run(again) == "delivered 0, set aside 0, still waiting 0\n"


def test_the_page_tells_the_defaults_and_bounds_that_hold() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \| [^|]* \|$", PAGE.text, re.MULTILINE))
    settings = Settings()
    for name in ("send_timeout", "probe_interval", "spool_limit"):
        assert float(table[name].replace(",", "")) == getattr(settings, name)
    assert f"`{settings.unreachable}` (the default)" in PAGE.text
    assert f"spends\n  {DRAIN_SECONDS:g} seconds" in PAGE.text
    assert f"({PORTION[0]} at most)" in PAGE.text
    assert LOOK_SECONDS == 5
    assert "within five seconds" in PAGE.text


def test_the_page_s_long_run_can_be_begun() -> None:
    (line,) = PAGE.long_runs
    words = line.replace("--kills 100", "--kills 1").split()
    assert words != line.split()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
