"""Several servers and several tubes at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from ayl import admin
from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from ayl.cli.requests import Request
from tests.processes.server.certificates import make_certificates

from .servers import KINDS, TUBE_COUNTS, Kind, client, free_port, peer, report, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[admin.Server, admin.Server]]:
    kind: Kind = request.param
    with kind.running() as one, kind.running() as other:
        yield one, other


def run(*words: str, at: tuple[object, ...]) -> Result:
    return CliRunner().invoke(ayl_beanstalk, ["-h", ",".join(map(str, at)), *words])


def document(*words: str, at: tuple[object, ...]) -> Any:
    done = run(*words, "--json", at=at)
    assert (done.stderr, done.exit_code) == ("", ExitCode.OK)
    return json.loads(done.stdout)


class TestSeveralServers:
    def test_each_answers_below_its_name(self, servers: tuple[admin.Server, admin.Server]) -> None:
        with client(servers[0], use="shop/1"), client(servers[1], use="shop/2"):
            text = run("list_tubes", at=servers).stdout
        one, other = text.split(f"{servers[1]}\n")
        assert one.startswith(f"{servers[0]}\nTUBE ")
        assert "shop/1 " in one
        assert "shop/2 " in other
        assert "shop/1 " not in other

    def test_json_names_the_server_of_each_answer(self, servers: tuple[admin.Server, admin.Server]) -> None:
        found = document("tube_statistics", at=servers)
        assert [item["server"] for item in found] == [str(server) for server in servers]
        assert [item["answer"]["name"] for item in found] == ["default"] * 2

    def test_one_that_is_down_hides_no_others(self, servers: tuple[admin.Server, admin.Server]) -> None:
        nowhere = admin.Server(port=free_port())
        done = run("statistics", "--json", at=(servers[0], nowhere, servers[1]))
        assert [item["server"] for item in json.loads(done.stdout)] == [str(server) for server in servers]
        assert done.stderr.startswith(f"ayl_beanstalk: no server at {nowhere} (connection refused); ")
        assert done.stderr.count("\n") == 1
        assert done.exit_code == ExitCode.UNAVAILABLE

    def test_one_without_the_tube_hides_no_others(self, servers: tuple[admin.Server, admin.Server]) -> None:
        with client(servers[1], use="rare"):
            done = run("tube_statistics", "-t", "rare", at=servers)
        assert done.stdout.startswith(f"{servers[1]}\ntube ")
        assert done.stderr.startswith(f"ayl_beanstalk: no tube 'rare' at {servers[0]}; ")
        assert done.exit_code == ExitCode.REFUSED

    def test_the_worst_of_them_is_the_exit_code(self, servers: tuple[admin.Server, admin.Server]) -> None:
        done = run("tube_statistics", "-t", "rare", at=(admin.Server(port=free_port()), *servers))
        assert done.stderr.count("\n") == 3
        assert done.exit_code == ExitCode.UNAVAILABLE

    def test_the_port_is_that_of_hosts_without_one(self, servers: tuple[admin.Server, admin.Server]) -> None:
        one, other = servers
        found = document("statistics", "-p", str(other.port), at=(one, "localhost"))
        assert [item["server"] for item in found] == [str(one), f"localhost:{other.port}"]

    @pytest.mark.parametrize("form", ["beanstalk://{0},{1}", "beanstalk://{0},{1}?send=spread"])
    def test_they_may_be_given_as_an_engines_url(self, servers: tuple[admin.Server, admin.Server], form: str) -> None:
        found = document("statistics", at=(form.format(*servers),))
        assert [item["server"] for item in found] == [str(server) for server in servers]

    @pytest.mark.parametrize("form", ["{}", "beanstalk://{}"])
    def test_one_may_be_the_path_of_a_socket(self, tmp_path: Path, form: str) -> None:
        path = tmp_path / "socket"
        with KINDS[1].running("-l", f"unix:{path}"):
            wait_until(lambda: run("statistics", at=(path,)).exit_code == ExitCode.OK)  # it is opened after the port
            assert document("statistics", at=(form.format(path),))["tubes"] == 1

    @pytest.mark.parametrize(
        ("places", "fault"),
        [
            ("a,,b", "nothing between two commas"),
            ("a,a:11300", "a server is named twice"),
            ("a:99999", "a port is a number from 1 to 65535"),
            ("http://a", "cannot understand the engine 'http://a'"),
            ("a b", "'a b' is no name of a host"),
            ("::x", "no server can be at '::x'"),
        ],
    )
    def test_places_that_make_no_sense_are_told(self, places: str, fault: str) -> None:
        done = run("statistics", at=(places,))
        assert done.exit_code == ExitCode.USAGE
        assert fault in done.stderr

    def test_what_is_done_on_each_is_told_of_each(self, servers: tuple[admin.Server, admin.Server]) -> None:
        with client(servers[0], use="both") as one, client(servers[1], use="both") as other:
            for app, number in ((one, 2), (other, 3)):
                for _ in range(number):
                    app.put(b"", delay=900)
            assert run("kick", "all", "-t", "both", at=servers).stdout == (
                f"{servers[0]}\nkicked 2 delayed jobs of both\n\n{servers[1]}\nkicked 3 delayed jobs of both\n\n"
            )
            done = run("eat_all_jobs", "-t", "both", at=servers)
            assert f"Delete 2 ready jobs of both at {servers[0]}?" in done.stderr
            found = document("eat_all_jobs", "-t", "both", "-y", at=servers)
            assert [item["answer"]["jobs"] for item in found] == [2, 3]

    def test_they_may_speak_tls(self, tmp_path: Path) -> None:
        made = make_certificates(tmp_path)
        port = free_port()
        tls = f"tls:127.0.0.1:{port}"
        with KINDS[1].running("-l", tls, f"--tls-cert={made.certificate}", f"--tls-key={made.key}") as plain:
            url = f"beanstalks://127.0.0.1:{port}?ca={made.ca}"
            wait_until(lambda: run("statistics", at=(url,)).exit_code == ExitCode.OK)  # it is opened after the port
            assert document("statistics", at=(url,))["tubes"] == 1
            done = run("statistics", at=(f"beanstalks://127.0.0.1:{port}",))
            assert done.exit_code == ExitCode.UNAVAILABLE
            assert f"no server at 127.0.0.1:{port} (" in done.stderr
            assert document("statistics", at=(plain,))["tubes"] == 1

    def test_a_command_about_one_server_says_so(self) -> None:
        done = run("spool", "drain", at=("a", "b"))
        assert done.exit_code == ExitCode.USAGE
        assert "drain is about one server, and a:11300 and b:11300 were named: say which one, with -h" in done.stderr


def test_after_ctrl_c_no_other_server_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    request = Request(admin.servers_at("a,b"), "", as_json=False)
    asked = []

    def steps(server: admin.Server) -> Generator[int, None, None]:
        asked.append(str(server))
        yield 0
        os.kill(os.getpid(), signal.SIGINT)
        yield 1
        yield 2

    request.answer_each(lambda server: request.follow(steps(server), str), str)
    assert asked == ["a:11300"]
    assert capsys.readouterr() == ("a:11300\n1\n\n", "")
    assert request.exit_code == ExitCode.INTERRUPTED


class TestPatterns:
    @pytest.fixture(autouse=True)
    def tubes(self, servers: tuple[admin.Server, admin.Server]) -> Iterator[None]:
        with client(servers[0], use="shop/1"), client(servers[0], use="shop/2"), client(servers[0], use="shops"):
            yield

    def test_tubes_that_match_are_listed_and_told(self, servers: tuple[admin.Server, admin.Server]) -> None:
        for name in ("list_tubes", "tube_statistics"):
            found = document(name, "-t", "shop/*", at=servers[:1])
            assert [tube["name"] for tube in found] == ["shop/1", "shop/2"]
        assert run("tube_statistics", "-t", "shop/*", at=servers[:1]).stdout.count("clients using it") == 2

    def test_a_pattern_that_one_tube_matches_is_still_answered_with_a_list(
        self, servers: tuple[admin.Server, admin.Server]
    ) -> None:
        (found,) = document("tube_statistics", "-t", "*s", at=servers[:1])
        assert found["name"] == "shops"

    def test_names_of_a_server_are_not_obeyed_by_the_terminal(self) -> None:
        answers = {b"list-tubes": b"---\n- \x1b[31mred\x7f\n", b"stats-tube": report(*TUBE_COUNTS)}
        words = {b"pause-tube": b"PAUSED\r\n", b"use": b"USING x\r\n", b"kick": b"KICKED 1\r\n"}
        for word, chunk in answers.items():
            words[word] = b"OK %d\r\n%b\r\n" % (len(chunk), chunk)

        def talk(connection: socket.socket) -> None:
            for command in connection.makefile("rb"):
                connection.sendall(words.get(command.split()[0], b"NOT_FOUND\r\n"))

        with peer(talk) as hostile:
            for name in ("tube_statistics", "peek_ready", "kick", "pause"):
                done = run(name, "-t", "*", at=(hostile,))
                assert done.output.replace("\n", "").isprintable()
                assert r"\x1b[31mred\x7f" in done.stdout


def test_ten_thousand_tubes_are_listed_quickly() -> None:
    with (
        KINDS[1].running() as server,
        socket.create_connection((server.host, server.port)) as app,
        app.makefile("rb") as said,
    ):
        for first in range(0, 10_000, 500):
            some = range(first, first + 500)
            app.sendall(b"".join(b"use many/%d\r\nput 0 0 9 0\r\n\r\n" % number for number in some))
            for _ in range(2 * len(some)):
                said.readline()
        began = time.process_time()
        found = run("list_tubes", at=(server,))
        assert time.process_time() - began < 1
        assert found.stdout.count("\nmany/") == 10_000
