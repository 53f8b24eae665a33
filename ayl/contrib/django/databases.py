"""Which databases there are for an object, and for this thread."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

import threading
from collections.abc import Collection
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created


def home(obj: Any) -> str:
    """The alias of the database that `obj` was read from or saved to; of a mirror, that of what it mirrors.

    What is read from a replica lives in the primary: there it is changed, and a worker finds it as it is. Django is
    told which is which by `DATABASES[alias]["TEST"]["MIRROR"]`.
    """
    alias = obj._state.db or DEFAULT_DB_ALIAS
    mirrored = connections.settings.get(alias, {}).get("TEST", {}).get("MIRROR")
    return cast("str", mirrored or alias)


class _Known(threading.local):
    connections: dict[int, Any] | None = None


_known = _Known()


def of_this_thread() -> Collection[Any]:
    """The connections that this thread has made, for a look at each send: Django's own list takes ten times as long.

    Those that were made before anybody asked are looked up once; of the others Django tells. Some may be out of use.
    """
    if _known.connections is None:
        if not settings.configured:
            return ()
        _known.connections = {id(connection): connection for connection in connections.all(initialized_only=True)}
    return _known.connections.values()


def _note(connection: Any, **_rest: Any) -> None:
    if _known.connections is not None:
        _known.connections[id(connection)] = connection


connection_created.connect(_note, dispatch_uid=__name__)
