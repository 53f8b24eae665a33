"""How leases end: what must be remembered is put anew, and whatever goes wrong on the way, the job is still there."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import life as lives
from ayl import message as messages
from ayl import settings
from ayl.engines import source_for, watch_for
from ayl.engines.addresses import Address
from ayl.engines.client import Client
from ayl.engines.order import WARY, Order, Orders
from ayl.engines.prompt import PromptSocket
from ayl.engines.source import BeanstalkLease
from ayl.errors import Unreachable
from ayl.failures import Buried, Delayed, Deleted, Outcome
from ayl.life import NEW, Life, past
from ayl.message import Message
from ayl.signing import Key, KeyRing
from ayl.worker.execution import execute
from ayl.worker.settling import SHORT_WHY, settle
from tests.ayl.conftest import SERVERS, Server, wait_until
from tests.ayl.slots import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import greenstalk

    from ayl.engines.base import Lease, Source

RETRY = Delayed(30, "ValueError: no ups", counts=True)
BURIAL = Buried("ValueError: no ups")
LIFE = Life(2, 1, "ValueError: no {ups}")
RING = KeyRing([Key("a", b"the secret of the app")])


@ayl.task("settled.note")
def note(text: str) -> None: ...


@contextmanager
def taking(tube: str) -> Iterator[Source]:
    with ExitStack() as stack:
        reader, writer = (stack.enter_context(end) for end in socket.socketpair())
        source = source_for(settings.current(), watch_for([tube]), reader.fileno())
        stack.callback(source.close)
        stack.callback(writer.close)
        yield source


@pytest.fixture
def source(tube: str) -> Iterator[Source]:
    with taking(tube) as source:
        yield source


def taken(source: Source) -> tuple[Lease, Message]:
    lease = source.take()
    assert lease is not None
    message = messages.decode(lease.body)
    assert isinstance(message, Message)
    return lease, message


def jobs(client: greenstalk.Client[bytes], tube: str) -> dict[str, int]:
    found = client.stats_tube(tube)
    states = {state: int(found[f"current-jobs-{state}"]) for state in ("ready", "reserved", "delayed", "buried")}  # type: ignore[literal-required]
    return {state: number for state, number in states.items() if number}


# What is remembered


@pytest.mark.parametrize(("outcome", "state", "delay"), [(RETRY, "delayed", 30), (BURIAL, "buried", None)])
def test_the_same_message_with_a_new_life_takes_the_place_of_the_job(
    outcome: Outcome, state: str, delay: int | None, server: Server, tube: str, source: Source
) -> None:
    ayl.configure(secrets=RING)
    handle = ayl.opts(priority=7, time_to_run=77).send(note, '}{"life":{}')
    lease, message = taken(source)
    assert settle(lease, message, outcome, LIFE)
    with server.client(tube) as client:
        assert jobs(client, tube) == {state: 1}
        job = client.peek(lease.successor or 0)
        found = client.stats_job(job.id)
        assert handle.job_id not in (None, job.id)
        assert (found["state"], found["pri"], found["ttr"], found["tube"]) == (state, 7, 77, tube)
        assert delay is None or found["delay"] == delay
        assert lives.read(job.body) == LIFE
        assert lives.without(job.body) == lease.body
        RING.verify(settings.current().app, job.body, 1.0)
        assert messages.decode(job.body) == message
        client.delete(job)


def test_what_counts_as_nothing_is_released_as_it_is(server: Server, tube: str, source: Source) -> None:
    handle = ayl.send(note, "x")
    for returns in range(3):
        lease, message = taken(source)
        assert past(lives.read(lease.body), lease.standing()).returns == returns
        assert settle(lease, message, Delayed(0, "the database is away"), LIFE)
        assert (lease.job_id, lease.successor) == (handle.job_id, None)
    lease, message = taken(source)
    found = past(lives.read(lease.body), lease.standing())
    assert (found.tries, found.kills, found.again) == (0, 0, True)
    assert settle(lease, message, Deleted())


def test_after_an_operator_has_kicked_it_the_job_knows_its_past(server: Server, tube: str, source: Source) -> None:
    ayl.send(note, "x")
    lease, message = taken(source)
    assert settle(lease, message, BURIAL, LIFE)
    with server.client(tube) as client:
        assert client.kick(10) == 1
    again, _ = taken(source)
    found = past(lives.read(again.body), again.standing())
    assert (found.tries, found.kills, found.buries) == (2, 1, 1)
    assert again.delete()


def test_a_body_that_nobody_can_read_is_left_as_it_is(server: Server, tube: str, source: Source) -> None:
    with server.client(tube) as client:
        job_id = client.put(b"no message")
        lease = source.take()
        assert lease is not None
        assert settle(lease, None, BURIAL)
        assert (client.peek(job_id).body, jobs(client, tube)) == (b"no message", {"buried": 1})
        client.delete(job_id)


# What is lost


@pytest.mark.parametrize("outcome", [RETRY, BURIAL, Delayed(5, "away"), Deleted()])
def test_a_late_end_of_a_lost_lease_does_no_harm_to_the_second_run(
    outcome: Outcome, server: Server, tube: str, source: Source
) -> None:
    ayl.send(note, "x")
    lease, message = taken(source)
    assert lease.standing() is not None
    source.close()  # what a cut does
    with taking(tube) as other, server.client(tube) as client:
        second, _ = taken(other)
        assert not settle(lease, message, outcome, LIFE)
        assert jobs(client, tube) == {"reserved": 1}
        assert second.delete()


# What is refused


LARGEST = 600
"""Bytes of a job that `narrow_server` takes."""


@pytest.fixture(params=SERVERS)
def narrow_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    started = Server(SERVERS[request.param])
    try:
        started.start("-z", str(LARGEST))
        ayl.configure(app="shop", version="1.4.2", engine=started.url, send_timeout=5)
        yield started
    finally:
        started.stop()


def sized(size: int, task: Callable[[str], None] = note, do: str = "settled.note") -> None:
    """Send a message of so many bytes, or of two fewer when the time of the send is a round one."""
    box = len(lives.without(messages.encode(_template(do))))
    ayl.send(task, "x" * (size - box))


def _template(do: str) -> Message:
    current = settings.current()
    return Message(
        type="ayl", v=1, id="0" * 36, app=current.app, ver=current.version, do=do, args=[""],
        time_to_run=120, sent=1793000000.123,
    )  # fmt: skip


def refused(server: Server, room: int, outcome: Outcome) -> tuple[greenstalk.Job[bytes], str]:
    """The job that is left of one for whose life there is so much room."""
    tube = settings.current().tube()
    sized(LARGEST - room)
    with taking(tube) as source, server.client(tube) as client:
        lease, message = taken(source)
        assert settle(lease, message, outcome, Life(2, 0, "ValueError: " + "no ups " * 10))
        (state,) = jobs(client, tube)
        job = client.peek_delayed() if state == "delayed" else client.peek_buried()
        client.delete(job)
        return job, state


@pytest.mark.parametrize(("outcome", "state"), [(RETRY, "delayed"), (BURIAL, "buried")])
def test_a_reason_is_made_shorter_when_the_server_takes_no_more(
    outcome: Outcome, state: str, narrow_server: Server
) -> None:
    job, found = refused(narrow_server, 75, outcome)
    assert (lives.read(job.body), found) == (Life(2, 0, ("ValueError: " + "no ups " * 10)[:SHORT_WHY].strip()), state)
    job, found = refused(narrow_server, 25, outcome)
    assert (lives.read(job.body), found) == (Life(2), state)


@pytest.mark.parametrize(("outcome", "state"), [(RETRY, "delayed"), (BURIAL, "buried")])
def test_a_job_that_can_remember_nothing_ends_as_it_is(outcome: Outcome, state: str, narrow_server: Server) -> None:
    job, found = refused(narrow_server, 2, outcome)
    assert (lives.read(job.body), found) == (NEW, state)
    assert LARGEST - 4 <= len(job.body) <= LARGEST - 2


def test_a_job_that_can_never_remember_its_tries_is_not_tried_for_ever(narrow_server: Server) -> None:
    tube = settings.current().tube()
    sized(LARGEST - 2)
    with taking(tube) as source, narrow_server.client(tube) as client:
        states = []
        for _ in range(3):
            lease, message = taken(source)
            again = Delayed(0, "ValueError: x", counts=True)
            assert settle(lease, message, again, Life(1, 0, "ValueError: x"))
            states.append(jobs(client, tube))
        assert states == [{"ready": 1}, {"ready": 1}, {"buried": 1}]


@pytest.mark.parametrize(("outcome", "state"), [(RETRY, "delayed"), (BURIAL, "buried")])
def test_a_server_that_takes_no_new_jobs_keeps_the_one_it_has(
    outcome: Outcome, state: str, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    tube = settings.current().tube()
    handle = ayl.send(note, "x")
    with taking(tube) as source, own_server.client(tube) as client:
        lease, message = taken(source)
        own_server.drain()
        assert settle(lease, message, outcome, LIFE)
        assert jobs(client, tube) == {state: 1}
        assert client.stats_job(handle.job_id or 0)["state"] == state
    assert f"job {handle.job_id} is not changed, and does not remember why: the server is draining" in caplog.text


# Word for word: what no server can be brought to at will


class Held:
    """The connection of a lease, to a peer that answers from a script."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def settle(self, command: bytes, expected: bytes) -> bool:
        return self.client.settle(command, expected)

    def ask(self, question: Callable[[Client], object]) -> object:
        return question(self.client)


STATS = b"---\nid: 5\ntube: shop/1\nstate: reserved\npri: 9\nage: 1\ndelay: 0\nttr: 60\ntime-left: 5\nfile: 0\nreserves: 1\ntimeouts: 0\nreleases: 0\nburies: 0\nkicks: 0\n"  # noqa: E501 - as it comes
ASKED = b"OK %d\r\n%b\r\n" % (len(STATS), STATS)
BODY = messages.encode(Message(type="ayl", v=1, id="i", app="shop", ver="1", do="settled.note", args=["x"]))
NOTED = lives.write(BODY, Life(1, 0, "x"))
PUT = b"use shop/1\r\nput 9 %d 60 %d\r\n%b\r\n"

SCRIPTS: dict[str, tuple[Outcome, bytes, list[bytes], bool]] = {
    "the lease is lost before anything is put": (RETRY, b"NOT_FOUND\r\n", [b"touch 5"], False),
    "the lease is lost after the put, which is taken back": (
        RETRY,
        b"TOUCHED\r\nUSING shop/1\r\nINSERTED 9\r\nNOT_FOUND\r\nDELETED\r\n",
        [b"touch 5", PUT % (30, len(NOTED), NOTED), b"delete 5", b"delete 9"],
        False,
    ),
    "a server that does not know reserve-job buries the job itself": (
        BURIAL,
        b"TOUCHED\r\nUSING shop/1\r\nINSERTED 9\r\nBAD_FORMAT\r\nDELETED\r\nBURIED\r\n",
        [b"touch 5", PUT % (60, len(NOTED), NOTED), b"reserve-job 9", b"delete 9", b"bury 5 9"],
        True,
    ),
    "a server without room in its queue buries what was put, which is taken back": (
        RETRY,
        b"TOUCHED\r\nUSING shop/1\r\nBURIED 9\r\nDELETED\r\nRELEASED\r\n",
        [b"touch 5", PUT % (30, len(NOTED), NOTED), b"delete 9", b"release 5 9 30"],
        True,
    ),
    "a server that is out of memory has the job released": (
        RETRY,
        b"TOUCHED\r\nUSING shop/1\r\nOUT_OF_MEMORY\r\nRELEASED\r\n",
        [b"touch 5", PUT % (30, len(NOTED), NOTED), b"release 5 9 30"],
        True,
    ),
    "nothing is deleted before its successor is there": (
        BURIAL,
        b"TOUCHED\r\nUSING shop/1\r\nINSERTED 9\r\nRESERVED 9 1\r\nx\r\nBURIED\r\nDELETED\r\n",
        [b"touch 5", PUT % (60, len(NOTED), NOTED), b"reserve-job 9", b"bury 9 9", b"delete 5"],
        True,
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_asks_the_server_step_by_step(name: str) -> None:
    outcome, answers, commands, held = SCRIPTS[name]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(ASKED + answers)
        client = Client(PromptSocket(ours, 5))
        client.prompt.wait_at_most(5)
        lease = BeanstalkLease(Held(client), 5, BODY)  # type: ignore[arg-type] # its questions are asked as they are
        message = messages.decode(BODY)
        assert isinstance(message, Message)
        assert settle(lease, message, outcome, Life(1, 0, "x")) is held
        client.close()
        said = b"".join(iter(lambda: theirs.recv(65536), b""))
    assert said == b"stats-job 5\r\n" + b"".join(line.removesuffix(b"\r\n") + b"\r\n" for line in commands)


# Which jobs are looked at before they are run


def test_ids_that_rise_are_of_new_jobs_and_others_may_have_been_taken_before() -> None:
    order = Order()
    assert not any(order.is_new(job_id) for job_id in range(1, WARY + 1)), "of the first ones nobody knows"
    assert [order.is_new(WARY + job_id) for job_id in (4, 5, 9, 7, 9, 10, 3, 11)] == [
        True, True, True, False, False, True, False, True,
    ]  # fmt: skip


def test_of_a_server_that_may_have_been_restarted_nothing_is_believed_either() -> None:
    order = Order(2)
    assert [order.is_new(job_id) for job_id in (1, 2, 3)] == [False, False, True]
    order.begin_anew()
    assert [order.is_new(job_id) for job_id in (1, 2, 3)] == [False, False, True]


def test_what_sources_share_is_told_apart_by_servers() -> None:
    orders = Orders(WARY + 50)
    one, other = (Address(host, 11300) for host in ("one", "other"))
    assert orders.of(one) is orders.of(Address("one", 11300)) is not orders.of(other)
    assert not any(orders.of(one).is_new(job_id) for job_id in range(1, WARY + 51))
    assert orders.of(one).is_new(WARY + 51)


def test_a_lease_knows_whether_its_job_is_new(server: Server, tube: str, source: Source) -> None:
    for _ in range(WARY - 1):
        ayl.send(note, "earlier")
        assert taken(source)[0].delete()
    for text in "abc":
        ayl.send(note, text)
    first, message = taken(source)
    assert not first.is_new, "the first that a worker takes may have killed the one before it"
    assert settle(first, message, Delayed(0, "away"))
    again, _ = taken(source)
    assert (again.job_id, again.is_new) == (first.job_id, False)
    assert again.delete()
    assert [taken(source)[0].is_new for _ in "bc"] == [True, True]


DONE: list[str] = []


@ayl.task("settled.mark")
def mark(text: str) -> None:
    DONE.append(text)


@pytest.mark.parametrize(
    ("ended", "alone"), [("hung up", True), ("released", False), (None, False)], ids=["hung up", "released", "new"]
)
def test_a_job_whose_worker_has_died_is_run_with_no_other_in_hand(
    ended: str | None, alone: bool, server: Server, tube: str, source: Source
) -> None:
    DONE.clear()
    ayl.send(mark, "call")
    if ended:
        with server.client(tube) as client:
            job = client.reserve(timeout=5)
            if ended == "released":
                client.release(job)
    lease, _ = taken(source)
    execute(lease, settings.current(), slot(lambda: DONE.append("clear")))
    assert ["clear"] * alone + ["call"] == DONE


# A crash in between


@pytest.mark.parametrize("outcome", [Delayed(0, "ValueError", counts=True), RETRY, BURIAL])
@pytest.mark.parametrize("arrives", [False, True], ids=["before it leaves", "before its answer comes"])
@pytest.mark.parametrize("step", range(7))
def test_wherever_the_connection_is_cut_the_message_is_there_at_least_once(
    step: int, arrives: bool, outcome: Outcome, server: Server, tube: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = ayl.send(note, "x")
    steps = iter(range(100))
    send = PromptSocket.sendall

    def cut(connection: PromptSocket, data: bytes, flags: int = 0) -> None:
        here = next(steps)
        if here < step or arrives:
            send(connection, data, flags)
        if here >= step:
            raise ConnectionResetError

    with taking(tube) as source, server.client(tube) as client:
        lease, message = taken(source)
        monkeypatch.setattr(PromptSocket, "sendall", cut)
        try:
            assert settle(lease, message, outcome, LIFE)
            ended = True
        except Unreachable:
            ended = False
        monkeypatch.undo()
        source.close()
        wait_until(lambda: "reserved" not in jobs(client, tube))
        left = jobs(client, tube)
        assert 1 <= sum(left.values()) <= (1 if ended else 2)
        client.kick(10)
        client.kick(10)  # those that are delayed, too
        found = [client.reserve(timeout=0) for _ in range(sum(left.values()))]
        assert all(messages.decode(job.body) == message for job in found)
        assert message.id == handle.id
        for job in found:
            client.delete(job)
    assert ended == (next(steps) <= step), "the cut came after all was done"
