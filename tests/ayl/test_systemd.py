"""What systemd is told comes in messages that it takes, and whatever is wrong with it hurts nobody."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ayl.systemd import LEAST_WATCHDOG, LONGEST, Notifier, first_message
from tests.processes.listener import Listener, fill, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

US = 7
"""The number of the process that tells."""


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(name: str) -> Iterator[Listener]:
    with listening(name) as listener:
        yield listener


def notifier(name: str, **variables: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": name, **variables}, US)


def test_facts_are_told_together_in_their_order(listener: Listener, name: str) -> None:
    with closing(notifier(name)) as ours:
        ours.tell({"READY": "1", "STATUS": "2 of 2 processes"})
        ours.tell({})
        ours.alive()
        assert list(listener.any().items()) == [("READY", "1"), ("STATUS", "2 of 2 processes")]
        assert listener.any() == {"WATCHDOG": "1"}
        assert listener.silent()
        assert (ours.trouble, ours.is_full) == ("", False)


def test_a_name_without_a_file_begins_with_an_at_sign(request: pytest.FixtureRequest) -> None:
    name = f"@ayl-{os.getpid()}-{request.node.name}"
    with listening(name) as listener, closing(notifier(name)) as ours:
        ours.tell({"READY": "1"})
        assert listener.any() == {"READY": "1"}


def test_a_value_of_several_lines_is_one_line(listener: Listener, name: str) -> None:
    with closing(notifier(name)) as ours:
        ours.tell({"STATUS": "well\nREADY=1\r\n\0\udcff\u2028", "X_AYL_TUBES": ""})
        assert listener.any() == {"STATUS": "well READY=1  \\udcff", "X_AYL_TUBES": ""}


def test_what_is_too_much_for_one_message_comes_in_several() -> None:
    facts = {"A": "a" * (LONGEST - 8), "B": "b" * 3, "C": "c", "D": "d" * LONGEST}
    left, sizes = dict(facts), []
    while left:
        names, message = first_message(left)
        sizes.append((names, len(message)))
        left = {name: value for name, value in left.items() if name not in names}
    assert sizes == [(["A", "B"], LONGEST), (["C"], 3), (["D"], LONGEST + 2)]


def test_what_no_socket_takes_does_not_stand_in_the_way_of_the_rest(listener: Listener, name: str) -> None:
    with closing(notifier(name)) as ours:
        ours.tell({"X_AYL_TUBES": "x" * 50_000_000, "READY": "1"})
        assert listener.any() == {"READY": "1"}
        assert ours.trouble == "systemd cannot be told how we are: Message too long"


def test_where_there_is_no_room_the_latest_is_told_later(listener: Listener, name: str) -> None:
    number = fill(name)
    with closing(notifier(name)) as ours:
        ours.tell({"READY": "1", "STATUS": "one"})
        ours.tell({"STATUS": "two"})
        ours.alive()
        assert (ours.trouble, ours.is_full) == ("", True)
        for _ in range(number):
            assert listener.any() == {"STATUS": "full"}
        assert listener.silent()
        ours.send_rest()
        assert listener.any() == {"READY": "1", "STATUS": "two"}
        assert not ours.is_full
        assert listener.silent()


def test_who_comes_late_is_told_what_was_to_be_said(name: str) -> None:
    with closing(notifier(name)) as ours:
        ours.tell({"READY": "1"})
        assert ours.trouble == "systemd cannot be told how we are: No such file or directory"
        assert not ours.is_full
        with listening(name) as listener:
            ours.alive()
            assert [listener.any(), listener.any()] == [{"READY": "1"}, {"WATCHDOG": "1"}]
        ours.tell({"STATUS": "well"})  # whose file is there, but nobody behind it
        assert ours.trouble == "systemd cannot be told how we are: Connection refused"


@pytest.mark.parametrize(
    "name", ["", "notify", "vsock:2:99", "/" + "x" * 200, "@", "@" + "x" * 200, "/\udcff", "/", "//"]
)
def test_a_name_that_makes_no_sense_hurts_nobody(name: str) -> None:
    with closing(notifier(name, WATCHDOG_USEC="1000000")) as ours:
        ours.tell({"READY": "1"})
        ours.alive()
        assert bool(ours.trouble) == bool(name)
        assert ours.is_heard == name.startswith(("/", "@"))
        assert ours.watchdog == (1.0 if ours.is_heard else 0.0)


def test_after_the_end_nothing_is_told(listener: Listener, name: str) -> None:
    ours = notifier(name)
    ours.close()
    ours.close()
    ours.tell({"READY": "1"})
    ours.alive()
    assert listener.silent()


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "seven"}, 0.0),
        ({"WATCHDOG_USEC": "0"}, 0.0),
        ({"WATCHDOG_USEC": "000"}, 0.0),
        ({"WATCHDOG_USEC": "1"}, LEAST_WATCHDOG),
        ({"WATCHDOG_USEC": ""}, 0.0),
        ({"WATCHDOG_USEC": "9" * 5000}, 999_999_999_999.999_999),
    ],
)
def test_signs_of_life_are_for_the_process_that_is_meant(variables: dict[str, str], seconds: float) -> None:
    with closing(notifier("/nowhere", **variables)) as ours:
        assert (ours.watchdog, ours.trouble) == (seconds, "")


@pytest.mark.parametrize("period", ["-1", "soon", "1.5", "٣", " 3", "3\n"])
def test_a_period_that_is_no_number_is_told(period: str) -> None:
    with closing(notifier("/nowhere", WATCHDOG_USEC=period)) as ours:
        assert (ours.watchdog, ours.trouble) == (0.0, f"WATCHDOG_USEC={period} is no number")


def test_the_variables_are_gone_once_they_are_read() -> None:
    for pid in ("7", "8"):
        variables = {"HOME": "/", "NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": pid}
        Notifier(variables, US).close()
        assert variables == {"HOME": "/"}
