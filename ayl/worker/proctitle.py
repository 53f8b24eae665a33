"""The title of this process, by the library setproctitle if it is there: the extra `ayl[titles]`."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

TYPE_CHECKING = False  # as in the supervisor
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


NAME = "ayl_worker"
"""What a worker is called unless it is given a name."""


def setter(name: str) -> Callable[[str], None] | None:
    """What gives this process, of the worker with that name, a title; None if that cannot be had."""
    try:
        library = _library()
    except ImportError:
        return None
    # Its own name comes second: what looks for workers finds them all by the first word.
    whose = NAME if name == NAME else f"{NAME} {name}"
    return lambda text: library.setproctitle(f"{whose}: {text}")


def _library() -> ModuleType:
    """Its compiled part by itself does it all. Around it is a module that loads logging, to say that this part is
    missing: more than a megabyte for a supervisor, which has no logging otherwise.
    """
    if "logging" not in sys.modules and (compiled := _compiled()) is not None:
        return compiled
    import setproctitle

    return setproctitle


def _compiled() -> ModuleType | None:
    package = PathFinder.find_spec("setproctitle")
    places = None if package is None else package.submodule_search_locations
    spec = None if places is None else PathFinder.find_spec("_setproctitle", places)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
