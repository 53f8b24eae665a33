"""What the clients of a run never do, because the outcome would prove nothing."""

from __future__ import annotations

import pytest

from .commands import Command, bare, named, reserve_with_timeout
from .manners import fair
from .steps import CarryOn, Connect, HalfClose, HangUp, Harvest, Send, Step
from .view import View

RESERVE, STATS = bare("reserve"), bare("stats")


@pytest.fixture
def view() -> View:
    """Two clients that have just come."""
    view = View()
    view.connected("a")
    view.connected("b")
    return view


def test_a_client_may_wait(view: View) -> None:
    assert fair(view, Send("a", (RESERVE,)))


@pytest.mark.parametrize("command", [RESERVE, reserve_with_timeout(1)])
def test_no_second_client_waits_for_the_same_tube(view: View, command: Command) -> None:
    view.said("a", [RESERVE])
    assert not fair(view, Send("b", (command,)))


def test_a_second_client_may_ask_without_waiting(view: View) -> None:
    view.said("a", [RESERVE])
    assert fair(view, Send("b", (reserve_with_timeout(0),)))


def test_clients_may_wait_for_different_tubes(view: View) -> None:
    view.said("a", [RESERVE])
    view.parties["b"].watching = {b"other"}
    assert fair(view, Send("b", (RESERVE,)))


def test_a_tube_that_is_watched_in_the_same_packet_counts(view: View) -> None:
    view.said("a", [RESERVE])
    view.parties["b"].watching = {b"other"}
    assert not fair(view, Send("b", (named("watch", b"default"), RESERVE)))


def test_commands_may_stand_behind_a_reserve(view: View) -> None:
    assert fair(view, Send("a", (RESERVE, STATS, RESERVE)))


def test_nobody_sends_several_commands_while_some_wait_behind_a_reserve(view: View) -> None:
    view.said("a", [RESERVE, STATS])
    assert fair(view, Send("b", (STATS,)))
    assert not fair(view, Send("b", (STATS, STATS)))


def test_not_more_stands_behind_a_reserve_than_a_server_takes_in(view: View) -> None:
    assert not fair(view, Send("a", (RESERVE, Command(b"put 0 0 1000 65535\r\n" + b"x" * 65535 + b"\r\n"))))


def test_who_has_sent_more_behind_a_reserve_does_not_vanish(view: View) -> None:
    view.said("a", [RESERVE])
    assert fair(view, HangUp("a"))
    view.said("a", [STATS])
    assert not fair(view, HangUp("a"))
    assert fair(view, HalfClose("a"))


def test_who_has_begun_to_say_something_first_ends_it(view: View) -> None:
    view.parties["a"].unsent = b"ts\r\n"
    assert not fair(view, Send("a", (STATS,)))
    assert fair(view, CarryOn("a", 2))


NONSENSE = [Send("c", (STATS,)), CarryOn("a", 1), HangUp("c"), HalfClose("c"), Connect("a"), Harvest()]


@pytest.mark.parametrize("step", NONSENSE)
def test_a_step_that_makes_no_sense_is_left_out(view: View, step: Step) -> None:
    assert not fair(view, step)
