"""Model instances are named by their key and database, and without a query."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe

import ayl
from ayl import references
from ayl.contrib.django.locator import DjangoLocator
from ayl.errors import NotCallable, NotSaved

from .market.models import Gift, Line, Order, Pair, Room, Ticket, Urgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox

pytestmark = pytest.mark.usefixtures("sqlite")


@ayl.task("naming.note_order")
def note_order(order: Order) -> None: ...


def named(obj: Any, outbox: Outbox) -> Any:
    """What a message says of the object; naming it asks no database anything."""
    with CaptureQueriesContext(connection) as queries:
        obj.ayl_send("ship", obj)
    assert not queries.captured_queries
    message = outbox.messages[-1]
    assert message.args == [message.on]
    return message.on["$ref"]


def pair(*parts: Any) -> dict[str, Any]:
    return {"$t": ["tuple", [*parts]]}


def test_a_saved_instance_is_named_by_its_primary_key(outbox: Outbox) -> None:
    order = Order.objects.create(note="socks")
    assert named(order, outbox) == ["market.Order", order.pk]


def test_a_lazy_object_is_named_as_what_it_stands_for(outbox: Outbox) -> None:
    order = Order.objects.create(note="socks")
    user = SimpleLazyObject(lambda: Order.objects.get(pk=order.pk))  # as request.user is one
    order.ayl_send("ship", user)
    user.ayl_send("ship", user)
    ayl.send(user.ship, user)
    ayl.ayl_send(user, "ship", user)
    reference = {"$ref": ["market.Order", order.pk]}
    assert [message.on for message in outbox.messages] == [reference] * 4
    assert [message.args for message in outbox.messages] == [[reference]] * 4


def test_a_lazy_object_waits_for_the_commit_of_what_it_stands_for(outbox: Outbox) -> None:
    there = Order.objects.using("archive").create(id=42)
    with transaction.atomic(using="archive"), transaction.atomic():
        ayl.send(note_order, SimpleLazyObject(lambda: there))
        transaction.set_rollback(True)  # of default
    assert len(outbox.messages) == 1


def test_an_instance_of_another_database_is_named_with_its_alias(outbox: Outbox) -> None:
    order = Order.objects.using("archive").create(id=42)
    assert named(order, outbox) == ["market.Order", pair("@archive", 42)]


def test_what_was_read_from_a_mirror_is_named_as_what_it_mirrors(outbox: Outbox) -> None:
    Order.objects.create(id=42)
    order = Order.objects.using("replica").get()
    assert named(order, outbox) == ["market.Order", 42]


def test_a_composite_key_travels_whole_and_in_order(outbox: Outbox) -> None:
    order = Order.objects.create(id=42)
    assert named(Line.objects.create(order=order, number=3), outbox) == ["market.Line", pair(42, 3)]
    Order.objects.using("archive").create(id=42)
    there = Line.objects.using("archive").create(order_id=42, number=3)
    assert named(there, outbox) == ["market.Line", pair("@archive", pair(42, 3))]


def test_a_key_that_looks_like_an_alias_is_told_apart(outbox: Outbox) -> None:
    there = Pair.objects.create(left="@archive", right=1)
    assert named(there, outbox) == ["market.Pair", pair("@default", pair("@archive", 1))]


@pytest.mark.parametrize("kept", ["key", "note"])
def test_a_deferred_instance_is_named_without_loading_it(kept: str, outbox: Outbox) -> None:
    order = Order.objects.create(id=42, note="socks")
    Line.objects.create(order=order, number=3, note="red")
    assert named(Order.objects.only("id" if kept == "key" else kept).get(), outbox) == ["market.Order", 42]
    assert named(Line.objects.only("order_id" if kept == "key" else kept).get(), outbox)[1] == pair(42, 3)


def test_a_proxy_is_named_as_the_proxy(outbox: Outbox) -> None:
    Order.objects.create(id=42)
    assert named(Urgent.objects.get(), outbox) == ["market.Urgent", 42]
    assert named(Order.objects.get(), outbox) == ["market.Order", 42]


def test_a_child_of_another_model_is_named_by_the_key_that_it_shares(outbox: Outbox) -> None:
    gift = Gift.objects.create(wrapping="paper")
    assert named(gift, outbox) == ["market.Gift", gift.pk]
    assert named(Gift.objects.get(), outbox) == ["market.Gift", gift.pk]


@pytest.mark.parametrize("key", [mark_safe("single"), Room.Kind.SINGLE], ids=["safe string", "choice"])
def test_a_key_of_a_class_of_its_own_travels_as_django_would_write_it_down(key: Any, outbox: Outbox) -> None:
    assert named(Room.objects.create(name=key), outbox) == ["market.Room", "single"]


UNSAVED: dict[str, Callable[[], Any]] = {
    "new": lambda: Order(note="socks"),
    "with a key given by hand": lambda: Order(id=9),
    "with a key by default": Ticket,
}


@pytest.mark.parametrize("unsaved", UNSAVED.values(), ids=UNSAVED)
def test_an_instance_that_is_not_saved_is_refused_where_it_is_sent(unsaved: Callable[[], Any], outbox: Outbox) -> None:
    obj = unsaved()
    kind = type(obj).__name__
    with pytest.raises(NotSaved) as caught:
        obj.ayl_send("ship")
    assert str(caught.value) == (f"the receiver is of type {kind} and has no row yet: save() it before sending")
    with pytest.raises(NotSaved, match=rf"^args\[1\]\['who'\] is of type {kind} and has no row yet"):
        ayl.ayl_send([], "insert", 0, {"who": obj})
    assert not outbox.writes


def test_a_ticket_that_is_saved_is_named_by_its_key(outbox: Outbox) -> None:
    key = uuid.uuid4()
    assert named(Ticket.objects.create(id=key), outbox) == ["market.Ticket", {"$t": ["UUID", str(key)]}]


def test_an_instance_that_was_deleted_is_refused(outbox: Outbox) -> None:
    order = Order.objects.create()
    line = Line.objects.create(order=order, number=3)
    line.delete()
    order.delete()
    with pytest.raises(NotSaved, match=r"^the receiver is of type Order and has no id: it was deleted"):
        order.ayl_send("ship")
    with pytest.raises(NotSaved, match=r"^the receiver is of type Line and has no order_id: it was deleted"):
        line.ayl_send("ship")


def test_a_key_that_is_not_loaded_is_not_loaded_for_the_message(outbox: Outbox) -> None:
    order = Order.objects.create()
    del order.id
    with (
        CaptureQueriesContext(connection) as queries,
        pytest.raises(NotSaved, match=r"^the receiver is of type Order and its id is not loaded: load it"),
    ):
        order.ayl_send("ship")
    assert not queries.captured_queries


@pytest.mark.parametrize("name", ["note", "objects", "line_set", "DoesNotExist"])
def test_fields_managers_and_the_like_are_no_methods(name: str, outbox: Outbox) -> None:
    with pytest.raises(NotCallable, match=rf"^market\.Order\.{name} is no method"):
        Order.objects.create().ayl_send(name)


@pytest.mark.parametrize("name", ["delete", "serializable_value", "refresh_from_db"])
def test_methods_of_django_itself_cannot_be_sent(name: str, outbox: Outbox) -> None:
    with pytest.raises(NotCallable, match=rf"^market\.Order\.{name} is not the class's own but django\."):
        Order.objects.create().ayl_send(name)


def test_models_of_peewee_are_not_mistaken_for_django_s() -> None:
    code = """
import peewee
from ayl import references

class Guest(peewee.Model): ...

print([module for mark, module in references.MARKS.items() if hasattr(Guest, mark) and "django" in module])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert isinstance(references.locator_of(Order), DjangoLocator)


def test_a_mixin_declares_models_too_and_leaves_copies_of_migrations_out() -> None:
    code = """
from django.conf import settings
settings.configure(INSTALLED_APPS=["ayl.contrib.django"], DATABASES={"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
import django; django.setup()
from django.db import connection, migrations, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
import ayl
from ayl.registry import registry

class Base(models.Model, ayl.Sendable, ayl_name=None):
    class Meta:
        abstract = True
        app_label = "shop"

class Order(Base, ayl_name="shop.Order"):
    class Meta:
        app_label = "shop"
    def ship(self): ...

class Item(ayl.Sendable, models.Model, ayl_name="shop.Item"):
    class Meta:
        app_label = "shop"
    def ship(self): ...

operation = migrations.CreateModel(*(lambda s: (s.name, [*s.fields.items()], s.options, s.bases))(
    ModelState.from_model(Item)))
migration = type("Migration", (migrations.Migration,), {"operations": [operation]})("0001", "shop")
print(*[line for line in MigrationWriter(migration, include_header=False).as_string().splitlines() if "ayl" in line])
with connection.schema_editor() as editor:
    migration.apply(ProjectState(), editor)
print(sorted(set(registry.models)), Item.objects.create().pk)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "import ayl             bases=(ayl.Sendable, models.Model),",
        "['shop.Item', 'shop.Order'] 1",
    ], done.stdout + done.stderr
