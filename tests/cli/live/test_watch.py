"""`ayl_beanstalk watch` on real servers: on a terminal, and where there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from tests.cli.schemas import LOOK, fault
from tests.cli.servers import KINDS, SERVER_COUNTS, TUBE_COUNTS, client, free_port, knows, peer, report, says, silent

from .terminal import COMMAND, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.admin import Server


def fill(server: Server, app: str, tubes: int) -> None:
    """A job in each of so many tubes."""
    with client(server) as producer:
        for number in range(tubes):
            producer.use(f"{app}/{number:02}")
            producer.put(b"")


def watch(*words: str, server: Server, code: ExitCode = ExitCode.OK) -> str:
    done = CliRunner().invoke(ayl_beanstalk, ["-p", str(server.port), "watch", *words])
    assert done.exit_code == code, done.output
    return done.output


class TestElsewhere:
    def test_each_look_is_a_block_with_its_time(self, server: Server, app: str) -> None:
        with client(server, use=f"{app}/1") as producer:
            producer.put(b"")
            said = watch("0.1", "-n", "2", "-t", f"{app}/*", server=server)
        blocks = [block.splitlines() for block in said.strip().split("\n\n")]
        assert [len(block) for block in blocks] == [3, 3]
        for time, titles, row in blocks:
            assert f"  {server}  1.1" in time
            assert titles.startswith("TUBE ")
            assert row.startswith(f"{app}/1 ")

    def test_json_is_a_line_for_each_look(self, server: Server, app: str) -> None:
        with client(server, use=f"{app}/1"):
            first, second = watch("0.1", "-n", "2", "-t", f"{app}/*", "--json", server=server).splitlines()
        (look,) = json.loads(second)
        assert fault(look, LOOK) == ""
        (found,) = look["tubes"]
        assert found["change"] is not None
        assert json.loads(first)[0]["tubes"][0]["change"] is None

    def test_no_such_tube_is_no_end(self, server: Server) -> None:
        said = watch("0.1", "-n", "2", "-t", "nowhere/1.*", server=server)
        assert said.count("no tube matches nowhere/1.*") == 2

    def test_several_servers_are_told_apart(self, server: Server, app: str) -> None:
        nobody = f"127.0.0.1:{free_port()}"
        with client(server, use=f"{app}/1"):
            said = watch(
                "-n", "1", "-h", f"{server},{nobody}", "-t", f"{app}/*", server=server, code=ExitCode.UNAVAILABLE
            )
        assert f"\n{server}  1.1" in said
        assert f"no server at {nobody} (connection refused); trying again" in said
        assert f"\n{app}/1 " in said

    def test_ctrl_c_is_its_end_and_no_failure(self, server: Server) -> None:
        with subprocess.Popen(
            [*COMMAND, "watch", "-p", str(server.port)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert str(server) in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == ExitCode.OK

    def test_a_reader_that_has_enough_is_no_trouble(self, server: Server) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        command = [*COMMAND, "watch", "0.1", "-p", str(server.port)]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=20, check=False)
        os.close(writer)
        assert done.stderr == b""

    def test_unsafe_names_are_spelled_out(self) -> None:
        hostile = {
            b"stats": report(*SERVER_COUNTS, version="1"),
            b"list-tubes": b"---\n- \x1b[31mred\n",
            b"stats-tube \x1b[31mred": report(*TUBE_COUNTS),
        }
        with peer(knows(hostile)) as stranger:
            said = watch("-n", "1", server=stranger)
            assert r"\x1b[31mred" in said
            assert said.replace("\n", "").isprintable()

    def test_what_is_no_server_is_told_in_place(self) -> None:
        with peer(says(b"HTTP/1.1 400 \x1b[31m\r\n")) as stranger:
            said = watch("-n", "1", server=stranger, code=ExitCode.UNAVAILABLE)
        assert "is no beanstalkd: it said" in said
        assert said.replace("\n", "").isprintable()

    @pytest.mark.parametrize("words", [("0",), ("x",), ("-n", "0"), ("-s", "size")], ids=str)
    def test_wrong_usage_is_told(self, words: tuple[str, ...]) -> None:
        done = CliRunner().invoke(ayl_beanstalk, ["watch", *words])
        assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")

    def test_each_option_has_a_variable(self, server: Server) -> None:
        variables = {"AYL_BEANSTALK_COUNT": "1", "AYL_BEANSTALK_SORT": "name", "AYL_BEANSTALK_PORT": str(server.port)}
        assert CliRunner(env=variables).invoke(ayl_beanstalk, ["watch"]).exit_code == ExitCode.OK


class TestOnTerminal:
    def test_it_redraws_in_place_until_q_and_leaves_the_last_look_behind(self, server: Server, app: str) -> None:
        with (
            client(server, use=f"{app}/1", watch=f"{app}/1") as worker,
            terminal("watch", "0.2", "-t", f"{app}/*", "-p", str(server.port)) as shown,
        ):
            shown.see(f"{app}/1 ", "DONE/S")
            assert shown.screen.modes["1049"]
            worker.put(b"")
            shown.see(f"{app}/1      1            0      1")
            worker.delete(worker.reserve())
            shown.see(f"{app}/1      1            0      0")
            assert shown.screen.text.count("TUBE") == 1
            shown.type("q")
            assert shown.ended() == ExitCode.OK
            assert f"{app}/1 " in shown.screen.text
            assert shown.is_as_found

    def test_it_survives_another_size(self, server: Server, app: str) -> None:
        fill(server, app, 30)
        with terminal("watch", "30", "-t", f"{app}/*", "-p", str(server.port)) as shown:
            shown.see("… and 9 more tubes, 9 jobs")
            for size, said in (
                ((60, 10), "… and 23 more tubes"),
                ((160, 50), f"{app}/29 "),
                ((80, 24), "… and 9 more"),
            ):
                shown.resize(*size)
                shown.see(said)
            shown.type("\x03")
            assert shown.ended() == ExitCode.OK

    @pytest.mark.parametrize(
        ("end", "code"),
        [
            (lambda process: process.send_signal(signal.SIGINT), ExitCode.OK),
            (lambda process: process.terminate(), -signal.SIGTERM),
            (lambda process: process.send_signal(signal.SIGHUP), -signal.SIGHUP),
        ],
        ids=["SIGINT", "SIGTERM", "SIGHUP"],
    )
    def test_the_terminal_is_left_as_it_was_found(
        self, any_server: Server, end: Callable[[subprocess.Popen[bytes]], None], code: int
    ) -> None:
        with terminal("watch", "-p", str(any_server.port)) as shown:
            shown.see("TUBE")
            assert not shown.is_as_found
            end(shown.process)
            assert shown.ended() == code
            assert shown.is_as_found

    def test_colours_are_left_away_where_they_are_not_wanted(self, any_server: Server, app: str) -> None:
        words = ("watch", "-t", f"{app}/*", "-p", str(any_server.port))
        with client(any_server, use=f"{app}/1") as producer:
            producer.put(b"")
            for variables, style in (({"NO_COLOR": "1"}, ""), ({"TERM": "vt100"}, ""), ({}, "35")):
                with terminal(*words, variables=variables) as shown:
                    shown.see(f"{app}/1 ", "1              0        0")
                    assert shown.screen.styled("1              0        0") == style

    @pytest.mark.parametrize("kind", ["dumb", "nonsense", ""])
    def test_a_terminal_that_cannot_be_drawn_on_gets_blocks_of_its_width(
        self, any_server: Server, app: str, kind: str
    ) -> None:
        words = ("watch", "-n", "1", "-t", f"{app}/*", "-p", str(any_server.port))
        with (
            client(any_server, use=f"{app}/{'x' * 180}/mail"),
            terminal(*words, variables={"TERM": kind}) as shown,
        ):
            assert shown.ended() == ExitCode.OK
            head, titles, row = shown.screen.text.splitlines()
            assert (head.split()[2], titles.split()[0]) == (str(any_server), "TUBE")
            assert row.startswith(f"{app}/xx")
            assert "…xx" in row
            assert shown.screen.modes == {}

    def test_a_server_that_has_not_answered_yet_is_said_to_be_waited_for(self) -> None:
        with peer(silent) as stopped, terminal("watch", "-p", str(stopped.port), "--timeout", "60") as shown:
            shown.see("waiting for the first answer")
            shown.type("\x03")
            assert shown.ended() == ExitCode.OK

    def test_count_ends_it_on_a_terminal_too(self, any_server: Server) -> None:
        with terminal("watch", "0.1", "-n", "2", "-p", str(any_server.port)) as shown:
            assert shown.ended() == ExitCode.OK
            assert "TUBE" in shown.screen.text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_server_that_goes_away_is_waited_for(kind: Any) -> None:
    port = free_port()
    with terminal("watch", "0.1", "-p", str(port)) as shown:
        for _ in range(2):
            shown.see(f"no server at 127.0.0.1:{port} (connection refused); trying again")
            with kind.running(port=port):
                shown.see("default ", "up 0:0")
        shown.see("trying again")
        assert "default" not in shown.screen.text
