"""The app's own modules, imported because an operator names them: they register what may be called."""

import logging
import sys
from collections.abc import Iterable
from importlib import import_module

from ayl import settings as configuration
from ayl.errors import AylError
from ayl.settings import Settings

log = logging.getLogger("ayl.worker")


class CannotLoad(AylError):
    """The app's modules cannot be imported."""


def load(app_path: str, require: Iterable[str]) -> Settings:
    """Import these modules from that directory, where `ayl.toml` is looked for, too; the settings. Raises AylError."""
    sys.path.insert(0, app_path)
    configuration.look_in(app_path)
    for name in require:
        try:
            import_module(name)
        except BaseException as error:  # a module that ends the process has not been loaded either
            log.exception("cannot import %s", name)
            raise CannotLoad(
                f"cannot import the module {name!r} from {app_path}: {error!r}{_not_a_file(name)}"
            ) from error
    return configuration.current()


def _not_a_file(name: str) -> str:
    if not (name.endswith(".py") or "/" in name):
        return ""
    module = name.removesuffix(".py").strip("./").replace("/", ".")
    return f"; a module is named as in an import, not as a file: --require {module}"
