"""docs/engines.md is true: its sessions show what you get, its URLs are understood, its command starts a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from ayl import engines, settings
from ayl.engines.addresses import TLS_FILES, parse_url
from tests.pages import Page
from tests.processes.server.certificates import Certificates
from tests.processes.server.starting import started
from tests.shop import Shop, shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["shop"]

MANUAL = Page("docs/engines.md")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    settings.reset()


@pytest.mark.parametrize("number", range(len(MANUAL.sessions)))
def test_the_manuals_sessions_show_what_you_get(number: int, shop: Shop) -> None:
    del shop.environment["AYL_ENGINE"]
    shop.session(MANUAL.sessions[number])


def test_the_manuals_engines_are_understood() -> None:
    names: dict[str, object] = {}
    configured = []
    assert not MANUAL.files
    for snippet in MANUAL.snippets:
        exec(("" if names else "import ayl\n") + snippet, names)  # noqa: S102 - the manual's own text
        configured.append(settings.current().engine)
    assert len(set(configured)) == 5
    for url in configured:
        if url.startswith("beanstalks"):
            tls = parse_url(url).tls
            assert tls is not None
            assert all(path.startswith("/etc/shop/") for path in tls)
            assert len(tls) == len(TLS_FILES)
        else:
            engines.engine_for(settings.configure(engine=url)).close()


def test_the_manuals_server_speaks_tls(tmp_path: Path) -> None:
    (command,) = MANUAL.commands
    program, *words = command.split()
    assert program == "ayl_server"
    made = Certificates(trustme.CA(), tmp_path)
    files = {"server.pem": made.certificate, "server.key": made.key, "clients.pem": made.ca}
    words = [str(files.get(word, word)).replace("tls:0.0.0.0", "tls:127.0.0.1:0") for word in words]
    with started(tmp_path, *words) as server:
        assert server.addresses[0].startswith("tls:127.0.0.1:")


def test_every_engine_and_every_setting_of_time_is_in_the_manual() -> None:
    for scheme in engines.SCHEMES:
        assert f"`{scheme}" in MANUAL.text
    for name in ("send_timeout", "probe_interval", "timeout"):
        default = f"{getattr(settings.Settings(), name):g} s"
        assert f"| `{name}` | {default} |" in MANUAL.text
