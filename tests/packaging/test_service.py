"""The service of the package, with two applications: started, restarted, upgraded, killed, started again, removed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .applications import Application
from .installation import Installation, as_root, eventually, processes, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess

    from .package import Package

pytestmark = pytest.mark.timeout(900)  # another test of this machine may come first

USERS = {"shop": "daemon", "desk": "mail"}

PATIENCE = 60.0
"""Seconds for calls to be made, on a busy machine."""


class Service:
    """`service ayl-workers`, with a server and these applications."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.applications = [Application(home, name, user, port) for name, user in USERS.items()]
        self.configuration = (
            f"server: {{listen: [127.0.0.1], port: {port}, user: ayl}}\n"
            f"applications:\n{''.join(one.section() for one in self.applications)}"
        )
        self._sent = 0
        put("/etc/ayl/daemons.yml", self.configuration)

    def __call__(self, action: str) -> CompletedProcess[str]:
        return as_root("service", "ayl-workers", action)

    def does(self, action: str) -> str:
        """It must succeed."""
        done = self(action)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def works(self) -> None:
        """Calls of every application are made, each in its own environment."""
        self._sent += 2
        numbers = (self._sent - 1, self._sent)
        for application in self.applications:
            application.send(*numbers)
        for application in self.applications:
            eventually(f"{application.name} makes {numbers}", lambda of=application: of.has_made(*numbers), PATIENCE)

    def processes(self) -> list[str]:
        """All that belongs to it."""
        return processes(("/opt/ayl/", str(self.home)))

    def kill_everything(self) -> None:
        """At once, with nobody to clean up."""
        for process in self.processes():
            as_root("kill", f"-{signal.SIGKILL:d}", process.split()[0])
        eventually("everything is dead", lambda: not self.processes())


@pytest.fixture
def service(installation: Installation, package: Package, free_port: int) -> Iterator[Service]:
    installation.install(package)
    home = Path(as_root("mktemp", "-d", "/srv/ayl-test-XXXXXX").stdout.strip())
    as_root("chmod", "755", str(home))
    made = Service(home, free_port)
    try:
        yield made
    finally:
        as_root("service", "ayl-workers", "stop")
        made.kill_everything()
        as_root("rm", "-r", str(home))


def test_two_applications_from_installation_to_removal(
    service: Service, installation: Installation, next_package: Package
) -> None:
    assert service("status").returncode == 3
    service.does("start")
    service.does("status")
    service.works()

    service.does("start")  # once more changes nothing
    before = service.processes()
    service.does("restart")
    assert {*before}.isdisjoint(line for line in service.processes() if "ayl_worker" in line)
    service.works()
    service.does("reload")
    service.works()

    before = service.processes()
    installation.upgrade(next_package)
    assert service.processes() == before
    assert Path("/etc/ayl/daemons.yml").read_text() == service.configuration
    service.works()
    service.does("restart")
    service.works()

    service.kill_everything()
    assert service("status").returncode in (1, 3)
    service.does("start")
    service.does("status")
    service.works()

    assert installation.remove() == "warning: /etc/ayl/daemons.yml saved as /etc/ayl/daemons.yml.rpmsave\n"
    assert service.processes() == []
    # Data and changed configuration, and nothing else.
    assert installation.traces() == ["/etc/ayl", "/var/lib/ayl"]
    assert [path.name for path in Path("/etc/ayl").iterdir()] == ["daemons.yml.rpmsave"]
    assert as_root("ls", "/var/lib/ayl").stdout == "binlog\n"
    assert installation.logs() == ["desk.calls.log", "server.log", "shop.calls.log"]


def test_a_job_that_waits_while_nothing_runs_is_done_after_a_boot(service: Service) -> None:
    service.does("start")
    service.works()
    for application in service.applications:
        as_root("service", "ayl-workers", "stop", f"{application.name}.calls")
    as_root("ayl_daemons", "stop", "shop", "desk")
    for application in service.applications:
        application.send(1000)
    service.kill_everything()
    as_root("rm", "-r", "/run/ayl")  # which is in memory on most machines
    service.does("start")
    for application in service.applications:
        eventually("it is done", lambda of=application: of.has_made(1000), PATIENCE)
