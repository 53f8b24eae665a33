"""Callbacks of one's own, and refusals, when a transaction commits: neither keeps the other back."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.db.transaction import atomic

import ayl
from ayl import State
from ayl.errors import Refused

from .commits import Undo, database, send, undone, words
from .market.models import Order

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


@database
def test_what_a_callback_of_one_s_own_sends_comes_after_what_the_transaction_sent(outbox: Outbox) -> None:
    with atomic():
        send(1)
        transaction.on_commit(lambda: send(3))
        send(2)
    assert words(outbox) == [1, 2, 3]


@database
def test_a_callback_that_fails_does_not_keep_back_what_was_sent_before_it_or_after(outbox: Outbox) -> None:
    def fail() -> None:
        raise Undo

    with suppress(Undo), atomic():
        send(1)
        transaction.on_commit(fail)
        send(2)
    assert words(outbox) == [1, 2]


@database
def test_a_callback_that_fails_before_them_does_not_keep_back_what_was_sent(outbox: Outbox) -> None:
    def fail() -> None:
        raise Undo

    def write() -> None:
        with atomic():
            transaction.on_commit(fail)
            handles.extend([send(1), send(2)])

    handles: list[ayl.Handle] = []
    with pytest.raises(Undo) as caught:
        write()
    assert [words(outbox), len(outbox.writes)] == [[1, 2], 1]
    outbox.refuse = lambda _number: Refused("full")
    with pytest.raises(Undo) as caught:
        write()
    assert caught.value.__notes__ == ["and what waited for the commit could not be sent: full"]
    assert [handle.state for handle in handles] == [State.SUBMITTED] * 2 + [State.REFUSED] * 2


@database
def test_a_refusal_makes_django_forget_no_callback_of_one_s_own(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("full")
    called: list[int] = []

    def write() -> None:
        with atomic():
            transaction.on_commit(lambda: called.append(1))
            send(1)
            transaction.on_commit(lambda: called.append(2))

    with pytest.raises(Refused, match="full"):
        write()
    assert called == [1, 2]


@database
def test_callbacks_that_are_to_be_called_within_a_block_stay_django_s_affair(outbox: Outbox) -> None:
    with undone():
        handle = send(1)
        with pytest.raises(transaction.TransactionManagementError):
            connection.run_and_clear_commit_hooks()
        states = [handle.state]
    assert [*states, handle.state] == [State.UNCOMMITTED, State.DROPPED]


@database
def test_a_refusal_is_raised_to_who_commits_when_all_were_tried(outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("full") if number == 1 else None
    handles: list[ayl.Handle] = []

    def write() -> None:
        with atomic():
            Order.objects.create()
            handles.extend([send(1), send(2)])

    with pytest.raises(Refused, match="full"):
        write()
    assert words(outbox) == [1, 2]
    assert [handle.state for handle in handles] == [State.REFUSED, State.SUBMITTED]
    assert Order.objects.count() == 1, "the commit stands"
