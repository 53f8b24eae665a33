"""`ayl_daemons prepare` and `run --prepared`: what systemd's units say, and what they hear when it goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "ayl.cli.daemons"]

CONFIGURATION = """\
directories: {{run: {0}/run, log: {0}/log}}
applications:
  shop:
    path: /
    daemons:
      tick: {{command: [sleep, "{1}"], ready: 0.1}}
      tock: {{command: [sleep, "{1}"], ready: 0.1}}
  broken:
    path: /nowhere
    daemons:
      one: {{command: [sleep, "1"]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "daemons.yml"
    path.write_text(CONFIGURATION.format(tmp_path, 1000))
    return path


def daemons(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


def runs(*words: str) -> bool:
    """Whether it starts its daemon, and stops when it is told to."""
    with subprocess.Popen([*COMMAND, "run", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    return "started process" in line and process.returncode == 0


def test_what_is_prepared_runs_without_a_look_at_the_file(file: Path) -> None:
    prepared = daemons("prepare", "shop.tick", "--config", str(file))
    assert (prepared.returncode, prepared.stdout, prepared.stderr) == (0, "", "")
    file.write_text("no longer: [readable\n")
    assert runs("--prepared", str(file.parent / "run/shop.tick"))


def test_a_mistake_in_one_application_keeps_no_other_from_running(file: Path) -> None:
    assert daemons("check", "--config", str(file)).returncode == 6
    assert daemons("prepare", "shop.tick", "--config", str(file)).returncode == 0
    assert runs("shop.tick", "--config", str(file))
    assert daemons("prepare", "broken.one", "--config", str(file)).returncode == 6


def test_a_release_that_knows_more_has_written_an_order_that_is_understood(file: Path) -> None:
    daemons("prepare", "shop.tick", "--config", str(file))
    order = file.parent / "run/shop.tick/order.json"
    order.write_text(json.dumps(json.loads(order.read_text()) | {"news": 1}))
    assert runs("--prepared", str(order.parent))


def test_a_daemon_that_is_not_there_cannot_be_prepared(file: Path) -> None:
    done = daemons("prepare", "shop.tack", "--config", str(file))
    assert done.returncode == 2
    assert "did you mean shop.tock?" in done.stderr or "did you mean shop.tick?" in done.stderr


def test_one_is_prepared_at_a_time(file: Path) -> None:
    done = daemons("prepare", "shop", "--config", str(file))
    assert done.returncode == 2
    assert "'shop' is several daemons (shop.tick, shop.tock); expected one" in done.stderr


def test_what_nobody_has_prepared_does_not_run(tmp_path: Path) -> None:
    done = daemons("run", "--prepared", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}: its order cannot be read: No such file or directory; ayl_daemons prepare makes it\n"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"name": 1, "command": 2}'])
def test_an_order_that_makes_no_sense_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(text)
    done = daemons("run", "--prepared", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path}: its order makes no sense; ayl_daemons prepare makes it anew\n"


def test_a_name_beside_the_directory_is_wrong_usage(tmp_path: Path) -> None:
    done = daemons("run", "--prepared", str(tmp_path), "shop.tick")
    assert done.returncode == 2
    assert "please leave NAME out" in done.stderr
