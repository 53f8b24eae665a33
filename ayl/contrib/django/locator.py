"""Model instances <-> keys.

A key is the primary key, as a tuple if it has several columns. For an object of another database than `default`, the
key is a pair of the database's alias, marked, and that: `("@archive", 42)`.
"""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, DataError, connections

from ayl.contrib.django.databases import home
from ayl.errors import CannotRun, NotSaved
from ayl.registry import registry

ALIAS = "@"
"""What an alias in a key begins with."""

PLAIN = frozenset({str, int, float, bytes, Decimal, UUID, datetime, date, time, timedelta})
"""Keys that travel as they are; others as the text that Django's fixtures have for them."""

IMPOSSIBLE = (ValidationError, DataError, OverflowError, TypeError, ValueError)
"""What looking for a key raises that no row can have: to try again would not help."""

COLUMNS_AT_ONCE = 500
"""Values in one query, well below what any database takes (SQLite as Django sees it: 999)."""


class DjangoLocator:
    """Finds model instances."""

    def identify(self, obj: Any) -> object:
        if obj._state.adding:
            raise NotSaved(f"is of type {type(obj).__qualname__} and has no row yet: save() it before sending")
        parts = [_part(obj, field) for field in _key_fields(type(obj))]
        key = parts[0] if len(parts) == 1 else tuple(parts)
        alias = home(obj)
        return key if alias == DEFAULT_DB_ALIAS and not _has_alias(key) else (ALIAS + alias, key)

    def find(self, cls: type, keys: Sequence[object], opened: None) -> list[object | None]:
        wanted: dict[str, dict[int, object]] = defaultdict(dict)
        for number, key in enumerate(keys):
            alias, own = _split(cls, key)
            wanted[alias][number] = _understood(cls, own)
        found: dict[int, object] = {}
        for alias, numbered in wanted.items():
            found |= _found(cls, alias, numbered)
        return [found.get(number) for number in range(len(keys))]

    def open(self, stack: ExitStack) -> None:
        """Nothing to prepare: Django connects when it is asked something."""


# Naming


def _key_fields(cls: Any) -> Sequence[Any]:
    meta = cls._meta
    fields: Sequence[Any] = getattr(meta, "pk_fields", None) or [meta.pk]  # Django 5.1 has no composite keys
    return fields


def _part(obj: Any, field: Any) -> object:
    """The value of one column of the key, without a query: what is not loaded is not in the instance's dict."""
    kind = type(obj).__qualname__
    try:
        value = vars(obj)[field.attname]
    except KeyError:
        raise NotSaved(f"is of type {kind} and its {field.attname} is not loaded: load it before sending") from None
    if value is None:
        raise NotSaved(f"is of type {kind} and has no {field.attname}: it was deleted, or its key was taken from it")
    # str() would leave a subclass of str (mark_safe) as it is.
    return value if type(value) in PLAIN else str.__str__(field.value_to_string(obj))


def _has_alias(key: object) -> bool:
    return isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str) and key[0].startswith(ALIAS)


# Finding


def _split(cls: type, key: object) -> tuple[str, object]:
    """The alias of the database, and the primary key; CannotRun if there is no such database here."""
    if not (isinstance(key, tuple) and _has_alias(key)):
        return DEFAULT_DB_ALIAS, key
    alias = key[0].removeprefix(ALIAS)
    if alias not in connections.settings:
        raise CannotRun(f"{registry.model_names[cls]} {key[1]!r} is in the database {alias!r}, and DATABASES has none")
    return alias, key[1]


def _understood(cls: Any, key: object) -> object:
    """The key as the values that Django has of such fields; CannotRun for one that none can have."""
    if cls._meta.abstract:
        raise CannotRun(f"{registry.model_names[cls]} is an abstract model, of which there are no instances")
    fields = _key_fields(cls)
    if len(fields) == 1:
        return _converted(cls, fields[0], key)
    if not isinstance(key, tuple) or len(key) != len(fields):
        raise _impossible(cls, key, f"its key has {len(fields)} parts")
    return tuple(_converted(cls, field, part) for field, part in zip(fields, key, strict=True))


def _converted(cls: type, field: Any, value: object) -> object:
    if type(value) not in PLAIN:
        raise _impossible(cls, value, f"a {type(value).__name__}")
    try:
        converted: object = field.to_python(value)
    except IMPOSSIBLE as error:
        raise _impossible(cls, value, error) from error
    # Fields make 5 of 5.7 and text of bytes; the object of that key would be another one.
    if (isinstance(value, (float, Decimal)) and value != converted and not isinstance(converted, str)) or (
        isinstance(value, bytes) and isinstance(converted, str)
    ):
        raise _impossible(cls, value, f"{field.attname} would be {converted!r}")
    return converted


def _impossible(cls: type, key: object, why: object) -> CannotRun:
    return CannotRun(f"no {registry.model_names[cls]} can have the key {key!r}: {why}")


def _found(cls: Any, alias: str, wanted: Mapping[int, object]) -> dict[int, object]:
    """The objects of these keys, under the keys' numbers."""
    if len(wanted) == 1:
        return _one_by_one(cls, alias, wanted)
    try:
        found = {row.pk: row for row in _rows(cls, alias, [*dict.fromkeys(wanted.values())])}
    except IMPOSSIBLE:
        return _one_by_one(cls, alias, wanted)  # which of them it is
    result = {number: found[key] for number, key in wanted.items() if key in found}
    missing = {number: key for number, key in wanted.items() if key not in found}
    if missing and found.keys() - wanted.values():
        # Some came under another spelling than they were asked for: the database takes "Ab" for "ab", say.
        result |= _one_by_one(cls, alias, missing)
    return result


def _rows(cls: Any, alias: str, keys: Sequence[object]) -> Iterator[Any]:
    at_once = COLUMNS_AT_ONCE // len(_key_fields(cls))
    for start in range(0, len(keys), at_once):
        yield from cls._base_manager.using(alias).filter(pk__in=keys[start : start + at_once])


def _one_by_one(cls: Any, alias: str, wanted: Mapping[int, object]) -> dict[int, object]:
    result = {}
    for number, key in wanted.items():
        try:
            for row in cls._base_manager.using(alias).filter(pk=key)[:1]:
                result[number] = row
        except IMPOSSIBLE as error:
            raise _impossible(cls, key, error) from error
    return result
