"""D4, D5: a server that has nothing to do does nothing."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.crashes.wire import Wire, report
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import serving

from .looks import ORIGINAL, Look, ours

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind, Server

MUCH = 0.2
"""Seconds of a processor, for nothing."""

LITTLE = 0.1

WINDOW = 0.5
"""Seconds of the clock in which a server is watched that should sleep."""


def watched(kind: Kind) -> float:
    """The original may take its time to show that it is busy: others are, too."""
    return PATIENCE if kind is ORIGINAL else WINDOW


def wasted(server: Server, window: float) -> float:
    """Processor time that it uses while nothing happens, seconds; no more than much."""
    before = server.processor_seconds()
    used = 0.0
    end = time.monotonic() + window
    while time.monotonic() < end and used < MUCH:
        time.sleep(0.02)
        used = server.processor_seconds() - before
    return used


@Look
def urgent_byte(folder: Path, kind: Kind) -> float:
    """Somebody sends a byte out of band."""
    with serving(kind, folder) as server, closing(server.dial()) as client:
        client.send(b"!", socket.MSG_OOB)
        with closing(Wire(server.dial())) as other:
            other.ask(b"list-tube-used\r\n")
        return wasted(server, watched(kind))


@ours
def test_a_byte_out_of_band_keeps_nobody_busy(kind: Kind) -> None:
    assert urgent_byte.at(kind) < LITTLE


def test_a_byte_out_of_band_keeps_the_original_busy() -> None:
    assert urgent_byte.at(ORIGINAL) >= MUCH


def _deaf(folder: Path, kind: Kind, *, half_closed: bool) -> float:
    """Somebody asks for more than the socket takes and does not read."""
    body = b"x" * 1_000_000
    with (
        serving(kind, folder, "-z", str(len(body)), tcp=False) as server,
        closing(server.dial()) as client,
        closing(Wire(server.dial())) as other,
    ):
        other.ask(b"put 0 0 9 %d\r\n%b\r\n" % (len(body), body))
        client.sendall(b"peek 1\r\n" * 100)
        eventually(lambda: report(other.ask(b"stats\r\n"))["cmd-peek"] != "0")
        if half_closed:
            client.shutdown(socket.SHUT_WR)
        return wasted(server, watched(kind) if half_closed else WINDOW)


@Look
def deaf_client(folder: Path, kind: Kind) -> float:
    return _deaf(folder, kind, half_closed=False)


@Look
def half_closed_deaf_client(folder: Path, kind: Kind) -> float:
    return _deaf(folder, kind, half_closed=True)


@ours
def test_a_client_that_does_not_read_keeps_nobody_busy(kind: Kind) -> None:
    assert deaf_client.at(kind) < LITTLE


@ours
def test_a_half_closed_client_that_does_not_read_keeps_nobody_busy(kind: Kind) -> None:
    assert half_closed_deaf_client.at(kind) < LITTLE


def test_a_half_closed_client_that_does_not_read_keeps_the_original_busy() -> None:
    assert half_closed_deaf_client.at(ORIGINAL) >= MUCH


@dataclass(frozen=True)
class Crowd:
    """When more clients come than there can be open files."""

    wasted: float
    log: int
    early_ones_served: bool
    later_ones_served: bool
    """Once others have gone."""


NARROW = ("sh", "-c", 'ulimit -n 20; exec "$@"', "sh")


@Look
def too_many_clients(folder: Path, kind: Kind) -> Crowd:
    with serving(kind, folder, tcp=False, prefix=NARROW) as server, closing(Wire(server.dial())) as early:
        with ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(closing(server.dial()))
            used = wasted(server, watched(kind))
            said = server.log_path.stat().st_size
            served = early.ask(b"list-tube-used\r\n").word == b"USING"
        return Crowd(used, said, served, bool(eventually(server.serves)))


@ours
def test_too_many_clients_keep_nobody_busy_and_fill_no_log(kind: Kind) -> None:
    seen = too_many_clients.at(kind)
    assert seen.wasted < LITTLE
    assert seen.log < 2_000
    assert seen.early_ones_served
    assert seen.later_ones_served


def test_too_many_clients_keep_the_original_busy_and_flood_its_log() -> None:
    seen = too_many_clients.at(ORIGINAL)
    assert seen.wasted >= MUCH
    assert seen.log > 100_000
