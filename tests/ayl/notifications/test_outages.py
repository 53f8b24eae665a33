"""A sender whose server does not answer tells it once, and again when it happens again."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import notifications, settings
from ayl.errors import TimeToRunExceeded, Unreachable
from ayl.limits import limited
from ayl.notifications import UnreachableEvent
from tests.ayl.conftest import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server


@ayl.task("outages.note")
def note(number: int) -> None: ...


@pytest.fixture
def nobody(tmp_path: Path) -> str:
    """The engine of a server that is not there."""
    url = f"beanstalk://{tmp_path}/nobody"
    ayl.configure(app="shop", version="1.4.2", engine=url)
    return url


def test_an_outage_is_told_with_what_is_known(nobody: str, heard: list[Any]) -> None:
    with pytest.raises(Unreachable) as caught:
        ayl.opts(lane="slow").send(note, 1)
    assert heard == [
        UnreachableEvent(
            server=nobody,
            reason=str(caught.value),
            policy="raise",
            calls=1,
            tube="shop/1.4.2/slow",
            host=os.uname().nodename,
            pid=os.getpid(),
        )
    ]


def test_an_outage_is_told_once_and_not_for_each_call(nobody: str, heard: list[Any]) -> None:
    for _ in range(3):
        with pytest.raises(Unreachable):
            ayl.send(note, 1)
    assert len(heard) == 1


def test_the_event_says_how_many_calls_were_being_sent(nobody: str, heard: list[Any]) -> None:
    with pytest.raises(Unreachable):
        ayl.send_many((note, number) for number in range(450))
    assert [event.calls for event in heard] == [450]


def test_many_threads_that_find_out_at_once_tell_once(nobody: str, heard: list[Any]) -> None:
    gate = threading.Barrier(8)

    def send() -> None:
        gate.wait()
        with suppress(Unreachable):
            ayl.send(note, 1)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 1


def it_takes_a_call() -> bool:
    """Not while the server is still left alone."""
    try:
        ayl.send(note, 3)
    except Unreachable:
        return False
    return True


def test_a_second_outage_is_told_again(own_server: Server, heard: list[Any]) -> None:
    ayl.configure(probe_interval=0.01)
    ayl.send(note, 1)
    for outages in (1, 2):
        own_server.stop()
        for _ in range(2):
            with pytest.raises(Unreachable):
                ayl.send(note, 2)
        assert len(heard) == outages
        own_server.start()
        wait_until(it_takes_a_call)
    assert [event.server for event in heard] == [settings.current().engine] * 2


def test_a_server_that_was_restarted_between_two_sends_is_no_outage(own_server: Server, heard: list[Any]) -> None:
    ayl.send(note, 1)
    own_server.stop()
    own_server.start()
    ayl.send(note, 2)
    assert heard == []


def test_a_hook_that_sends_itself_does_not_tell_itself(nobody: str) -> None:
    heard = []

    @ayl.on_unreachable
    def report(event: UnreachableEvent) -> None:
        heard.append(event)
        ayl.send(note, 2)

    with pytest.raises(Unreachable):
        ayl.send(note, 1)
    assert len(heard) == 1


def test_a_hook_that_fails_leaves_the_sender_its_own_error(nobody: str) -> None:
    @ayl.on_unreachable
    def fails(_event: object) -> None:
        raise ValueError("no mail")

    with pytest.raises(Unreachable):
        ayl.send(note, 1)


def test_a_hook_does_not_keep_the_call_that_sends_from_being_ended(nobody: str) -> None:
    @ayl.on_unreachable
    def dawdles(_event: object) -> None:
        while True:
            time.sleep(0.01)

    with pytest.raises(TimeToRunExceeded):
        limited(0.2, lambda: ayl.send(note, 1))


def test_an_engine_may_tell_with_an_event_of_its_own(heard: list[Any]) -> None:
    event = UnreachableEvent(server="several", reason="none of 3 answers", calls=2, policy="spool")
    notifications.notify_unreachable(event)
    notifications.notify_unreachable(event)
    notifications.answered("another")
    notifications.notify_unreachable(event)
    assert heard == [event]
    notifications.answered("several")
    notifications.notify_unreachable(event)
    assert heard == [event, event]


def test_a_call_is_safe_in_the_spool_before_the_hooks_are_called(nobody: str, tmp_path: Path) -> None:
    ayl.configure(unreachable="spool", spool=str(tmp_path / "spool"))
    found = []

    @ayl.on_unreachable
    def look(event: UnreachableEvent) -> None:
        kept = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*") if path.is_file())
        found.append((event.policy, b"outages.note" in kept))

    handle = ayl.send(note, 1)
    assert (handle.state, found) == (ayl.State.SPOOLED, [("spool", True)])
    ayl.send(note, 2)
    assert len(found) == 1
