"""Each extra is enough for what its page shows: that is followed with nothing else installed."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from tests.ayl import test_plain_manual as plain
from tests.contrib.django import test_manual as django
from tests.contrib.peewee import test_manual as peewee
from tests.contrib.sqlalchemy import test_manuals as sqlalchemy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.shop import Shop

    from .fresh import FreshShop

FRAMEWORKS = {"attrs", "django", "peewee", "pydantic", "sqlalchemy", "sqlmodel"}

PAGES: dict[str, tuple[Callable[[Shop], None], set[str]]] = {
    "django": (django.follow, {"django"}),
    "peewee": (peewee.follow, {"peewee"}),
    "sqlalchemy": (partial(sqlalchemy.follow, "docs/sqlalchemy.md"), {"sqlalchemy"}),
    "sqlmodel": (partial(sqlalchemy.follow, "docs/sqlmodel.md"), {"sqlmodel", "sqlalchemy", "pydantic"}),
}
"""How each is followed, and the frameworks that are there then."""


@pytest.mark.parametrize("page", PAGES)
def test_a_frameworks_page_can_be_followed_with_its_extra_alone(page: str, fresh: FreshShop) -> None:
    follow, frameworks = PAGES[page]
    follow(fresh)
    assert fresh.distributions() & FRAMEWORKS == frameworks


def test_plain_classes_need_no_extra(fresh: FreshShop) -> None:
    fresh.install("pip install ayl")
    plain.follow(fresh)
    assert not fresh.distributions() & FRAMEWORKS


def server(shop: FreshShop, extra: str, options: str = "") -> subprocess.Popen[str]:
    """One with that extra, in reach."""
    shop.install(f'pip install "ayl[{extra}]"')
    shop.run(f"ayl_server -p {shop.port} {options} &")
    shop.wait_until("started", log="ayl_server")  # it listens before it has loaded everything
    return shop.background[0]


def test_the_server_s_page_for_prometheus_needs_its_extra_alone(fresh: FreshShop) -> None:
    server(fresh, "metrics", "--metrics 127.0.0.1:0")
    (url,) = re.findall(r"http://\S+/metrics", fresh.log("ayl_server"))
    with urlopen(url) as page:  # noqa: S310 - the server's own
        assert b"ayl_server_" in page.read()


def test_the_server_s_faster_loop_needs_its_extra_alone(fresh: FreshShop) -> None:
    process = server(fresh, "uvloop")
    assert "uvloop" in Path(f"/proc/{process.pid}/maps").read_text()
