"""The Django project of the tests: one for the process, with the databases that each test gives it."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NOWHERE = {"ENGINE": "django.db.backends.dummy"}


def set_up() -> None:
    """Configure Django, unless that was done."""
    if not settings.configured:
        settings.configure(
            DATABASES={"default": dict(NOWHERE), "archive": dict(NOWHERE), "replica": dict(NOWHERE)},
            INSTALLED_APPS=["ayl.contrib.django", "tests.contrib.django.market"],
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=True,
            LOGGING_CONFIG=None,  # Django's would stay for the other tests of the process
        )
        django.setup()


def sqlite(directory: Path, name: str = "default") -> dict[str, Any]:
    """A database in a file."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / f"{name}.sqlite")}


def postgresql(place: dict[str, str]) -> dict[str, Any]:
    """The database that the fixture `postgres` has made."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": place["dbname"],
        "USER": place["user"],
        "HOST": place["host"],
    }


@contextmanager
def databases(models: Sequence[Any], **given: dict[str, Any]) -> Iterator[None]:
    """Within this span each alias stands for that database, which has the tables of these models."""
    filled = connections.configure_settings({"default": dict(NOWHERE)} | given)
    before = {alias: connections.settings[alias] for alias in filled}
    _forget_connections()
    connections.settings.update(filled)
    try:
        for alias in given:
            if not filled[alias]["TEST"]["MIRROR"]:
                with connections[alias].schema_editor() as editor:
                    for model in models:
                        editor.create_model(model)
        yield
    finally:
        _forget_connections()
        asyncio.run(sync_to_async(_forget_connections)())  # those of the thread in which coroutines use databases
        connections.settings.update(before)


def _forget_connections() -> None:
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
