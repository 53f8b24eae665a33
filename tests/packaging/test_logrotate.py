"""logrotate moves the logs away, whoever they belong to, and makes new ones like them."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages import ROOT

from .root import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = ROOT / "packaging" / "logrotate" / "ayl"

USERS = ("daemon", "mail")


class Logs:
    """A directory of them, where no one but root makes files, as /var/log/ayl is."""

    def __init__(self) -> None:
        made = subprocess.run(
            [*AS_ROOT, "mktemp", "-d", "/var/log/ayl-test-XXXXXX"], check=True, stdout=subprocess.PIPE, text=True
        )
        self.directory = Path(made.stdout.strip())
        self._root("chmod", "755", str(self.directory))
        self._rules = self.directory / "rules"
        self.write(self._rules, RULES.read_text().replace("/var/log/ayl/", f"{self.directory}/"))

    def write(self, path: Path, text: str, user: str = "root", mode: str = "644") -> None:
        subprocess.run([*AS_ROOT, "tee", str(path)], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
        self._root("chown", f"{user}:", str(path))
        self._root("chmod", mode, str(path))

    def rotate(self) -> str:
        """What it complains of."""
        words = ["logrotate", "--force", "--state", str(self.directory / "state"), str(self._rules)]
        done = subprocess.run([*AS_ROOT, *words], check=False, capture_output=True, text=True)
        return f"{done.returncode} {done.stderr}"

    def allow(self, mode: str, group: str) -> None:
        self._root("chgrp", group, str(self.directory))
        self._root("chmod", mode, str(self.directory))

    def remove(self) -> None:
        self._root("rm", "-r", str(self.directory))

    def _root(self, *words: str) -> None:
        subprocess.run([*AS_ROOT, *words], check=True)


@pytest.fixture
def logs() -> Iterator[Logs]:
    made = Logs()
    yield made
    made.remove()


def test_logs_of_several_users_are_rotated_and_begun_anew_with_their_owners(logs: Logs) -> None:
    for user in USERS:
        logs.write(logs.directory / f"shop.{user}.log", "a line\n", user, "640")
    assert logs.rotate() == "0 "
    for user in USERS:
        log = logs.directory / f"shop.{user}.log"
        for file, size in ((log, 0), (log.with_suffix(".log.1"), len("a line\n"))):
            found = file.stat()
            assert (found.st_uid, found.st_size, oct(found.st_mode & 0o777)) == (
                pwd.getpwnam(user).pw_uid,
                size,
                "0o640",
            )


def test_old_ones_are_compressed_once_nobody_writes_there_any_more(logs: Logs) -> None:
    log = logs.directory / "server.log"
    for text in ("first\n", "second\n"):
        logs.write(log, text)
        assert logs.rotate() == "0 "
    assert sorted(path.name for path in logs.directory.glob("server*")) == [
        "server.log",
        "server.log.1",
        "server.log.2.gz",
    ]


def test_who_writes_goes_on_in_the_old_file_until_they_see_the_new_one(logs: Logs) -> None:
    log = logs.directory / "server.log"
    logs.write(log, "before\n", pwd.getpwuid(os.getuid()).pw_name)
    with log.open("a") as stream:
        assert logs.rotate() == "0 "
        stream.write("after\n")
    assert (logs.directory / "server.log.1").read_text() == "before\nafter\n"


def test_nothing_to_rotate_is_nothing_to_complain_of(logs: Logs) -> None:
    logs.write(logs.directory / "empty.log", "")
    assert logs.rotate() == "0 "
    assert not (logs.directory / "empty.log.1").exists()


def test_a_directory_that_others_write_in_would_be_refused(logs: Logs) -> None:
    logs.write(logs.directory / "server.log", "a line\n")
    logs.allow("775", "daemon")
    assert "insecure permissions" in logs.rotate()
