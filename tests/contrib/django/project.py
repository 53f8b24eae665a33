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
    try:
        for alias, database in filled.items():
            _set(alias, database)
            if alias in given and not database["TEST"]["MIRROR"]:
                with connections[alias].schema_editor() as editor:
                    for model in models:
                        editor.create_model(model)
        yield
    finally:
        asyncio.run(sync_to_async(connections.close_all)())  # of the thread in which coroutines use databases
        for alias, database in before.items():
            _set(alias, database)


def _set(alias: str, database: dict[str, Any]) -> None:
    connections[alias].close()
    connections.settings[alias] = database
    del connections[alias]
