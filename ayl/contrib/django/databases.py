"""Which of Django's databases an object lives in."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connections


def home(obj: Any) -> str:
    """The alias of the database that `obj` was read from or saved to; of a mirror, that of what it mirrors.

    What is read from a replica lives in the primary: there it is changed, and a worker finds it as it is. Django is
    told which is which by `DATABASES[alias]["TEST"]["MIRROR"]`.
    """
    alias = obj._state.db or DEFAULT_DB_ALIAS
    mirrored = connections.settings.get(alias, {}).get("TEST", {}).get("MIRROR")
    return cast("str", mirrored or alias)
