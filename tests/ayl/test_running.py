"""A running call: its lease at real servers, and what is left of it once it has ended."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import life as lives
from ayl import message as messages
from ayl import settings
from ayl.engines import source_for, watch_for
from ayl.errors import InvalidOption
from tests.ayl.slots import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.engines.base import Source
    from ayl.running import Running
    from tests.ayl.conftest import Outbox, Server


@ayl.task("running.plain")
def plain() -> None: ...


@ayl.task("running.long", keep_alive=True, time_limit=600)
def long() -> None: ...


@ayl.model("running.Base", keep_alive=True)
class Base:
    id = 1

    @classmethod
    def find(cls, key: int) -> Base:
        return cls()

    def build(self) -> None: ...


class House(Base, ayl.Sendable, ayl_name="running.House", ayl_time_limit=60): ...


@pytest.fixture
def source(tube: str) -> Iterator[Source]:
    reader, writer = socket.socketpair()
    with reader, writer:
        opened = source_for(settings.current(), watch_for([tube]), reader.fileno())
        yield opened
        opened.close()


def shown() -> Running:
    call = ayl.current()
    assert call is not None
    return call


def run(source: Source, call: Callable[[], object]) -> None:
    """What a worker does with the next job."""
    lease = source.take()
    assert lease is not None
    message = messages.decode(lease.body)
    assert isinstance(message, messages.Message)
    slot().make(lease, message, lives.read(lease.body), call)


def left(server: Server, tube: str) -> int:
    """Seconds of the reserved job's lease."""
    with server.client(tube) as client:
        return int(client.stats_job(1)["time-left"])


def test_a_touch_begins_the_time_to_run_anew(source: Source, server: Server, tube: str) -> None:
    def check() -> None:
        time.sleep(1.1)
        before = shown().time_left
        assert shown().touch()
        assert before < 6.95 < shown().time_left < 8.05

    ayl.opts(time_to_run=10).send(plain)
    run(source, check)


def test_a_call_that_is_over_is_not_touched_any_more(source: Source, tube: str) -> None:
    calls: list[Running] = []
    sent = ayl.send(plain)
    run(source, lambda: calls.append(shown()))
    (call,) = calls
    assert not call.touch()
    assert (call.id, call.job_id) == (sent.id, sent.job_id)
    with pytest.raises(RuntimeError, match="ask while it runs"):
        call.attempts  # noqa: B018 - asks the server
    assert ayl.current() is None


def test_a_touch_tells_that_the_lease_is_lost_and_ends_the_call(source: Source) -> None:
    def check() -> None:
        source.close()
        assert not shown().touch()
        for _ in range(500):
            time.sleep(0.01)

    ayl.send(plain)
    with pytest.raises(TimeoutError, match="its lease is lost"):
        run(source, check)


@pytest.mark.parametrize("said", [-0.1, 1.1, float("nan"), None, b"half"], ids=repr)
def test_progress_is_a_fraction_or_a_text(said: object, source: Source) -> None:
    def check() -> None:
        for good in (0, 1, 0.5, "half"):
            shown().progress(good)
            assert shown().said == good
        with pytest.raises(ValueError, match="progress is a fraction from 0 to 1, or a text"):
            shown().progress(said)  # type: ignore[arg-type]

    ayl.send(plain)
    run(source, check)


# How long a call may take, said beside the code


def test_what_a_class_or_function_says_travels_and_a_send_may_say_otherwise(outbox: Outbox) -> None:
    ayl.send(plain)
    ayl.send(long)
    ayl.opts(keep_alive=False, time_limit=5).send(long)
    ayl.send(Base().build)
    ayl.send(House().build)
    ayl.send(House.find, 1)
    assert [(message.keep_alive, message.time_limit) for message in outbox.messages] == [
        (False, 0), (True, 600), (False, 5), (True, 0), (True, 60), (True, 60),
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"keep_alive": 1}, {"keep_alive": "yes"}, {"time_limit": -1}, {"time_limit": 1.5}])
def test_what_makes_no_sense_is_refused_where_it_is_said(wrong: dict[str, object]) -> None:
    said = partial(ayl.task, "running.wrong", **wrong)
    for declare in (said, partial(ayl.model, **wrong), partial(ayl.opts, **wrong)):
        with pytest.raises(InvalidOption, match=r"^(keep_alive is True or False|time_limit is a whole number)"):
            declare()
