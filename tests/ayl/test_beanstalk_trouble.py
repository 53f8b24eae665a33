"""The beanstalk engine when the server is away or declines."""

from __future__ import annotations

import errno
import gc
import socket
import time
import warnings
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.engines.addresses import Address
from ayl.engines.client import unreachable
from ayl.errors import Refused, RefusedForNow, Unreachable
from tests.ayl.conftest import given_up

if TYPE_CHECKING:
    from tests.ayl.conftest import Server

TUBE = "shop/1.4.2"
TIMEOUT = 0.3


@ayl.task("trouble.note")
def note(number: int, *rest: Any) -> None: ...


def numbers(server: Server) -> list[int]:
    return [message.args[0] for message in server.take(TUBE)]


# Nobody there


def test_no_server_is_one_line_with_the_address_and_the_cure(free_port: int) -> None:
    ayl.configure(app="shop", version="1.4.2", engine=f"beanstalk://127.0.0.1:{free_port}", send_timeout=TIMEOUT)
    with given_up(TIMEOUT + 1.5) as said:
        ayl.send(note, 1)
    refused = f"no server answers at 127.0.0.1:{free_port} (Connection refused)"
    assert said == [f"{refused}; start one with: ayl_server -p {free_port}"]


def test_the_cure_fits_the_place_where_the_server_should_be() -> None:
    gone = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    for address, cure in (
        (Address("127.0.0.1", 11300), "start one with: ayl_server"),
        (Address("localhost", 11301), "start one with: ayl_server -p 11301"),
        (Address("", 0, "/run/ayl/socket"), "start one with: ayl_server -l unix:/run/ayl/socket"),
        (Address("queue.example.org", 11300), "is the address right, and ayl_server running there?"),
    ):
        assert str(unreachable(address, gone)).endswith(f"; {cure}")
        assert str(unreachable(address, ConnectionResetError())).endswith(f" hung up; {cure}")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the next test's business
def test_no_socket_is_one_line_with_the_path() -> None:
    ayl.configure(app="shop", engine="beanstalk:///nowhere/socket")
    with given_up(2) as said:
        ayl.send(note, 1)
    assert said[0].startswith("no server answers at /nowhere/socket (No such file or directory)")


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "/nowhere/socket"])
def test_a_connection_that_failed_leaves_nothing_open(address: str, free_port: int) -> None:
    ayl.configure(app="shop", engine=f"beanstalk://{address.format(port=free_port)}")
    with warnings.catch_warnings(record=True):
        gc.collect()  # whatever other tests left behind
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(Unreachable):
            ayl.send(note, 1)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_a_connection_that_is_never_taken_is_given_up_after_the_timeout() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):  # fill its queue
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        ayl.configure(app="shop", engine=f"beanstalk://127.0.0.1:{listener.getsockname()[1]}", send_timeout=TIMEOUT)
        with given_up(TIMEOUT + 1.5):
            ayl.send(note, 1)


def test_in_a_batch_every_handle_learns_it(free_port: int) -> None:
    ayl.configure(app="shop", engine=f"beanstalk://127.0.0.1:{free_port}")
    handles = []
    with pytest.raises(Unreachable), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(300)]
    assert [type(handle.error) for handle in handles] == [Unreachable] * 300
    assert batch.sent == 0


# Away and back


def test_a_server_that_was_restarted_between_two_sends_is_found_again(own_server: Server) -> None:
    ayl.send(note, 1)
    own_server.stop()
    own_server.start()
    ayl.send(note, 2)
    own_server.stop()
    own_server.start()
    with ayl.batch() as batch:
        for number in range(300):
            ayl.send(note, number)
    assert batch.sent == 300
    assert numbers(own_server) == list(range(300))


def test_a_server_that_is_away_for_a_while_is_found_again(own_server: Server) -> None:
    ayl.configure(probe_interval=0.05)
    ayl.send(note, 1)
    own_server.stop()
    for _ in range(2):
        with given_up(2):
            ayl.send(note, 2)
    own_server.start()
    time.sleep(0.1)
    ayl.send(note, 3)
    assert numbers(own_server) == [3]


# Declined


def test_a_server_that_drains_refuses_and_the_connection_goes_on(own_server: Server) -> None:
    ayl.send(note, 1)
    own_server.drain()
    for _ in range(2):
        with pytest.raises(Refused, match=r"^the server is draining: it takes no new jobs$"):
            ayl.send(note, 2)
    with pytest.raises(Refused), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(3)]
    assert [type(handle.error) for handle in handles] == [RefusedForNow] * 3
    assert batch.sent == 0
    assert numbers(own_server) == [1]


def test_a_message_larger_than_the_server_allows_is_refused_and_no_other(small_server: Server) -> None:
    ayl.send(note, 1)
    with pytest.raises(Refused, match=r"^the message is larger than the server allows \(its option -z\)$"):
        ayl.send(note, 2, "x" * 300)
    with pytest.raises(Refused), ayl.batch() as batch:
        handles = [ayl.send(note, number, "x" * (300 if number == 4 else 0)) for number in range(3, 7)]
    assert [handle.error is None for handle in handles] == [True, False, True, True]
    assert batch.sent == 3
    ayl.send(note, 7)
    assert numbers(small_server) == [1, 3, 5, 6, 7]
