"""The beanstalk engine against real servers: what is sent arrives, with all it was sent with."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import delivery
from ayl import message as messages
from ayl.engines.prompt import PromptSocket
from tests.ayl.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Server


@ayl.task("engine.note")
def note(number: int, *rest: Any) -> None: ...


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what this process writes to sockets."""
    sizes: list[int] = []
    write = PromptSocket.sendall

    def counted(self: PromptSocket, data: bytes, flags: int = 0) -> None:
        sizes.append(len(data))
        write(self, data, flags)

    monkeypatch.setattr(PromptSocket, "sendall", counted)
    return sizes


def numbers(server: Server, tube: str) -> list[int]:
    return [message.args[0] for message in server.take(tube)]


def test_a_message_arrives_as_it_was_written(server: Server, tube: str) -> None:
    handle = ayl.send(note, 1, "ü", [None])
    with server.client(tube) as client:
        job = client.reserve(timeout=1)
        client.delete(job)
    assert (handle.job_id, handle.tube) == (job.id, tube)
    message = messages.decode(job.body)
    assert isinstance(message, messages.Message)
    assert (message.id, message.do, message.args) == (handle.id, "engine.note", [1, "ü", [None]])


def test_priority_delay_and_time_to_run_arrive(server: Server, tube: str) -> None:
    handle = ayl.opts(priority=7, delay=1000, time_to_run=77).send(note, 1)
    assert handle.job_id is not None
    with server.client(tube) as client:
        found = client.stats_job(handle.job_id)
        assert (found["tube"], found["state"], found["pri"], found["delay"], found["ttr"]) == (
            tube, "delayed", 7, 1000, 77
        )  # fmt: skip
        client.delete(handle.job_id)


def test_rubys_numbers_arrive_when_nothing_is_said(server: Server, tube: str) -> None:
    handle = ayl.send(note, 1)
    assert handle.job_id is not None
    with server.client(tube) as client:
        found = client.stats_job(handle.job_id)
        assert (found["state"], found["pri"], found["delay"], found["ttr"]) == ("ready", 512, 0, 120)
        client.delete(handle.job_id)


def test_the_ends_of_every_range_are_taken_by_the_server(server: Server, tube: str) -> None:
    highest = ayl.opts(priority=2**32 - 1, fuzz=2**32 - 1, time_to_run=2**32 - 1).send(note, 1)
    lowest = ayl.opts(priority=0, time_to_run=1).send(note, 2)
    with server.client(tube) as client:
        found = [client.stats_job(job) for handle in (highest, lowest) if (job := handle.job_id)]
        assert [statistics["pri"] for statistics in found] == [2**32 - 1, 0]
    assert numbers(server, tube) == [2, 1]


def test_fuzz_arrives_as_a_spread_of_priorities(server: Server, tube: str) -> None:
    with ayl.batch():
        handles = [ayl.opts(priority=100, fuzz=3).send(note, number) for number in range(60)]
    with server.client(tube) as client:
        assert {client.stats_job(handle.job_id or 0)["pri"] for handle in handles} == {100, 101, 102, 103}
    server.take(tube)


def test_lanes_are_tubes_of_their_own(server: Server, tube: str) -> None:
    ayl.opts(lane="slow").send(note, 1)
    ayl.send(note, 2)
    ayl.opts(lane="fast").send(note, 3)
    ayl.opts(queue_name="slow").send(note, 4)
    assert numbers(server, tube) == [2]
    assert numbers(server, f"{tube}/slow") == [1, 4]
    assert numbers(server, f"{tube}/fast") == [3]


def test_a_message_of_the_greatest_size_arrives(server: Server, tube: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ayl.composing.time.time_ns", lambda: 1_793_000_000_125_000_000)  # its text has a length too
    ayl.send(note, 1, "")
    size = len(messages.encode(server.take(tube)[0]))
    ayl.send(note, 2, "x" * (65_535 - size))
    (message,) = server.take(tube)
    assert len(messages.encode(message)) == 65_535


# Batches


def test_a_batch_leaves_in_few_writes_and_arrives_whole_and_in_order(
    server: Server, tube: str, writes: list[int]
) -> None:
    with ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(1000)]
    assert 1 <= len(writes) <= 10
    assert batch.sent == 1000
    assert len({handle.job_id for handle in handles}) == 1000
    assert numbers(server, tube) == list(range(1000))


def test_the_calls_of_a_batch_reach_each_its_own_tube(server: Server, tube: str) -> None:
    with ayl.batch():
        for number in range(30):
            ayl.opts(lane=("", "slow", "fast")[number % 3]).send(note, number)
    for lane, first in (("", 0), ("/slow", 1), ("/fast", 2)):
        assert numbers(server, tube + lane) == list(range(first, 30, 3))


def test_large_messages_in_a_batch_do_not_get_stuck(server: Server, tube: str) -> None:
    with ayl.batch():
        for number in range(220):
            ayl.send(note, number, "x" * 40_000)
    assert numbers(server, tube) == list(range(220))


# Connections


def producers(server: Server) -> int:
    with server.client() as client:
        return client.stats()["current-producers"]


def in_threads(work: Callable[[], object], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the next test's business
def test_each_thread_keeps_a_connection_of_its_own(own_server: Server) -> None:
    together = threading.Barrier(5, timeout=5)
    seen: list[int] = []

    def work() -> None:
        for number in range(20):
            ayl.send(note, number)
        if together.wait() == 0:
            seen.append(producers(own_server))
        together.wait()

    in_threads(work, 5)
    assert seen == [5]
    assert len(numbers(own_server, "shop/1.4.2")) == 100


def test_the_connection_of_a_thread_is_closed_with_it(own_server: Server) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        in_threads(lambda: ayl.send(note, 1), 3)
        wait_until(lambda: producers(own_server) == 0)
    assert [str(warning.message) for warning in caught] == []


def test_after_close_the_next_send_opens_a_connection_again(own_server: Server) -> None:
    ayl.send(note, 1)
    delivery.close()
    wait_until(lambda: producers(own_server) == 0)
    ayl.send(note, 2)
    assert producers(own_server) == 1
    assert numbers(own_server, "shop/1.4.2") == [1, 2]


FORKING = """
import os, sys
import ayl
from ayl import delivery

@ayl.task("forking.note")
def note(who): pass

ayl.configure(app="fork", version="1", engine=sys.argv[1], send_timeout=5)
ayl.send(note, "parent before")
child = os.fork()
ayl.send(note, "child" if child == 0 else "parent after")
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
ayl.send(note, "parent at the end")
delivery.close()
"""


def test_a_forked_child_opens_its_own_connection_and_leaves_its_parents_alone(own_server: Server) -> None:
    subprocess.run([sys.executable, "-c", FORKING, own_server.url], check=True, timeout=20)
    with own_server.client() as client:
        assert client.stats()["total-connections"] == 3 + 1, "the start's, the parent's, the child's and this one"
    whose = [message.args[0] for message in own_server.take("fork/1")]
    assert (whose[0], sorted(whose[1:3]), whose[3]) == (
        "parent before",
        ["child", "parent after"],
        "parent at the end",
    )
