"""systemd, or a keeper, is told when a worker is ready, how it is, and that it lives."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import admin
from tests.processes.deadline import eventually, for_a_while
from tests.processes.listener import Listener, fill, listening
from tests.processes.servers import Kind, serving

from .app import chores
from .test_lost_server import restarted
from .ways import each_way
from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 0.4
"""Seconds, of the watchdog."""

MICROSECONDS = str(int(PERIOD * 1_000_000))


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(name: str) -> Iterator[Listener]:
    with listening(name) as listener:
        yield listener


SLOTS = each_way(
    "words",
    {
        "thread": (),
        "threads": ("--threads", "3"),
        "processes": ("--processes", "2"),
        "coroutines": ("--coroutines", "2"),
    },
)


@SLOTS
def test_a_worker_is_ready_once_all_its_processes_are_connected_and_says_that_it_stops(
    workshop: Workshop, listener: Listener, name: str, words: tuple[str, ...]
) -> None:
    supervisor = workshop.workers(*words, workers=2, await_start=False, NOTIFY_SOCKET=name)
    *before, ready = listener.until("READY", "1")
    assert [facts["STATUS"].partition(" on ")[0] for facts in (before[0], before[-1])] == [
        "starting: 0 of 2 processes",
        "starting: 1 of 2 processes",
    ]
    status = f"2 of 2 processes on {workshop.tube}"
    assert ready == {"X_AYL_TUBES": workshop.tube, "X_AYL_ENGINE": workshop.server.url, "READY": "1", "STATUS": status}
    assert workshop.client.stats_tube(workshop.tube)["current-watching"] >= 2
    supervisor.gets(signal.SIGTERM)
    assert listener.next() == {"STOPPING": "1", "STATUS": "stopping: 2 processes finish their calls"}
    assert supervisor.wait() == 0
    listener.until("STATUS", "stopping: no process is left")
    assert listener.silent()


def test_the_tubes_are_told_as_a_list_without_their_shares(
    our_workshop: Workshop, listener: Listener, name: str
) -> None:
    tubes = [f"{our_workshop.tube}/mail=3", f"{our_workshop.tube}/x-*", our_workshop.tube]
    words = [word for tube in tubes for word in ("--tube", tube)]
    our_workshop.workers(*words, await_start=False, NOTIFY_SOCKET=name)
    ready = listener.until("READY", "1")[-1]
    tube = our_workshop.tube
    assert ready["X_AYL_TUBES"].split(" ") == [f"{tube}/mail", f"{tube}/x-*", tube]


def test_no_worker_is_ready_while_no_server_answers(kind: Kind, tmp_path: Path, listener: Listener, name: str) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            server.kill()
            supervisor = workshop.workers(NOTIFY_SOCKET=name)
            supervisor.awaits("trying again")
            for_a_while(0.5, lambda: None)
            assert listener.next() == {"STATUS": "starting: 0 of 1 process"}
            assert listener.next() == {"STATUS": f"starting: 0 of 1 process on {workshop.tube}"}
            assert listener.plea() == "60000000"
            assert listener.silent()
            with restarted(kind, tmp_path, server.port):
                listener.until("READY", "1")
        finally:
            workshop.close()


def test_an_app_that_cannot_be_loaded_is_never_ready(our_workshop: Workshop, listener: Listener, name: str) -> None:
    supervisor = our_workshop.workers("--require", "nowhere", await_start=False, NOTIFY_SOCKET=name)
    assert supervisor.wait() == 78
    assert listener.next() == {"STATUS": "starting: 0 of 1 process"}
    assert "STOPPING" in listener.until("STATUS", "stopping: no process is left")[-1]
    assert "READY" not in listener.heard


def test_a_burst_that_is_over_at_once_was_ready(our_workshop: Workshop, listener: Listener, name: str) -> None:
    assert our_workshop.workers("--burst", await_start=False, NOTIFY_SOCKET=name).wait() == 0
    listener.until("STATUS", "stopping: no process is left")
    assert listener.heard["READY"] == "1"


def test_each_change_is_told(our_workshop: Workshop, listener: Listener, name: str) -> None:
    supervisor = our_workshop.workers(workers=2, NOTIFY_SOCKET=name)
    listener.until("READY", "1")
    all_well = f"2 of 2 processes on {our_workshop.tube}"

    os.kill(supervisor.started()[0], signal.SIGKILL)
    assert listener.next() == {"STATUS": f"1 of 2 processes on {our_workshop.tube}"}
    assert listener.next() == {"STATUS": all_well}

    supervisor.gets(signal.SIGHUP)
    assert listener.next() == {"STATUS": f"restarting: {all_well}"}
    assert listener.until("STATUS", all_well)

    ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    supervisor.gets(signal.SIGTSTP)
    assert listener.next()["STATUS"].startswith("quiet: ")
    listener.until("STATUS", "quiet: 1 process finishes its calls")
    our_workshop.let_go("held")
    assert listener.next() == {"STATUS": "quiet: no process is left"}

    supervisor.gets(signal.SIGCONT)
    listener.until("STATUS", all_well)
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    listener.until("STATUS", f"1 of 2 processes on {our_workshop.tube}, 1 quiet")


def test_signs_of_life_come_twice_as_often_as_they_must_and_not_from_one_that_is_stuck(
    our_workshop: Workshop, listener: Listener, name: str
) -> None:
    supervisor = our_workshop.workers(await_start=False, NOTIFY_SOCKET=name, WATCHDOG_USEC=MICROSECONDS)
    listener.until("READY", "1")
    for _ in range(4):
        assert listener.any() == {"WATCHDOG": "1"}
    supervisor.gets(signal.SIGSTOP)  # what a supervisor in an endless loop looks like
    eventually(lambda: Path(f"/proc/{supervisor.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    while not listener.silent():
        pass
    for_a_while(2 * PERIOD, lambda: _is_silent(listener))
    supervisor.gets(signal.SIGCONT)
    assert listener.any() == {"WATCHDOG": "1"}


def _is_silent(listener: Listener) -> None:
    assert listener.silent()


def test_signs_of_life_go_on_while_calls_are_waited_for(our_workshop: Workshop, listener: Listener, name: str) -> None:
    supervisor = our_workshop.workers(NOTIFY_SOCKET=name, WATCHDOG_USEC=MICROSECONDS)
    ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    supervisor.gets(signal.SIGTERM)
    listener.until("STOPPING", "1")
    for _ in range(4):
        assert listener.any() == {"WATCHDOG": "1"}
    our_workshop.let_go("held")
    assert supervisor.wait() == 0


@each_way("words", {"thread": (), "processes": ("--processes", "1")})
def test_no_process_that_makes_calls_can_speak_in_its_name(
    workshop: Workshop, listener: Listener, name: str, words: tuple[str, ...]
) -> None:
    workshop.workers(*words, await_start=False, NOTIFY_SOCKET=name, WATCHDOG_USEC="60000000", WATCHDOG_PID="1")
    listener.until("READY", "1")
    for variable in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        ayl.send(chores.tell_variable, workshop.folder, variable)
        workshop.read(f"{variable}=nothing")


@pytest.mark.parametrize(
    ("address", "period", "trouble"),
    [
        ("vsock:2:99", "", "NOTIFY_SOCKET=vsock:2:99 is neither a path nor @NAME"),
        ("/no/such/socket", "", "systemd cannot be told how we are: No such file or directory"),
        ("@ayl/nobody", "soon", "WATCHDOG_USEC=soon is no number"),
    ],
)
def test_a_systemd_that_cannot_be_told_is_a_warning(
    our_workshop: Workshop, address: str, period: str, trouble: str
) -> None:
    supervisor = our_workshop.workers(NOTIFY_SOCKET=address, WATCHDOG_USEC=period)
    our_workshop.await_gone(ayl.send(chores.note, our_workshop.folder, "done").job_id)
    assert len(supervisor.logs(f"WARNING .*{trouble}$")) == 1


def test_a_period_that_is_no_number_is_told_once_to_who_is_heard_too(
    our_workshop: Workshop, listener: Listener, name: str
) -> None:
    supervisor = our_workshop.workers(NOTIFY_SOCKET=name, WATCHDOG_USEC="soon")
    listener.until("READY", "1")
    assert len(supervisor.logs("WATCHDOG_USEC=soon is no number$")) == 1


def test_a_listener_that_takes_nothing_holds_up_nobody(our_workshop: Workshop, listener: Listener, name: str) -> None:
    number = fill(name)
    supervisor = our_workshop.workers(NOTIFY_SOCKET=name, WATCHDOG_USEC="20000")
    our_workshop.await_gone(ayl.send(chores.note, our_workshop.folder, "done").job_id)
    for _ in range(number):
        assert listener.any()["STATUS"] == "full"
    listener.until("READY", "1")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0


def test_a_listener_that_goes_and_comes_back_is_told_how_things_are(our_workshop: Workshop, name: str) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(listening(name))
        supervisor = our_workshop.workers(NOTIFY_SOCKET=name, WATCHDOG_USEC="100000")
        first.until("READY", "1")
        first.socket.close()
        os.kill(supervisor.started()[0], signal.SIGKILL)
        supervisor.awaits("takes jobs from", 2)
        our_workshop.await_waiting()
        Path(name).unlink()
        with listening(name) as second:
            assert second.next() == {"STATUS": f"1 of 1 process on {our_workshop.tube}"}
    assert supervisor.process.poll() is None


def test_a_name_without_a_file_will_do(our_workshop: Workshop) -> None:
    name = f"@ayl-worker-{os.getpid()}"
    with listening(name) as listener:
        our_workshop.workers(await_start=False, NOTIFY_SOCKET=name)
        listener.until("READY", "1")


def test_it_is_a_datagram_socket_or_nothing(our_workshop: Workshop, name: str) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(name)
        stream.listen()
        supervisor = our_workshop.workers(NOTIFY_SOCKET=name)
        assert supervisor.logs("systemd cannot be told how we are: Protocol wrong type for socket")
