"""Workers that watch several servers: all are served, fairly, and none hoards or keeps the others waiting."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import greenstalk
import pytest

import ayl
from ayl import delivery
from ayl.engines import source_for, watch_for
from tests.cli.servers import peer
from tests.processes.deadline import PATIENCE, eventually, for_a_while
from tests.processes.servers import HOST, Kind, Server, serving

from .app import chores
from .test_lost_server import restarted
from .workshop import IMPATIENT, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ayl.engines.base import Lease, Source

TUBE = "several/1"


@pytest.fixture
def two(kind: Kind, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers of each kind."""
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        yield [stack.enter_context(serving(kind, folder)) for folder in folders]


def url(servers: list[Server]) -> str:
    return "beanstalk://" + ",".join(f"{HOST}:{server.port}" for server in servers)


class Taker:
    """A source as a worker has it, and the end of its wake-up descriptor."""

    def __init__(self, engine: str, timeout: float) -> None:
        self._reader, self._writer = socket.socketpair()
        settings = ayl.configure(engine=engine, timeout=timeout)
        self.source: Source = source_for(settings, watch_for([TUBE]), self._reader.fileno())

    def take(self) -> int:
        """The job's body, a number; it is deleted."""
        lease = self.source.take()
        assert lease is not None
        held, _ = self.source.delete_and_take([lease], 0, wait=True)
        assert held == [True]
        return int(lease.body)

    def wake(self) -> None:
        self._writer.send(b"!")

    def close(self) -> None:
        self.source.close()
        self._reader.close()
        self._writer.close()


@contextmanager
def taker(engine: str, timeout: float = 2.0) -> Iterator[Taker]:
    opened = Taker(engine, timeout)
    try:
        yield opened
    finally:
        opened.close()
        ayl.settings.reset()


def put(server: Server, *numbers: int) -> None:
    with server.client(use=TUBE) as client:
        for number in numbers:
            client.put(b"%d" % number)


def states(server: Server, tube: str = TUBE) -> Counter[str]:
    """How many jobs of the tube are in which state."""
    with server.client() as client:
        try:
            found = client.stats_tube(tube)
        except greenstalk.NotFoundError:
            return Counter()
    return Counter({state: found[f"current-jobs-{state}"] for state in ("ready", "reserved")})  # type: ignore[literal-required]


def reconnects(server: Server) -> int:
    with server.client() as client:
        return client.stats()["total-connections"]


def test_jobs_of_all_servers_are_taken_in_turn(two: list[Server]) -> None:
    put(two[0], *range(200))
    put(two[1], *range(1000, 1200))
    with taker(url(two)) as worker:
        taken = [worker.take() for _ in range(400)]
    assert sorted(taken) == [*range(200), *range(1000, 1200)]
    assert [number for number in taken if number < 1000] == [*range(200)]
    sides = [number >= 1000 for number in taken[110:290]]  # once both are connected, and while both have jobs
    assert all(a != b for a, b in itertools.pairwise(sides)), "each server has its turn"


def test_under_load_connections_are_kept(two: list[Server]) -> None:
    with taker(url(two)) as worker:
        put(two[0], 0)
        worker.take()
        before = [reconnects(server) for server in two]
        for server in two:
            put(server, *range(50))
        for _ in range(100):
            worker.take()
        grown = [reconnects(server) - earlier for server, earlier in zip(two, before, strict=True)]
    assert max(grown) <= 4, "the look itself, the putter, and what the wait before had withdrawn"


def waiting(server: Server, tube: str = TUBE) -> int:
    with server.client() as client:
        try:
            return client.stats_tube(tube)["current-waiting"]
        except greenstalk.NotFoundError:
            return 0


def test_while_a_call_runs_no_other_job_is_held(two: list[Server]) -> None:
    """The job comes while the worker waits on both, so that both have its reserve."""
    with taker(url(two)) as worker:
        for round_ in range(4):
            leases: list[Lease | None] = []
            taking = threading.Thread(target=lambda leases=leases: leases.append(worker.source.take()))
            taking.start()
            eventually(lambda: [waiting(server) for server in two] == [1, 1])
            put(two[round_ % 2], round_)
            taking.join()
            (lease,) = leases
            assert lease is not None
            for server in two:
                put(server, 7)
            for_a_while(0.1, lambda: None)
            assert sum(states(server)["reserved"] for server in two) == 1, "the job that runs and no other"
            assert lease.delete()
            assert [worker.take(), worker.take()] == [7, 7]


def test_a_job_that_came_in_the_same_moment_goes_back(two: list[Server]) -> None:
    """Both servers answer while the worker stands still; it keeps one job, and the other is ready again."""
    with taker(url(two)) as worker:
        put(two[0], 0)
        worker.take()
        for number in range(1, 20):
            with two[0].client(use=TUBE) as one, two[1].client(use=TUBE) as other:
                one.put(b"%d" % number)
                other.put(b"%d" % -number)
            lease = worker.source.take()
            assert lease is not None
            eventually(lambda: sum(states(server)["ready"] for server in two) == 1)
            assert sum(states(server)["reserved"] for server in two) == 1
            assert lease.delete()
            assert {int(lease.body), worker.take()} == {number, -number}


def test_a_job_that_came_while_another_was_read_goes_back(kind: Kind, tmp_path: Path) -> None:
    """The job that is kept is long in coming; when it is there, the other server has handed over one as well."""
    begins, begun, ends = threading.Event(), threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> None:
        for command in connection.makefile("rb"):
            words = command.split()
            if words[0] != b"reserve-with-timeout":
                connection.sendall(b"WATCHING 1\r\n")
            elif words[1] == b"0":
                connection.sendall(b"TIMED_OUT\r\n")
            else:
                begins.wait(PATIENCE)
                connection.sendall(b"RESERVED 1 4\r\n")
                begun.set()
                ends.wait(PATIENCE)
                connection.sendall(b"kept\r\n")

    leases: list[Lease | None] = []
    with (
        serving(kind, tmp_path) as server,
        peer(slow) as other,
        taker(f"beanstalk://{other},{HOST}:{server.port}", PATIENCE) as worker,
    ):
        taking = threading.Thread(target=lambda: leases.append(worker.source.take()))
        taking.start()
        eventually(lambda: waiting(server) == 1)
        begins.set()
        assert begun.wait(PATIENCE)
        with server.client(use=TUBE) as client:
            job_id = client.put(b"other")
            eventually(lambda: client.stats_job(job_id)["state"] == "reserved")
            ends.set()
            taking.join()
            assert [lease and lease.body for lease in leases] == [b"kept"]
            job = client.stats_job(job_id)
        assert (job["state"], job["reserves"], job["releases"]) == ("ready", 1, 1)


def test_a_worker_that_is_woken_holds_nothing(two: list[Server]) -> None:
    with taker(url(two)) as worker:
        worker.wake()
        assert worker.source.take() is None
        for server in two:
            put(server, 1)
        for_a_while(0.2, lambda: None)
        assert [states(server) for server in two] == [Counter(ready=1, reserved=0)] * 2


def test_a_server_that_stands_still_does_not_keep_the_other_waiting(two: list[Server]) -> None:
    with taker(url(two)) as worker:
        put(two[0], 0)
        put(two[1], 1)
        assert {worker.take(), worker.take()} == {0, 1}
        two[0].gets(signal.SIGSTOP)
        try:
            put(two[1], *range(50))
            began = time.monotonic()
            assert [worker.take() for _ in range(50)] == [*range(50)]
            assert time.monotonic() - began < 20  # half a second for each would be 25
        finally:
            two[0].gets(signal.SIGCONT)


def test_priorities_reserves_and_ages_are_those_of_the_jobs_own_server(two: list[Server]) -> None:
    put(two[1], 5)
    with taker(url(two)) as worker:
        lease = worker.source.take()
        assert lease is not None
        assert (standing := lease.standing()) is not None
        assert (standing.reserves, standing.age < 5) == (1, True)
        assert lease.release(0)
        lease = worker.source.take()
        assert lease is not None
        assert (standing := lease.standing()) is not None
        assert standing.reserves == 2
        assert lease.bury()
    with two[1].client(use=TUBE) as client:
        assert client.peek_buried().body == b"5"


# Whole workers


@pytest.fixture
def workshop(two: list[Server], tmp_path: Path) -> Iterator[Workshop]:
    """Sends to both, spread; its workers watch both."""
    opened = Workshop(two[0], tmp_path)
    ayl.configure(engine=url(two) + "?send=spread", probe_interval=0.1)
    try:
        yield opened
    finally:
        opened.close()


def test_workers_make_the_calls_of_all_servers(two: list[Server], workshop: Workshop) -> None:
    workshop.workers(workers=2, AYL_ENGINE=url(two))
    for number in range(20):
        ayl.send(chores.note, workshop.folder, f"call-{number}")
    eventually(lambda: len(workshop.words()) == 20, workshop.told)
    assert sorted(workshop.words()) == sorted(f"call-{number}" for number in range(20))


def test_one_server_dies_under_load_and_comes_back(two: list[Server], kind: Kind, workshop: Workshop) -> None:
    supervisor = workshop.workers(AYL_ENGINE=url(two))
    ayl.send(chores.hold, workshop.folder, "a")
    workshop.read("a-begins")
    two[0].kill()
    workshop.let_go("a")
    delivery.close()
    ayl.configure(engine=two[1].url)
    for number in range(5):
        ayl.send(chores.note, workshop.folder, f"call-{number}")
    workshop.read("call-4")
    supervisor.awaits(f"{two[0].port}.*; the others go on; trying again every 1 s")
    with restarted(kind, workshop.folder, two[0].port) as again:
        supervisor.awaits(f"the server at {HOST}:{two[0].port} answers again")
        ayl.configure(engine=again.url)
        ayl.send(chores.note, workshop.folder, "back")
        workshop.read("back")
        assert len(supervisor.logs("the others go on")) == 1
        supervisor.gets(signal.SIGTERM)
        assert supervisor.wait() == 0
    assert len(supervisor.started()) == 1
    assert "Traceback" not in supervisor.log()


def test_a_job_that_comes_in_the_same_moment_as_another_is_given_back_and_not_hung_up_on(
    two: list[Server], workshop: Workshop
) -> None:
    supervisor = workshop.workers(AYL_ENGINE=url(two))
    eventually(lambda: [waiting(server, workshop.tube) for server in two] == [1, 1], workshop.told)
    (pid,) = supervisor.started()
    os.kill(pid, signal.SIGSTOP)
    sent = {}
    for number, server in enumerate(two):
        delivery.close()
        ayl.configure(engine=server.url)
        sent[f"held-{number}"] = ayl.send(chores.hold, workshop.folder, f"held-{number}")
    eventually(lambda: [states(server, workshop.tube)["reserved"] for server in two] == [1, 1], workshop.told)
    os.kill(pid, signal.SIGCONT)
    (first,) = eventually(lambda: [word.removesuffix("-begins") for word in workshop.words()], workshop.told)
    second = 1 - int(first[-1])
    with two[second].client() as client:
        job_id = sent[f"held-{second}"].job_id
        assert job_id is not None
        eventually(lambda: client.stats_job(job_id)["state"] == "ready", workshop.told)
        job = client.stats_job(job_id)
    assert (job["reserves"], job["releases"]) == (1, 1)
    for word in sent:
        workshop.let_go(word)
        workshop.read(f"{word}-ends")


SLOTS = pytest.mark.parametrize("words", [("--threads", "3"), ("--coroutines", "3")], ids=["threads", "coroutines"])


@SLOTS
def test_while_one_of_two_is_dead_no_slot_is_held_up_and_then_both_are_served_again(
    two: list[Server], kind: Kind, workshop: Workshop, words: tuple[str, ...]
) -> None:
    supervisor = workshop.workers(*words, AYL_ENGINE=url(two))
    for word in ("a", "b", "c"):
        ayl.send(chores.hold, workshop.folder, word)
    for word in ("a", "b", "c"):
        workshop.read(f"{word}-begins")
    two[0].kill()
    delivery.close()
    ayl.configure(engine=two[1].url)
    for word in ("a", "b", "c"):
        workshop.let_go(word)
        workshop.read(f"{word}-ends")
    began = time.monotonic()
    ayl.send_many((chores.note, workshop.folder, f"call-{number}") for number in range(200))
    for number in range(200):
        workshop.read(f"call-{number}")
    assert time.monotonic() - began < 10, "the living one is served without a stall"
    with restarted(kind, workshop.folder, two[0].port) as again:
        delivery.close()
        ayl.configure(engine=again.url)
        for number in range(10):
            ayl.send(chores.note, workshop.folder, f"back-{number}")
            workshop.read(f"back-{number}")
        supervisor.gets(signal.SIGTERM)
        assert supervisor.wait() == 0
    assert len(supervisor.started()) == 1
    assert "Traceback" not in supervisor.log()


@SLOTS
def test_a_burst_makes_the_calls_of_both_and_ends_though_one_of_them_is_gone(
    two: list[Server], workshop: Workshop, words: tuple[str, ...]
) -> None:
    ayl.send_many((chores.note, workshop.folder, f"call-{number}") for number in range(300))  # in portions, to each
    assert workshop.workers("--burst", *words, AYL_ENGINE=url(two)).wait() == 0
    assert sorted(workshop.words()) == sorted(f"call-{number}" for number in range(300))
    two[0].kill()
    delivery.close()
    ayl.configure(engine=two[1].url)
    ayl.send(chores.note, workshop.folder, "alone")
    assert workshop.workers("--burst", *words, AYL_ENGINE=url(two)).wait() == 0
    assert "alone" in workshop.words()


def lanes(workshop: Workshop, *names: str) -> list[str]:
    return [word for name in names for word in ("--tube", f"{workshop.tube}/{name}")]


def test_lanes_are_found_on_each_server(two: list[Server], workshop: Workshop) -> None:
    sent = []
    for number, server in enumerate(two):
        ayl.configure(engine=server.url)
        sent.append(f"here-{number}")
        ayl.opts(lane=f"lane-{number}").send(chores.note, workshop.folder, sent[-1])
    workshop.workers(*lanes(workshop, "*"), *IMPATIENT, AYL_ENGINE=url(two))
    for word in sent:
        workshop.read(word)
    for number, server in enumerate(two):
        ayl.configure(engine=server.url)
        ayl.opts(lane=f"later-{number}").send(chores.note, workshop.folder, f"later-{number}")
    for number in range(2):
        workshop.read(f"later-{number}")


def test_an_order_of_lanes_holds_over_both_servers(two: list[Server], workshop: Workshop) -> None:
    words: dict[str, list[str]] = {"low": [], "high": []}
    for lane, expected in words.items():
        for number in range(20):
            expected.append(f"{lane}-{number}")
            ayl.configure(engine=two[number % 2].url)
            ayl.opts(lane=lane).send(chores.note, workshop.folder, expected[-1])
    workshop.workers(*lanes(workshop, "high", "low"), "--strict", "--burst", AYL_ENGINE=url(two)).wait()
    came = workshop.words()
    assert sorted(came) == sorted([*words["high"], *words["low"]])
    assert sorted(came[:20]) == sorted(words["high"])


def test_a_server_that_stands_still_is_not_asked_for_its_tubes_while_the_other_has_jobs(
    two: list[Server], workshop: Workshop
) -> None:
    workshop.workers(*lanes(workshop, "*"), *IMPATIENT, AYL_ENGINE=url(two))
    ayl.configure(engine=two[1].url)
    ayl.opts(lane="one").send(chores.note, workshop.folder, "first")
    workshop.read("first")
    two[0].gets(signal.SIGSTOP)
    try:
        waits = []
        for number in range(20):
            began = time.monotonic()
            ayl.opts(lane="one").send(chores.note, workshop.folder, f"call-{number}")
            workshop.read(f"call-{number}")
            waits.append(time.monotonic() - began)
            for_a_while(0.1, lambda: None)  # for longer than until tubes are looked for again
        assert max(waits) < 2.5
    finally:
        two[0].gets(signal.SIGCONT)


def test_workers_whose_servers_are_all_gone_look_for_them_and_stop_at_once(
    two: list[Server], workshop: Workshop
) -> None:
    supervisor = workshop.workers(AYL_ENGINE=url(two))
    for server in two:
        server.kill()
    supervisor.awaits("trying again every 1 s")
    for_a_while(1.2, lambda: None)
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


def test_a_call_that_is_kept_alive_keeps_the_lease_of_its_server(two: list[Server], tmp_path: Path) -> None:
    first, second = two
    workshop = Workshop(first, tmp_path)
    try:
        workshop.workers(AYL_ENGINE=url([second, first]))
        sent = ayl.opts(time_to_run=1, keep_alive=True).send(chores.hold, tmp_path, "long")
        workshop.read("long-begins")
        for_a_while(2.0, lambda: workshop.await_state(sent.job_id, "reserved"))
        assert workshop.job(sent.job_id)["timeouts"] == 0
        workshop.let_go("long")
        workshop.await_gone(sent.job_id)
    finally:
        workshop.close()
