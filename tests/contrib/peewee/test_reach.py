"""Registering a model lets messages call what its author wrote, and nothing that peewee brings along."""

# mypy: disable-error-code="no-untyped-call"
# Peewee brings types for some of it.

from __future__ import annotations

from inspect import getattr_static
from typing import Any

import peewee
import pytest
from playhouse.signals import Model as SignalModel  # type: ignore[import-untyped]

import ayl
from ayl.calling import perform
from ayl.errors import CannotRun, NotCallable
from tests.ayl.conftest import written

from .models import Bill, Order

BROUGHT = [name for name in dir(SignalModel) if not name.startswith("_")]


@pytest.mark.parametrize("name", BROUGHT)
def test_what_peewee_brings_cannot_be_sent_nor_run(name: str, sqlite: Any, outbox: object) -> None:
    bill = Bill.create(order=Order.create())
    for receiver, on in ((bill, ["peewee.Bill", 1]), (Bill, ["peewee.Bill"])):
        with pytest.raises(NotCallable, match=name):
            ayl.ayl_send(receiver, name)
        with pytest.raises(CannotRun, match=name):
            perform(written(on={"$ref": on}, do=name))
    assert Bill.table_exists()
    assert Bill.select().count() == 1


def test_among_these_are_some_that_do_harm() -> None:
    assert {"drop_table", "truncate_table", "delete_by_id", "delete_instance", "save", "raw"} <= {*BROUGHT}
    assert isinstance(getattr_static(peewee.Model, "drop_table"), classmethod)


def test_what_an_author_overrides_is_his_own(sqlite: Any, outbox: object) -> None:
    @ayl.model("reach.Order")
    class Careful(Order):
        def delete_instance(self, recursive: bool = False, delete_nullable: bool = False) -> Any:
            return super().delete_instance(recursive, delete_nullable)

    sqlite.create_tables([Careful])
    assert ayl.ayl_send(Careful.create(), "delete_instance").state is ayl.State.SUBMITTED
