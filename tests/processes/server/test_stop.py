"""A stop: what was received is answered and kept, nobody is waited for too long, and a second signal ends all waits."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ayl_server.listener import DRAIN_SECONDS
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, command, environment, serving

from .conftest import LOOPS
from .lines import events

if TYPE_CHECKING:
    from collections.abc import Iterator

    import greenstalk

    from tests.processes.servers import Kind, Server

MEGABYTE = 1 << 20


def deaf_to(server: Server, stack: ExitStack) -> greenstalk.Client[bytes]:
    """A client whose replies fill all buffers on their way, and an onlooker."""
    onlooker = stack.enter_context(server.client())
    job = onlooker.put(b"x" * 60_000)
    deaf = stack.enter_context(closing(server.dial()))
    deaf.sendall(b"peek %d\r\n" % job * 1000)
    eventually(lambda: onlooker.stats()["cmd-peek"] > 3)
    return onlooker


def test_what_was_answered_before_a_stop_arrives(loop: Kind, tmp_path: Path) -> None:
    body = b"x" * 8 * MEGABYTE  # more than the buffers on the way
    with (
        serving(loop, tmp_path, "-z", str(len(body)), tcp=False) as server,
        server.client() as onlooker,
        closing(server.dial()) as late,
    ):
        job = onlooker.put(body)
        late.sendall(b"peek %d\r\n" % job)
        eventually(lambda: onlooker.stats()["cmd-peek"] == 1)
        server.gets(signal.SIGTERM)
        eventually(lambda: "stopping" in server.log())
        with late.makefile("rb") as replies:
            reply = b"FOUND %d %d\r\n%b\r\n" % (job, len(body), body)
            assert replies.read() == reply
        assert server.wait() == 0


def test_what_was_received_is_done_and_answered_though_the_client_reads_late(loop: Kind, tmp_path: Path) -> None:
    """Replies fill all buffers on the way, so the commands behind them are still waiting when the stop comes."""
    words = ["-b", str(tmp_path)]
    with serving(loop, tmp_path, *words, tcp=False) as server, closing(server.dial()) as late:
        with server.client() as onlooker:
            job = onlooker.put(b"x" * 60_000)
            late.sendall(b"peek %d\r\n" % job * 72 + b"put 0 0 60 4\r\nbody\r\n" * 100)
            eventually(lambda: onlooker.stats()["cmd-peek"] > 3)
        server.gets(signal.SIGTERM)
        eventually(lambda: "stopping" in server.log())
        with late.makefile("rb") as replies:
            heard = replies.read()
        assert (heard.count(b"FOUND"), heard.count(b"INSERTED")) == (72, 100)
        assert server.wait() == 0
    with serving(loop, tmp_path, *words, tcp=False) as server, server.client() as client:
        assert client.stats()["current-jobs-ready"] == 101


@pytest.mark.parametrize("sync", ["-f0", "-f60000", "-F"])
def test_every_job_that_was_acknowledged_is_there_afterwards(loop: Kind, tmp_path: Path, sync: str) -> None:
    words = ["-b", str(tmp_path), sync]
    with serving(loop, tmp_path, *words, tcp=False) as server, closing(server.dial()) as producer:
        with producer.makefile("rb") as replies:
            producer.sendall(b"put 0 0 60 4\r\nbody\r\n" * 5000)
            for _ in range(1000):
                assert replies.readline().startswith(b"INSERTED ")
            server.gets(signal.SIGTERM)  # while more of them are being worked on
            acknowledged = 1000 + sum(line.startswith(b"INSERTED ") for line in replies.readlines())
        assert server.wait() == 0
        assert events(server.log()) == ["recovered", "started", "stopping", "stopped"]
    with serving(loop, tmp_path, *words, tcp=False) as server, server.client() as client:
        assert client.stats()["current-jobs-ready"] >= acknowledged


def test_clients_that_do_not_read_are_waited_for_only_so_long(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = []
        for kind in LOOPS:  # both at once, because the five seconds are real
            (folder := tmp_path / kind.name).mkdir()
            servers.append(stack.enter_context(serving(kind, folder, "-b", str(folder), tcp=False)))
            deaf_to(servers[-1], stack)
        stopping = time.monotonic()
        for server in servers:
            server.gets(signal.SIGTERM)
        for server in servers:
            assert server.wait() == 0
            assert DRAIN_SECONDS - 0.5 < time.monotonic() - stopping < PATIENCE / 2
            assert events(server.log()) == ["recovered", "started", "stopping", "stopped"]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_second_signal_ends_it_at_once(loop: Kind, tmp_path: Path, second: signal.Signals) -> None:
    with serving(loop, tmp_path, "-b", str(tmp_path), tcp=False) as server, ExitStack() as stack:
        deaf_to(server, stack)
        server.gets(signal.SIGTERM)
        eventually(lambda: "stopping" in server.log())
        stopping = time.monotonic()
        server.gets(second)
        assert server.wait() == -second
        assert time.monotonic() - stopping < DRAIN_SECONDS / 2
    with serving(loop, tmp_path, "-b", str(tmp_path), tcp=False) as server, server.client() as client:
        assert len(client.peek(1).body) == 60_000


@contextmanager
def starting(*words: str, kind: Kind = AYL_SERVER) -> Iterator[subprocess.Popen[str]]:
    """A server that may not serve yet."""
    with subprocess.Popen(
        [command("ayl_server"), *words], env=environment(**kind.variables), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_stop_in_the_middle_of_a_recovery_is_at_once_and_does_no_harm(tmp_path: Path, number: signal.Signals) -> None:
    words = ["-b", str(tmp_path)]
    with serving(AYL_SERVER, tmp_path, *words, tcp=False) as server, server.client() as client:
        client.put(b"kept")
        server.gets(signal.SIGTERM)
        assert server.wait() == 0
    os.mkfifo(tmp_path / "ayl-binlog.2")  # who reads this file waits until somebody writes it
    with starting("-l", f"unix:{tmp_path / 'socket'}", *words) as process:
        eventually(lambda: process.poll() is not None or _sleeps_over(tmp_path / "lock", process.pid))
        process.send_signal(signal.SIGUSR1)  # is kept for later
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
    (tmp_path / "ayl-binlog.2").unlink()
    with serving(AYL_SERVER, tmp_path, *words, tcp=False) as server, server.client() as client:
        assert client.peek(1).body == b"kept"


def _sleeps_over(lock: Path, process: int) -> bool:
    """Whether it has locked the binlog and waits for something."""
    status = Path(f"/proc/{process}/stat").read_text()
    opened = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            opened.append(link.readlink())
    return lock in opened and status.rpartition(")")[2].split()[0] == "S"


def test_a_stop_at_any_moment_of_the_start_is_clean(tmp_path: Path, loop: Kind) -> None:
    for milliseconds in range(0, 400, 40):
        with starting("-l", f"unix:{tmp_path / 'socket'}", kind=loop) as process:
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
            assert process.stderr is not None
            said = process.stderr.read()
            assert "Traceback" not in said
            assert process.returncode or events(said)[-1] == "stopped"
