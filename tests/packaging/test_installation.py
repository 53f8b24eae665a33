"""The package is installed, upgraded and removed for real."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .installation import Installation, as_root, processes, put
from .test_rpm import COMMANDS

if TYPE_CHECKING:
    from .package import Package

pytestmark = pytest.mark.timeout(900)  # another test of this machine may come first

CONFIGURATION = "/etc/ayl/daemons.yml"

NOTHING_OF_OURS = """\
applications:
  clock:
    path: /
    user: daemon
    daemons:
      tick: {command: [sleep, "1000"], ready: 0.2}
"""


@pytest.fixture
def installed(installation: Installation, package: Package) -> Installation:
    assert installation.install(package) == ""
    return installation


def test_every_command_works(installed: Installation) -> None:
    for command in COMMANDS:
        done = as_root(command, "-h" if command == "ayl_server" else "--help")
        assert (done.returncode, command in done.stdout + done.stderr) == (0, True)


def test_python_finds_all_modules_compiled(installed: Installation) -> None:
    done = as_root(
        "/opt/ayl/bin/python", "-v", "-c", "import ayl.cli.worker, ayl.cli.beanstalk, ayl_server.service, uvloop"
    )
    assert "/opt/ayl/lib/python3.11/site-packages/ayl/__pycache__/__init__.cpython-311.pyc matches" in done.stderr
    assert [line for line in done.stderr.splitlines() if "# wrote" in line or "bytecode is stale" in line] == []


def test_the_user_and_the_directories_are_there(installed: Installation) -> None:
    found = pwd.getpwnam("ayl")
    assert (found.pw_dir, Path(found.pw_shell).name) == ("/var/lib/ayl", "nologin")
    for path in ("/var/lib/ayl", "/var/log/ayl", "/run/ayl", "/etc/ayl/conf.d"):
        assert Path(path).owner() == "root"


def test_it_starts_nothing(installed: Installation) -> None:
    assert as_root("service", "ayl-workers", "status").returncode != 0
    assert processes() == []


def test_removed_it_leaves_nothing(installed: Installation) -> None:
    assert installed.remove() == ""
    assert installed.traces() == []


def test_a_changed_configuration_outlives_upgrade_and_removal(installed: Installation, next_package: Package) -> None:
    put(CONFIGURATION, NOTHING_OF_OURS)
    put("/etc/ayl/conf.d/shop.yml", "# a fragment\n")
    put("/var/lib/ayl/jobs", "data\n")
    installed.upgrade(next_package)
    assert Path(CONFIGURATION).read_text() == NOTHING_OF_OURS
    assert as_root("ayl_daemons", "--help").returncode == 0
    installed.remove()
    assert installed.traces() == ["/etc/ayl", "/var/lib/ayl"]
    left = sorted(str(path) for top in installed.traces() for path in Path(top).rglob("*") if path.is_file())
    assert left == ["/etc/ayl/conf.d/shop.yml", "/etc/ayl/daemons.yml.rpmsave", "/var/lib/ayl/jobs"]


def test_an_upgrade_stops_nothing_and_a_removal_stops_all(installed: Installation, next_package: Package) -> None:
    put(CONFIGURATION, NOTHING_OF_OURS)
    started = as_root("service", "ayl-workers", "start")
    assert started.returncode == 0, started.stdout + started.stderr
    before = processes()
    assert before
    assert "what runs is of the version before, until: ayl_daemons restart" in installed.upgrade(next_package)
    assert processes() == before
    assert as_root("service", "ayl-workers", "status").returncode == 0
    installed.remove()
    assert installed.traces() == ["/etc/ayl"]
    assert installed.logs() == ["clock.tick.log"]


def test_what_runs_is_stopped_even_if_its_file_is_wrong_by_now(installed: Installation) -> None:
    put(CONFIGURATION, NOTHING_OF_OURS)
    assert as_root("service", "ayl-workers", "start").returncode == 0
    put(CONFIGURATION, "applications: [\n")
    installed.remove()
    assert processes() == []
    assert not Path("/run/ayl").exists()


def test_what_runs_of_another_file_is_stopped_as_well(installed: Installation) -> None:
    put("/etc/ayl-other.yml", NOTHING_OF_OURS)
    started = as_root("ayl_daemons", "--config", "/etc/ayl-other.yml", "start")
    as_root("rm", "/etc/ayl-other.yml")
    assert started.returncode == 0
    installed.remove()
    assert processes() == []
    assert not Path("/run/ayl").exists()


def test_an_earlier_user_of_that_name_is_taken(
    installation: Installation, package: Package, next_package: Package
) -> None:
    installation.install(package)
    before = pwd.getpwnam("ayl").pw_uid
    installation.remove()
    installation.install(next_package)
    assert pwd.getpwnam("ayl").pw_uid == before
