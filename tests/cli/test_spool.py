"""`ayl_beanstalk spool`, run as a process: what waits on this machine, and how it is delivered."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import delivery
from ayl import settings as configuration
from ayl.admin import Server
from ayl.cli import ExitCode
from ayl.engines.spool.records import Record
from ayl.engines.spool.store import Spool
from ayl.registry import registry
from tests.processes.servers import AYL_SERVER, serving

from .servers import KINDS, Kind, client, free_port
from .test_beanstalk import answer, complaint, document, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TUBE = "shop/1.4.2"
STAMP = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ"
UUID = r"[0-9a-f-]{36}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def nowhere(directory: Path) -> Iterator[Server]:
    """Where a server may be started later; calls sent to it are spooled."""
    address = Server(port=free_port())
    ayl.configure(
        app="shop", version="1.4.2", engine=f"beanstalk://{address}", unreachable="spool", spool=str(directory)
    )
    ayl.task("shop.restock")(restock)
    yield address
    delivery.close()
    configuration.reset()
    del registry.tasks["shop.restock"], registry.task_names[restock]


def restock(thing: str, number: int) -> None: ...


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


def bodies(server: Server) -> list[list[object]]:
    with client(server, watch=TUBE) as app:
        ready = app.stats_tube(TUBE)["current-jobs-ready"]
        return [json.loads(app.reserve(timeout=0).body)["args"] for _ in range(int(ready))]


class TestList:
    def test_each_call_has_a_line_in_the_order_in_which_it_will_go_out(self, nowhere: Server, directory: Path) -> None:
        ayl.send(restock, "socks", 3)
        ayl.opts(delay=3600).send(restock, "shoes", 4)
        lines = answer("spool", "list", "--spool", str(directory), server=nowhere).splitlines()
        assert re.fullmatch("SPOOLED +ID +TUBE +DUE +BYTES +CALL", lines[0])
        assert re.fullmatch(rf"{STAMP}  {UUID}  shop/1\.4\.2  +\d+  shop\.restock\('socks', 3\)", lines[1])
        assert re.fullmatch(rf"{STAMP}  {UUID}  shop/1\.4\.2  {STAMP}  +\d+  shop\.restock\('shoes', 4\)", lines[2])
        assert re.fullmatch(rf"2 calls wait in {directory}, which takes [\d,]+ bytes", lines[3])
        assert len(lines) == 4

    def test_as_json_it_has_every_field(self, nowhere: Server, directory: Path) -> None:
        handle = ayl.opts(priority=7, time_to_run=33).send(restock, "socks", 3)
        found = document("spool", "list", "--spool", str(directory), server=nowhere)
        (call,) = found["calls"]
        assert call.pop("spooled") > 1.7e9
        assert call.pop("size") > 100
        assert call == {
            "id": handle.id,
            "tube": TUBE,
            "engine": f"beanstalk://{nowhere}",
            "due": 0.0,
            "priority": 7,
            "time_to_run": 33,
            "call": "shop.restock('socks', 3)",
            "set_aside": "",
        }
        assert (found["directory"], found["unreadable"]) == (str(directory), [])

    def test_the_directory_is_found_as_senders_find_it(self, nowhere: Server, directory: Path) -> None:
        ayl.send(restock, "socks", 3)
        done = run("spool", "list", AYL_SPOOL=str(directory))
        assert "shop.restock" in done.stdout
        default = directory.parent / "ayl" / "spool"
        default.parent.mkdir()
        directory.rename(default)
        assert "shop.restock" in run("spool", "list", XDG_STATE_HOME=str(directory.parent)).stdout

    def test_an_empty_or_missing_spool_is_no_error(self, nowhere: Server, directory: Path) -> None:
        assert f"0 calls wait in {directory}" in answer("spool", "list", "--spool", str(directory), server=nowhere)

    def test_damage_is_shown(self, nowhere: Server, directory: Path) -> None:
        ayl.send(restock, "socks", 3)
        ayl.send(restock, "shoes", 4)
        (path,) = directory.glob("*.spool")
        content = bytearray(path.read_bytes())
        content[25] ^= 1
        path.write_bytes(content)
        text = answer("spool", "list", "--spool", str(directory), server=nowhere)
        assert "shop.restock('shoes', 4)" in text
        assert "'socks'" not in text
        assert re.search(rf"Not readable, and kept:\nFILE +BYTES +DAMAGED\n{path.name} +\d+ +20-\d+\n", text)

    def test_a_directory_that_is_not_to_be_trusted_is_one_line(self, directory: Path) -> None:
        directory.mkdir()
        directory.chmod(0o777)
        said = complaint(run("spool", "list", "--spool", str(directory)), ExitCode.REFUSED)
        assert f"chmod go-w {directory}" in said


class TestDrain:
    def test_without_a_server_it_says_so_and_nothing_is_lost(self, nowhere: Server, directory: Path) -> None:
        ayl.send(restock, "socks", 3)
        done = run("spool", "drain", "--spool", str(directory), server=nowhere)
        assert done.returncode == ExitCode.UNAVAILABLE
        assert done.stdout == "delivered 0, set aside 0, still waiting 1\n"
        assert done.stderr == (
            f"ayl_beanstalk: no server answers at {nowhere} (Connection refused); "
            f"start one with: ayl_server -p {nowhere.port}\n"
        )

    def test_what_waits_for_another_server_is_left_and_can_be_sent_here(
        self, nowhere: Server, server: Server, directory: Path
    ) -> None:
        ayl.send_many((restock, "socks", number) for number in range(250))
        place = ("--spool", str(directory))
        assert answer("spool", "drain", *place, server=server) == (
            "delivered 0, set aside 0, still waiting 0\n"
            f"250 wait for beanstalk://{nowhere}; if that server has moved here: --engine beanstalk://{nowhere}\n"
        )
        done = run("spool", "drain", *place, "--engine", f"beanstalk://{nowhere}", server=server)
        assert (done.returncode, done.stdout) == (0, "delivered 250, set aside 0, still waiting 0\n")
        assert done.stderr == ""
        assert bodies(server) == [["socks", number] for number in range(250)]
        assert Spool(str(directory), 1).look() == []

    def test_what_waits_for_this_server_is_delivered(self, server: Server, directory: Path) -> None:
        for number, name in enumerate((f"beanstalk://{server}", "beanstalk://elsewhere", "synchronous")):
            body = json.dumps({"args": ["socks", number]}).encode()
            Spool(str(directory), 10**6).append([Record(f"id{number}", TUBE, 0, 0.0, 120, name, 1.0, body)])
        found = document("spool", "drain", "--spool", str(directory), server=server)
        assert found.pop("elsewhere") == {"beanstalk://elsewhere": 1, "synchronous": 1}
        assert found == {"delivered": 1, "set_aside": 0, "left": 0}
        assert bodies(server) == [["socks", 0]]

    def test_a_server_on_a_unix_socket_is_named_by_its_url(self, directory: Path, tmp_path: Path) -> None:
        url = f"beanstalk://{tmp_path}/socket"
        body = json.dumps({"args": ["socks", 1]}).encode()
        Spool(str(directory), 10**6).append([Record("id", TUBE, 0, 0.0, 120, url, 1.0, body)])
        with serving(AYL_SERVER, tmp_path, tcp=False) as started:
            done = run("spool", "drain", "--spool", str(directory), "--to", url)
            assert (done.returncode, done.stdout) == (0, "delivered 1, set aside 0, still waiting 0\n"), done.stderr
            with started.client(watch=TUBE) as app:
                assert app.reserve(timeout=0).body == body
        said = complaint(run("spool", "drain", "--spool", str(directory), "--to", "nonsense"), ExitCode.REFUSED)
        assert "'nonsense'" in said

    def test_what_the_server_refuses_for_good_is_set_aside_shown_and_tried_again_when_asked(
        self, nowhere: Server, directory: Path
    ) -> None:
        ayl.send(restock, "socks", 3)
        ayl.configure(max_message_size=200_000)
        ayl.send(restock, "x" * 100_000, 4)
        place = ("--spool", str(directory), "--engine", f"beanstalk://{nowhere}")
        with KINDS[1].running() as server:
            done = run("spool", "drain", *place, server=server)
            assert done.returncode == ExitCode.REFUSED
            assert done.stdout == "delivered 1, set aside 1, still waiting 0\n"
            text = answer("spool", "list", "--spool", str(directory), server=server)
            assert "0 calls wait" in text
            assert re.search(r"Set aside:\nSPOOLED +ID +TUBE +REASON +CALL\n", text)
            assert "the message is larger than the server allows (its option -z)" in text
            again = run("spool", "drain", *place, "--set-aside", server=server)
            assert (again.returncode, again.stdout) == (1, "delivered 0, set aside 1, still waiting 1\n")
        larger = Kind("larger", (*KINDS[1].command, "-z", "200000"))
        with larger.running() as server:
            assert "delivered 1, set aside 0" in run("spool", "drain", *place, "--set-aside", server=server).stdout
            assert [number for _, number in bodies(server)] == [4]
