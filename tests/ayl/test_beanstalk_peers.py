"""The beanstalk engine when what listens is no beanstalkd, or one in trouble: told in words, and never for long."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import delivery
from ayl.errors import NotSubmitted, Refused, Unreachable
from ayl.handle import State
from tests.ayl.conftest import given_up
from tests.cli.servers import hangs_up, peer, says, silent

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

TIMEOUT = 0.3
PROBE_INTERVAL = 0.05
MARGIN = 1.5
"""How much longer than its timeout a send may take on a busy machine."""


@ayl.task("peers.note")
def note(number: int) -> None: ...


@contextmanager
def facing(talk: Callable[[socket.socket], None]) -> Iterator[None]:
    """The server is somebody who behaves like this."""
    with peer(talk) as there:
        ayl.configure(app="shop", version="1.4.2", engine=f"beanstalk://127.0.0.1:{there.port}", send_timeout=TIMEOUT,
                      probe_interval=PROBE_INTERVAL)  # fmt: skip
        try:
            yield
        finally:
            delivery.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"BURIED 7\r\n", "no room to queue the message and buried it as job 7"),
        (b"OUT_OF_MEMORY\r\n", "the server is out of memory"),
        (b"INTERNAL_ERROR\r\n", "the server"),
    ],
)
def test_what_else_a_server_may_decline_with_is_told_in_words(answer: bytes, words: str) -> None:
    with facing(says(b"USING shop/1.4.2\r\n" + answer)):
        with pytest.raises(Refused, match=words) as caught:
            ayl.send(note, 1)
        assert "Error" not in str(caught.value), "a class's name is no sentence"


def test_a_server_that_refuses_the_tube_has_not_taken_the_call() -> None:
    with facing(says(b"OUT_OF_MEMORY\r\nINSERTED 1\r\n")), pytest.raises(NotSubmitted):
        ayl.send(note, 1)


def test_a_batch_whose_tube_is_refused_knows_that_none_was_taken() -> None:
    with facing(says(b"OUT_OF_MEMORY\r\nINSERTED 1\r\nINSERTED 2\r\n")):
        with pytest.raises(NotSubmitted), ayl.batch():
            handles = [ayl.send(note, 1), ayl.send(note, 2)]
        assert [handle.job_id for handle in handles] == [None, None]


def dribbles_for_a_while(connection: socket.socket) -> None:
    for _ in range(40):
        connection.sendall(b".")
        time.sleep(0.1)


@pytest.mark.parametrize("talk", [silent, says(b"x"), dribbles_for_a_while], ids=["silent", "half a line", "dribbling"])
def test_an_answer_that_does_not_come_is_given_up_after_the_timeout(talk: Callable[[socket.socket], None]) -> None:
    with facing(talk), given_up(TIMEOUT + MARGIN):
        ayl.send(note, 1)


def test_a_server_that_hangs_up_is_given_up() -> None:
    with facing(hangs_up), given_up(TIMEOUT + MARGIN):
        ayl.send(note, 1)


USING = b"USING shop/1.4.2\r\n"
GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "an empty line": b"\r\n",
    "binary": b"\x00\xff\xfe\x1b[2J\r\n",
    "no carriage return": b"hello\n",
    "the wrong answer": b"INSERTED 1\r\n",
    "no job id": USING + b"INSERTED\r\n",
    "a job id that is none": USING + b"INSERTED x\r\n",
    "an empty answer": USING + b"\r\n",
    "an unknown word": USING + b"WHATEVER 3\r\n",
    "an answer to another command": USING + b"RESERVED 1 0\r\n\r\n",
    "a huge job id": USING + b"INSERTED " + b"1" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_a_peer_that_is_no_such_server_is_told_as_one(answer: bytes) -> None:
    with facing(says(answer)), pytest.raises(NotSubmitted) as caught:
        ayl.send(note, 1)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert "Error" not in str(caught.value), "a class's name is no sentence"


def floods(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 2**16)


def test_a_peer_that_floods_is_given_up_before_it_fills_the_memory() -> None:
    with facing(floods), given_up(TIMEOUT + MARGIN) as said:
        ayl.send(note, 1)
    assert "is no server such as" in said[0], "not only when the time was over"


@pytest.mark.parametrize("size", [b"99999999999999", b"-3"])
def test_a_peer_that_announces_what_no_memory_holds_is_told_as_one(size: bytes) -> None:
    def announces(connection: socket.socket) -> None:
        for answer in (USING + b"INSERTED 1\r\n", b"FOUND 1 " + size + b"\r\nabc\r\n"):
            connection.recv(4096)
            connection.sendall(answer)

    with facing(announces):
        handle = ayl.send(note, 1)
        with pytest.raises(Unreachable, match="is no server such as"):
            handle.cancel()
        assert handle.state is State.SUBMITTED


def test_after_a_late_answer_the_next_send_gets_its_own() -> None:
    numbers = itertools.count(1)
    given = threading.Event()

    def late_then_prompt(connection: socket.socket) -> None:
        number = next(numbers)
        while command := connection.recv(4096):
            given.wait(5)
            proof = command.startswith(b"list-tube-used")
            connection.sendall(b"USING default\r\n" if proof else USING + b"INSERTED %d\r\n" % number)

    with facing(late_then_prompt):
        with given_up(TIMEOUT + MARGIN):
            ayl.send(note, 1)
        given.set()
        time.sleep(2 * PROBE_INTERVAL)
        assert ayl.send(note, 2).job_id == 2


def test_two_calls_are_never_told_each_others_answers() -> None:
    with facing(says(USING + b"INSERTED 1\r\nINSERTED x\r\n")), pytest.raises(NotSubmitted), ayl.batch() as batch:
        first, second = ayl.send(note, 1), ayl.send(note, 2)
    assert (first.job_id, batch.sent) == (1, 1)
    assert second.error is not None
