"""Workers that have secrets run what is signed, and bury and count the rest; orders to them included."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import ayl
from ayl import admin
from ayl.signing import Key, KeyRing
from tests.processes.servers import command, environment

from .app import chores
from .workshop import message

if TYPE_CHECKING:
    from .workshop import Workshop

SECRET = "correct-horse-battery"  # noqa: S105 - of the tests
SECRETS = f"a:{SECRET}"


def kill_worker(workshop: Workshop, **variables: str) -> subprocess.CompletedProcess[str]:
    """What an operator types."""
    return subprocess.run(
        [command("ayl_beanstalk"), "kill_worker", "-p", str(workshop.server.port), "-t", workshop.tube],
        capture_output=True,
        text=True,
        env=environment(**variables),
        check=False,
        cwd=workshop.folder,
    )


def test_a_worker_with_secrets_runs_what_is_signed_and_buries_and_counts_the_rest(workshop: Workshop) -> None:
    supervisor = workshop.workers(AYL_SECRETS=SECRETS)
    workshop.client.put(message(app="chores", do="chores.note", args=["x", "forged"]))
    ayl.configure(secrets=f"a:{SECRET}-of-another")
    ayl.send(chores.note, workshop.folder, "forged")
    ayl.configure(secrets=SECRETS)
    ayl.send(chores.note, workshop.folder, "signed")
    workshop.read("signed")
    supervisor.awaits(r"untrusted jobs so far: 2\)$")
    assert supervisor.logs(r"buried: it is not signed, and this worker has secrets \(untrusted jobs so far: \d\)$")
    assert supervisor.logs(r"buried: its signature with the key a is wrong \(untrusted jobs so far: \d\)$")
    assert workshop.client.stats_tube(workshop.tube)["current-jobs-buried"] == 2
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert supervisor.logs(r"2 jobs were not to be trusted and are buried$")
    assert SECRET not in supervisor.log()


def test_a_worker_with_secrets_obeys_signed_orders_only(workshop: Workshop) -> None:
    supervisor = workshop.workers(AYL_SECRETS=SECRETS)
    workshop.await_waiting()
    unsigned = kill_worker(workshop)
    assert unsigned.returncode == 0
    assert "not signed: a worker with secrets will bury it" in unsigned.stdout
    supervisor.awaits(r"buried: it is not signed")
    strange = KeyRing([Key("a", b"another app's secret")])
    admin.kill_worker(workshop.address, workshop.tube, strange)
    supervisor.awaits(r"buried: its signature with the key a is wrong")
    assert not supervisor.logs(r"retired$")
    signed = kill_worker(workshop, AYL_SECRETS=SECRETS)
    assert signed.stdout.endswith(", signed)\n")
    assert supervisor.wait() == 0
    assert supervisor.logs(r"worker \d+ retired$")


def test_the_operators_keys_come_from_ayl_toml_too(workshop: Workshop) -> None:
    supervisor = workshop.workers(AYL_SECRETS=SECRETS)
    workshop.await_waiting()
    (workshop.folder / "ayl.toml").write_text(f'secrets = "{SECRETS}"\n')
    (workshop.folder / "ayl.toml").chmod(0o600)
    assert kill_worker(workshop).stdout.endswith(", signed)\n")
    assert supervisor.wait() == 0


def test_an_operator_whose_keys_make_no_sense_is_told_so_and_nothing_is_sent(workshop: Workshop) -> None:
    workshop.workers()
    workshop.await_waiting()
    for wrong, told in ((SECRET, "a secret without the id of its key"), ("", "secrets hold no key")):
        said = kill_worker(workshop, AYL_SECRETS=wrong)
        assert said.returncode == 1
        assert told in said.stderr
        assert said.stderr.count("\n") == 1
        assert SECRET not in said.stderr
    (workshop.folder / "ayl.toml").write_text(
        f'[[secrets]]\nid = "a"\nsecret = "{SECRET}"\nuntil = 2020-01-01T00:00:00Z\n'
    )
    (workshop.folder / "ayl.toml").chmod(0o600)
    said = kill_worker(workshop)
    assert (said.returncode, said.stdout) == (1, "")
    assert "none is valid now" in said.stderr
    assert workshop.client.stats_tube(workshop.tube)["total-jobs"] == 0
