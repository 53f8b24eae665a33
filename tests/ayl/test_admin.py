"""Operations on a server: real ones, and peers that are none."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from ayl import admin
from ayl.worker.execution import ORDERS
from tests.cli.servers import (
    KINDS,
    SERVER_COUNTS,
    Kind,
    client,
    dribbles,
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

TUBE = "shop/1.4.2"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[admin.Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


def test_the_jobs_of_a_tube_are_counted_by_state(server: admin.Server) -> None:
    with client(server, use=TUBE, watch=TUBE) as app:
        for _ in range(4):
            app.put(b"", priority=5)
        app.put(b"", priority=2000)
        app.put(b"", delay=100)
        app.bury(app.reserve())
        app.delete(app.reserve())
        app.reserve()
        found = admin.tube_statistics(server, TUBE)
    assert found.jobs == admin.Jobs(ready=2, urgent=1, reserved=1, delayed=1, buried=1, total=6)
    assert found.deletes == 1
    assert found.using == 1


def test_a_worker_that_waits_is_available_and_one_that_does_not_is_busy(server: admin.Server) -> None:
    with client(server, watch=TUBE), client(server, watch=TUBE), waiting_worker(server, TUBE):
        found = admin.tube_statistics(server, TUBE)
    assert found.workers == admin.Workers(total=3, available=1, busy=2)


def test_the_connection_that_asks_is_not_counted(server: admin.Server) -> None:
    found = admin.tube_statistics(server, "default")
    assert found.workers == admin.Workers(total=0, available=0, busy=0)
    assert found.using == 0


def test_a_pause_is_told_with_the_seconds_that_are_left(server: admin.Server) -> None:
    with client(server, use=TUBE) as app:
        app.pause_tube(TUBE, 60)
        found = admin.tube_statistics(server, TUBE)
    assert (found.pauses, found.pause) == (1, 60)
    assert 55 <= found.pause_time_left <= 60


@pytest.mark.parametrize("name", ["007", "1_0", "x" * 200, "-a+/;.$_()"[1:]])
def test_a_tube_keeps_its_name_whatever_that_looks_like(server: admin.Server, name: str) -> None:
    with client(server, use=name):
        assert [tube.name for tube in admin.tubes(server)] == ["default", name]
        assert admin.tube_statistics(server, name).name == name


def test_a_tube_that_is_gone_since_the_list_was_made_is_left_out() -> None:
    with peer(knows({b"list-tubes": b"---\n- gone\n- gone/too\n"})) as server:
        assert admin.tubes(server) == []


def test_the_whole_server_is_counted_over_all_tubes(server: admin.Server) -> None:
    with client(server, use="a") as one, client(server, use="b") as two, waiting_worker(server, "idle"):
        one.put(b"", priority=1)
        two.put(b"", priority=9999)
        found = admin.statistics(server)
    assert found.jobs == admin.Jobs(ready=2, urgent=1, reserved=0, delayed=0, buried=0, total=2)
    assert found.workers == admin.Workers(total=1, available=1, busy=0)
    assert (found.tubes, found.producers) == (4, 2)
    assert (found.draining, found.max_job_size) == (False, 65535)


def test_what_the_server_reports_has_the_types_of_its_keys(server: admin.Server) -> None:
    reported = admin.statistics(server).reported
    assert type(reported["current-jobs-ready"]) is int
    assert type(reported["rusage-utime"]) is float
    assert type(reported["version"]) is str
    assert type(reported["id"]) is str


def test_the_text_of_a_report_stays_text_where_it_looks_like_a_number() -> None:
    texts = {"version": "2", "id": "1234567812345678", "hostname": "10"}
    with peer(knows({b"stats": report(*SERVER_COUNTS, **texts)})) as server:
        found = admin.statistics(server)
    assert found.version == "2"
    assert found.reported["id"] == "1234567812345678"
    assert found.reported["hostname"] == "10"


@pytest.mark.parametrize(
    ("asked", "similar"),
    [("shop/1.4.3", ("shop/1.4.2",)), ("shop", ("shop/1.4.2",)), ("completely-else", ())],
)
def test_a_tube_that_does_not_exist_is_answered_with_similar_ones(
    server: admin.Server, asked: str, similar: tuple[str, ...]
) -> None:
    with client(server, use="shop/1.4.2"), pytest.raises(admin.NoSuchTube) as caught:
        admin.tube_statistics(server, asked)
    assert caught.value.similar == similar
    assert asked in str(caught.value)


WORDS: dict[Callable[[admin.Server, str], list[admin.WorkerOrder]], str] = {
    admin.kill_worker: "exit",
    admin.quiet_worker: "quiet",
    admin.restart_worker: "restart",
}


def test_a_worker_knows_every_order_and_no_other() -> None:
    assert set(ORDERS) == {*WORDS.values()}


@pytest.mark.parametrize("operation", WORDS)
def test_a_worker_is_told_by_the_most_urgent_job_of_its_tube(
    server: admin.Server, operation: Callable[..., list[admin.WorkerOrder]]
) -> None:
    with client(server, use=TUBE, watch=TUBE) as worker:
        worker.put(b"work", priority=1)
        (asked,) = operation(server, TUBE)
        first = worker.reserve(timeout=0)
        body = f'{{"type":"ayl-control","do":"{WORDS[operation]}","app":"shop"}}'
        assert (first.id, first.body) == (asked.job, body.encode())
        assert worker.stats_job(first)["pri"] == 0
    assert asked == admin.WorkerOrder(TUBE, first.id, admin.Workers(total=1, available=0, busy=1))


def test_a_worker_that_waits_gets_the_request_at_once(server: admin.Server) -> None:
    with waiting_worker(server, TUBE) as worker:
        admin.kill_worker(server, TUBE)
        assert admin.control("exit", "shop") in worker.recv(4096)


@pytest.mark.parametrize("tube", ["used", "missing", "default"])
def test_nobody_is_asked_to_exit_where_nobody_watches(server: admin.Server, tube: str) -> None:
    with client(server, use="used", watch="elsewhere"):
        with pytest.raises(admin.NobodyWatches, match=tube):
            admin.kill_worker(server, tube)
        assert admin.statistics(server).jobs.total == 0


def test_a_tube_that_nobody_watches_is_not_mistaken_for_a_typing_error(server: admin.Server) -> None:
    with client(server, use="shop/1"), client(server, watch="shop/2"):
        with pytest.raises(admin.NobodyWatches) as unwatched:
            admin.kill_worker(server, "shop/1")
        with pytest.raises(admin.NobodyWatches) as mistyped:
            admin.kill_worker(server, "shop/3")
    assert unwatched.value.similar == ()
    assert set(mistyped.value.similar) == {"shop/1", "shop/2"}


def test_a_server_that_drains_refuses_in_its_own_word(server: admin.Server) -> None:
    os.kill(int(admin.statistics(server).reported["pid"]), signal.SIGUSR1)
    wait_until(lambda: admin.statistics(server).draining)
    with client(server, watch=TUBE), pytest.raises(admin.RequestRefused, match="DRAINING"):
        admin.kill_worker(server, TUBE)


@pytest.mark.parametrize("operation", [admin.tube_statistics, *WORDS])
@pytest.mark.parametrize("name", ["", "-a", "a b", "a@b", "a\r\ndelete 1", "a\n", "x" * 201, "é", "\udcff"])
def test_a_name_that_no_tube_can_have_never_goes_out(
    operation: Callable[[admin.Server, str], object], name: str
) -> None:
    nowhere = admin.Server(port=free_port())
    with pytest.raises(admin.NotATubeName):
        operation(nowhere, name)


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "a" * 64, "::1"])
def test_where_nothing_listens_there_is_no_server(host: str) -> None:
    nowhere = admin.Server(host, free_port())
    with pytest.raises(admin.NoServer, match="no server at"):
        admin.statistics(nowhere)


HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"

PEERS: dict[str, tuple[Callable[[socket.socket], None], type[admin.AdminError], str]] = {
    "silent": (silent, admin.ServerTooSlow, "within 1 s"),
    "dribbling": (dribbles, admin.ServerTooSlow, "within 1 s"),
    "gone": (hangs_up, admin.ServerHungUp, "closed the connection"),
    "half an answer": (says(b"OK 100\r\n---\n"), admin.ServerTooSlow, "within 1 s"),
    "HTTP": (says(HTTP), admin.NotBeanstalkd, "it said 'HTTP/1.1 400 Bad Request'"),
    "SSH": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), admin.NotBeanstalkd, "it said 'SSH-2.0-OpenSSH_9.2'"),
    "Redis": (says(b"-ERR unknown command\r\n"), admin.NotBeanstalkd, "it said '-ERR unknown"),
    "garbage": (says(bytes(range(256)) + b"\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "an empty line": (says(b"\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "a bare OK": (says(b"OK\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "OK and more": (says(b"OK 1 2\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "a negative size": (says(b"OK -9\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "a monstrous size": (says(b"OK 999999999999999999\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "no YAML": (says(b"OK 5\r\nhello\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "no pairs": (says(b"OK 10\r\n---\nhello\n\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "no statistics": (says(b"OK 9\r\n---\na: 1\n\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "no ASCII": (says(b"OK 4\r\n\xff\xff\xff\xff\r\n"), admin.NotBeanstalkd, "is no beanstalkd$"),
    "another dialect": (says(b"UNKNOWN_COMMAND\r\n"), admin.RequestRefused, "refused: UNKNOWN_COMMAND"),
}


@pytest.mark.parametrize("name", PEERS)
def test_whoever_else_listens_there_is_one_error_in_time(name: str) -> None:
    talk, error, sentence = PEERS[name]
    with peer(talk) as server:
        began = time.monotonic()
        with pytest.raises(error, match=sentence) as caught:
            admin.statistics(server)
        assert time.monotonic() - began < 4
    assert type(caught.value) is error
    assert str(server) in str(caught.value)


def test_a_number_that_is_none_is_no_statistic() -> None:
    with (
        peer(knows({b"stats": b"---\nversion: 1.13\nuptime: soon\n"})) as server,
        pytest.raises(admin.NotBeanstalkd),
    ):
        admin.statistics(server)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": ""},
        {"port": 0},
        {"port": 65536},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
    ],
    ids=str,
)
def test_a_server_that_cannot_be_is_refused_when_it_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        admin.Server(**wrong)


def test_an_address_is_written_so_that_its_port_can_be_told() -> None:
    assert str(admin.Server("10.0.0.1", 11300)) == "10.0.0.1:11300"
    assert str(admin.Server("::1", 11300)) == "[::1]:11300"
