"""`ayl_beanstalk drain` on real servers."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk

from .schemas import DRAIN, fault
from .servers import KINDS, Kind, client
from .test_beanstalk import COMMAND, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl import admin

_numbers = count()
CHANCE = "`kick` gives them another chance, or move or delete them"


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[admin.Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def version() -> str:
    return f"1.{next(_numbers)}"


def run(*words: str, server: admin.Server) -> Result:
    return CliRunner().invoke(ayl_beanstalk, ["-p", str(server.port), "drain", *words])


def document(*words: str, server: admin.Server, code: ExitCode) -> Any:
    done = run(*words, "--json", server=server)
    assert (done.stderr, done.exit_code) == ("", code)
    answer = json.loads(done.stdout)
    assert fault(answer, DRAIN) == ""
    return answer


class TestALook:
    def test_it_tells_what_is_left_in_all_lanes_and_who_watches(self, server: admin.Server, version: str) -> None:
        own = f"shop/{version}"
        with client(server, use=own, watch=own) as app, client(server, use=f"{own}/mail") as lane:
            for _ in range(4):
                app.put(b"")
            app.bury(app.reserve(0))
            app.reserve(0)
            lane.put(b"", delay=60)
            with client(server, use=f"{own}0") as another:
                another.put(b"")
                done = run(version, "-t", own, server=server)
                found = document(version, "-t", "shop", server=server, code=ExitCode.REFUSED)
        assert done.exit_code == ExitCode.REFUSED
        assert done.stdout.splitlines() == [
            f"{'TUBE':{len(own) + 5}}  READY  RESERVED  DELAYED  BURIED  WORKERS",
            f"{own}           2         1        0       1        1",
            f"{own}/mail      0         0        1       0        0",
            f"{own} is not drained: 4 jobs left to do; 1 job buried: {CHANCE}",
        ]
        counts = {state: found[state] for state in ("ready", "reserved", "delayed", "buried", "workers")}
        assert counts == {"ready": 2, "reserved": 1, "delayed": 1, "buried": 1, "workers": 1}
        assert [tube["name"] for tube in found["tubes"]] == [own, f"{own}/mail"]

    def test_one_without_tubes_may_be_mistyped(self, server: admin.Server, version: str) -> None:
        with client(server, use=f"shop/{version}"):
            done = run(f"{version}x", "-t", "shop", server=server)
        assert (done.exit_code, done.stdout) == (ExitCode.REFUSED, "")
        assert done.stderr.startswith(f"ayl_beanstalk: no tube 'shop/{version}x' at {server}; similar: shop/{version}")

    def test_unless_that_is_said_to_be_well(self, server: admin.Server, version: str) -> None:
        done = run(version, "-t", "shop", "--missing-ok", server=server)
        assert done.exit_code == ExitCode.OK
        assert done.stdout == f"shop/{version} is drained: it has no jobs and no workers\n"

    def test_it_may_be_on_one_of_several_servers(self, server: admin.Server, version: str) -> None:
        with KINDS[0].running() as other, client(other, watch=f"shop/{version}"):
            words = ["-h", f"{server},{other}", "drain", version, "-t", "shop"]
            done = CliRunner().invoke(ayl_beanstalk, words)
            assert (done.exit_code, done.stderr) == (ExitCode.OK, "")
            done = CliRunner().invoke(ayl_beanstalk, [*words[:3], f"{version}x", *words[4:]])
        assert (done.exit_code, done.stdout) == (ExitCode.REFUSED, "")
        assert done.stderr.count("no tube") == 1

    def test_buried_jobs_do_not_hold_it_up_but_are_told(self, server: admin.Server, version: str) -> None:
        with client(server, use=f"shop/{version}") as app:
            app.bury(app.reserve_job(app.put(b"")))
            found = document(version, "-t", "shop", "--wait", server=server, code=ExitCode.REFUSED)
        assert (found["drained"], found["buried"]) == (True, 1)

    def test_the_app_may_be_that_of_the_settings(self, server: admin.Server) -> None:
        command = [*COMMAND, "drain", "9.9", "--missing-ok"]
        variables = environment(AYL_BEANSTALK_PORT=str(server.port))
        done = subprocess.run(command, env={**variables, "AYL_APP": "shop"}, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("shop/9.9 is drained")
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == ExitCode.USAGE
        assert "say of which app: -t APP, or AYL_APP" in done.stderr


class TestWaiting:
    def test_it_waits_until_the_last_job_is_done(self, server: admin.Server, version: str) -> None:
        with client(server, use=f"shop/{version}", watch=f"shop/{version}") as app:
            app.put(b"")
            job = app.reserve(0)
            timer = threading.Timer(0.5, app.delete, [job])
            begun = time.monotonic()
            timer.start()
            found = document(version, "-t", "shop", "--wait", server=server, code=ExitCode.OK)
            assert 0.4 < time.monotonic() - begun < 5
            assert found["drained"] is True
            timer.join()

    def test_one_whose_tubes_are_gone_meanwhile_is_drained(self, server: admin.Server, version: str) -> None:
        with client(server, use=f"shop/{version}", watch=f"shop/{version}") as app:
            app.put(b"")

            def end() -> None:
                app.delete(app.reserve(0))
                app.close()

            timer = threading.Timer(0.3, end)
            timer.start()
            assert document(version, "-t", "shop", "--wait", server=server, code=ExitCode.OK)["drained"] is True
            timer.join()

    def test_not_longer_than_was_said(self, server: admin.Server, version: str) -> None:
        with client(server, use=f"shop/{version}") as app:
            app.put(b"")
            begun = time.monotonic()
            found = document(version, "-t", "shop", "--wait", "--for", "0.3", server=server, code=ExitCode.REFUSED)
            assert 0.3 < time.monotonic() - begun < 3
        assert (found["drained"], found["ready"]) == (False, 1)


class TestRefusals:
    @pytest.mark.parametrize("version", ["1@2", "", "a\r\nb", "\x1b[31m"])
    def test_what_can_be_no_version(self, server: admin.Server, version: str) -> None:
        done = run(version, "-t", "shop", server=server)
        assert (done.exit_code, done.stdout) == (ExitCode.REFUSED, "")
        assert done.stderr[:-1].isprintable()

    def test_a_limit_to_no_waiting(self, server: admin.Server) -> None:
        done = run("1", "-t", "shop", "--for", "3", server=server)
        assert done.exit_code == ExitCode.USAGE
        assert "add --wait" in done.stderr
