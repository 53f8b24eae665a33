"""docs/engines.md is true: its sessions show what you get, its URLs are understood, its command starts a server."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from ayl import engines, settings
from ayl.engines.addresses import TLS_FILES, parse_url
from tests.processes.server.certificates import Certificates
from tests.processes.server.starting import started
from tests.processes.servers import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
MANUAL = (ROOT / "docs" / "engines.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)
SESSIONS = [text for language, text in BLOCKS if language == "python" and text.startswith(">>>")]
SNIPPETS = [text for language, text in BLOCKS if language == "python" and not text.startswith(">>>")]
COMMANDS = [text for language, text in BLOCKS if language == "console"]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    settings.reset()


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_the_manuals_sessions_show_what_you_get(number: int, tmp_path: Path) -> None:
    (tmp_path / "session.txt").write_text(SESSIONS[number])
    options = doctest.ELLIPSIS
    script = f"import doctest, sys; sys.exit(doctest.testfile('session.txt', False, optionflags={options}).failed)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert doctest.DocTestParser().get_examples(SESSIONS[number])


def test_the_manuals_engines_are_understood() -> None:
    names: dict[str, object] = {}
    configured = []
    for snippet in SNIPPETS:
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
    (command,) = COMMANDS
    program, *words = command.removeprefix("$ ").split()
    assert program == "ayl_server"
    made = Certificates(trustme.CA(), tmp_path)
    files = {"server.pem": made.certificate, "server.key": made.key, "clients.pem": made.ca}
    words = [str(files.get(word, word)).replace("tls:0.0.0.0", "tls:127.0.0.1:0") for word in words]
    with started(tmp_path, *words) as server:
        assert server.addresses[0].startswith("tls:127.0.0.1:")


def test_every_engine_and_every_setting_of_time_is_in_the_manual() -> None:
    for scheme in engines.SCHEMES:
        assert f"`{scheme}" in MANUAL
    for name in ("send_timeout", "probe_interval", "timeout"):
        default = f"{getattr(settings.Settings(), name):g} s"
        assert f"| `{name}` | {default} |" in MANUAL
