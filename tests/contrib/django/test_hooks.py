"""Saves send what the model's hooks ask for, when they are committed."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.core.serializers.base import DeserializedObject
from django.db import models
from django.db.transaction import atomic, set_rollback

import ayl
from ayl.errors import NotRegistered
from tests.contrib.django import project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class Indexed:
    """Hooks may come from a class that is no model."""

    @ayl.ayl_after_commit
    def reindex(self) -> None: ...


@ayl.model("hooked.Book")
class Book(Indexed, models.Model):
    """A hook of each kind."""

    title = models.CharField(max_length=50)

    class Meta:
        app_label = "hooked"

    @ayl.ayl_after_create
    def greet(self) -> None: ...

    @ayl.ayl_after_update(if_=lambda book: book.title != "draft", options={"delay": 5})
    def review(self) -> None: ...


@ayl.model("hooked.Novel")
class Novel(Book):
    """A child of its own table."""

    class Meta:
        app_label = "hooked"


@ayl.model("hooked.Classic")
class Classic(Book):
    """A proxy."""

    class Meta:
        proxy = True
        app_label = "hooked"


class Unknown(models.Model):
    """It has a hook and is not registered."""

    class Meta:
        app_label = "hooked"

    @ayl.ayl_after_save
    def reindex(self) -> None: ...


class Plain(models.Model):
    """It has none, and is none of ours."""

    class Meta:
        app_label = "hooked"


@pytest.fixture(autouse=True)
def _sqlite(tmp_path: Path) -> Iterator[None]:
    with project.databases(
        [Book, Novel, Unknown, Plain], default=project.sqlite(tmp_path), archive=project.sqlite(tmp_path, "archive")
    ):
        yield


def sent(outbox: Outbox) -> list[tuple[str, str]]:
    """The classes and methods of what was sent since the last time."""
    found = [(message.on["$ref"][0].removeprefix("hooked."), message.do) for message in outbox.messages]
    outbox.writes.clear()
    return found


def test_saves_send_what_the_hooks_ask_for(outbox: Outbox) -> None:
    book = Book.objects.create(title="draft")
    assert sent(outbox) == [("Book", "reindex"), ("Book", "greet")]
    book.save()
    assert sent(outbox) == [("Book", "reindex")]
    book.title = "Emma"
    book.save(update_fields=["title"])
    assert [submission.delay for submission in outbox.submissions] == [0, 5]
    assert sent(outbox) == [("Book", "reindex"), ("Book", "review")]


def test_managers_save_too(outbox: Outbox) -> None:
    book, _ = Book.objects.get_or_create(title="Emma")
    assert sent(outbox) == [("Book", "reindex"), ("Book", "greet")]
    Book.objects.get_or_create(title="Emma")
    assert sent(outbox) == []
    Book.objects.update_or_create(pk=book.pk, defaults={"title": "Persuasion"})
    assert sent(outbox) == [("Book", "reindex"), ("Book", "review")]
    asyncio.run(Book.objects.acreate(title="Emma"))
    assert sent(outbox) == [("Book", "reindex"), ("Book", "greet")]


def test_what_a_hook_sends_waits_for_the_commit_and_is_sent_once_where_it_asks_for_that(outbox: Outbox) -> None:
    with atomic():
        book = Book.objects.create(title="Emma")
        book.save()
        book.save()
        assert not outbox.writes
    assert sent(outbox) == [("Book", "reindex"), ("Book", "greet"), ("Book", "review"), ("Book", "review")]


def test_what_is_rolled_back_sends_nothing(outbox: Outbox) -> None:
    with atomic():
        book = Book.objects.create(title="draft")
        with atomic():
            book.save()
            Book.objects.create(title="Emma")
            set_rollback(True)
    assert sent(outbox) == [("Book", "reindex"), ("Book", "greet")]
    with atomic():
        with atomic():
            book.save()
            set_rollback(True)
        book.save()
    assert sent(outbox) == [("Book", "reindex")], "the note of the first went with it"


def test_the_transaction_of_the_database_that_was_saved_to_counts(outbox: Outbox) -> None:
    with atomic():
        Book.objects.using("archive").create(title="Emma")
        with atomic("archive"):
            Book.objects.using("archive").create(title="Persuasion")
            set_rollback(True, using="archive")
    assert len(sent(outbox)) == 2


def test_a_child_and_a_proxy_report_themselves(outbox: Outbox) -> None:
    Novel.objects.create(title="Emma")
    assert sent(outbox) == [("Novel", "reindex"), ("Novel", "greet")]
    Classic.objects.create(title="Emma")
    assert sent(outbox) == [("Classic", "reindex"), ("Classic", "greet")]


def test_fixtures_send_nothing(outbox: Outbox) -> None:
    DeserializedObject(Book(pk=1, title="Emma")).save()  # as `manage.py loaddata` does
    assert Book.objects.count() == 1
    assert sent(outbox) == []


def test_what_django_sends_no_signal_of_sends_nothing(outbox: Outbox) -> None:
    Book.objects.bulk_create([Book(title="Emma")])
    books = [*Book.objects.all()]
    Book.objects.bulk_update(books, ["title"])
    Book.objects.update(title="Persuasion")
    assert sent(outbox) == []


def test_hooks_can_be_skipped(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Book, "greet"):
        Book.objects.create(title="Emma")
    assert sent(outbox) == [("Book", "reindex")]
    with ayl.skip_ayl_callbacks():
        Book.objects.create(title="Emma")
    assert sent(outbox) == []


def test_a_model_without_hooks_is_left_alone_and_one_that_is_not_registered_says_so(outbox: Outbox) -> None:
    Plain.objects.create()
    with pytest.raises(NotRegistered, match=r"Unknown is not registered; decorate it with @ayl\.model"):
        Unknown.objects.create()
    assert not outbox.writes


def run(code: str) -> Any:
    """What a fresh process prints last, as JSON."""
    done = subprocess.run([sys.executable, "-c", PROJECT + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


PROJECT = """
import json
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
import django; django.setup()
from django.db import connection, migrations, models
import ayl
ayl.configure(app="shop", engine="synchronous")
calls = []

class Indexed:
    @ayl.ayl_after_save
    def reindex(self):
        calls.append(self.pk)
"""


def test_the_first_save_of_a_process_sends_already() -> None:
    code = """
@ayl.model("shop.Order")
class Order(Indexed, models.Model):
    class Meta:
        app_label = "shop"

with connection.schema_editor() as editor:
    editor.create_model(Order)
Order().save()
print(json.dumps(calls))
"""
    assert run(code) == [1]


def test_what_a_migration_saves_sends_nothing() -> None:
    code = """
from django.db.migrations.state import ProjectState

def fill(apps, editor):
    Order = apps.get_model("shop", "Order")
    assert issubclass(Order, Indexed)
    Order.objects.create()

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Order", [("id", models.AutoField(primary_key=True))], bases=(Indexed, models.Model)),
        migrations.RunPython(fill),
    ]

@ayl.model("shop.Item")
class Item(Indexed, models.Model):
    class Meta:
        app_label = "shop"

with connection.schema_editor() as editor:
    Migration("0001", "shop").apply(ProjectState(), editor)
print(json.dumps(calls))
"""
    assert run(code) == []
