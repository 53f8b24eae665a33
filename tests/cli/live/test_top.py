"""`ayl_beanstalk top` on real servers and a real terminal."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from tests.cli.servers import KINDS, Kind, client, free_port, peer, silent

from .terminal import COMMAND, terminal

if TYPE_CHECKING:
    from ayl.admin import Server

SHIP = b'{"type":"ayl","v":1,"app":"shop","ver":"1","do":"ship","id":"","on":{"$ref":["shop.Order",42]},"args":["ups"]}'


def words(server: Server, *more: str) -> tuple[str, ...]:
    return ("top", "0.1", "-p", str(server.port), *more)


class TestScreen:
    def test_it_shows_the_server_the_tubes_and_the_next_call_of_the_chosen_one(self, server: Server, app: str) -> None:
        with (
            client(server, use=f"{app}/1", watch=f"{app}/1") as worker,
            terminal(*words(server, "-t", f"{app}/*"), size=(160, 50)) as shown,
        ):
            shown.see(f"{server}  1.1", f"{app}/1  1 worker busy  0 available  1 producer")
            first = worker.put(SHIP)
            shown.see(f"#{first} ready 0:0", "shop.Order.find(42).ship('ups')")
            worker.bury(worker.reserve())
            later = worker.put(SHIP, delay=600)
            shown.see(f"#{first} buried 0:0", f"#{later} delayed 9:5", f"{app}/1      1            1      0")
            shown.type("q")
            assert shown.ended() == ExitCode.OK
            assert shown.is_as_found

    def test_a_tube_is_paused_and_let_go_on_after_a_yes(self, server: Server, app: str) -> None:
        with client(server, use=f"{app}/1") as operator, terminal(*words(server, "-t", f"{app}/*")) as shown:
            shown.see(f"{app}/1 ")
            shown.type("p")
            shown.see(f"pause {app}/1 for an hour? y/n")
            shown.type("n")
            shown.see("not done")
            assert operator.stats_tube(f"{app}/1")["pause"] == 0
            shown.type("py")
            shown.see(f"{app}/1 is paused for an hour", "PAUSED")
            assert operator.stats_tube(f"{app}/1")["pause"] == 3600
            shown.type("py")
            shown.see(f"{app}/1 goes on")
            assert operator.stats_tube(f"{app}/1")["pause"] == 0

    def test_buried_jobs_are_kicked_after_a_yes(self, server: Server, app: str) -> None:
        with client(server, use=f"{app}/1", watch=f"{app}/1") as worker:
            for _ in range(3):
                worker.put(SHIP)
                worker.bury(worker.reserve())
            with terminal(*words(server, "-t", f"{app}/*")) as shown:
                shown.see(f"{app}/1 ", "buried")
                shown.type("K")
                shown.see(f"make 3 buried jobs of {app}/1 ready? y/n")
                shown.type("y")
                shown.see(f"3 buried jobs of {app}/1 ready again")
            assert worker.stats_tube(f"{app}/1")["current-jobs-ready"] == 3

    def test_arrows_choose_a_tube_and_a_slash_filters(self, server: Server, app: str) -> None:
        with client(server) as producer:
            for lane in ("a", "b", "c"):
                producer.use(f"{app}/{lane}")
                producer.put(lane.encode())
            with terminal(*words(server, "-t", f"{app}/*")) as shown:
                shown.see(f"{app}/a  0 workers")
                shown.type("\x1bOB")  # as an xterm says it to a program that has asked for its keypad
                shown.see(f"{app}/b  0 workers")
                shown.type("j")
                shown.see(f"{app}/c  0 workers")
                shown.type("\x1bOAk/B")
                shown.see("filter: B_", f"{app}/b  0 workers")
                shown.wait(lambda text: f"{app}/c " not in text)
                shown.type("\x1b")
                shown.see(f"{app}/c ")

    def test_it_survives_another_size_down_to_the_smallest(self, server: Server) -> None:
        with terminal(*words(server)) as shown:
            for size, said in (((160, 50), "? help"), ((20, 5), "20x5 is too small"), ((80, 24), "? help")):
                shown.resize(*size)
                shown.see(said)
                assert shown.screen.text.count("\n") < size[1]


class TestTrouble:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    def test_a_server_that_goes_away_is_waited_for(self, kind: Kind) -> None:
        port = free_port()
        with terminal("top", "0.1", "-p", str(port)) as shown:
            for _ in range(2):
                shown.see(f"no server at 127.0.0.1:{port} (connection refused); trying again")
                with kind.running(port=port):
                    shown.see("default ", "up 0:0")
            shown.type("q")
            assert shown.ended() == ExitCode.OK

    def test_keys_do_not_wait_for_a_server(self) -> None:
        with peer(silent) as stopped, terminal(*words(stopped, "--timeout", "60")) as shown:
            shown.see("waiting for the first answer")
            shown.type("?")
            shown.see("this page")
            shown.type("q")
            assert shown.ended() == ExitCode.OK

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_ends_it_and_the_terminal_is_as_it_was_found(
        self, any_server: Server, number: signal.Signals
    ) -> None:
        with terminal(*words(any_server)) as shown:
            shown.see("? help")
            assert not shown.is_as_found
            os.kill(shown.process.pid, number)
            assert shown.ended() == -number
            assert shown.is_as_found

    def test_ctrl_c_ends_it_too(self, any_server: Server) -> None:
        with terminal(*words(any_server)) as shown:
            shown.see("? help")
            shown.type("\x03")
            assert shown.ended() == ExitCode.OK
            assert shown.is_as_found

    def test_a_mistake_of_ours_is_told_on_a_terminal_as_it_was_found(self, any_server: Server) -> None:
        broken = (
            "import sys; from ayl.cli.live import loop; loop.view = None; "
            "from ayl.cli.beanstalk import main; sys.argv[0] = 'x'; main()"
        )
        with terminal(*words(any_server), command=(COMMAND[0], "-c", broken)) as shown:
            assert shown.ended() == 1
            assert "TypeError: 'NoneType' object is not callable" in shown.screen.text
            assert shown.is_as_found

    def test_a_mistake_in_the_thread_is_told_there_as_well(self, any_server: Server) -> None:
        broken = "from ayl.cli.live import looker; looker.heads = None; from ayl.cli.beanstalk import main; main()"
        with terminal(*words(any_server), command=(COMMAND[0], "-c", broken)) as shown:
            assert shown.ended() == 1
            assert "TypeError: 'NoneType' object is not callable" in shown.screen.text
            assert shown.is_as_found

    def test_it_is_suspended_and_goes_on(self, any_server: Server) -> None:
        with terminal(command=("bash", "--norc", "-i"), variables={"PS1": "> "}) as shown:
            shown.type(" ".join((*COMMAND, *words(any_server))) + "\r")
            shown.see("? help")
            shown.type("\x1a")
            shown.see("Stopped")
            assert shown.screen.modes["25"]
            assert not shown.screen.modes.get("1049")
            shown.type("echo still $((6*7)) here\r")
            # On its way to a prompt, bash sets the size that it has just asked for.
            shown.wait(lambda text: text.endswith("still 42 here\n>"))
            shown.resize(100, 30)
            shown.type("fg\r")
            shown.wait(lambda text: "? help" in text and text.count("\n") == 29)
            assert shown.screen.modes.get("1049")
            shown.type("q")
            shown.wait(lambda text: "? help" not in text and not shown.screen.modes["1049"])

    def test_ctrl_z_is_heard_while_it_draws(self, any_server: Server) -> None:
        always_drawing = (
            "import itertools; from ayl.cli.live import loop; from ayl.cli.live.drawing import line; "
            "numbers = itertools.count(1000); loop.PATIENCE = 0; "
            "loop.view = lambda *_: [line(str(next(numbers)) * 19)] * 20 + [line(chr(63), chr(32), str(6*7))]; "
            "from ayl.cli.beanstalk import main; main()"
        )
        with terminal(command=("bash", "--norc", "-i"), variables={"PS1": "> "}) as shown:
            shown.type(f"{COMMAND[0]} -c '{always_drawing}' {' '.join(words(any_server))}\r")
            for _ in range(5):
                shown.see("? 42")
                os.killpg(shown.foreground, signal.SIGTSTP)  # the key would also discard what was not yet read
                shown.see("Stopped")
                shown.type("clear; fg\r")


class TestRefusals:
    @pytest.mark.parametrize("more", [(), ("--json",)])
    def test_without_a_terminal_it_points_to_watch(self, more: tuple[str, ...]) -> None:
        done = CliRunner().invoke(ayl_beanstalk, ["top", *more])
        assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
        assert "`ayl_beanstalk watch` needs no terminal" in " ".join(done.stderr.split())

    @pytest.mark.parametrize("kind", ["dumb", "nonsense"])
    def test_a_terminal_that_cannot_be_drawn_on_is_told(self, any_server: Server, kind: str) -> None:
        with terminal(*words(any_server), variables={"TERM": kind}) as shown:
            assert shown.ended() == ExitCode.USAGE
            assert f"TERM={kind} is no terminal that can be drawn on" in " ".join(shown.screen.text.split())
            assert shown.screen.modes == {}
