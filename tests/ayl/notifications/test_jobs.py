"""What hooks hear of jobs: from real servers, through the code that workers run."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import life as lives
from ayl import settings
from ayl.engines import source_for, watch_for
from ayl.engines.order import Orders
from ayl.errors import Gone, NotTrusted, Poison, Unavailable, Undecodable, Unreachable
from ayl.life import Life
from ayl.notifications import BuryEvent, FailureEvent, JobEvent
from ayl.worker.execution import execute
from tests.ayl.slots import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.engines.base import Source
    from tests.ayl.conftest import Server


class Order(ayl.Sendable, ayl_name="heard.Order"):
    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order | None:
        if key == 13:
            raise ConnectionError("the database is away")
        return cls(key) if key == 42 else None

    def ship(self, carrier: str) -> None:
        raise ValueError(f"no {carrier}")


class Draft(Order, ayl_name="heard.Draft", ayl_gone="discard"):
    """Nobody misses one that is gone."""


@ayl.task("heard.ask")
def ask(what: str) -> None:
    raise {"decay": ayl.Decay(5), "bury": ayl.Bury("no such carrier")}[what]


@ayl.task("heard.fine")
def fine() -> None: ...


@pytest.fixture
def source(tube: str) -> Iterator[Source]:
    """Takes what is sent to the test's tube."""
    reader, writer = socket.socketpair()
    with reader, writer:
        opened = source_for(settings.current(), watch_for([tube]), reader.fileno())
        yield opened
        opened.close()


def work(source: Source) -> None:
    """What a worker does with the next job."""
    lease = source.take()
    assert lease is not None
    execute(lease, settings.current(), slot())


def buried(server: Server, tube: str) -> int:
    with server.client(tube) as client:
        return int(client.stats_tube(tube)["current-jobs-buried"])


def test_a_call_that_fails_and_is_tried_again(source: Source, server: Server, heard: list[Any], tube: str) -> None:
    handle = ayl.opts(failed_job_delay=7).send(Order(42).ship, "ups")
    work(source)
    (event,) = heard
    assert type(event) is FailureEvent
    assert (event.call, event.reason) == ("heard.Order.find(42).ship('ups')", "ValueError: no ups")
    assert (event.message_id, event.tube) == (handle.id, tube)
    with server.client(tube) as client:
        assert client.peek_delayed().id == event.job_id
    assert (event.app, event.tries, event.kills) == (settings.current().app, 1, 0)
    assert event.fate == "retried"
    assert event.retry_in in (7, 8), "a quarter more at most"
    assert (event.host, event.pid) == (os.uname().nodename, os.getpid())
    assert isinstance(event.exception, ValueError)
    assert event.exception.__traceback__ is not None


def test_a_call_that_fails_for_the_last_time_is_told_as_a_failure_and_as_a_burial(
    source: Source, heard: list[Any]
) -> None:
    ayl.opts(failed_job_count=2, failed_job_delay=0).send(Order(42).ship, "ups")
    work(source)
    work(source)
    assert [(type(event), event.tries) for event in heard] == [(FailureEvent, 1), (FailureEvent, 2), (BuryEvent, 2)]
    assert [event.fate for event in heard[:2]] == ["retried", "buried"]
    assert heard[2].reason == "ValueError: no ups"
    assert heard[2].exception is heard[1].exception


def test_a_call_that_fails_and_is_dropped(source: Source, heard: list[Any]) -> None:
    ayl.opts(failed_job_handler="delete").send(Order(42).ship, "ups")
    work(source)
    assert [(type(event), event.fate, event.retry_in) for event in heard] == [(FailureEvent, "dropped", None)]


def test_a_call_whose_object_cannot_be_looked_for_now(source: Source, heard: list[Any]) -> None:
    ayl.opts(failed_job_handler="bury", failed_job_delay=9).send(Order(13).ship, "ups")
    work(source)
    (event,) = heard
    assert (type(event), event.fate) == (FailureEvent, "retried")
    assert event.retry_in in (9, 10, 11), "a quarter more at most"
    assert isinstance(event.exception, Unavailable)
    assert "the database is away" in event.reason


def killed(server: Server, tube: str, before: int) -> None:
    """What a worker leaves that makes a call alone, which killed so many before, and is killed."""
    with server.client(tube) as client:
        job = client.reserve(timeout=5)
        life = lives.Life(kills=before, alone=True)
        client.put(lives.write(job.body, life))
        client.delete(job)
        client.reserve(timeout=5)


def test_what_a_call_has_done_before_is_told_with_it(
    source: Source, server: Server, heard: list[Any], tube: str
) -> None:
    ayl.opts(failed_job_count=3, failed_job_delay=0).send(Order(42).ship, "ups")
    killed(server, tube, 1)
    work(source)
    work(source)
    work(source)
    assert [(type(event), event.tries, event.kills) for event in heard] == [
        (FailureEvent, 1, 2), (FailureEvent, 2, 2), (FailureEvent, 3, 2), (BuryEvent, 3, 2),
    ]  # fmt: skip
    with server.client(tube) as client:
        job = client.peek_buried()
        assert lives.read(job.body) == Life(3, 2, "ValueError: no ups")
        assert {heard[2].job_id, heard[3].job_id} == {job.id}
    said = f"was buried (after 3 tries, job {job.id} in {tube}, 2 kills): ValueError: no ups"
    assert str(heard[3]).endswith(said)


def test_poison_is_told_as_a_burial_and_its_call_is_not_made(
    source: Source, server: Server, heard: list[Any], tube: str, caplog: pytest.LogCaptureFixture
) -> None:
    ayl.send(Order(42).ship, "ups")
    killed(server, tube, 1)
    killed(server, tube, 2)
    work(source)
    (event,) = heard
    assert (type(event), event.tries, event.kills) == (BuryEvent, 0, 3)
    assert isinstance(event.exception, Poison)
    assert event.reason == "poison, it has killed its worker 3 times"
    assert f"(3 kills, now job {event.job_id}) buried: poison" in caplog.text


def test_a_call_that_asks_to_be_buried(source: Source, heard: list[Any]) -> None:
    ayl.send(ask, "bury")
    work(source)
    (event,) = heard
    assert (type(event), event.reason, event.call) == (BuryEvent, "no such carrier", "heard.ask('bury')")


def test_a_call_that_cannot_be_made_is_buried_with_its_reason(source: Source, heard: list[Any]) -> None:
    ayl.send(Order(7).ship, "ups")
    work(source)
    assert heard == []  # it is young: what it names may be on its way
    with_patience(source, heard)
    (event,) = heard
    assert (type(event), event.reason) == (BuryEvent, "heard.Order 7 exists no more")
    assert isinstance(event.exception, Gone)


def with_patience(source: Source, heard: list[Any]) -> None:
    while not heard:
        work(source)


@pytest.mark.parametrize(
    "send", [lambda: ayl.send(fine), lambda: ayl.send(ask, "decay"), lambda: ayl.send(Draft(7).ship, "ups")],
    ids=["went well", "asked to be tried again", "gone, and discarded"],
)  # fmt: skip
def test_what_was_asked_for_is_no_news(send: Callable[[], object], source: Source, heard: list[Any]) -> None:
    send()
    work(source)
    assert heard == []


@pytest.mark.parametrize(
    ("body", "error"), [(b"\xff not ours", Undecodable), (b'{"type":"ayl","code":"exit"}', Undecodable)]
)
def test_a_job_that_cannot_be_decoded_is_told(
    body: bytes, error: type[Exception], server: Server, tube: str, source: Source, heard: list[Any]
) -> None:
    with server.client(tube) as client:
        job_id = client.put(body)
    work(source)
    (event,) = heard
    assert (type(event), event.job_id, event.tube, event.tries) == (BuryEvent, job_id, tube, 1)
    assert (event.call, event.message_id, event.what) == ("", "", f"job {job_id}")
    assert type(event.exception) is error
    assert event.reason == str(event.exception)


def test_a_job_that_is_not_trusted_is_told_without_what_it_claims(source: Source, heard: list[Any]) -> None:
    ayl.send(Order(42).ship, "ups")
    ayl.configure(secrets="one:0123456789abcdef")
    work(source)
    (event,) = heard
    assert (type(event), event.call, type(event.exception)) == (BuryEvent, "", NotTrusted)


def test_a_job_of_another_app_is_told(source: Source, heard: list[Any]) -> None:
    ayl.send(Order(42).ship, "ups")
    app = settings.current().app
    ayl.configure(app="other")
    work(source)
    (event,) = heard
    assert (type(event), event.app, event.call) == (BuryEvent, app, "heard.Order.find(42).ship('ups')")
    assert event.exception is None


def test_a_failure_whose_lease_was_lost_is_told_as_lost(
    server: Server, tube: str, source: Source, heard: list[Any]
) -> None:
    ayl.opts(failed_job_count=1).send(Order(42).ship, "ups")
    lease = source.take()
    assert lease is not None
    source.close()  # the server gives the job to whoever asks
    with server.client(tube) as client:
        client.delete(client.reserve(timeout=5))
    execute(lease, settings.current(), slot())
    assert [(type(event), event.fate, event.tries) for event in heard] == [(FailureEvent, "lost", 0)]


def test_a_failure_is_told_when_the_server_dies_before_it_is_settled(
    own_server: Server, heard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ayl.engines.order.WARY", 1)  # the second job is run without a question to the server
    reader, writer = socket.socketpair()
    with reader, writer:
        source = source_for(settings.current(), watch_for(["shop/1.4.2"]), reader.fileno(), orders=Orders(1))
        ayl.send(fine)
        ayl.opts(failed_job_count=1).send(Order(42).ship, "ups")
        work(source)
        lease = source.take()
        assert lease is not None
        own_server.stop()
        with pytest.raises(Unreachable):
            execute(lease, settings.current(), slot())
        source.close()
    assert [(type(event), event.fate, event.job_id) for event in heard] == [(FailureEvent, "lost", 2)]


# Hooks and their jobs


def test_a_job_is_settled_before_its_hooks_are_called(source: Source, server: Server, tube: str) -> None:
    states = []

    @ayl.on_failure
    def look(event: JobEvent) -> None:
        with server.client(tube) as client:
            states.append(client.stats_job(event.job_id or 0)["state"])

    ayl.on_bury(look)
    ayl.opts(failed_job_count=1).send(Order(42).ship, "ups")
    work(source)
    assert states == ["buried", "buried"]


@pytest.mark.parametrize("error", [ValueError("no mail"), SystemExit(1), Unreachable("s"), ayl.Decay(5)], ids=repr)
def test_a_hook_that_fails_changes_nothing_for_the_job(
    error: BaseException, source: Source, server: Server, tube: str, caplog: pytest.LogCaptureFixture
) -> None:
    @ayl.on_failure
    def fails(_event: object) -> None:
        raise error

    ayl.on_bury(fails)
    ayl.opts(failed_job_count=1).send(Order(42).ship, "ups")
    work(source)
    assert buried(server, tube) == 1
    assert sum("hook" in record.getMessage() for record in caplog.records) == 2
    ayl.send(fine)
    work(source)


def test_a_hook_may_send(source: Source, server: Server, tube: str) -> None:
    @ayl.on_bury
    def report(event: BuryEvent) -> None:
        ayl.send(fine)

    ayl.opts(failed_job_count=1).send(Order(42).ship, "ups")
    work(source)
    assert [message.do for message in server.take(tube)] == ["heard.fine"]
