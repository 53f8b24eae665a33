"""ayl as a Django app: `INSTALLED_APPS += ["ayl.contrib.django"]` and the setting `AYL`."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

import ayl
from ayl.engines import engine_for
from ayl.errors import InvalidOption, NotConfigured

EXAMPLE = 'AYL = {"app": "shop", "version": "1.4.2"}'


class AylConfig(AppConfig):
    """Hands the setting `AYL` to `ayl.configure`."""

    name = "ayl.contrib.django"
    label = "ayl"
    verbose_name = "ayl"

    def ready(self) -> None:
        """Raises ImproperlyConfigured for an unknown name or a value that makes no sense."""
        given = getattr(settings, "AYL", {})
        if not isinstance(given, Mapping):
            raise ImproperlyConfigured(f"the setting AYL is a dict such as {EXAMPLE}, not {given!r}")
        names = signature(ayl.configure).parameters
        for name in given:
            if name not in names:
                close = get_close_matches(str(name), names, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
                raise ImproperlyConfigured(f"unknown name {name!r} in the setting AYL; {hint}")
        try:
            engine_for(ayl.configure(**given))  # which looks at its URL, and asks no server
        except (NotConfigured, InvalidOption) as error:
            raise ImproperlyConfigured(f"the setting AYL: {error}") from error
