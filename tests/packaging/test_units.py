"""systemd takes the units and the drop-ins for what they are meant to be."""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.spec.model import Configuration, Daemon, Kind, Restart
from ayl.daemons.units import DROP_IN, HEAD, instance, units

from .machine import OURS, UNITS

if TYPE_CHECKING:
    from .machine import Machine

MOST_EXPOSED = 2.5

SERVER = Daemon(
    "server",
    Kind.SERVER,
    ("/usr/bin/ayl_server", "-b", "/srv/queue"),
    "/",
    user="ayl",
    log="/var/log/ayl/server.log",
    run="/run/ayl/server",
)

MAIL = Daemon(
    "shop-eu.mail",
    Kind.WORKERS,
    ("/srv/shop/venv/bin/ayl_worker",),
    "/srv/shop",
    user="mail",
    group="daemon",
    patience=20,
    grace=45.5,
    log="/var/log/ayl/shop-eu.mail.log",
    run="/run/ayl/shop-eu.mail",
)

CLOCK = Daemon(
    "shop-eu.clock", Kind.COMMAND, ("python", "clock.py"), "/", restart=Restart.NEVER, run="/run/ayl/shop-eu.clock"
)

SHOP = Configuration("/etc/ayl/daemons.yml", (SERVER, MAIL, CLOCK))

GOLDEN = {
    "ayl-workers.service": """\
[Unit]
SourcePath=/etc/ayl/daemons.yml
Wants=ayl-server.service
Wants=ayl-worker@shop-eu.mail.service
Wants=ayl-worker@shop-eu.clock.service
""",
    "ayl-server.socket": """\
[Unit]
ConditionPathExists=!/etc/ayl/daemons.yml
""",
    "ayl-server.service": """\
[Unit]
SourcePath=/etc/ayl/daemons.yml

[Service]
User=ayl
Group=
ExecStartPre=
ExecStartPre=+/usr/bin/ayl_daemons prepare server
ExecStart=
ExecStart=/usr/bin/ayl_daemons run --prepared /run/ayl/server
ExecReload=
ExecReload=+/usr/bin/ayl_daemons reload server
TimeoutStartSec=120
TimeoutStopSec=45
ReadWritePaths="-/run/ayl/server"
ReadWritePaths="-/srv/queue"
""",
    "ayl-worker@shop-eu.mail.service": """\
[Unit]
SourcePath=/etc/ayl/daemons.yml

[Service]
User=mail
Group=daemon
TimeoutStartSec=95.5
TimeoutStopSec=60.5
ReadWritePaths="-/srv/shop"
ReadWritePaths="-/run/ayl/shop-eu.mail"
""",
    "ayl-worker@shop-eu.clock.service": """\
[Unit]
SourcePath=/etc/ayl/daemons.yml

[Service]
User=root
Group=
TimeoutStartSec=120
TimeoutStopSec=45
Restart=no
ReadWritePaths="-/run/ayl/shop-eu.clock"
""",
}

STRANGE = r'we ird%i.$HOME"\x'
"""Nothing that a unit's name may have, and all that stands for something else in units."""


def alone(daemon: Daemon, path: str = SHOP.path) -> Configuration:
    return Configuration(path, (daemon,))


def test_each_daemon_has_a_drop_in_and_the_umbrella_wants_them_all() -> None:
    assert units(SHOP) == {f"{name}.d/{DROP_IN}": HEAD + text for name, text in GOLDEN.items()}


def test_a_file_without_daemons_has_no_drop_ins() -> None:
    assert units(Configuration("/etc/ayl/daemons.yml", ())) == {}


def test_systemd_has_nothing_against_the_units_as_they_are_installed(machine: Machine) -> None:
    assert machine.complaints(*OURS, "ayl-worker@shop.mail.service") == ""


@pytest.mark.parametrize("unit", ["ayl-server.service", "ayl-worker@shop.mail.service"])
def test_server_and_workers_can_do_little_harm(unit: str, machine: Machine) -> None:
    assert machine.exposure(unit) <= MOST_EXPOSED


def test_the_drop_ins_leave_them_harmless_and_systemd_content(machine: Machine) -> None:
    machine.add(units(SHOP))
    assert machine.complaints("ayl-workers.service", "ayl-server.socket") == ""
    assert machine.exposure("ayl-server.service") <= MOST_EXPOSED
    assert machine.exposure("ayl-worker@shop-eu.mail.service") <= MOST_EXPOSED


def test_a_mistake_would_be_seen(machine: Machine) -> None:
    machine.add({f"ayl-worker@shop.mail.service.d/{DROP_IN}": "[Service]\nReadWritePath=/srv\n"})
    assert "ReadWritePath" in machine.complaints("ayl-worker@shop.mail.service")
    machine.add({f"ayl-worker@shop.mail.service.d/{DROP_IN}": "[Service]\nProtectSystem=no\nCapabilityBoundingSet=~\n"})
    assert machine.exposure("ayl-worker@shop.mail.service") > MOST_EXPOSED


def test_starting_the_umbrella_starts_every_daemon_and_stopping_it_stops_all_but_the_server(machine: Machine) -> None:
    machine.add(units(SHOP))
    umbrella = machine.understood("ayl-workers.service")
    for name in ("shop-eu.mail", "shop-eu.clock"):
        instance = f"ayl-worker@{name}.service"
        assert f"Wants: {instance} (origin-file)" in umbrella
        assert f"ConsistsOf: {instance} (destination-file)" in umbrella
        # A stop goes the other way: who stops the umbrella waits for the daemons.
        assert f"Before: {instance} (destination-file)" in umbrella
        assert "ReloadPropagatedFrom: ayl-workers.service (origin-file)" in machine.understood(instance)
    assert "Wants: ayl-server.service (origin-file)" in umbrella
    assert not [line for line in umbrella if line.startswith("ConsistsOf: ayl-server")]


def test_a_daemon_runs_as_its_user_and_has_its_times(machine: Machine) -> None:
    machine.add(units(SHOP))
    understood = machine.understood("ayl-worker@shop-eu.mail.service")
    assert {
        "User: mail",
        "Group: daemon",
        "TimeoutStartSec: 1min 35s",
        "TimeoutStopSec: 1min",
        "Restart: on-failure",
        "OOMPolicy: continue",
        "KillMode: mixed",
        "RuntimeDirectory: ayl/shop-eu.mail",
        "ReadWritePaths: -/srv/shop -/run/ayl/shop-eu.mail",
        "Command Line: /usr/bin/ayl_daemons prepare shop-eu.mail",
        "Command Line: /usr/bin/ayl_daemons run --prepared /run/ayl/shop-eu.mail",
        "Command Line: /usr/bin/ayl_daemons reload shop-eu.mail",
    } <= {*understood}
    assert "Restart: no" in machine.understood("ayl-worker@shop-eu.clock.service")


def test_who_has_no_user_in_the_file_is_root_as_without_systemd(machine: Machine) -> None:
    machine.add(units(SHOP))
    assert "User: root" in machine.understood("ayl-worker@shop-eu.clock.service")


def test_what_is_not_in_the_file_is_not_root(machine: Machine) -> None:
    assert "User: ayl" in machine.understood("ayl-worker@shop-eu.gone.service")


def test_the_server_of_the_file_takes_the_place_of_the_unit_s_own(machine: Machine) -> None:
    assert r'Command Line: /usr/bin/ayl_server -b /var/lib/ayl/binlog "\$AYL_SERVER_OPTIONS"' in machine.understood(
        "ayl-server.service"
    )
    machine.add(units(SHOP))
    understood = machine.understood("ayl-server.service")
    commands = [line for line in understood if line.startswith("Command Line:") and "/usr/bin/" in line]
    assert commands == [
        "Command Line: /usr/bin/ayl_daemons prepare server",
        "Command Line: /usr/bin/ayl_daemons run --prepared /run/ayl/server",
        "Command Line: /usr/bin/ayl_daemons reload server",
    ]


def test_what_stands_for_something_else_in_units_stands_for_itself(machine: Machine) -> None:
    daemon = replace(MAIL, name=STRANGE, directory=f"/srv/{STRANGE}", run=f"/run/ayl/{STRANGE}", state=f"/v/{STRANGE}")
    machine.add(units(alone(daemon, f"/srv/{STRANGE.replace(chr(92), '')}.yml")))
    unit = f"ayl-worker@{instance(STRANGE)}.service"
    assert machine.complaints("ayl-workers.service") == ""
    understood = machine.understood(unit)
    assert f"ReadWritePaths: -/srv/{STRANGE} -/run/ayl/{STRANGE} -/v/{STRANGE}" in understood
    # As systemd prints a command: `$$` is what it runs with as `$`.
    written = r"we ird%i.\$\$HOME\"\\x"
    assert [line for line in understood if line.startswith("Command Line:")] == [
        f'Command Line: /usr/bin/ayl_daemons prepare "{written}"',
        f'Command Line: /usr/bin/ayl_daemons run --prepared "/run/ayl/{written}"',
        f'Command Line: /usr/bin/ayl_daemons reload "{written}"',
    ]
    (environment,) = [line for line in understood if line.startswith("Environment: ")]
    assert environment.startswith("Environment: AYL_DAEMONS=/srv/we ird%i")


@pytest.mark.parametrize("name", ["shop.mail", "Shop-2.mail_eu", "a.b.c"])
def test_an_ordinary_name_is_that_of_its_instance(name: str) -> None:
    assert instance(name) == name


def test_instances_of_different_names_are_different() -> None:
    names = ["a b", "a\\x20b", "ä", "a/b", ".a", "a.b", "a:b", "%i"]
    assert len({instance(name) for name in names}) == len(names)
    assert all(re.fullmatch(r"(?!\.)[A-Za-z0-9_.\\-]+", instance(name)) for name in names)


@pytest.mark.parametrize("path", ["/srv/a\nUser=root", "/srv/\x7f"])
def test_a_path_that_would_begin_another_line_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no way to write"):
        units(alone(replace(MAIL, directory=path)))


def test_a_user_that_would_go_on_on_the_next_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no way to write"):
        units(alone(replace(MAIL, user="mail\\")))


def test_patience_without_end_is_systemd_s_too(machine: Machine) -> None:
    machine.add(units(alone(replace(MAIL, patience=inf))))
    assert "TimeoutStartSec: infinity" in machine.understood("ayl-worker@shop-eu.mail.service")


def test_a_daemon_whose_directory_is_elsewhere_has_it_there(machine: Machine) -> None:
    machine.add(units(alone(replace(MAIL, run="/srv/run/shop-eu.mail"))))
    understood = machine.understood("ayl-worker@shop-eu.mail.service")
    assert "Command Line: /usr/bin/ayl_daemons run --prepared /srv/run/shop-eu.mail" in understood
    assert "ReadWritePaths: -/srv/shop -/srv/run/shop-eu.mail" in understood
    assert not [line for line in understood if line.startswith("RuntimeDirectory:")]


def test_a_directory_that_is_everything_does_not_become_writable(machine: Machine) -> None:
    machine.add(units(alone(replace(CLOCK, directory="//"))))
    assert "ReadWritePaths: -/run/ayl/shop-eu.clock" in machine.understood("ayl-worker@shop-eu.clock.service")


def test_each_unit_says_who_made_it_possible_to_disable_it() -> None:
    installed = {path.name for path in UNITS.glob("ayl-*.*") if "\n[Install]\n" in path.read_text()}
    assert installed == {*OURS}
