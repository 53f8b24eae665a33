"""greenstalk's whole API against our server, and against Debian's beanstalkd to show that these facts are true."""

from __future__ import annotations

import inspect
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import greenstalk
import pytest

from tests.processes.deadline import eventually
from tests.processes.servers import AYL_SERVER, BEANSTALKD, Kind, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    Bytes = greenstalk.Client[bytes]
    Text = greenstalk.Client[str]


def _called(param: tuple[Kind, bool]) -> str:
    kind, tcp = param
    return f"{kind.name}-{'tcp' if tcp else 'unix'}"


PLACES = [(BEANSTALKD, True), (AYL_SERVER, True), (AYL_SERVER, False)]


@pytest.fixture(scope="module", params=PLACES, ids=_called)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Debian's server, and ours on a port and on a Unix socket."""
    kind, tcp = request.param
    with serving(kind, tmp_path_factory.mktemp("greenstalk"), tcp=tcp) as started:
        yield started


@pytest.fixture
def tube(request: pytest.FixtureRequest) -> str:
    """A tube of the test's own."""
    name: str = request.function.__name__
    return name.replace("_", "-")


@pytest.fixture
def client(server: Server, tube: str) -> Iterator[Text]:
    """One that sends and receives text, as greenstalk does unless told otherwise."""
    with greenstalk.Client(server.address, use=tube, watch=tube) as connected:
        yield connected


@pytest.fixture
def raw(server: Server, tube: str) -> Iterator[Bytes]:
    """One that sends and receives bytes."""
    with greenstalk.Client(server.address, encoding=None, use=tube, watch=tube) as connected:
        yield connected


def test_every_public_method_is_tried_here() -> None:
    tried = Path(__file__).read_text()
    methods = [name for name, _ in inspect.getmembers(greenstalk.Client, inspect.isfunction) if name[0] != "_"]
    assert [name for name in methods if f".{name}(" not in tried] == []
    errors = [name for name, _ in inspect.getmembers(greenstalk, inspect.isclass) if name.endswith("Error")]
    assert {name for name in errors if f"greenstalk.{name})" not in tried} == {
        "BeanstalkdError",  # a base of the others
        "BuriedError",  # a server that has no room to queue a job
        "Error",  # a base of all
        "InternalError",  # a server that has a defect
        "OutOfMemoryError",  # a server that has no memory
        "UnknownResponseError",  # a server that speaks another protocol
    }


# Connecting


def test_a_client_uses_and_watches_what_it_is_told(server: Server) -> None:
    with greenstalk.Client(server.address) as plain:
        assert (plain.using(), plain.watching()) == ("default", ["default"])
    with greenstalk.Client(server.address, use="till", watch="door") as one:
        assert (one.using(), one.watching()) == ("till", ["door"])
    with greenstalk.Client(server.address, watch=["door", "default", "window"]) as many:
        assert sorted(many.watching()) == ["default", "door", "window"]
    with greenstalk.Client(server.address, watch=("door", "window")) as some:
        assert sorted(some.watching()) == ["door", "window"]


def test_a_client_takes_a_socket_that_is_connected(server: Server) -> None:
    with greenstalk.Client(server.dial(), encoding="utf-8") as client:
        assert client.using() == "default"


def test_a_client_tells_where_it_is_connected(server: Server, client: Text) -> None:
    assert str(server.port or server.path) in repr(client)


def test_a_client_that_is_closed_gives_back_what_it_held(server: Server, client: Text, tube: str) -> None:
    job = client.put("held")
    other = greenstalk.Client(server.address, watch=tube)
    other.reserve_job(job)
    other.close()
    eventually(lambda: client.stats_job(job)["state"] == "ready")
    assert client.stats_job(job)["timeouts"] == 0


# Bodies


@pytest.mark.parametrize("body", ["", "hello", "two\r\nlines\r\n", "grüße 🌍", "\0", "x" * 65535])
def test_text_comes_back_as_it_was_put(client: Text, body: str) -> None:
    job = client.reserve_job(client.put(body))
    assert job.body == body
    client.delete(job)


@pytest.mark.parametrize("body", [b"", b"\r\n", bytes(range(256)), b"END\r\nOK 3\r\n", b"\xff" * 65535])
def test_bytes_come_back_as_they_were_put(raw: Bytes, body: bytes) -> None:
    job = raw.reserve_job(raw.put(body))
    assert job.body == body
    raw.delete(job)


def test_text_in_another_encoding_comes_back(server: Server, raw: Bytes, tube: str) -> None:
    with greenstalk.Client(server.address, encoding="latin-1", use=tube, watch=tube) as latin:
        job_id = latin.put("grüße")
        assert latin.peek(job_id).body == "grüße"
        assert raw.peek(job_id).body == b"gr\xfc\xdfe"
        latin.delete(job_id)


# Producers


def test_put_gives_ever_higher_ids(client: Text) -> None:
    first = client.put("one")
    assert client.put("two") == first + 1


def test_put_says_priority_delay_and_time_to_run(client: Text, tube: str) -> None:
    plain = client.stats_job(client.put("plain"))
    assert (plain["pri"], plain["delay"], plain["ttr"]) == (65536, 0, 60)
    job = client.stats_job(client.put("later", priority=2**32 - 1, delay=1000, ttr=77))
    assert (job["pri"], job["delay"], job["ttr"]) == (2**32 - 1, 1000, 77)
    assert (job["state"], job["tube"]) == ("delayed", tube)
    assert 990 <= job["time-left"] <= 1000


def test_use_changes_where_jobs_go(client: Text, tube: str) -> None:
    client.use(f"{tube}-2")
    assert client.using() == f"{tube}-2"
    assert client.stats_job(client.put(""))["tube"] == f"{tube}-2"


# Workers


def test_reserve_takes_the_most_urgent_job_first_and_then_the_oldest(client: Text) -> None:
    ids = [client.put("", priority=priority) for priority in (5, 1, 5, 0)]
    taken = [client.reserve(timeout=0).id for _ in ids]
    assert taken == [ids[3], ids[1], ids[0], ids[2]]


def test_reserve_waits_for_a_job(server: Server, client: Text, tube: str) -> None:
    from threading import Thread

    taken: list[greenstalk.Job[str]] = []
    thread = Thread(target=lambda: taken.append(client.reserve()))
    thread.start()
    with greenstalk.Client(server.address, use=tube) as producer:
        eventually(lambda: producer.stats_tube(tube)["current-waiting"] == 1)
        job_id = producer.put("at last")
    thread.join()
    assert [(job.id, job.body) for job in taken] == [(job_id, "at last")]


def test_reserve_waits_as_long_as_it_is_told_and_a_job_for_its_delay(client: Text, raw: Bytes, tube: str) -> None:
    job_id = client.put("later", delay=1)
    with pytest.raises(greenstalk.TimedOutError):
        client.reserve(timeout=0)
    raw.watch(f"{tube}-2")
    raw.ignore(tube)
    with pytest.raises(greenstalk.TimedOutError):
        raw.reserve(timeout=1)
    assert client.reserve(timeout=10).id == job_id


def test_reserve_warns_before_a_time_to_run_is_over(client: Text) -> None:
    client.put("", ttr=1)
    client.reserve(timeout=0)
    with pytest.raises(greenstalk.DeadlineSoonError):
        client.reserve(timeout=5)


def test_reserve_job_takes_a_job_from_wherever_it_waits(client: Text) -> None:
    ready, delayed, buried = client.put("r"), client.put("d", delay=1000), client.put("b", priority=0)
    client.bury(client.reserve(timeout=0))
    for job_id, body in ((ready, "r"), (delayed, "d"), (buried, "b")):
        job = client.reserve_job(job_id)
        assert (job.id, job.body) == (job_id, body)
        assert client.stats_job(job)["state"] == "reserved"
        with pytest.raises(greenstalk.NotFoundError):
            client.reserve_job(job_id)


def test_delete_takes_a_job_or_its_id(client: Text) -> None:
    first, second = client.put("one"), client.put("two")
    client.delete(client.reserve_job(first))
    client.delete(second)
    for job_id in (first, second):
        with pytest.raises(greenstalk.NotFoundError):
            client.peek(job_id)
        with pytest.raises(greenstalk.NotFoundError):
            client.delete(job_id)


def test_release_gives_a_job_back(client: Text) -> None:
    client.put("")
    job = client.reserve(timeout=0)
    client.release(job)
    assert client.stats_job(job)["state"] == "ready"
    client.release(client.reserve(timeout=0), priority=7, delay=1000)
    counts = client.stats_job(job)
    assert (counts["state"], counts["pri"], counts["delay"]) == ("delayed", 7, 1000)
    assert (counts["reserves"], counts["releases"]) == (2, 2)
    with pytest.raises(greenstalk.NotFoundError):
        client.release(job)


def test_bury_puts_a_job_aside(client: Text) -> None:
    client.put("")
    job = client.reserve(timeout=0)
    client.bury(job, priority=9)
    counts = client.stats_job(job)
    assert (counts["state"], counts["pri"], counts["buries"]) == ("buried", 9, 1)
    with pytest.raises(greenstalk.TimedOutError):
        client.reserve(timeout=0)
    with pytest.raises(greenstalk.NotFoundError):
        client.bury(job)


def test_touch_renews_the_time_to_run(client: Text) -> None:
    client.put("", ttr=100)
    job = client.reserve(timeout=0)
    client.touch(job)
    assert client.stats_job(job)["time-left"] >= 90
    client.delete(job)
    with pytest.raises(greenstalk.NotFoundError):
        client.touch(job)


def test_watch_and_ignore_count_the_tubes_that_are_watched(client: Text, tube: str) -> None:
    assert client.watch("door") == 2
    assert client.watch("door") == 2
    assert client.ignore("window") == 2
    assert client.ignore(tube) == 1
    assert client.watching() == ["door"]
    with pytest.raises(greenstalk.NotIgnoredError):
        client.ignore("door")


# Onlookers and operators


def test_peek_shows_a_job_without_taking_it(client: Text) -> None:
    job_id = client.put("seen")
    assert (client.peek(job_id).id, client.peek(job_id).body) == (job_id, "seen")
    assert client.stats_job(job_id)["state"] == "ready"
    with pytest.raises(greenstalk.NotFoundError):
        client.peek(2**63)


def test_the_other_peeks_show_the_next_job_of_each_state(client: Text) -> None:
    for peek in (client.peek_ready, client.peek_delayed, client.peek_buried):
        with pytest.raises(greenstalk.NotFoundError):
            peek()
    buried = client.put("b")
    client.bury(client.reserve(timeout=0))
    client.put("r2", priority=2)
    client.put("r1", priority=1)
    client.put("d2", delay=2000)
    client.put("d1", delay=1000)
    assert client.peek_ready().body == "r1"
    assert client.peek_delayed().body == "d1"
    assert client.peek_buried().id == buried


def test_kick_moves_buried_jobs_and_only_then_delayed_ones(client: Text) -> None:
    for body in ("b1", "b2"):
        client.put(body)
        client.bury(client.reserve(timeout=0))
    client.put("d", delay=1000)
    assert [client.kick(1), client.kick(10), client.kick(10), client.kick(10)] == [1, 1, 1, 0]
    assert [client.reserve(timeout=0).body for _ in range(3)] == ["b1", "b2", "d"]


def test_kick_job_takes_a_job_or_its_id(client: Text) -> None:
    delayed = client.put("", delay=1000)
    client.kick_job(delayed)
    job = client.reserve(timeout=0)
    client.bury(job)
    client.kick_job(job)
    assert (client.stats_job(job)["state"], client.stats_job(job)["kicks"]) == ("ready", 2)
    with pytest.raises(greenstalk.NotFoundError):
        client.kick_job(job)


def test_pause_tube_keeps_jobs_from_being_reserved(client: Text, tube: str) -> None:
    job_id = client.put("")
    client.pause_tube(tube, 1000)
    with pytest.raises(greenstalk.TimedOutError):
        client.reserve(timeout=0)
    counts = client.stats_tube(tube)
    assert (counts["pause"], counts["cmd-pause-tube"]) == (1000, 1)
    assert 990 <= counts["pause-time-left"] <= 1000
    client.pause_tube(tube, 0)
    assert client.reserve(timeout=0).id == job_id
    with pytest.raises(greenstalk.NotFoundError):
        client.pause_tube(f"{tube}-nowhere", 1)


def test_tubes_lists_those_that_exist(client: Text, tube: str) -> None:
    client.use(f"{tube}-2")
    assert {"default", tube, f"{tube}-2"} <= set(client.tubes())
    client.use(tube)
    assert f"{tube}-2" not in client.tubes()


def _keys(report: type) -> set[str]:
    return set(report.__annotations__)


def test_stats_have_the_keys_and_types_that_greenstalk_knows(client: Text) -> None:
    found: dict[str, Any] = {**client.stats()}
    assert found.keys() == _keys(greenstalk.Stats)
    for name in ("current-connections", "total-jobs", "pid", "uptime", "max-job-size"):
        assert type(found[name]) is int
    assert type(found["version"]) is str
    assert found["draining"] == "false"


def test_stats_job_have_the_keys_and_types_that_greenstalk_knows(client: Text, tube: str) -> None:
    job_id = client.put("")
    found: dict[str, Any] = {**client.stats_job(job_id)}
    assert found.keys() == _keys(greenstalk.StatsJob)
    assert (found.pop("tube"), found.pop("state"), found["id"]) == (tube, "ready", job_id)
    assert {type(value) for value in found.values()} == {int}
    with pytest.raises(greenstalk.NotFoundError):
        client.stats_job(2**63)


def test_stats_tube_have_the_keys_and_types_that_greenstalk_knows(client: Text, tube: str) -> None:
    found: dict[str, Any] = {**client.stats_tube(tube)}
    assert found.keys() == _keys(greenstalk.StatsTube)
    assert found.pop("name") == tube
    assert {type(value) for value in found.values()} == {int}
    with pytest.raises(greenstalk.NotFoundError):
        client.stats_tube(f"{tube}-nowhere")


# What else may go wrong


def test_a_body_that_is_too_large_is_refused_and_the_client_goes_on(client: Text) -> None:
    with pytest.raises(greenstalk.JobTooBigError):
        client.put("x" * 65536)
    assert client.put("x" * 65535)


def test_numbers_and_names_out_of_range_are_bad_formats(client: Text, tube: str) -> None:
    for name in ("-x", "a b", "x" * 201):
        with pytest.raises(greenstalk.BadFormatError):
            client.use(name)
        with pytest.raises(greenstalk.BadFormatError):
            client.watch(name)
    with pytest.raises(greenstalk.BadFormatError):
        client.kick_job(-1)
    assert client.using() == tube


def test_a_command_that_does_not_exist_is_unknown(server: Server) -> None:
    connected = server.dial()
    connected.sendall(b"juggle\r\n")
    with greenstalk.Client(connected, encoding="utf-8") as client, pytest.raises(greenstalk.UnknownCommandError):
        client.using()


class Short(bytes):
    """Bytes that say they are fewer."""

    def __len__(self) -> int:
        return 2


def test_a_body_that_is_longer_than_announced_is_refused(raw: Bytes) -> None:
    with pytest.raises(greenstalk.ExpectedCrlfError):
        raw.put(Short(b"hello"))


def test_a_server_that_drains_takes_no_job(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path, tcp=False) as server, greenstalk.Client(server.address) as client:
        server.gets(signal.SIGUSR1)
        eventually(lambda: client.stats()["draining"] == "true")
        with pytest.raises(greenstalk.DrainingError):
            client.put("")


def test_a_server_that_goes_is_a_connection_error(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path, tcp=False) as server, greenstalk.Client(server.address) as client:
        server.kill()
        with pytest.raises(ConnectionError):
            client.stats()
