"""What a keeper does with processes of all kinds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually
from tests.processes.servers import environment

from .kept import FOREVER

if TYPE_CHECKING:
    from .kept import Kept


def test_a_process_is_started_told_of_and_ended(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    state = kept.awaits(lambda state: state.processes)
    assert (state.name, state.keeper, state.serial) == (kept.name, kept.pid, "1")
    eventually(lambda: kept.processes() == [state.processes[0].pid])  # from its exec on
    kept.stops()


def test_a_command_that_does_not_exist_is_told_and_tried_again(kept: Kept) -> None:
    kept.order("/no/such/command")
    kept.start()
    state = kept.awaits(lambda state: state.failures)
    assert state.state == "pausing"
    assert state.last_end == "ended with exit code 126"
    assert state.tail == ("ayl_daemons: cannot start /no/such/command in /: No such file or directory",)
    assert state.next_start is not None
    kept.stops()


def test_a_directory_that_does_not_exist_is_told(kept: Kept) -> None:
    kept.order("sh", "-c", "pwd")
    text = kept.home.read(kept.home.order).replace('"directory": "/"', '"directory": "/no/such"')
    kept.home.write(kept.home.order, text, 0o600)
    kept.start()
    state = kept.awaits(lambda state: state.failures)
    assert state.tail == ("ayl_daemons: cannot start sh in /no/such: No such file or directory",)


def test_what_ends_at_once_is_started_again_after_a_pause(kept: Kept) -> None:
    kept.order("sh", "-c", "echo once more; exit 3")
    kept.start()
    state = kept.awaits(lambda state: state.failures == 2)
    assert (state.last_end, state.tail) == ("ended with exit code 3", ("once more",))
    assert state.ended_at is not None
    kept.stops()


def test_what_is_not_to_be_started_again_is_not(kept: Kept) -> None:
    kept.order("true", restart="never", ready=None)
    kept.start()
    state = kept.awaits(lambda state: state.state == "ended")
    assert state.has_done_its_part
    kept.stops()


def test_what_failed_and_is_not_started_again_has_not_done_its_part(kept: Kept) -> None:
    kept.order("false", restart="never", ready=None)
    kept.start()
    state = kept.awaits(lambda state: state.state == "ended")
    assert (state.last_end, state.has_done_its_part) == ("ended with exit code 1", False)


def test_what_ignores_the_request_is_killed_after_its_grace(kept: Kept) -> None:
    kept.order("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done", grace=0.3)
    kept.start()
    kept.says("deaf\n")
    kept.stops()
    assert "did not end within 0.3 s" in kept.log()


def test_what_a_process_leaves_in_its_group_is_killed_with_it(kept: Kept) -> None:
    kept.order("sh", "-c", "sleep 1000 & sleep 1000 & exit 0", restart="never", ready=None)
    kept.start()
    kept.awaits(lambda state: state.state == "ended")
    eventually(lambda: not kept.processes())
    kept.stops()


def test_one_that_has_left_and_holds_the_output_does_not_hold_the_keeper(kept: Kept) -> None:
    kept.keeps("sh", "-c", "setsid sh -c 'echo up; exec sleep 1000' & exec sleep 1000", restart="never")
    kept.says("up\n")
    os.kill(kept.awaits(lambda state: state.processes).processes[0].pid, signal.SIGKILL)
    kept.awaits(lambda state: state.state == "ended")
    assert len(kept.processes()) == 1  # whoever goes to such lengths is let go
    kept.gets(signal.SIGTERM)
    assert kept.ends() == 0


def test_a_process_has_no_descriptors_but_its_own(kept: Kept) -> None:
    kept.order("sh", "-c", "exec ls -l /proc/self/fd", restart="never", ready=None)
    kept.start()
    kept.awaits(lambda state: state.state == "ended")
    links = [line.split(" ", 8)[8].strip() for line in kept.log().splitlines() if " -> " in line and "INFO" not in line]
    names = sorted(link.split()[-3] for link in links)
    assert names == ["0", "1", "2", "3"], kept.log()  # 3: the directory that ls reads
    assert links[0].endswith("/dev/null")


def test_a_process_has_the_signals_of_a_new_one(kept: Kept) -> None:
    kept.order("cat", "/proc/self/status", restart="never", ready=None)
    kept.start()
    kept.awaits(lambda state: state.state == "ended")
    masks = dict(line.split("\t") for line in kept.log().splitlines() if line.startswith("Sig"))
    assert [int(masks[name], 16) for name in ("SigBlk:", "SigIgn:", "SigCgt:")] == [0, 0, 0], kept.log()


def test_odd_values_of_variables_arrive_as_they_are(kept: Kept) -> None:
    odd = {"EMPTY": "", "LINES_": "a\nb", "BYTES": "\udcff\udc80", "QUOTED": "\"'$`\\", "ÄPFEL": "☃"}
    script = "import os, sys; sys.stdout.write(ascii({k: os.environ[k] for k in %r}))" % [*odd]
    kept.order(sys.executable, "-c", script, restart="never", ready=None, environment=odd)
    kept.start()
    kept.awaits(lambda state: state.state == "ended")
    assert ascii(odd) in kept.log()


def test_a_killed_keeper_takes_its_process_with_it_and_the_next_one_what_that_had_started(kept: Kept) -> None:
    kept.keeps("sh", "-c", "sh -c 'sleep 1000; :' & wait")
    eventually(lambda: len(kept.processes()) == 3)
    kept.gets(signal.SIGKILL)
    kept.ends()
    eventually(lambda: len(kept.processes()) == 2)
    left = kept.processes()
    kept.start()
    kept.awaits(lambda state: state.keeper == kept.pid and state.state == "working")
    assert not set(left) & set(kept.processes())
    assert kept.log().count("of an earlier keeper was left, and is killed") == 2
    kept.stops()


def test_processes_that_were_never_the_daemons_are_left_alone(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    kept.gets(signal.SIGKILL)
    kept.ends()
    text = kept.home.read(kept.home.state)
    state = kept.state()
    assert state is not None
    ours = os.getsid(0)
    kept.home.write(kept.home.state, text.replace(f'"pid": {state.processes[0].pid}', f'"pid": {ours}'), 0o644)
    kept.start()
    kept.awaits(lambda state: state.keeper == kept.pid and state.state == "working")
    assert "is killed" not in kept.log()
    kept.stops()


def test_what_gives_no_sign_of_life_is_killed_and_started_again(kept: Kept) -> None:
    kept.order(*FOREVER, watchdog=0.3)
    kept.start()
    state = kept.awaits(lambda state: state.failures)
    assert state.last_end == "gave no sign of life for 0.3 s"
    kept.stops()


def test_what_is_not_ready_in_time_is_killed_and_told(kept: Kept) -> None:
    kept.order("sh", "-c", "echo I think; exec sleep 1000", ready=None, patience=0.3)
    kept.start()
    state = kept.awaits(lambda state: state.failures)
    assert (state.last_end, state.tail) == ("was not ready within 0.3 s", ("I think",))
    kept.stops()


def test_a_keeper_is_small(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    lines = Path(f"/proc/{kept.pid}/status").read_text().splitlines()
    assert next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) < 17_000


@pytest.mark.parametrize("word", ["USR1", "USR2"])
def test_signals_for_workers_are_handed_on(kept: Kept, word: str) -> None:
    kept.order("sh", "-c", f"trap 'echo heard' {word}; echo here; while :; do sleep 0.05; done")
    kept.start()
    kept.says("here\n")
    kept.gets(signal.Signals[f"SIG{word}"])
    kept.says("heard\n")
    kept.stops()


def test_a_second_request_is_passed_on(kept: Kept) -> None:
    kept.order("sh", "-c", "trap 'echo asked' TERM; echo here; while :; do sleep 0.05; done")
    kept.start()
    kept.says("here\n")
    for times in (1, 2):
        kept.gets(signal.SIGTERM)
        kept.says("asked\n", times)
    kept.gets(signal.SIGKILL)


def test_an_order_that_makes_no_sense_changes_nothing(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    before = kept.processes()
    kept.home.write(kept.home.order, '{"serial": 7}', 0o600)
    kept.gets(signal.SIGHUP)
    kept.says("the new order cannot be read, so all stays as it is")
    Path(kept.home.order).unlink()
    Path(kept.home.order).mkdir()
    kept.gets(signal.SIGHUP)
    kept.says("the new order cannot be read, so all stays as it is: ", 2)
    assert kept.processes() == before
    Path(kept.home.order).rmdir()
    kept.stops()


def test_a_new_order_takes_the_place_of_the_old_one(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    before = kept.processes()
    kept.order("sleep", "2000", serial="2")
    kept.gets(signal.SIGHUP)
    kept.awaits(lambda state: (state.state, state.serial) == ("working", "2"))
    assert not set(before) & set(kept.processes())
    kept.stops()


def test_a_successor_that_fails_leaves_the_old_one_where_it_is(kept: Kept) -> None:
    kept.keeps(*FOREVER, overlap=True)
    before = kept.processes()
    kept.order("sh", "-c", "echo broken; exit 5", serial="2", overlap=True, ready=None)
    kept.gets(signal.SIGHUP)
    state = kept.awaits(lambda state: state.refused)
    assert (state.refused, state.tail) == ({"2": "ended with exit code 5"}, ("broken",))
    assert (state.state, state.serial, kept.processes()) == ("working", "1", before)
    kept.stops()


LAUNCHED = """
import os, signal, sys
from ayl.daemons import launching
from ayl.daemons.home import Home
from ayl.daemons.order import Order
home = Home(sys.argv[1])
launching.launch(Order.from_json(home.read(home.order)), home.path)
pid = int(home.read(home.pid))
for name in sys.argv[2:]:
    os.kill(pid, signal.Signals[name])
"""


def test_what_is_sent_to_a_keeper_that_has_just_been_launched_does_not_kill_it(kept: Kept) -> None:
    kept.order(*FOREVER)
    words = [sys.executable, "-c", LAUNCHED, str(kept.path), "SIGHUP", "SIGUSR1"]
    subprocess.run(words, check=True, env=environment())
    state = kept.awaits(lambda state: state.state == "working" and state.processes)
    eventually(lambda: "started process" in kept.log())
    os.kill(state.keeper, signal.SIGTERM)
    eventually(lambda: not Path(f"/proc/{state.keeper}").exists(), kept.told)
    assert "stopping" in kept.log()


def test_a_keeper_that_is_asked_to_end_before_it_has_begun_ends(kept: Kept) -> None:
    kept.order(*FOREVER)
    subprocess.run([sys.executable, "-c", LAUNCHED, str(kept.path), "SIGTERM"], check=True, env=environment())
    eventually(lambda: not (kept.path / "pid").exists(), kept.told)
    eventually(lambda: not kept.processes())
    assert "stopping" in kept.log()
