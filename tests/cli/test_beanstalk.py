"""`ayl_beanstalk`, run as a process against servers that work and peers that do not."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

import ayl
from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from ayl.cli.requests import OPTIONS

from .servers import (
    KINDS,
    TUBE_COUNTS,
    Kind,
    client,
    free_port,
    hangs_up,
    knows,
    peer,
    report,
    says,
    silent,
    wait_until,
    waiting_worker,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from ayl.admin import Server

COMMAND = (sys.executable, "-m", "ayl.cli.beanstalk")
TUBE = "shop/1.4.2"

HOSTILE = {
    b"list-tubes": b"---\n- \x1b[31mred\x7f\n",
    b"stats-tube \x1b[31mred\x7f": report(*TUBE_COUNTS),
}
"""The answers of a server with a tube that reddens and erases."""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


def environment(**more: str) -> dict[str, str]:
    """This one, without what would speak to the command; a coverage or encoding setting stays."""
    ours = ("AYL_", "_AYL_", "NO_COLOR", "TERM")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)} | more


def run(*words: str, server: Server | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it as a script would. The server is given by the environment, as words are what tests are about."""
    if server is not None:
        variables = {"AYL_BEANSTALK_PORT": str(server.port), **variables}
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=30, env=environment(**variables), check=False
    )


def answer(*words: str, server: Server) -> str:
    """What it says when all is well: on stdout only."""
    done = run(*words, server=server)
    assert (done.stderr, done.returncode) == ("", ExitCode.OK)
    return done.stdout


def document(*words: str, server: Server) -> Any:
    return json.loads(answer(*words, "--json", server=server))


def complaint(done: subprocess.CompletedProcess[str], code: ExitCode) -> str:
    """What it says when all is not well: one line, on stderr only."""
    assert (done.stdout, done.returncode) == ("", code)
    assert done.stderr.startswith("ayl_beanstalk: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("\n")
    return done.stderr


class TestAnswers:
    def test_without_a_command_it_tells_the_statistics(self, server: Server) -> None:
        for words in ((), ("statistics",)):
            lines = answer(*words, server=server).splitlines()
            assert lines[:2] == [
                "TUBES  READY  RESERVED  DELAYED  BURIED  WORKERS  AVAILABLE  BUSY",
                "    1      0         0        0       0        0          0     0",
            ]
            assert "job-timeouts              0" in lines

    def test_statistics_are_sorted_and_aligned(self, server: Server) -> None:
        lines = answer("statistics", server=server).split("\n\n")[1].splitlines()
        names = [line.split()[0] for line in lines]
        assert names == sorted(names)
        assert {"current-jobs-ready", "total-jobs", "version"} <= set(names)
        assert {line[24:26] for line in lines} == {"  "}

    def test_statistics_as_json_have_numbers_as_numbers(self, server: Server) -> None:
        with client(server) as app:
            app.put(b"")
            found = document(server=server)
        assert found["jobs"] == {
            "ready": 1,
            "urgent": 0,
            "reserved": 0,
            "delayed": 0,
            "buried": 0,
            "total": 1,
        }
        assert found["reported"]["current-jobs-ready"] == 1
        assert isinstance(found["reported"]["rusage-utime"], float)
        assert found["draining"] is False

    def test_list_tubes_has_a_row_for_each_tube_by_name(self, server: Server) -> None:
        with client(server, use=TUBE, watch=TUBE) as app, waiting_worker(server, "a"):
            for _ in range(12):
                app.put(b"")
            app.put(b"", delay=60)
            app.bury(app.reserve())
            app.reserve()
            assert answer("list_tubes", server=server) == (
                "TUBE        READY  RESERVED  DELAYED  BURIED  WORKERS  AVAILABLE  BUSY  PAUSED\n"
                "a               0         0        0       0        1          1     0\n"
                "default         0         0        0       0        0          0     0\n"
                "shop/1.4.2     10         1        1       1        1          0     1\n"
                "3 tubes        10         1        1       1        2          1     1\n"
            )

    def test_list_tubes_as_json_gives_the_names(self, server: Server) -> None:
        with client(server, use=TUBE):
            found = document("list_tubes", server=server)
        assert [tube["name"] for tube in found] == ["default", TUBE]

    def test_tube_statistics_tell_all_of_one_tube(self, server: Server) -> None:
        with client(server, use=TUBE, watch=TUBE) as app, waiting_worker(server, TUBE):
            app.pause_tube(TUBE, 60)
            app.put(b"", priority=5)
            text = answer("tube_statistics", "-t", TUBE, server=server)
            found = document("tube_statistics", "-t", TUBE, server=server)
        facts = {line[:18].rstrip(): line[20:] for line in text.splitlines()}
        assert 50 <= int(facts.pop("pause time left")) <= 60
        assert facts == {
            "tube": TUBE,
            "workers": "2",
            "workers available": "1",
            "workers busy": "1",
            "ready": "1",
            "urgent": "1",
            "reserved": "0",
            "delayed": "0",
            "buried": "0",
            "total": "1",
            "deletes": "0",
            "clients using it": "1",
            "pauses": "1",
            "paused for seconds": "60",
        }
        assert (found["name"], found["pause"]) == (TUBE, 60)
        assert found["workers"] == {"total": 2, "available": 1, "busy": 1}

    def test_kill_worker_says_whom_it_asked(self, server: Server) -> None:
        with waiting_worker(server, TUBE) as worker:
            said = answer("kill_worker", "-t", TUBE, server=server)
            unsigned = "not signed: a worker with secrets will bury it"
            assert said == f"asked the worker of {TUBE} to exit (job 1, {unsigned})\n"
            assert worker.recv(4096).endswith(b'\r\n{"type":"ayl-control","do":"exit","app":"shop"}\r\n')
            again = answer("kill_worker", "-t", TUBE, server=server)
            assert again == f"asked the worker of {TUBE} to exit as soon as it is free (job 2, {unsigned})\n"
            with client(server, watch=TUBE):
                found = document("kill_worker", "-t", TUBE, server=server)
        workers = {"total": 2, "available": 0, "busy": 2}
        assert found == {"tube": TUBE, "job": 3, "workers": workers, "signed": False}

    def test_the_other_orders_to_a_worker_are_said_in_the_same_way(self, server: Server) -> None:
        with waiting_worker(server, TUBE):
            for name, what in (("quiet_worker", "to be quiet"), ("restart-worker", "to be replaced")):
                said = answer(name, "-t", TUBE, server=server)
                assert said.startswith(f"asked the worker of {TUBE} {what} ")

    def test_several_workers_are_asked_by_a_job_each(self, server: Server) -> None:
        with waiting_worker(server, TUBE), client(server, watch=TUBE), client(server, use=TUBE) as onlooker:
            found = document("kill_worker", "2", "-t", TUBE, server=server)
            assert [order["job"] for order in found] == [1, 2]
            said = complaint(run("kill_worker", "3", "-t", TUBE, server=server), ExitCode.REFUSED)
            assert "only 2 connections of workers watch the tube" in said
            assert onlooker.stats_tube(TUBE)["total-jobs"] == 2

    def test_a_pattern_asks_workers_of_each_tube_that_has_some(self, server: Server) -> None:
        with client(server, use="shop/0"), waiting_worker(server, "shop/1"), waiting_worker(server, "shop/2"):
            found = document("quiet_worker", "-t", "shop/*", server=server)
            assert [order["tube"] for order in found] == ["shop/1", "shop/2"]
            said = complaint(run("kill_worker", "-t", "*0", server=server), ExitCode.REFUSED)
            assert "no worker watches a tube that matches '*0'" in said

    def test_plain_text_has_no_colours(self, server: Server) -> None:
        with client(server, use=TUBE, watch=TUBE) as app:
            app.put(b"")
            app.bury(app.reserve())
            assert "\x1b" not in answer("list_tubes", server=server)


class TestRefusals:
    def test_kill_worker_is_refused_where_nobody_watches(self, server: Server) -> None:
        with client(server, use=TUBE):
            said = complaint(run("kill_worker", "-t", TUBE, server=server), ExitCode.REFUSED)
            assert f"no worker watches the tube '{TUBE}'" in said
            assert document(server=server)["jobs"]["total"] == 0

    def test_a_tube_that_does_not_exist_is_answered_with_similar_ones(self, server: Server) -> None:
        with client(server, use=TUBE):
            said = complaint(run("tube_statistics", "-t", "shop/1.4.3", server=server), ExitCode.REFUSED)
        assert f"no tube 'shop/1.4.3' at 127.0.0.1:{server.port}; similar: {TUBE};" in said


class TestNoServer:
    def test_one_line_says_so_and_what_to_do(self) -> None:
        port = free_port()
        for words in ((), ("list_tubes",), ("tube_statistics",), ("kill_worker", "-t", "a"), ("--json",)):
            said = complaint(run(*words, "-p", str(port)), ExitCode.UNAVAILABLE)
            assert said == (
                f"ayl_beanstalk: no server at 127.0.0.1:{port} (connection refused); "
                "start one with `ayl_server`, or say where it is with -h and -p\n"
            )

    def test_a_host_that_does_not_exist_is_no_server(self) -> None:
        said = complaint(run("-h", "nowhere.invalid"), ExitCode.UNAVAILABLE)
        assert "no server at nowhere.invalid:11300" in said

    @pytest.mark.parametrize(
        ("talk", "fact"),
        [
            (silent, "takes connections but did not answer within 0.3 s"),
            (hangs_up, "closed the connection before it had answered"),
            (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is no beanstalkd: it said 'HTTP/1.1 400 Bad Request'"),
            (says(bytes(range(256)) * 99), "is no beanstalkd"),
            (says(b"\x1b]0;owned\x07\x9b31m\r\n"), r"it said '\x1b]0;owned\x07\x9b31m'"),
        ],
        ids=["silent", "gone", "HTTP", "garbage", "escapes"],
    )
    def test_another_peer_is_told_apart_in_time(self, talk: Callable[[socket.socket], None], fact: str) -> None:
        with peer(talk) as nobody:
            began = time.monotonic()
            said = complaint(run("list_tubes", "--timeout", "0.3", server=nobody), ExitCode.UNAVAILABLE)
            assert time.monotonic() - began < 5
        assert fact in said
        assert "-h and -p" in said
        assert said[:-1].isprintable()

    def test_asserts_that_are_optimised_away_are_not_missed(self) -> None:
        with peer(says(b"hello, this is something else\n")) as nobody:
            done = run("list_tubes", server=nobody, PYTHONOPTIMIZE="1")
        complaint(done, ExitCode.UNAVAILABLE)


class TestUnsafeText:
    """A server, or who made its tubes, is not to be trusted with the operator's terminal."""

    def test_a_table_spells_it_out(self) -> None:
        with peer(knows(HOSTILE)) as server:
            said = answer("list_tubes", server=server)
        assert r"\x1b[31mred\x7f      1  " in said
        assert said.replace("\n", "").isprintable()

    def test_json_escapes_it_and_keeps_it(self) -> None:
        with peer(knows(HOSTILE)) as server:
            said = answer("list_tubes", "--json", server=server)
        assert said.replace("\n", "").isprintable()
        assert json.loads(said)[0]["name"] == "\x1b[31mred\x7f"

    @pytest.mark.parametrize(
        "words",
        [
            ("list_tubes", "\x1b[31m"),
            ("\x1b[31m",),
            ("--\x1b[31m",),
            ("list_tubes", "--\x1b[31m"),
            ("list_tubes", "-p", "\x1b[31m"),
            ("-p", "\x1b[31m"),
            ("-h", "\x1b[31m"),
        ],
        ids=ascii,
    )
    def test_what_was_typed_is_not_repeated_raw(self, words: tuple[str, ...]) -> None:
        done = run(*words)
        assert done.returncode in {ExitCode.USAGE, ExitCode.UNAVAILABLE}
        assert "\x1b" not in done.stderr
        assert r"\x1b" in done.stderr


class TestCommandLine:
    def test_options_are_taken_before_and_after_the_command(self, server: Server) -> None:
        port = str(server.port)
        with client(server, use=TUBE):
            for words in (
                ("-p", port, "-t", TUBE, "tube_statistics", "--json"),
                ("-p", port, "--json", "tube_statistics", "-t", TUBE),
                ("tube_statistics", "-t", TUBE, "-p", port, "--json"),
                ("--json", "-p", port, "tube_statistics", "--tube", TUBE),
                ("-t", "other", "-p", "1", "tube_statistics", "--json", "-t", TUBE, "-p", port),
            ):
                done = run(*words)
                assert done.returncode == ExitCode.OK, done.stderr
                assert json.loads(done.stdout)["name"] == TUBE

    def test_an_option_wins_over_its_variable_on_either_side(self, server: Server) -> None:
        for words in (("-p", str(server.port), "list_tubes"), ("list_tubes", "-p", str(server.port))):
            assert run(*words, AYL_BEANSTALK_PORT="1").returncode == ExitCode.OK

    def test_where_no_server_is_named_it_is_that_of_the_apps_engine(self, server: Server) -> None:
        with client(server, use=TUBE):
            engine = f"beanstalk://127.0.0.1:{server.port}"
            assert json.loads(run("tube_statistics", "-t", TUBE, "--json", AYL_ENGINE=engine).stdout)["name"] == TUBE
        for words in (("-p", "1"), ("-h", "127.0.0.1:1")):
            assert "127.0.0.1:1 " in run("statistics", *words, AYL_ENGINE=engine).stderr
        for other in ("thread", "nonsense", ""):
            assert "127.0.0.1:11301 " in run("statistics", AYL_BEANSTALK_PORT="11301", AYL_ENGINE=other).stderr

    def test_every_option_has_its_variable(self, server: Server) -> None:
        with client(server, use=TUBE):
            done = run(
                "tube_statistics",
                AYL_BEANSTALK_HOST="localhost",
                AYL_BEANSTALK_PORT=str(server.port),
                AYL_BEANSTALK_TUBE=TUBE,
                AYL_BEANSTALK_TIMEOUT="3",
                AYL_BEANSTALK_JSON="1",
            )
        assert json.loads(done.stdout)["name"] == TUBE

    @pytest.mark.parametrize("name", ["list_tubes", "list-tubes"])
    def test_a_command_may_be_written_with_dashes(self, server: Server, name: str) -> None:
        assert answer(name, server=server).startswith("TUBE ")

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            (("list_tube",), "Did you mean 'list_tubes'?"),
            (("--jsn",), "Did you mean '--json'?"),
            (("list_tubes", "more"), "unexpected extra argument (more)"),
            (("-p", "0"), "0 is not in the range"),
            (("--timeout", "0"), "0.0 is not in the range"),
            (("--timeout", "nan"), "at most 3600 seconds, not nan"),
            (("list_tubes", "-h", ""), "no server can be at '': there is nothing between two commas"),
        ],
        ids=str,
    )
    def test_wrong_usage_is_told_with_a_hint(self, words: tuple[str, ...], hint: str) -> None:
        done = run(*words)
        assert (done.stdout, done.returncode) == ("", ExitCode.USAGE)
        assert hint in done.stderr

    def test_it_tells_its_version(self) -> None:
        assert run("--version").stdout == f"ayl_beanstalk, version {ayl.__version__}\n"

    def test_the_shell_can_complete_commands(self) -> None:
        assert "complete" in run(_AYL_BEANSTALK_COMPLETE="bash_source").stdout
        done = run(_AYL_BEANSTALK_COMPLETE="bash_complete", COMP_WORDS="ayl_beanstalk li", COMP_CWORD="1")
        assert done.stdout == "plain,list_tubes\n"

    def test_it_adds_nothing_heavy_to_what_ayl_itself_imports(self) -> None:
        code = "import sys, ayl; had = set(sys.modules); import ayl.cli.beanstalk; print(*set(sys.modules) - had)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        added = set(done.stdout.split())
        assert "greenstalk" in added
        assert not added & {"msgspec", "sqlalchemy", "yaml", "asyncio", "daemon", "ayl_server"}


class TestHelp:
    def help(self, *words: str) -> str:
        shown = CliRunner().invoke(ayl_beanstalk, [*words, "--help"], prog_name="ayl_beanstalk")
        assert shown.exit_code == ExitCode.OK
        return shown.output

    @pytest.mark.parametrize("words", [(), *((name,) for name in ayl_beanstalk.commands)], ids=str)
    def test_every_option_is_shown_with_its_variable(self, words: tuple[str, ...]) -> None:
        text = " ".join(self.help(*words).split())
        for option in OPTIONS:
            assert isinstance(option.envvar, str)
            assert option.opts[-1] in text
            assert f"[env var: {option.envvar}" in text

    def test_it_teaches_examples_exit_codes_variables_and_completion(self) -> None:
        text = self.help()
        for code in ExitCode:
            assert f"\n    {code:3}  " in text
        for lesson in ("Examples:", "tube_statistics -t shop/1.4.2", "NO_COLOR", "_AYL_BEANSTALK_COMPLETE="):
            assert lesson in text

    def test_every_command_is_listed_with_a_whole_sentence(self) -> None:
        text = self.help()
        for name, command in ayl_beanstalk.commands.items():
            assert isinstance(command, click.Command)
            assert f"  {name}  " in text
        assert "..." not in text.split("\nLook:")[1].split("Options may")[0]

    def test_its_examples_are_commands_that_exist(self) -> None:
        examples = [line.split() for line in self.help().splitlines() if line.startswith("    ayl_beanstalk ")]
        assert len(examples) >= 5
        for _, *words in examples:
            name = next((word for word in words if word.replace("-", "_") in ayl_beanstalk.commands), None)
            assert name or words[0] == "the"


class TestStreams:
    def test_a_full_disk_behind_stdout_is_told_in_a_line(self, server: Server) -> None:
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*COMMAND, "statistics", "--json"],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=30,
                check=False,
                env=environment(AYL_BEANSTALK_PORT=str(server.port)),
            )
        assert done.stderr == "ayl_beanstalk: cannot write all of the answer: No space left on device\n"
        assert done.returncode == ExitCode.REFUSED

    def test_an_interruption_has_an_exit_code_of_its_own(self, server: Server) -> None:
        ours, theirs = pty.openpty()
        with client(server) as app:
            number = app.put(b"")
        process = subprocess.Popen(
            [*COMMAND, "delete", str(number)],
            stdin=theirs,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(AYL_BEANSTALK_PORT=str(server.port)),
        )
        assert process.stderr is not None
        asked = process.stderr.read(len("Delete"))
        wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().split()[2] == "S")  # for the answer
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        os.close(ours)
        os.close(theirs)
        assert asked == "Delete"
        assert said.endswith("interrupted\n")
        assert process.returncode == ExitCode.INTERRUPTED

    @pytest.mark.parametrize("words", [("statistics",), ("list_tubes", "--json"), ("--help",)], ids=str)
    def test_a_reader_that_goes_away_is_no_trouble(self, server: Server, words: tuple[str, ...]) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [*COMMAND, *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
            env=environment(AYL_BEANSTALK_PORT=str(server.port)),
        )
        os.close(writer)
        assert done.stderr == b""

    def on_terminal(self, server: Server, **variables: str) -> str:
        """What a terminal gets from list_tubes."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            subprocess.run(
                [*COMMAND, "list_tubes"],
                stdout=theirs,
                timeout=30,
                check=True,
                env=environment(AYL_BEANSTALK_PORT=str(server.port), **variables),
            )
            os.close(theirs)
            return screen.read(4096).decode()

    def test_a_terminal_gets_colours(self, server: Server) -> None:
        with client(server, use=TUBE, watch=TUBE) as app:
            app.put(b"")
            app.bury(app.reserve())
            shown = self.on_terminal(server, TERM="xterm")
        assert "\x1b[1mTUBE\x1b[0m" in shown
        assert "\x1b[31m1\x1b[0m" in shown

    @pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
    def test_a_terminal_gets_none_where_they_are_not_wanted(self, server: Server, variables: dict[str, str]) -> None:
        assert "\x1b" not in self.on_terminal(server, **variables)

    def test_an_empty_wish_for_no_colours_is_none(self, server: Server) -> None:
        assert "\x1b" in self.on_terminal(server, NO_COLOR="", TERM="xterm")


@pytest.mark.parametrize("name", ["kill_worker", "quiet_worker", "restart_worker"])
def test_who_orders_a_worker_says_whose(name: str) -> None:
    done = CliRunner().invoke(ayl_beanstalk, [name])
    assert done.exit_code == ExitCode.USAGE
    assert f"{name} -t TUBE" in done.output
