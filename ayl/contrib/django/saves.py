"""Model hooks hear of saves."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from typing import Any

from django.db.models.signals import post_save

from ayl.hooks import hooks_of, saved
from ayl.sendable import COPIES


def watch_saves() -> None:
    """From now on `Model.save()` sends what the model's hooks ask for."""
    post_save.connect(_report, dispatch_uid=__name__)


def _report(sender: type, instance: Any, created: bool, raw: bool = False, **_rest: Any) -> None:
    """`raw` are fixtures: what they load was saved elsewhere. Migrations save copies of models."""
    if not raw and hooks_of(sender) and sender.__module__ not in COPIES:
        saved(instance, created=created)
