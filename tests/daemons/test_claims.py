"""Who starts daemons on a machine with systemd."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.control import claims
from ayl.daemons.control.claims import claim
from ayl.daemons.control.replacing import reload, restart
from ayl.daemons.control.starting import start
from ayl.daemons.spec.model import Configuration, Daemon, Kind
from ayl.daemons.units import units

if TYPE_CHECKING:
    from pathlib import Path

SERVER = Daemon("server", Kind.SERVER, ("sleep", "1000"), "/")


class Machine:
    """With systemd, and the units of one file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "100% daemons.yml"
        self.system = folder / "system"
        self.system.mkdir()
        self.generated = folder / "generator"
        self.run = folder / "run"
        self.mail = self.daemon("shop.mail")
        self.has(self.mail)

    def daemon(self, name: str) -> Daemon:
        return Daemon(name, Kind.COMMAND, ("sleep", "1000"), "/", source=str(self.file), run=f"{self.run}/{name}")

    def has(self, *daemons: Daemon) -> None:
        for name, text in units(Configuration(path=str(self.file), daemons=daemons)).items():
            path = self.generated / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def claim(self, daemon: Daemon) -> str:
        return claim(daemon, str(self.system), str(self.generated))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_has_a_unit_is_systemd_s_to_start(machine: Machine) -> None:
    machine.has(server := replace(SERVER, source=str(machine.file)))
    assert machine.claim(machine.mail) == "systemd runs it: systemctl start ayl-worker@shop.mail.service"
    assert machine.claim(server) == "systemd runs it: systemctl start ayl-server.service"


def test_what_has_none_yet_needs_one_first(machine: Machine) -> None:
    told = machine.claim(machine.daemon("we ird"))
    assert told == r"systemd runs it: systemctl daemon-reload, then systemctl start 'ayl-worker@we\x20ird.service'"


def test_what_came_of_another_file_is_not(machine: Machine) -> None:
    assert machine.claim(replace(machine.mail, source="/home/me/daemons.yml")) == ""


def test_nothing_is_where_another_init_runs(machine: Machine) -> None:
    machine.system.rmdir()
    assert machine.claim(machine.mail) == ""


def test_nothing_is_where_no_units_were_made(machine: Machine) -> None:
    (machine.generated / "ayl-workers.service.d/10-daemons.conf").unlink()
    assert machine.claim(machine.mail) == ""


def test_no_command_starts_what_is_systemd_s(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SYSTEM", str(machine.system))
    monkeypatch.setattr(claims, "GENERATED", str(machine.generated))
    for command in (start, restart, reload):
        (outcome,) = command([machine.mail], str(machine.run), lambda name, pid: None)
        assert (outcome.done, outcome.text) == (False, machine.claim(machine.mail))
    assert not (machine.run / "shop.mail").exists()
