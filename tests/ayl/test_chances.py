"""A call that may have killed its worker is made alone, and its job says so: then what happens is its own doing."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import life as lives
from ayl import settings
from ayl.engines.client import Client
from ayl.engines.prompt import PromptSocket
from ayl.engines.source import BeanstalkLease
from ayl.errors import Refused, Unreachable
from ayl.life import NEW, Life, Past, past
from ayl.worker.deadlines import Deadlines
from ayl.worker.execution import Next, execute
from ayl.worker.outcomes import fail
from ayl.worker.terms import Terms
from tests.ayl.conftest import Server, wait_until
from tests.ayl.test_settling import ASKED, BODY, LARGEST, Held, jobs, narrow_server, sized, source, taken, taking

if TYPE_CHECKING:
    import greenstalk

    from ayl.engines.base import Lease, Source

__all__ = ["narrow_server", "source"]

CHANCE = Life(1, 2, "ValueError: no ups", alone=True)
RUNS: list[tuple[Life, int] | None] = []
"""What a call saw of its own job: what it remembers, and how often it was reserved."""
LOOKS: list[greenstalk.Client[bytes]] = []
"""By which connection."""


@ayl.task("chances.run")
def run(_: str) -> None:
    running = ayl.current()
    assert running is not None
    seen = None
    for client in LOOKS:
        seen = lives.read(client.peek(running.job_id).body), int(client.stats_job(running.job_id)["reserves"])
    RUNS.append(seen)


@pytest.fixture(autouse=True)
def nothing_was_seen() -> None:
    RUNS.clear()
    LOOKS.clear()


def hang_up(server: Server, tube: str, times: int) -> None:
    """So many workers that take the next job and die."""
    for _ in range(times):
        with server.client(tube) as client:
            client.reserve(timeout=5)
        wait_until(lambda: not held(server, tube))


def held(server: Server, tube: str) -> bool:
    with server.client(tube) as client:
        return "reserved" in jobs(client, tube)


def of(lease: Lease) -> Past:
    return past(lives.read(lease.body), lease.standing())


# Another job in the place of the one that is held


def test_the_same_message_is_held_as_another_job(server: Server, tube: str, source: Source) -> None:
    sent = ayl.opts(priority=7, time_to_run=77).send(run, "x")
    hang_up(server, tube, 2)
    lease, message = taken(source)
    body, since = lease.body, lease.since
    assert lease.swap(lives.write(body, CHANCE))
    assert lease.job_id != sent.job_id
    assert lease.since > since
    assert (lives.read(lease.body), lives.without(lease.body)) == (CHANCE, body)
    assert (of(lease).kills, of(lease).hangups, of(lease).has_chance) == (2, 0, True)
    with server.client(tube) as client:
        assert jobs(client, tube) == {"reserved": 1}
        found = client.stats_job(lease.job_id)
        assert (found["state"], found["pri"], found["ttr"], found["tube"]) == ("reserved", 7, 77, tube)
    assert message.id == sent.id
    assert lease.delete()


def test_who_has_lost_the_lease_puts_nothing(server: Server, tube: str, source: Source) -> None:
    ayl.send(run, "x")
    lease, _ = taken(source)
    assert lease.standing() is not None
    source.close()
    with server.client(tube) as client:
        wait_until(lambda: jobs(client, tube) == {"ready": 1})
        assert not lease.swap(lives.write(lease.body, CHANCE))
        assert jobs(client, tube) == {"ready": 1}


def test_a_job_that_the_server_does_not_take_is_held_as_before(own_server: Server) -> None:
    tube = settings.current().tube()
    sent = ayl.send(run, "x")
    with taking(tube) as source, own_server.client(tube) as client:
        lease, _ = taken(source)
        own_server.drain()
        with pytest.raises(Refused):
            lease.swap(lives.write(lease.body, CHANCE))
        assert lease.job_id == sent.job_id
        assert jobs(client, tube) == {"reserved": 1}
        assert lease.delete()


@pytest.mark.parametrize("arrives", [False, True], ids=["before it leaves", "before its answer comes"])
@pytest.mark.parametrize("step", range(5))
def test_wherever_the_connection_is_cut_the_message_is_there_and_not_blamed(
    step: int, arrives: bool, server: Server, tube: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ayl.send(run, "x")
    said: list[bytes] = []
    send = PromptSocket.sendall

    def cut(connection: PromptSocket, data: bytes, flags: int = 0) -> None:
        said.append(data)
        if len(said) <= step or arrives:
            send(connection, data, flags)
        if len(said) > step:
            raise ConnectionResetError

    with taking(tube) as source, server.client(tube) as client:
        lease, _ = taken(source)
        assert lease.standing() is not None
        monkeypatch.setattr(PromptSocket, "sendall", cut)
        with pytest.raises(Unreachable):
            lease.swap(lives.write(lease.body, Life(alone=True)))
        monkeypatch.undo()
        source.close()
        wait_until(lambda: "reserved" not in jobs(client, tube))
        client.kick(2)
        assert 1 <= sum(jobs(client, tube).values()) <= 2
        was_held = said[-1].startswith(b"reserve-job") and b" 0" not in said[-1] and arrives
        for _ in range(sum(jobs(client, tube).values())):
            again, _ = taken(source)
            assert of(again).kills == (2 if was_held else 0)
            assert again.delete()


def test_it_asks_a_server_first_whether_it_can_be_held_by_its_id() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(ASKED + b"UNKNOWN_COMMAND\r\n")
        client = Client(PromptSocket(ours, 5))
        client.prompt.wait_at_most(5)
        lease = BeanstalkLease(Held(client), 5, BODY)  # type: ignore[arg-type] # its questions are asked as they are
        with pytest.raises(Refused, match="cannot reserve a job by its id"):
            lease.swap(lives.write(BODY, CHANCE))
        client.close()
        said = b"".join(iter(lambda: theirs.recv(65536), b""))
    assert said == b"stats-job 5\r\nreserve-job 0\r\n"


# Who is made alone


def take_and_execute(source: Source, others: int = 0) -> None:
    """By a slot of a process that has so many others, who are idle and stay so."""
    terms = Terms(Deadlines(1), threading.Event(), fail)
    terms.alone.join(1 + others)
    lease, _ = taken(source)
    assert execute(lease, settings.current(), terms.slot(lambda: None)) is Next.GO_ON


def remembered(server: Server, tube: str) -> list[Life]:
    """By the jobs that are ready or buried."""
    with server.client(tube) as client:
        client.kick(10)
        found = [client.reserve(timeout=0) for _ in range(jobs(client, tube).get("ready", 0))]
        for job in found:
            client.delete(job)
        return [lives.read(job.body) for job in found]


SEEN = {
    "a new call": (0, 0, NEW, 1),
    "one that a worker has died with": (1, 0, Life(alone=True), 1),
    "one that a worker has died with, where others would have to wait": (1, 1, NEW, 2),
    "one that two have died with": (2, 1, Life(alone=True), 1),
    "one that many have died with": (6, 1, Life(alone=True), 1),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_call_is_made_alone_as_the_job_says_then(name: str, server: Server, tube: str, source: Source) -> None:
    hangups, others, life, reserves = SEEN[name]
    ayl.opts(time_to_run=1).send(run, "x")
    hang_up(server, tube, hangups)
    with server.client(tube) as client:
        LOOKS.append(client)
        take_and_execute(source, others)
        assert [(life, reserves)] == RUNS
        assert jobs(client, tube) == {}


def test_who_was_made_alone_and_died_is_buried_when_that_is_the_third_kill(
    server: Server, tube: str, source: Source
) -> None:
    ayl.send(run, "x")
    for _ in range(2):
        hang_up(server, tube, 1)
        lease, _ = taken(source)
        chance = Life(kills=of(lease).kills, alone=True)
        assert lease.swap(lives.write(lease.body, chance))
        source.close()
    take_and_execute(source)
    assert RUNS == []
    (life,) = remembered(server, tube)
    assert life == Life(0, 3, "poison, it has killed its worker 3 times")


@pytest.mark.parametrize(("hangups", "runs"), [(0, 1), (1, 0)], ids=["nobody has begun", "a worker has died"])
def test_a_call_that_an_operator_gives_back_has_its_chance_until_a_worker_has_died_with_it(
    hangups: int, runs: int, server: Server, tube: str, source: Source
) -> None:
    ayl.send(run, "x")
    lease, _ = taken(source)
    assert lease.swap(lives.write(lease.body, Life(0, 3, "poison", alone=True)))
    assert lease.release(0)
    hang_up(server, tube, hangups)
    take_and_execute(source)
    assert len(RUNS) == runs
    assert [life.kills for life in remembered(server, tube)] == [3] * (1 - runs)


# Where the job cannot say so


def test_where_no_job_is_reserved_by_its_id_the_next_worker_makes_the_call(
    server: Server, tube: str, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: BeanstalkLease, body: bytes) -> bool:
        raise Refused("the server cannot reserve a job by its id")

    monkeypatch.setattr(BeanstalkLease, "swap", refuse)
    ayl.send(run, "x")
    hang_up(server, tube, 1)
    with server.client(tube) as client:
        take_and_execute(source)
        assert (RUNS, jobs(client, tube)) == ([], {"ready": 1})
        LOOKS.append(client)
        take_and_execute(source)
        assert (RUNS, jobs(client, tube)) == ([(Life(alone=True), 1)], {})


def test_where_nothing_can_be_put_the_call_is_made_all_the_same_and_blamed_for_nothing(own_server: Server) -> None:
    tube = settings.current().tube()
    ayl.send(run, "x")
    hang_up(own_server, tube, 3)
    with taking(tube) as source, own_server.client(tube) as client:
        own_server.drain()
        LOOKS.append(client)
        take_and_execute(source)
        assert RUNS == [(NEW, 4)]


def test_where_there_is_no_room_for_it_what_three_workers_have_died_with_is_buried(narrow_server: Server) -> None:
    tube = settings.current().tube()
    with taking(tube) as source:
        for hangups, runs in ((1, 1), (2, 1), (3, 0)):
            RUNS.clear()
            sized(LARGEST - 2, run, "chances.run")
            hang_up(narrow_server, tube, hangups)
            take_and_execute(source)
            assert len(RUNS) == runs
    with narrow_server.client(tube) as client:
        assert jobs(client, tube) == {"buried": 1}
