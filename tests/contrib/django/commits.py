"""Blocks that are rolled back, a task to be called, and what has left of what was sent."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from django.db.transaction import atomic

import ayl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ayl.conftest import Outbox

database = pytest.mark.usefixtures("database")
sqlite = pytest.mark.usefixtures("sqlite")


@ayl.task("market.note")
def note(word: object) -> None: ...


class Undo(Exception):
    """Rolls a block back."""


@contextmanager
def undone(alias: str = "default", *, savepoint: bool = True) -> Iterator[None]:
    """An atomic block that is rolled back at its end."""
    with suppress(Undo), atomic(alias, savepoint=savepoint):
        yield
        raise Undo


def words(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


def send(word: object) -> ayl.Handle:
    return ayl.send(note, word)
