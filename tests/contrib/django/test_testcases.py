"""Within Django's own test cases calls leave when the test plays the commit, or makes one."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING

import pytest
from django.db.transaction import atomic
from django.test import TestCase, TransactionTestCase

import ayl
from ayl import State
from ayl.errors import Refused

from .commits import database, note, send, sqlite, undone, words
from .market.models import Order

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


def run(case: type[TestCase]) -> None:
    """Run the method `runTest` of a test case as Django's runner does."""
    result = unittest.TestSuite([case("test")]).run(unittest.TestResult())
    assert result.wasSuccessful(), [*result.errors, *result.failures]


@database
def test_in_a_testcase_nothing_commits_unless_the_test_says_so(outbox: Outbox) -> None:
    class Case(TestCase):
        def test(self) -> None:
            order = Order.objects.create()
            before = order.ayl_send("ship", 0)
            with self.captureOnCommitCallbacks(execute=True), atomic():
                order.ayl_send("ship", 1)
                with undone():
                    order.ayl_send("ship", 2)
                order.ayl_send("ship", 3)
                assert not outbox.writes
            assert words(outbox) == [1, 3]
            with self.captureOnCommitCallbacks() as callbacks:
                order.ayl_send("ship", 4)
            assert words(outbox) == [1, 3]
            (callback,) = callbacks
            callback()
            callback()
            assert words(outbox) == [1, 3, 4]
            ayl.opts(after_commit=False).send(note, 5)
            Case.before = before

    run(Case)
    assert words(outbox) == [1, 3, 4, 5]
    assert Case.before.state is State.DROPPED
    with atomic():
        send(6)
    assert words(outbox) == [1, 3, 4, 5, 6]


@sqlite
def test_a_refusal_in_a_testcase_is_raised_where_it_plays_the_commit(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("full")

    class Case(TestCase):
        def test(self) -> None:
            with pytest.raises(Refused), self.captureOnCommitCallbacks(execute=True):
                send(1)

    run(Case)


@sqlite
def test_a_transactiontestcase_commits(outbox: Outbox) -> None:
    class Case(TransactionTestCase):
        databases = {"default"}  # noqa: RUF012 - Django's way

        def test(self) -> None:
            with atomic():
                send(1)
            assert words(outbox) == [1]

    run(Case)
