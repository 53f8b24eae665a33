"""Sends to several servers: a dead one costs little, and nothing that was accepted is lost."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.engines.addresses import parse_url
from ayl.engines.beanstalk import BeanstalkEngine
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import NotSubmitted, Refused, RefusedForNow, Unreachable
from tests.ayl.conftest import SERVERS, Server, wait_until
from tests.cli.servers import dribbles, peer, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TUBE = "shop/1.4.2"
BUDGET = 0.6
MARGIN = 0.6
"""How much longer a send may take on a busy machine."""


@ayl.task("several.note")
def note(number: int) -> None: ...


@contextmanager
def pair(kind: str) -> Iterator[tuple[Server, Server]]:
    both = Server(SERVERS[kind]), Server(SERVERS[kind])
    try:
        for server in both:
            server.start()
        yield both
    finally:
        for server in both:
            server.stop()


@pytest.fixture(params=SERVERS)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """Two servers of each kind, configured in this order."""
    with pair(request.param) as both:
        use(*both)
        yield both


@pytest.fixture
def ours() -> Iterator[tuple[Server, Server]]:
    """Two servers, for tests of the client alone."""
    with pair("beanstalkd") as both:
        use(*both)
        yield both


def use(*servers: Server, more: str = "", **settings: float) -> None:
    url = ",".join(server.url.removeprefix("beanstalk://") for server in servers)
    given = {"send_timeout": 5.0, "probe_interval": 0.1} | settings
    ayl.configure(app="shop", version="1.4.2", engine=f"beanstalk://{url}{more}", **given)  # type: ignore[arg-type]


def numbers(server: Server) -> list[int]:
    return [message.args[0] for message in server.take(TUBE)]


@contextmanager
def takes_at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Alive, but it answers nothing."""
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@contextmanager
def full_backlog() -> Iterator[str]:
    """An address that takes no connection and refuses none."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


# Which server


def test_sends_go_to_the_first_and_to_the_next_when_that_is_gone(two: tuple[Server, Server]) -> None:
    first, second = two
    ayl.send(note, 1)
    first.stop()
    ayl.send(note, 2)
    ayl.send(note, 3)
    first.start()
    time.sleep(0.15)
    ayl.send(note, 4)
    assert (numbers(first), numbers(second)) == ([4], [2, 3]), "1 was in memory only"


def test_sends_are_spread_when_that_is_asked_for(two: tuple[Server, Server]) -> None:
    use(*two, more="?send=spread")
    for number in range(10):
        ayl.send(note, number)
    found = [numbers(server) for server in two]
    assert sorted(map(sorted, found)) == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_spread_sends_pass_over_a_server_that_is_gone(two: tuple[Server, Server]) -> None:
    use(*two, more="?send=spread", probe_interval=60)
    two[0].stop()
    for number in range(10):
        ayl.send(note, number)
    assert numbers(two[1]) == [*range(10)]


def test_a_long_batch_is_spread_in_parts(two: tuple[Server, Server]) -> None:
    use(*two, more="?send=spread")
    with ayl.batch():
        for number in range(400):
            ayl.send(note, number)
    assert sorted(len(numbers(server)) for server in two) == [200, 200]


def test_a_job_is_asked_after_and_cancelled_at_the_server_that_has_it(two: tuple[Server, Server]) -> None:
    use(*two, more="?send=spread")
    handles = [ayl.send(note, number) for number in range(4)]
    assert len({handle.job_id for handle in handles}) == 2, "both servers count from 1"
    assert handles[2].job_state() == "ready"
    assert handles[2].cancel()
    assert [handle.job_state() for handle in handles] == ["ready", "ready", None, "ready"]
    assert sorted(numbers(two[0]) + numbers(two[1])) == [0, 1, 3]


def test_what_a_server_will_never_take_is_not_offered_to_another(two: tuple[Server, Server]) -> None:
    first, second = two
    first.stop()
    first.start("-z", "10")
    with pytest.raises(Refused, match="larger than the server allows"):
        ayl.send(note, 1)
    assert numbers(second) == []


def test_a_server_that_drains_is_passed_over(two: tuple[Server, Server]) -> None:
    two[0].drain()
    ayl.send(note, 1)
    with ayl.batch():
        for number in range(2, 6):
            ayl.send(note, number)
    assert numbers(two[1]) == [1, 2, 3, 4, 5]


def test_when_all_drain_or_are_gone_the_call_is_refused_for_now(two: tuple[Server, Server]) -> None:
    two[0].drain()
    two[1].stop()
    with pytest.raises(RefusedForNow, match="draining"):
        ayl.send(note, 1)


def test_all_that_are_gone_are_named(ours: tuple[Server, Server]) -> None:
    for server in ours:
        server.stop()
    with pytest.raises(Unreachable) as caught:
        ayl.send(note, 1)
    for server in ours:
        assert server.url.removeprefix("beanstalk://") in str(caught.value)


def test_a_batch_goes_on_at_the_next_server_when_the_first_dies_under_it(two: tuple[Server, Server]) -> None:
    first, second = two
    with ayl.batch() as batch:
        for number in range(2500):
            ayl.send(note, number)
            if number == 1200:
                first.stop()
    assert batch.sent == 2500
    assert numbers(second) == [*range(1000, 2500)]


# What it costs


@pytest.mark.parametrize("kind", ["stopped", "full backlog", "silent", "dribbling"])
def test_a_first_server_that_does_not_answer_leaves_time_for_the_second(ours: tuple[Server, Server], kind: str) -> None:
    dead, alive = ours
    with ExitStack() as stack:
        if kind == "stopped":
            stack.enter_context(stopped(dead))
            place = dead.url.removeprefix("beanstalk://")
        elif kind == "full backlog":
            place = stack.enter_context(full_backlog())
        else:
            place = f"127.0.0.1:{stack.enter_context(peer({'silent': silent, 'dribbling': dribbles}[kind])).port}"
        url = f"beanstalk://{place},{alive.url.removeprefix('beanstalk://')}"
        ayl.configure(engine=url, send_timeout=BUDGET, probe_interval=60.0)
        with takes_at_most(BUDGET):
            ayl.send(note, 1)
        with takes_at_most(0.2):
            ayl.send(note, 2)
        assert numbers(alive) == [1, 2]
        ayl.delivery.close()  # the peer waits for this


def test_all_dead_cost_no_more_than_the_budget_together_and_then_nothing() -> None:
    with full_backlog() as one, full_backlog() as two, full_backlog() as three:
        ayl.configure(app="shop", engine=f"beanstalk://{one},{two},{three}", send_timeout=BUDGET, probe_interval=60.0)
        with takes_at_most(BUDGET + MARGIN), pytest.raises(Unreachable, match="does not answer in time"):
            ayl.send(note, 1)
        costs = []
        for _ in range(200):
            began = time.thread_time()
            with pytest.raises(Unreachable, match=r"left alone for another \d+\.\d s"):
                ayl.send(note, 1)
            costs.append(time.thread_time() - began)
        assert statistics.median(costs) < 0.001


def test_a_kept_connection_to_a_server_that_was_stopped_costs_the_budget_once(own_server: Server) -> None:
    ayl.configure(send_timeout=BUDGET, probe_interval=0.3)
    wait_until(lambda: is_sent(1))
    with stopped(own_server):
        with takes_at_most(BUDGET + MARGIN), pytest.raises(Unreachable, match="does not answer in time"):
            ayl.send(note, 2)
        with takes_at_most(0.1), pytest.raises(Unreachable, match="left alone"):
            ayl.send(note, 3)
        time.sleep(0.3)
        with takes_at_most(BUDGET + MARGIN), pytest.raises(Unreachable, match="does not answer in time"):
            ayl.send(note, 4)
    wait_until(lambda: is_sent(5))
    found = numbers(own_server)
    assert (found[0], found[-1]) == (1, 5)
    assert 4 not in found, "who probes asks before it entrusts anything to the server"


def is_sent(number: int) -> bool:
    try:
        ayl.send(note, number)
    except Unreachable:
        return False
    return True


def test_one_caller_probes_and_the_others_go_on_failing_fast() -> None:
    with full_backlog() as place:
        engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), BUDGET, 0.1)
        submit(engine, 1)
        time.sleep(0.15)
        together = threading.Barrier(8)
        costs: list[float] = []

        def send() -> None:
            together.wait()
            began = time.monotonic()
            submit(engine, 1)
            costs.append(time.monotonic() - began)

        in_threads(send, 8)
        costs.sort()
        assert costs[-1] > BUDGET * 0.9
        assert costs[-2] < BUDGET / 2


def test_threads_share_what_is_known_of_a_server() -> None:
    with full_backlog() as place:
        engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), BUDGET, 60)
        submit(engine, 1)
        with takes_at_most(0.3):
            in_threads(lambda: submit(engine, 1), 5)


def test_failing_fast_costs_less_than_fifty_microseconds() -> None:
    with full_backlog() as place:
        engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), 0.1, 60)
        (refused,) = submit(engine, 1)
        assert isinstance(refused, Unreachable)
        costs = []
        for _ in range(20):
            began = time.thread_time()
            for _ in range(100):
                submit(engine, 1)
            costs.append((time.thread_time() - began) / 100)
        assert min(costs) < 50e-6


def submission(number: int, size: int = 10, tube: str = TUBE) -> Submission:
    return Submission(b"%0*d" % (size, number), tube, 512, 0, 120, str(number), "raise")


def submit(engine: BeanstalkEngine, *numbers: int, size: int = 10) -> Sequence[Receipt | NotSubmitted]:
    return engine.submit([submission(number, size) for number in numbers])


def in_threads(work: Callable[[], object], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Slow links


@contextmanager
def slow_link(server: Server, bytes_per_second: int, limit: int = 2**62) -> Iterator[str]:
    """A way to the server that lets through so many bytes per second, and after `limit` none any more."""

    def carry(client: socket.socket) -> None:
        assert isinstance(server.address, tuple)
        with socket.create_connection(server.address) as onward:
            back = threading.Thread(target=carry_back, args=(onward, client))
            back.start()
            passed = 0
            while passed < limit and (data := client.recv(bytes_per_second // 20)):
                onward.sendall(data)
                passed += len(data)
                time.sleep(0.05)
            if passed >= limit:
                over.wait(20)
            onward.shutdown(socket.SHUT_RDWR)
            back.join()

    def carry_back(onward: socket.socket, client: socket.socket) -> None:
        while data := onward.recv(4096):
            client.sendall(data)

    over = threading.Event()
    # A small window, or the kernel would take all that is written at once.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                carry(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_a_batch_over_a_slow_link_is_not_given_up_while_bytes_flow(ours: tuple[Server, Server]) -> None:
    with slow_link(ours[0], 2_000_000) as place:
        engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), 0.5, 60)
        began = time.monotonic()
        outcomes = submit(engine, *range(30), size=50_000)
        assert time.monotonic() - began > 1.0, "longer than the budget, or this shows nothing"
        assert [type(outcome) for outcome in outcomes] == [Receipt] * 30
        engine.close()


def test_one_large_message_over_a_slow_link_is_not_given_up_while_bytes_flow() -> None:
    server = Server(SERVERS["beanstalkd"])
    try:
        server.start("-z", "4000000")
        with slow_link(server, 2_000_000) as place:
            engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), 0.5, 60)
            (outcome,) = submit(engine, 1, size=1_500_000)
            assert isinstance(outcome, Receipt)
            engine.close()
    finally:
        server.stop()


def test_a_batch_whose_link_stalls_in_the_middle_is_given_up(ours: tuple[Server, Server]) -> None:
    with slow_link(ours[0], 2_000_000, limit=500_000) as place:
        engine = BeanstalkEngine(parse_url(f"beanstalk://{place}"), 0.5, 60)
        with takes_at_most(5):
            outcomes = submit(engine, *range(100), size=50_000)
        assert [type(outcome) for outcome in outcomes] == [Unreachable] * 100


# Under load


def test_what_is_sent_while_servers_die_and_return_is_never_lost(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both keep their jobs on disk, and are killed in turn under four senders."""
    servers = [Server(SERVERS["ayl_server"]), Server(SERVERS["beanstalkd"])]
    options = [("-b", str(tmp_path_factory.mktemp("jobs")), "-f", "0") for _ in servers]
    try:
        for server, words in zip(servers, options, strict=True):
            server.start(*words)
        use(*servers, more="?send=spread", send_timeout=10.0, probe_interval=0.05)
        accepted: list[int] = []
        waits: list[float] = []
        over = threading.Event()

        def send(first: int) -> None:
            number = first
            while not over.is_set():
                began = time.monotonic()
                try:
                    ayl.send(note, number)
                except Unreachable:
                    time.sleep(0.01)
                else:
                    accepted.append(number)
                waits.append(time.monotonic() - began)
                number += 4

        senders = [threading.Thread(target=send, args=(first,)) for first in range(4)]
        for sender in senders:
            sender.start()
        for turn in range(4):
            time.sleep(0.2)
            servers[turn % 2].stop()
            time.sleep(0.2)
            servers[turn % 2].start(*options[turn % 2])
        over.set()
        for sender in senders:
            sender.join()
        found = [number for server in servers for number in numbers(server)]
        assert set(accepted) <= set(found)
        assert len(accepted) > 100
        assert len(found) - len(set(found)) <= 4 * 4, "doubles are puts whose answer was lost: one per sender and kill"
        assert max(waits) < 10 + MARGIN
    finally:
        for server in servers:
            server.stop()


# Forked


def test_a_child_forked_while_another_thread_probes_can_send(own_server: Server) -> None:
    """The parent's prober may hold the lock of the breaker at the moment of the fork."""
    own_server.stop()
    engine = BeanstalkEngine(parse_url(own_server.url), 0.5, 0.0001)
    over = threading.Event()

    def probe() -> None:
        while not over.is_set():
            submit(engine, 1)

    probers = [threading.Thread(target=probe) for _ in range(3)]
    for prober in probers:
        prober.start()
    children = []
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(10)  # ends a child that waits for a lock for ever
                outcome = submit(engine, 1)[0]
                os._exit(0 if isinstance(outcome, Unreachable) else 1)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 20
    finally:
        over.set()
        for prober in probers:
            prober.join()
