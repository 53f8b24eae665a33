"""What a connection keeps is bounded, however much a client sends, and however little it takes."""

from __future__ import annotations

import tracemalloc
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest

from ayl_server.broker import Broker
from ayl_server.connection import INPUT_LIMIT, OUTPUT_LIMIT
from ayl_server.model import ProcessFacts

from .plays import Client

if TYPE_CHECKING:
    from collections.abc import Iterable

PIECE = 4096

MUCH = 1024 * 1024
"""Bytes that a hostile client sends; what is kept of them must be far less."""


def broker() -> Broker:
    return Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"))


def pieces(text: bytes) -> Iterable[bytes]:
    """The text again and again."""
    return repeat((text * (PIECE // len(text) + 1))[:PIECE], MUCH // PIECE)


FLOODS: dict[str, Iterable[bytes]] = {
    "a line that never ends": pieces(b"x"),
    "carriage returns": pieces(b"\r"),
    "lines without carriage returns": pieces(b"stats\n"),
    "zeros": pieces(b"\0"),
    "a body that is too large": chain([b"put 0 0 10 4294967295\r\n"], pieces(b"x")),
    "bodies that are too large": pieces(b"put 0 0 10 70000\r\n" + b"x" * 70002),
    "bodies that do not end": pieces(b"put 0 0 10 2\r\nxxxx"),
    "nonsense": pieces(b"nonsense\r\n"),
    "put lines that are all different": (b"put %d 0 10 1\r\n\n\n\n" % pri for pri in range(5_000)),
    "put lines with more and more blanks": (b"put 0 0 10%b1\r\n\n\n\n" % (b" " * (n % 200)) for n in range(5_000)),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_what_is_sent_is_not_kept(flood: str) -> None:
    client = Client(broker())
    for piece in FLOODS[flood]:
        client.connection.receive(piece, 0.0)
        client.check_bounds(len(piece))
        client.connection.take_output()
    assert len(client.connection.buffer) <= PIECE


@pytest.mark.parametrize("piece", [b"stats\r\n" * 100, b"x", b"put 0 0 10 60000\r\n" + b"x" * 5000])
def test_whoever_waits_is_read_from_up_to_a_bound(piece: bytes) -> None:
    connection = Client(broker()).connection
    connection.receive(b"reserve\r\n", 0.0)
    taken = 0
    while connection.wants_input:
        connection.receive(piece, 0.0)
        taken += len(piece)
    assert INPUT_LIMIT <= taken < INPUT_LIMIT + len(piece)
    assert len(connection.backlog) == taken


def test_who_does_not_take_replies_gets_no_more_of_them_and_is_not_read_from() -> None:
    server = broker()
    client = Client(server)
    client.connection.receive(b"put 0 0 10 60000\r\n%b\r\n" % (b"x" * 60_000), 0.0)
    client.arriving.extend([b"peek 1\r\n" + b"x" * 4000 + b"\r\n"] * 60)
    client.hear(0.0)
    assert len(client.arriving) > 30
    assert sum(map(len, client.connection.session.out)) < OUTPUT_LIMIT + 60_100
    # Whoever takes them after all gets every one.
    while client.arriving or client.connection.stalled:
        client.send(0.0)
        client.said[:] = [b"".join(client.said)[-10:]]
        client.hear(0.0)
    assert not client.connection.backlog


def test_a_body_in_tiny_pieces_costs_little_more_than_its_bytes() -> None:
    server = broker()
    client = Client(server)
    client.connection.receive(b"put 0 0 10 65535\r\n", 0.0)
    tracemalloc.start()
    for _ in range(32_000):
        client.connection.receive(bytes(2), 0.0)
    cost = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert cost < 3 * 65_535
