"""The generator makes what daemons.yml asks for, and never stands in the way of a boot."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .machine import UNITS

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ("/usr/bin/ayl_daemons", "/etc/default/ayl", "/etc/sysconfig/ayl", "/etc/ayl/daemons.yml")


class Boot:
    """The generator, with the paths that it uses below a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.generator = root / "ayl-generator"
        text = (UNITS / "ayl-generator").read_text()
        for path in PATHS:
            assert path in text
            (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            text = text.replace(path, f"{root}{path}")
        self.generator.write_text(text)
        self.units = root / "units"
        self.units.mkdir()
        self.daemons("echo $AYL_DAEMONS >$2/$1")
        self.file = root / "etc/ayl/daemons.yml"
        self.file.write_text("# nothing\n")

    def daemons(self, does: str) -> None:
        """An ayl_daemons that does this."""
        path = self.root / "usr/bin/ayl_daemons"
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        # As systemd runs generators: with hardly any environment.
        directories = words or (str(self.units), "/nowhere/early", "/nowhere/late")
        return subprocess.run(
            ["dash", self.generator, *directories], capture_output=True, text=True, check=False, env={}
        )


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    return Boot(tmp_path)


def test_it_has_the_units_made_in_the_first_directory(boot: Boot) -> None:
    assert boot.run().returncode == 0
    assert (boot.units / "units").read_text() == f"{boot.file}\n"


@pytest.mark.parametrize("settings", ["etc/default/ayl", "etc/sysconfig/ayl"])
def test_of_the_file_that_is_set(settings: str, boot: Boot) -> None:
    other = boot.root / "other.yml"
    other.write_text("")
    (boot.root / settings).write_text(f"AYL_DAEMONS={other}\n")
    boot.run()
    assert (boot.units / "units").read_text() == f"{other}\n"


@pytest.mark.parametrize("settings", ["etc/default/ayl", "etc/sysconfig/ayl"])
def test_the_file_may_use_variables_that_are_set_there(settings: str, boot: Boot) -> None:
    boot.daemons(f'exec {sys.executable} -P -m ayl.cli.daemons "$@"')
    boot.file.write_text(EARLY.replace("/srv/not-mounted-yet\n", "/srv/${STAGE}\n", 1))
    (boot.root / settings).write_text("STAGE=green\n")
    assert boot.run().stderr == ""
    drop_in = (boot.units / "ayl-worker@shop.calls.service.d/10-daemons.conf").read_text()
    assert 'ReadWritePaths="-/srv/green"\n' in drop_in


def test_without_a_file_it_does_nothing(boot: Boot) -> None:
    boot.file.unlink()
    done = boot.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not [*boot.units.iterdir()]


def test_without_ayl_daemons_it_does_nothing(boot: Boot) -> None:
    (boot.root / "usr/bin/ayl_daemons").unlink()
    done = boot.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("does", ["echo wrong >&2; exit 6", "kill -9 $$", "exec /nowhere"])
def test_whatever_goes_wrong_the_boot_goes_on(does: str, boot: Boot) -> None:
    boot.daemons(does)
    assert boot.run().returncode == 0


def test_what_is_wrong_is_told(boot: Boot) -> None:
    boot.daemons("echo daemons.yml:1:1: wrong >&2; exit 6")
    assert boot.run().stderr == "daemons.yml:1:1: wrong\n"


def test_without_a_directory_it_does_nothing(boot: Boot) -> None:
    assert boot.run("").returncode == 0
    assert not [*boot.units.iterdir()]


EARLY = """\
applications:
  shop:
    path: /srv/not-mounted-yet
    virtualenv: .venv
    user: known-to-the-network-alone
    environment_files: [/srv/not-mounted-yet/secret]
    modules: [shop]
    groups: {calls: {}}
"""


def test_units_are_made_when_hardly_anything_is_there_yet(tmp_path: Path) -> None:
    file = tmp_path / "daemons.yml"
    file.write_text(EARLY)
    words = [sys.executable, "-m", "ayl.cli.daemons", "--config", str(file)]
    checked = subprocess.run([*words, "check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, "there is no user" in checked.stderr) == (6, True)
    made = subprocess.run([*words, "units", str(tmp_path / "units")], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    drop_in = (tmp_path / "units/ayl-worker@shop.calls.service.d/10-daemons.conf").read_text()
    assert "User=known-to-the-network-alone\n" in drop_in


def test_of_a_wrong_file_none_are_made(tmp_path: Path) -> None:
    file = tmp_path / "daemons.yml"
    file.write_text("applications: [\n")
    words = [sys.executable, "-m", "ayl.cli.daemons", "units", "--config", str(file), str(tmp_path / "units")]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 6
    assert not (tmp_path / "units").exists()


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "daemons.yml").write_text(EARLY)
    words = [sys.executable, "-m", "ayl.cli.daemons", "units", "--config", str(tmp_path / "daemons.yml"), "/dev/null"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("the units cannot be written: ")) == (1, True)
