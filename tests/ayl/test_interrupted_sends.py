"""A signal comes in the middle of a send: nobody is told the answer to another's question, and nobody hangs."""

from __future__ import annotations

import faulthandler
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import engines
from ayl import message as messages
from ayl.handle import State
from tests.ayl.conftest import Outbox
from tests.ayl.test_several_servers import stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.handle import Handle
    from tests.ayl.conftest import Server

TUBE = "shop/1.4.2"
SOON = 0.2
"""Seconds until the signal: the send waits for its answer by then."""


@ayl.task("interrupted.note")
def note(what: object) -> None: ...


@contextmanager
def alarm(handler: Callable[..., object]) -> Iterator[None]:
    """`handler` is called soon, in the middle of what the span does."""
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, SOON)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def noted(server: Server, handle: Handle) -> object:
    """What the job says that the handle takes for its own."""
    assert handle.job_id is not None
    with server.client() as client:
        message = messages.decode(client.peek(handle.job_id).body)
    assert isinstance(message, messages.Message)
    return message.args[0]


def test_a_send_that_a_signal_interrupts_leaves_no_answer_behind_for_the_next(own_server: Server) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    ayl.send(note, 1)
    with stopped(own_server), alarm(interrupt), pytest.raises(Interrupted):
        ayl.send(note, 2)
    later = ayl.send(note, 3)
    assert noted(own_server, later) == 3, "the answer to the interrupted put is not taken for this one's"
    found = [message.args[0] for message in own_server.take(TUBE)]
    assert [number for number in found if number != 2] == [1, 3]
    assert (later.state, later.job_state()) == (State.SUBMITTED, None)


def test_a_signals_handler_may_send_in_the_middle_of_a_send(own_server: Server) -> None:
    within: list[Handle] = []
    ayl.send(note, "first")
    with stopped(own_server), alarm(lambda *_: within.append(ayl.send(note, "within"))):
        assert own_server.process is not None
        threading.Timer(2 * SOON, own_server.process.send_signal, (signal.SIGCONT,)).start()
        around = ayl.send(note, "around")
    last = ayl.send(note, "last")
    assert [noted(own_server, handle) for handle in (around, *within, last)] == ["around", "within", "last"]
    assert len(own_server.take(TUBE)) == 4


def test_a_signals_handler_may_send_while_the_engine_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: list[Outbox] = []

    def make(_: object) -> Outbox:
        boxes.append(Outbox())
        if len(boxes) == 1:
            signal.raise_signal(signal.SIGALRM)
        return boxes[-1]

    monkeypatch.setitem(engines.SCHEMES, "outbox", make)
    ayl.configure(app="shop", engine="outbox")
    before = signal.signal(signal.SIGALRM, lambda *_: ayl.send(note, "within"))
    faulthandler.dump_traceback_later(20, exit=True)  # a lock that is waited for lets no exception through
    try:
        ayl.send(note, "around")
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
    assert sorted(message.args[0] for box in boxes for message in box.messages) == ["around", "within"]
