"""Calls that carry a word, so that tests can tell which have left."""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# Peewee brings types for some of it.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ayl

from .models import Order

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


@ayl.task("peewee.note")
def note(word: str) -> None: ...


class OnPurposeError(Exception):
    """Ends a block of a test."""


def left(outbox: Outbox) -> list[Any]:
    """What has left, in order: the words of notes."""
    return [message.args[0] for message in outbox.messages]


def notes() -> list[str]:
    return sorted(order.note for order in Order.select())
