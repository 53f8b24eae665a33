"""Model hooks with peewee: which writes are saves, and when the calls leave."""

# mypy: disable-error-code="no-untyped-call"
# Peewee brings types for some of it.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import peewee
import pytest
from playhouse.signals import Model as SignalModel  # type: ignore[import-untyped]
from playhouse.signals import post_save

import ayl

from .models import DATABASE, Base

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


class Document(Base, ayl.Sendable, ayl_name="hooks.Document"):
    text = peewee.TextField(default="")
    draft = peewee.BooleanField(default=False)

    @ayl.ayl_after_create
    def welcome(self) -> None: ...

    @ayl.ayl_after_update(unless=lambda document: document.draft)
    def refresh(self) -> None: ...

    @ayl.ayl_after_commit
    def publish(self) -> None: ...


class Ticket(Base, ayl.Sendable, ayl_name="hooks.Ticket"):
    code = peewee.UUIDField(primary_key=True, default=uuid4)
    seat = peewee.IntegerField(default=0)

    class Meta:
        only_save_dirty = True

    @ayl.ayl_after_create
    def print(self) -> None: ...

    @ayl.ayl_after_update
    def reprint(self) -> None: ...


class Loud(SignalModel, ayl.Sendable, ayl_name="hooks.Loud"):  # type: ignore[misc] # peewee has no types
    text = peewee.TextField(default="")

    class Meta:
        database = DATABASE

    @ayl.ayl_after_create
    def shout(self) -> None: ...


@pytest.fixture
def outbox(sqlite: Any, outbox: Outbox) -> Outbox:
    """The engine in use, and tables for what is saved."""
    sqlite.create_tables([Document, Ticket, Loud])
    return outbox


def left(outbox: Outbox) -> list[str]:
    """The methods that were sent since this was asked last."""
    found = [message.do for message in outbox.messages]
    outbox.writes.clear()
    return found


def test_create_and_save_are_saves_and_know_which_they_are(outbox: Outbox) -> None:
    document = Document.create(text="a")
    assert left(outbox) == ["welcome", "publish"]
    document.text = "b"
    document.save()
    assert left(outbox) == ["refresh", "publish"]
    Document(text="c").save()
    assert left(outbox) == ["welcome", "publish"]
    Document.get_or_create(text="d")
    assert left(outbox) == ["welcome", "publish"]
    Document.get_or_create(text="d")
    assert left(outbox) == []


def test_the_call_names_the_object_that_was_saved(outbox: Outbox) -> None:
    document = Document.create()
    assert [message.on for message in outbox.messages] == [{"$ref": ["hooks.Document", document.id]}] * 2


def test_a_key_that_is_no_number_makes_no_difference(outbox: Outbox) -> None:
    ticket = Ticket.create()
    assert left(outbox) == ["print"]
    ticket.seat = 3
    ticket.save()
    assert left(outbox) == ["reprint"]
    Ticket(seat=4).save(True)
    assert left(outbox) == ["print"]
    Ticket(code=ticket.code, seat=5).save()
    assert left(outbox) == ["reprint"]


NO_SAVES: dict[str, Callable[[Any], object]] = {
    "nothing was dirty": lambda ticket: ticket.save(),
    "no row was there to update": lambda _: Ticket(code=UUID(int=9), seat=1).save(),
    "insert": lambda _: Ticket.insert(seat=1).execute(),
    "insert_many": lambda _: Ticket.insert_many([{"code": uuid4(), "seat": 1}]).execute(),
    "update": lambda _: Ticket.update(seat=2).execute(),
    "bulk_create": lambda _: Ticket.bulk_create([Ticket()]),
    "bulk_update": lambda ticket: Ticket.bulk_update([ticket], ["seat"]),
    "delete": lambda ticket: ticket.delete_instance(),
}


@pytest.mark.parametrize("what", NO_SAVES)
def test_what_saves_no_single_object_sends_nothing(what: str, outbox: Outbox) -> None:
    Ticket.create()
    ticket = Ticket.get()
    outbox.writes.clear()
    NO_SAVES[what](ticket)
    assert left(outbox) == []


def test_a_save_that_fails_sends_nothing(outbox: Outbox) -> None:
    ticket = Ticket.create()
    outbox.writes.clear()
    with pytest.raises(peewee.IntegrityError):
        Ticket.create(code=ticket.code)
    assert left(outbox) == []


def test_conditions_are_asked_with_the_object(outbox: Outbox) -> None:
    document = Document.create(draft=True)
    outbox.writes.clear()
    document.save()
    assert left(outbox) == ["publish"]


def test_in_a_transaction_the_calls_wait_and_after_commit_comes_once(sqlite: Any, outbox: Outbox) -> None:
    with sqlite.atomic():
        document = Document.create()
        document.save()
        document.save()
        assert left(outbox) == []
    assert left(outbox) == ["welcome", "publish", "refresh", "refresh"]


def test_what_is_rolled_back_sends_nothing_and_leaves_no_note(sqlite: Any, outbox: Outbox) -> None:
    with sqlite.atomic():
        document = Document.create()
        with suppress(ZeroDivisionError), sqlite.atomic():
            document.save()
            raise ZeroDivisionError
    assert left(outbox) == ["welcome", "publish"]
    with suppress(ZeroDivisionError), sqlite.atomic():
        document.save()
        raise ZeroDivisionError
    assert left(outbox) == []
    with sqlite.atomic():
        document.save()
    assert left(outbox) == ["refresh", "publish"]


def test_what_is_skipped_is_not_sent(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Document, "welcome"):
        Document.create()
    assert left(outbox) == ["publish"]


def test_playhouse_s_signals_go_on_as_before(outbox: Outbox) -> None:
    heard: list[bool] = []

    @post_save(sender=Loud)  # type: ignore[untyped-decorator] # peewee has no types
    def hear(_model: Any, _instance: Any, created: bool) -> None:
        heard.append(created)

    loud = Loud.create()
    loud.save()
    assert heard == [True, False]
    assert left(outbox) == ["shout"]


def test_a_save_says_what_it_always_said(outbox: Outbox) -> None:
    assert Document().save() == 1
    assert Ticket().save(force_insert=True) == 1
    assert Ticket.get().save() is False
    assert Ticket(code=UUID(int=9), seat=1).save() == 0
