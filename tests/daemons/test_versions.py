"""Where the version of an application is looked up, by code that is its user's."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ayl.daemons import versions
from ayl.daemons.errors import CannotStart
from ayl.daemons.spec.model import Daemon, Kind, Version
from ayl.daemons.versions import version
from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to everybody."""
    with tempfile.TemporaryDirectory(prefix="ayl-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def told(folder: Path, source: str, value: str, user: int = 0, python: str = sys.executable) -> str | None:
    """By this source, as this user."""
    source_of = Version(source, value, python, str(folder))
    environment = {"PATH": os.environ["PATH"]}
    daemon = Daemon("shop.mail", Kind.WORKERS, ("x",), str(folder), environment=environment, version=source_of)
    return version(daemon, (user, user))


def module(folder: Path, text: str) -> None:
    (folder / "release.py").write_text(text)


def test_a_file_says_it_in_its_first_line(folder: Path) -> None:
    (folder / "VERSION").write_text("1.4.2\nof yesterday\n")
    assert told(folder, "file", "VERSION") == "1.4.2"


def test_a_module_says_it(folder: Path) -> None:
    module(folder, "class About:\n    VERSION = '7'\n")
    assert told(folder, "attribute", "release:About.VERSION") == "7"


def test_it_is_looked_up_as_the_daemons_user_in_all_its_groups(folder: Path) -> None:
    module(folder, "import os\nVERSION = '-'.join(map(str, [os.getuid(), os.getgid(), *os.getgroups()]))\n")
    found = told(folder, "attribute", "release:VERSION", NOBODY, "/usr/bin/python3")
    groups = "-".join(map(str, os.getgrouplist("nobody", NOBODY)))
    assert found == f"{NOBODY}-{NOBODY}-{groups}"


def test_no_terminal_is_there_for_that_code(folder: Path) -> None:
    module(folder, "import os\nVERSION = str(os.getsid(0) == os.getpid())\n")
    assert told(folder, "attribute", "release:VERSION") == "True"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('not today')", "its version cannot be told: RuntimeError: not today"),
        ("VERSION = ''", "its version is empty, by attribute: release:VERSION"),
        ("VERSION = 'a\\nb'", "'a\\\\nb' is no version, by attribute: release:VERSION"),
        ("VERSION = 'a\\0b'", "'a\\\\x00b' is no version, by attribute: release:VERSION"),
        ("VERSION = '1' * 300", f"'{'1' * 200}' is no version, by attribute: release:VERSION"),
        ("import sys; sys.exit(3)", "its version cannot be told: exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "its version cannot be told: exit code -9"),
    ],
)
def test_what_is_none_is_refused(folder: Path, text: str, reason: str) -> None:
    module(folder, text)
    with pytest.raises(CannotStart) as caught:
        told(folder, "attribute", "release:VERSION")
    assert caught.value.reason == reason.replace("\\\\", "\\")


def test_a_file_that_is_missing_is_told(folder: Path) -> None:
    with pytest.raises(CannotStart, match=r"its version cannot be told: head: .*VERSION"):
        told(folder, "file", "VERSION")


def test_what_takes_too_long_is_ended_with_all_that_it_has_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "SECONDS", 0.5)
    pid = folder / "pid"
    module(folder, f"import os\nos.system('echo $$ > {pid}; exec sleep 1000')")
    with pytest.raises(CannotStart, match=r"it took more than 0\.5 s"):
        told(folder, "attribute", "release:VERSION")
    eventually(lambda: not Path(f"/proc/{pid.read_text().strip()}/exe").exists())


def test_what_prints_without_end_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "SECONDS", 0.5)
    module(folder, "while True: print('x' * 65536)")
    with pytest.raises(CannotStart, match=r"it took more than 0\.5 s"):
        told(folder, "attribute", "release:VERSION")
