"""Where a server stands: the engine's URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import settings
from ayl.engines import engine_for
from ayl.engines.addresses import Address, parse_url
from ayl.errors import AylError, NotConfigured

if TYPE_CHECKING:
    from tests.ayl.conftest import Server


@ayl.task("addresses.note")
def note(number: int) -> None: ...


def test_a_server_on_a_unix_socket_is_reached(unix_server: Server) -> None:
    with ayl.batch():
        for number in range(3):
            ayl.send(note, number)
    assert [message.args[0] for message in unix_server.take("shop/1.4.2")] == [0, 1, 2]


def test_a_host_without_a_port_means_the_usual_one() -> None:
    for url in ("beanstalk://127.0.0.1", "beanstalk://", settings.DEFAULT_ENGINE):
        assert parse_url(url).addresses == (Address("127.0.0.1", 11300),)


@pytest.mark.parametrize(
    "url",
    [
        "beanstalk:localhost:11300",
        "beanstalk://127.0.0.1:abc",
        "beanstalk://127.0.0.1:99999",
        "beanstalk://127.0.0.1:0",
        "beanstalk://127.0.0.1:-1",
        "beanstalk://127.0.0.1:11300/tube",
        "beanstalk://127.0.0.1:11300?tube=x",
        "beanstalk://127.0.0.1:11300#x",
        "beanstalk://user@127.0.0.1",
        "beanstalk://:secret@127.0.0.1",
        "beanstalk://[::1",
        "beanstalk://127.0..1:11300",
        "beanstalk://127.0.0.1:1 1300",
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_what_would(url: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        engine_for(ayl.configure(app="shop", engine=url))
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("timeout", [1e9, 1e12, 1e300])
def test_the_longest_timeout_is_used_or_refused_but_no_error_of_its_own(timeout: float, free_port: int) -> None:
    def configure_and_send() -> None:
        ayl.configure(app="shop", engine=f"beanstalk://127.0.0.1:{free_port}", send_timeout=timeout)
        ayl.send(note, 1)

    with pytest.raises(AylError):
        configure_and_send()
