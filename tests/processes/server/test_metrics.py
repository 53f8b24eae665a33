"""The page for Prometheus: what it tells, and that writing it harms nobody."""

from __future__ import annotations

import asyncio
import http.client
import re
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import greenstalk
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ayl_server.model import COUNTED
from ayl_server.page import VISITORS, Page
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import HOST

from .conftest import LOOPS
from .lines import events
from .starting import Started, refused, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Kind

UNPREPARED = 78
CANNOT_LISTEN = 111

Values = dict[tuple[str, ...], float]
"""By name and the values of the labels, in the order of the labels' names."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    """A server with a page and a binlog, of the test's own."""
    (tmp_path / "binlog").mkdir()
    words = ["-p0", "-b", str(tmp_path / "binlog"), "--metrics", f"{HOST}:0", "--max-memory", "1G"]
    with started(tmp_path, *words) as running:
        yield running


@pytest.fixture(scope="module", params=LOOPS, ids=lambda kind: kind.name)
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server with a page, on each event loop, for all who only look at it."""
    kind: Kind = request.param
    with started(tmp_path_factory.mktemp("visited"), "-p0", "--metrics", f"{HOST}:0", kind=kind) as running:
        yield running


def client(server: Started) -> greenstalk.Client[bytes]:
    return greenstalk.Client(server.dial(), encoding=None)


def page(server: Started) -> str:
    status, text = get(server, "/metrics")
    assert status == 200
    return text


def get(server: Started, path: str, method: str = "GET") -> tuple[int, str]:
    with closing(http.client.HTTPConnection(*server.page, timeout=PATIENCE)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        return answer.status, answer.read().decode()


def values(text: str) -> Values:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_page_tells_what_the_clients_have_done(server: Started) -> None:
    with client(server) as producer, client(server) as worker:
        producer.use("shop/1.4.2")
        worker.watch("shop/1.4.2")
        for _ in range(6):
            producer.put(b"x" * 100, priority=2000)
        producer.put(b"", priority=3)
        producer.put(b"", delay=1000)
        worker.delete(worker.reserve(timeout=0))
        worker.bury(worker.reserve(timeout=0))
        worker.reserve(timeout=0)
        with pytest.raises(greenstalk.NotFoundError):
            producer.peek(999)
        found = values(page(server))
    tube = "shop/1.4.2"
    states = {key[1]: value for key, value in found.items() if key[0] == "ayl_server_tube_jobs" and key[2] == tube}
    assert states == {"ready": 4, "reserved": 1, "delayed": 1, "buried": 1}
    assert found["ayl_server_tube_urgent_jobs", tube] == 0
    assert found["ayl_server_tube_jobs_put_total", tube] == 8
    assert found["ayl_server_tube_jobs_deleted_total", tube] == 1
    assert found["ayl_server_tube_using_clients", tube] == 1
    assert found["ayl_server_tube_watching_clients", tube] == 1
    assert found["ayl_server_tube_watching_clients", "default"] == 2
    assert found["ayl_server_commands_total", "put"] == 8
    assert found["ayl_server_commands_total", "reserve-with-timeout"] == 3
    assert found["ayl_server_commands_total", "peek"] == 1
    assert found["ayl_server_jobs_put_total",] == 8
    assert found["ayl_server_connections",] == 2
    assert found["ayl_server_connections_accepted_total",] == 2
    assert found["ayl_server_producers",] == 1
    assert found["ayl_server_workers",] == 1
    assert found["ayl_server_tubes",] == 2
    assert 5 * 100 < found["ayl_server_jobs_memory_bytes",] < 5000
    assert found["ayl_server_jobs_memory_limit_bytes",] == 1 << 30
    assert found["ayl_server_job_size_limit_bytes",] == 65535
    assert found["ayl_server_connections_limit",] > 100


def test_every_command_that_is_counted_is_on_the_page(server: Started) -> None:
    found = values(page(server))
    assert {key[1] for key in found if key[0] == "ayl_server_commands_total"} == {word.decode() for word in COUNTED}


def test_the_page_tells_of_the_binlog(server: Started) -> None:
    before = values(page(server))
    with client(server) as producer:
        for _ in range(10):
            producer.put(b"x" * 1000)
    after = values(page(server))
    name = "ayl_server_binlog_"
    assert after[name + "records_written_total",] - before[name + "records_written_total",] >= 10
    assert after[name + "live_bytes",] - before[name + "live_bytes",] >= 10_000
    assert after[name + "files",] == 1
    assert after[name + "bytes",] == 10485760
    assert 0 < after[name + "room_bytes",] < before[name + "room_bytes",]
    assert after[name + "records_migrated_total",] == 0


def test_a_server_without_a_binlog_or_a_limit_says_nothing_of_them(tmp_path: Path) -> None:
    with started(tmp_path, "-p0", "--metrics", f"{HOST}:0") as server:
        text = page(server)
        assert "ayl_server_binlog" not in text
        assert "ayl_server_jobs_memory_limit_bytes" not in text


def test_the_page_tells_of_the_process(server: Started) -> None:
    found = values(page(server))
    assert 1 << 20 < found["process_resident_memory_bytes",] < 1 << 30
    assert abs(found["process_start_time_seconds",] - time.time()) < 600
    assert found["process_open_fds",] < found["process_max_fds",]
    assert ("ayl_server_info", "1.13", _version()) in found


def _version() -> str:
    from ayl import __version__

    return __version__


def test_the_page_tells_of_a_pause_and_of_a_drain(server: Started) -> None:
    with client(server) as operator:
        operator.pause_tube("default", 1000)
        server.process.send_signal(signal.SIGUSR1)
        eventually(lambda: operator.stats()["draining"] == "true")
        found = values(page(server))
    assert found["ayl_server_draining",] == 1
    assert found["ayl_server_tube_paused", "default"] == 1


def test_the_page_tells_how_old_the_oldest_ready_job_is(server: Started) -> None:
    def age() -> float:
        return values(page(server))["ayl_server_tube_oldest_ready_age_seconds", "default"]

    with client(server) as producer:
        assert age() == 0
        first = producer.put(b"", priority=1000)
        producer.put(b"", priority=1000)
        eventually(lambda: age() > 0.2)
        young = producer.put(b"", priority=10)
        assert age() > 0.2
        for job in (first, first + 1):
            producer.delete(job)
        before = age()
        eventually(lambda: age() > before)
        producer.delete(young)
        assert age() == 0


def test_the_page_tells_of_clients_that_wait(server: Started) -> None:
    with closing(server.dial()) as worker, client(server) as operator:
        worker.sendall(b"watch till\r\nreserve\r\n")
        eventually(lambda: operator.stats()["current-waiting"] == 1)
        found = values(page(server))
    assert found["ayl_server_waiting_clients",] == 1
    assert found["ayl_server_tube_waiting_clients", "till"] == 1


def test_a_tube_that_is_gone_is_on_the_page_no_more(server: Started) -> None:
    with client(server) as producer:
        producer.use("short-lived")
        assert 'tube="short-lived"' in page(server)
        producer.use("default")
        assert 'tube="short-lived"' not in page(server)


def test_names_follow_the_conventions(server: Started) -> None:
    text = page(server)
    names = Counter(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []
    assert names == Counter(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        assert re.fullmatch(r"(ayl_server|process)_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind in ("counter", "gauge")
    # The samples of a name stand together, below its own head.
    head = ""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            head = line.split()[2]
        elif not line.startswith("#"):
            assert re.match(r"[a-z_]+", line)[0] == head  # type: ignore[index] # each line has a name


def test_tubes_may_be_called_whatever_is_allowed(server: Started) -> None:
    name = "a-+/;.$_()Z9"
    with client(server) as producer:
        producer.use(name)
        assert values(page(server))["ayl_server_tube_using_clients", name] == 1


# HTTP


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/metrics", 200),
        ("GET", "/metrics?name=x", 200),
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/", 404),
        ("POST", "/metrics", 405),
        ("HEAD", "/metrics", 405),
        ("DELETE", "/metrics", 405),
    ],
)
def test_there_is_one_page_and_it_can_only_be_read(visited: Started, method: str, path: str, status: int) -> None:
    assert get(visited, path, method)[0] == status


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /metrics SMTP\r\n\r\n", b"400"),
        (b"stats\r\nlist-tubes\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 7000 + b"\r\n\r\n", b"200"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n", b"431"),
        (b"y" * 9000, b"431"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_so(visited: Started, request_text: bytes, status: bytes) -> None:
    with closing(socket.create_connection(visited.page, PATIENCE)) as visitor:
        visitor.sendall(request_text)
        assert visitor.recv(12) == b"HTTP/1.1 " + status
    assert events(visited.log()) == ["started"]


def is_open_to_others(visited: Started) -> bool:
    """Not while too many are there, of whom it has not noticed yet that they are gone."""
    with suppress(ConnectionError):
        return get(visited, "/metrics")[0] == 200
    return False


def test_visitors_that_go_in_the_middle_leave_nothing(visited: Started) -> None:
    for number in range(50):
        with closing(socket.create_connection(visited.page, PATIENCE)) as visitor:
            visitor.sendall(b"GET /metrics HTTP/1.1\r\n\r\n"[: number % 26])
    eventually(lambda: is_open_to_others(visited))
    assert events(visited.log()) == ["started"]


def test_more_visitors_than_that_wait_until_others_have_gone(visited: Started) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(socket.create_connection(visited.page, PATIENCE))) for _ in range(VISITORS)]
        for visitor in slow:
            visitor.sendall(b"GET ")
        late = stack.enter_context(closing(socket.create_connection(visited.page, PATIENCE)))
        late.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.recv(12)
        slow[0].sendall(b"/metrics HTTP/1.1\r\n\r\n")
        late.settimeout(PATIENCE)
        assert [visitor.recv(12) for visitor in (slow[0], late)] == [b"HTTP/1.1 200"] * 2


def test_those_who_only_hold_the_connection_are_sent_away_before_the_next_visit_of_prometheus(visited: Started) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(socket.create_connection(visited.page, PATIENCE))) for _ in range(VISITORS)]
        begun = time.monotonic()
        assert get(visited, "/metrics")[0] == 200
        assert time.monotonic() - begun < 9  # its usual patience is 10 seconds
        assert {visitor.recv(1) for visitor in idle} == {b""}


def test_a_visit_takes_only_so_long() -> None:
    async def write() -> list[bytes]:
        return [b"x" * 10_000_000]

    async def visit() -> None:
        visit_page = Page(write, seconds=0.2)
        door = socket.create_server((HOST, 0))
        visit_page.open(asyncio.get_running_loop(), door)
        for text in (b"", b"GET ", b"GET /metrics HTTP/1.1\r\n\r\n"):  # the last one does not read
            with closing(socket.create_connection(door.getsockname(), PATIENCE)) as visitor:
                visitor.setblocking(False)
                visitor.sendall(text)
                while visit_page._visits or not visitor_came:
                    visitor_came.append(bool(visit_page._visits))
                    await asyncio.sleep(0.01)
        visit_page.close()

    visitor_came: list[bool] = []
    asyncio.run(asyncio.wait_for(visit(), PATIENCE))


def test_clients_are_served_while_a_long_page_is_written(visited: Started) -> None:
    with closing(visited.dial()) as crowd, crowd.makefile("rb") as replies, client(visited) as other:
        for start in range(0, 5000, 100):
            names = [b"watch tube-%d\r\n" % number for number in range(start, start + 100)]
            crowd.sendall(b"".join(names))
            for _ in names:
                assert replies.readline().startswith(b"WATCHING")
        texts: list[str] = []
        reader = threading.Thread(target=lambda: texts.append(page(visited)))
        reader.start()
        answers = 0
        while reader.is_alive():
            other.using()
            answers += 1
        reader.join()
        assert len(values(texts[0])) > 5000 * 12
        assert answers > 10


# When it cannot be


def test_without_metrics_the_library_is_not_even_looked_for(tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not here')")
    with started(tmp_path, "-p0", variables={"PYTHONPATH": str(tmp_path)}) as server, client(server) as producer:
        assert producer.put(b"") == 1
    code, line = refused("-p0", "--metrics", f"{HOST}:0", variables={"PYTHONPATH": str(tmp_path)})
    assert code == UNPREPARED
    assert line == '--metrics needs prometheus_client: pip install "ayl[metrics]" (not here)'


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with closing(socket.create_server((HOST, 0))) as other:
        port = other.getsockname()[1]
        code, line = refused("-l", f"unix:{tmp_path / 'socket'}", "--metrics", f"{HOST}:{port}")
    assert code == CANNOT_LISTEN
    assert line.startswith(f"cannot listen on {HOST} port {port}: Address already in use")
