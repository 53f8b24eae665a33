"""Instances of models: named by their primary key, found in one query for each class."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import peewee

from ayl.contrib.peewee.connections import Connections
from ayl.contrib.peewee.saves import is_known
from ayl.contrib.peewee.waiting import behind_proxies
from ayl.errors import CannotRun, NotConfigured, NotRegistered, NotSaved
from ayl.registry import registry

IMPOSSIBLE = (peewee.DataError, OverflowError, TypeError, ValueError)
"""What looking for a key raises that no row can have: to try again would not help."""

NO_KEYS = (list, tuple, dict, set, frozenset, range, type, peewee.Node, type(None))
"""Values that peewee would take for a list, an expression or an absence."""

TOGETHER = 100
"""Keys in one query; SQLite takes conditions of 1,000 parts."""

SELECT = vars(peewee.Model)["select"].__func__
"""Peewee's own, given the class: one of its own may hide rows, and who was named is meant."""


class PeeweeLocator:
    """Finds instances of models."""

    def identify(self, obj: Any) -> object:
        kind = type(obj).__qualname__
        if obj._meta.primary_key is False:
            raise NotRegistered(
                f"is of type {kind}, whose table has no primary key, so that none of its rows can be named: give it one"
            )
        key = obj._pk  # of a foreign key the bare number, without a query
        if key is None or (isinstance(key, tuple) and None in key):
            raise NotSaved(f"is of type {kind} and has no key: save() it before sending, or select its key too")
        if not is_known(obj):
            raise NotSaved(
                f"is of type {kind} and was given its key {key!r} by hand, and not saved since: "
                "save(force_insert=True) it before sending, or get() it from the database"
            )
        return key

    def find(self, cls: Any, keys: Sequence[object], opened: Connections) -> list[object | None]:
        wanted = [_possible(cls, key) for key in keys]
        opened.use(_database(cls))
        found: list[object | None] = []
        for start in range(0, len(wanted), TOGETHER):
            try:
                found += _together(cls, wanted[start : start + TOGETHER])
            except IMPOSSIBLE as error:
                raise _impossible(cls, keys, error) from error
        return found

    def open(self, stack: ExitStack) -> Connections:
        return Connections(stack)


def _database(cls: Any) -> Any:
    database = behind_proxies(cls._meta.database)
    if database is None:
        raise NotConfigured(
            f"the model {registry.model_names[cls]} has no database here; in the module that the worker loads, "
            "initialize its DatabaseProxy or bind it: database.bind([…])"
        )
    if hasattr(database, "aexecute_sql"):
        raise NotConfigured(
            f"the model {registry.model_names[cls]} is bound to an asyncio database, and a worker finds objects before "
            "any event loop runs: in the module that the worker loads, bind it to an ordinary one"
        )
    return database


# Keys


def _possible(cls: Any, key: object) -> object:
    """The key as peewee gives it back from the database; CannotRun if no row can have it."""
    primary = cls._meta.primary_key
    if primary is False:
        raise CannotRun(f"the table of {registry.model_names[cls]} has no primary key, so no row can be named")
    if not cls._meta.composite_key:
        return _part(cls, primary, key, key)
    names = primary.field_names
    if not isinstance(key, (tuple, list)) or len(key) != len(names):
        raise CannotRun(f"a key of {registry.model_names[cls]} has {len(names)} parts, {', '.join(names)}; not {key!r}")
    return tuple(_part(cls, cls._meta.fields[name], part, key) for name, part in zip(names, key, strict=True))


def _part(cls: Any, field: Any, part: object, key: object) -> object:
    if isinstance(part, NO_KEYS):
        raise _impossible(cls, [key], f"{field.name} is not {part!r}")
    while isinstance(field, peewee.ForeignKeyField):
        field = field.rel_field
    try:
        value = field.python_value(field.db_value(part))
    except Exception as error:  # whatever a field raises: it has not come to the database yet
        raise _impossible(cls, [key], error) from error
    if isinstance(field, peewee.IntegerField) and not isinstance(value, int):
        raise _impossible(cls, [key], f"{field.name} is a whole number")  # peewee leaves that to the database
    return value


def _impossible(cls: Any, keys: Sequence[object], why: object) -> CannotRun:
    shown = ", ".join(repr(key) for key in keys[:3]) + (", …" if len(keys) > 3 else "")
    return CannotRun(f"no {registry.model_names[cls]} can have the key {shown}: {why}")


# Rows


def _together(cls: Any, keys: Sequence[object]) -> list[object | None]:
    """The instances of these keys, in one query."""
    primary = cls._meta.primary_key
    if len(keys) == 1 or cls._meta.composite_key:
        # Not `a | b | c`: peewee writes that as parentheses in parentheses, which overflows SQLite's parser.
        condition = peewee.NodeList([primary == key for key in keys], " OR ", True)
    else:
        condition = primary.in_(keys)
    rows = list(SELECT(cls).where(condition))
    if len(keys) == 1:
        return [rows[0] if rows else None]
    by_key = {row._pk: row for row in rows}
    found = [by_key.get(key) for key in keys]
    if len(rows) > sum(row in found for row in rows):
        # The database holds for equal what Python does not: "a" and "A", or with blanks at the end.
        return [one or _together(cls, [key])[0] for one, key in zip(found, keys, strict=True)]
    return found


LOCATOR = PeeweeLocator()
