"""What peewee's models write: whether an instance has a row, and the model hooks (`ayl.hooks`).

Peewee keeps no note of whether an instance was ever written. An instance that was loaded, or inserted with
`save()` or `create()`, has no change pending in its key; a key that was given by hand stays such a change through
`bulk_create()` and through a `save()` that updates a row. These two leave a note of ours.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import peewee

from ayl.hooks import hooks_of, saved

WRITTEN = "_ayl_written"
"""In an instance's `__dict__`: the key under which it was written last, where peewee keeps no note of that."""


def is_known(obj: Any) -> bool:
    """Whether the instance was written or loaded under the key that it has."""
    return not _by_hand(obj) or vars(obj).get(WRITTEN) == obj._pk


def _by_hand(obj: Any) -> bool:
    meta = obj._meta
    names = meta.primary_key.field_names if meta.composite_key else (meta.primary_key.name,)
    return not obj._dirty.isdisjoint(names)


def _note(obj: Any) -> None:
    if obj._meta.primary_key is not False and _by_hand(obj):
        vars(obj)[WRITTEN] = obj._pk


def _noting_save(save: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(save)
    def noting(self: Any, force_insert: bool = False, *args: Any, **kwargs: Any) -> Any:
        created = force_insert or self._pk is None  # what makes peewee insert a row
        rows = save(self, force_insert, *args, **kwargs)
        if rows:
            _note(self)
            if hooks_of(type(self)):
                saved(self, created=created)
        return rows

    return noting


def _noting_bulk_create(bulk_create: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(bulk_create)
    def noting(cls: Any, model_list: Any, *args: Any, **kwargs: Any) -> Any:
        result = bulk_create(cls, model_list, *args, **kwargs)
        if isinstance(model_list, Sequence):  # of a generator nobody has the instances
            for obj in model_list:
                _note(obj)
        return result

    return noting


FOLLOWED: dict[str, Callable[[Any], Any]] = {
    "save": _noting_save,
    "bulk_create": lambda method: classmethod(_noting_bulk_create(method.__func__)),
}
"""The methods of every model, and what follows them."""


def follow() -> None:
    """From now on what models write is noted."""
    for name, following in FOLLOWED.items():
        setattr(peewee.Model, name, following(vars(peewee.Model)[name]))
