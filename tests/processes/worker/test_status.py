"""`ayl_worker status`: a worker tells how it is, and the exit code says whether it is well."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import ayl
from ayl import admin
from ayl.worker.inquiries import ask
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import Kind, command, environment, serving

from .app import chores
from .test_lost_server import restarted
from .workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

WELL, TROUBLED, _, NOT_RUNNING = range(4)
NO_APPLICATION = 64

SOCKET = "status.socket"


def asked(workshop: Workshop, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command("ayl_worker"), "status", SOCKET, *words],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=workshop.folder,
        check=False,
    )


def document(workshop: Workshop, code: int = WELL) -> Any:
    """Once it is told with this code: on a busy machine a process may take too long to report for a while."""

    def fitting() -> list[subprocess.CompletedProcess[str]]:
        return [done for done in (asked(workshop, "--json"),) if done.returncode == code]

    (done,) = eventually(fitting, workshop.told)
    assert done.stderr == ""
    return json.loads(done.stdout)


def awaits_troubles(workshop: Workshop, text: str) -> Any:
    """Wait until this is among them; the document. Without the command, for it may be over before that has started."""

    def troubled() -> Any:
        found = ask(str(workshop.folder / SOCKET), PATIENCE)
        return found if any(text in trouble for trouble in found["troubles"]) else None

    return eventually(troubled, workshop.told)


def test_it_tells_the_processes_and_what_they_run_since_when(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--threads", "2", "--status", SOCKET, workers=2)
    our_workshop.await_waiting(4)
    ayl.send(chores.note, our_workshop.folder, "done")
    our_workshop.await_empty()
    held = ayl.send(chores.hold, our_workshop.folder, "held")
    pid = our_workshop.read("held-begins").pid
    found = document(our_workshop)
    assert (found["pid"], found["state"], found["places"]) == (supervisor.process.pid, "working", 2)
    assert (found["tubes"], found["troubles"]) == (our_workshop.tube, [])
    assert {worker["pid"] for worker in found["workers"]} == {*supervisor.started()}
    assert {worker["state"] for worker in found["workers"]} == {"working"}
    assert sum(worker["report"]["jobs"] for worker in found["workers"]) == 1
    assert all(0 <= worker["report"]["proved"] < 30 for worker in found["workers"])
    (call,) = [call for worker in found["workers"] for call in worker["report"]["calls"] if worker["pid"] == pid]
    assert (call["id"], call["job"], call["name"]) == (held.id, held.job_id, "chores.hold")
    assert call["call"] == f"chores.hold({our_workshop.folder!r}, 'held')"
    assert 0 <= call["seconds"] < 60
    text = asked(our_workshop).stdout
    assert our_workshop.tube in text
    assert call["call"] in text
    our_workshop.let_go("held")


def test_coroutine_slots_and_progress_are_told_too(our_workshop: Workshop) -> None:
    our_workshop.workers("--threads", "0", "--coroutines", "100", "--status", SOCKET)
    for number in range(60):
        ayl.send(chores.tarry, our_workshop.folder, f"w{number}")
    our_workshop.read("w59")
    (worker,) = document(our_workshop)["workers"]
    assert (worker["report"]["running"], len(worker["report"]["calls"])) == (60, 50)
    assert {call["progress"] for call in worker["report"]["calls"]} == {0.5}
    assert " 50%" in asked(our_workshop).stdout
    our_workshop.let_go("go")


def test_process_slots_are_told_too(our_workshop: Workshop) -> None:
    our_workshop.workers("--processes", "2", "--status", SOCKET)
    ayl.send(chores.note, our_workshop.folder, "done")
    our_workshop.await_empty()
    held = ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    (worker,) = document(our_workshop)["workers"]
    (call,) = worker["report"]["calls"]
    assert (call["id"], call["call"]) == (held.id, f"chores.hold({our_workshop.folder!r}, 'held')")
    assert (worker["report"]["jobs"], worker["report"]["running"]) == (1, 1)
    our_workshop.let_go("held")


def test_only_this_user_can_connect_and_the_socket_goes_with_the_worker(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--status", SOCKET)
    path = our_workshop.folder / SOCKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert not path.exists()


def test_where_no_worker_is_the_exit_code_is_that_of_init_scripts(our_workshop: Workshop) -> None:
    done = asked(our_workshop)
    assert (done.returncode, done.stdout) == (NOT_RUNNING, "")
    assert done.stderr == f"no worker answers at {SOCKET} (No such file or directory)\n"


def test_what_a_killed_worker_has_left_behind_is_made_anew(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--status", SOCKET)
    supervisor.process.kill()
    supervisor.process.wait()
    assert asked(our_workshop).returncode == NOT_RUNNING
    our_workshop.workers("--status", SOCKET)
    assert document(our_workshop)["state"] == "working"


def test_a_path_that_another_worker_has_is_left_to_it(our_workshop: Workshop) -> None:
    first = our_workshop.workers("--status", SOCKET)
    second = our_workshop.workers("--status", SOCKET, await_start=False)
    assert second.wait() == 78
    assert second.logs(f"cannot listen at .*{SOCKET}: another ayl_worker answers there$")
    assert document(our_workshop)["pid"] == first.process.pid


def test_a_file_is_never_taken_away(our_workshop: Workshop) -> None:
    (our_workshop.folder / SOCKET).write_text("precious")
    assert our_workshop.workers("--status", SOCKET, await_start=False).wait() == 78
    assert (our_workshop.folder / SOCKET).read_text() == "precious"


def test_a_server_that_is_away_is_a_trouble_until_it_is_back(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            workshop.workers("--threads", "2", "--coroutines", "2", "--status", SOCKET)
            workshop.await_watched()
            assert document(workshop)["troubles"] == []
            server.kill()
            found = awaits_troubles(workshop, "process ")
            assert all(str(server.port) in trouble for trouble in found["troubles"])
            assert asked(workshop).returncode == TROUBLED
            with restarted(kind, tmp_path, server.port):
                eventually(lambda: asked(workshop).returncode == WELL, workshop.told)
        finally:
            workshop.close()


def test_a_process_that_is_missing_is_a_trouble(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--status", SOCKET, workers=2)
    our_workshop.await_waiting(2)
    os.kill(supervisor.started()[0], signal.SIGKILL)
    awaits_troubles(our_workshop, "1 of 2 processes is missing and will be started")
    eventually(lambda: asked(our_workshop).returncode == WELL, our_workshop.told)


def test_a_process_that_does_not_answer_is_told_as_such(our_workshop: Workshop) -> None:
    our_workshop.workers("--status", SOCKET)
    ayl.opts(time_to_run=20).send(chores.grip, our_workshop.folder, "held", "C code")
    pid = our_workshop.read("held").pid
    found = document(our_workshop, TROUBLED)
    assert found["troubles"] == [
        f"process {pid} does not answer: perhaps a call does not let go of the interpreter lock"
    ]
    assert found["workers"][0]["report"] is None


def test_a_worker_that_is_quiet_is_well(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--status", SOCKET, workers=2)
    our_workshop.await_waiting(2)
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits("is quiet$")
    found = document(our_workshop)
    assert (found["places"], len(found["workers"])) == (1, 1)
    supervisor.gets(signal.SIGTSTP)
    supervisor.awaits("ended$")
    assert document(our_workshop)["state"] == "quiet"


def test_several_are_asked_at_once_and_the_worst_of_them_counts(our_workshop: Workshop) -> None:
    our_workshop.workers("--status", SOCKET)
    our_workshop.await_waiting()
    both = asked(our_workshop, SOCKET)
    assert (both.returncode, both.stdout.count("processes  1 of 1")) == (WELL, 2)
    assert [found["state"] for found in json.loads(asked(our_workshop, SOCKET, "--json").stdout)] == ["working"] * 2
    one = asked(our_workshop, "nobody.socket")
    assert (one.returncode, one.stdout.count("processes  1 of 1")) == (NOT_RUNNING, 1)
    assert "no worker answers at nobody.socket" in one.stderr


def test_who_asks_and_goes_away_harms_nobody(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--status", SOCKET)
    our_workshop.await_waiting()
    for _ in range(50):
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(str(our_workshop.folder / SOCKET))
    assert document(our_workshop)["troubles"] == []
    assert supervisor.process.poll() is None


def test_the_path_can_be_given_to_both_by_the_environment(our_workshop: Workshop) -> None:
    path = str(our_workshop.folder / SOCKET)
    our_workshop.workers(AYL_WORKER_STATUS=path)
    done = subprocess.run(
        [command("ayl_worker"), "status"], env=environment(AYL_WORKER_STATUS=path), check=False, capture_output=True
    )
    assert done.returncode == WELL


def test_without_the_command_a_module_is_required_as_ever(our_workshop: Workshop) -> None:
    supervisor = our_workshop.command("--threads", "2")
    assert supervisor.wait() == NO_APPLICATION
    assert "Missing option '-c' / '--require'" in supervisor.log()
    helped = our_workshop.command("--help")
    assert helped.wait() == 0
    assert "status " in helped.log()
