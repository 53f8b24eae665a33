"""Calls wait for a commit in tests too, a failed assertion names them, and `at_once` lets them go."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import commits, testing
from ayl.handle import State
from ayl.testing.waiting import CURES

from .depot import DONE, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.testing import Recording


class Transaction:
    """A framework's, open until it is told."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def watch(self, _named: object) -> list[commits.OnCommit]:
        return [self.waiting.append]

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for send in waiting:
            send()

    def rollback(self) -> None:
        self.waiting = []


@pytest.fixture
def transaction(monkeypatch: pytest.MonkeyPatch) -> Transaction:
    opened = Transaction()
    monkeypatch.setattr(commits, "WATCHERS", [opened.watch])
    return opened


def test_a_call_is_recorded_when_its_transaction_commits(transaction: Transaction, recorded: Recording) -> None:
    ayl.send(note, 1)
    recorded.assert_nothing_sent()
    transaction.commit()
    recorded.assert_sent(note, 1)


def test_a_failed_assertion_names_what_waits_for_a_commit(transaction: Transaction, recorded: Recording) -> None:
    for number in range(2):
        ayl.send(note, number)
    cancelled = ayl.send(note, "cancelled")
    cancelled.cancel()
    with pytest.raises(AssertionError) as caught:
        recorded.assert_sent(note, 1)
    assert str(caught.value).splitlines()[1:] == [
        "nothing was sent",
        f"not sent yet, for they {CURES[State.UNCOMMITTED]}:",
        "  depot.note(0)",
        "  depot.note(1)",
    ]


def test_what_was_rolled_back_is_not_named(transaction: Transaction, recorded: Recording) -> None:
    handle = ayl.send(note, 1)
    transaction.rollback()
    gc.collect()
    assert handle.state is State.DROPPED
    with pytest.raises(AssertionError) as caught:
        recorded.assert_sent(note, 1)
    assert "not sent yet" not in str(caught.value)


def test_at_once_nothing_waits_for_a_commit(transaction: Transaction, recorded: Recording) -> None:
    with testing.at_once():
        handle = ayl.send(note, 1)
        assert handle.state is State.SUBMITTED
        recorded.assert_sent(note, 1)
    assert transaction.waiting == []


def test_after_the_span_calls_wait_again(transaction: Transaction, recorded: Recording) -> None:
    with pytest.raises(ValueError, match="on purpose"), testing.at_once():
        raise ValueError("on purpose")
    with testing.at_once():
        with testing.at_once():
            pass
        assert ayl.send(note, 0).state is State.SUBMITTED
    recorded.clear()
    ayl.send(note, 1)
    recorded.assert_nothing_sent()
    assert len(transaction.waiting) == 1


def test_at_once_and_inline_go_together(transaction: Transaction) -> None:
    with testing.inline(), testing.at_once():
        ayl.send(note, 1)
        assert DONE == [1]


def test_inline_makes_a_call_when_its_transaction_commits(transaction: Transaction) -> None:
    with testing.inline():
        ayl.send(note, 1)
        assert DONE == []
        transaction.commit()
        assert DONE == [1]
