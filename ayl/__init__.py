"""ayl ("At Your Leisure"): any object's method call, made later by a worker.

resident.ayl_send("clear_stay", 3, stay)

The public names are those below; everything else may change.
"""

import sys
from importlib import import_module

from ayl import forks  # noqa: F401 - watches over the imports that follow

TYPE_CHECKING = False  # to type checkers it is what it is in typing, which a supervisor of workers does without
if TYPE_CHECKING:
    from ayl.batches import batch
    from ayl.errors import AylError, Bury, Decay
    from ayl.handle import Handle, State
    from ayl.hooks import ayl_after_commit, ayl_after_create, ayl_after_save, ayl_after_update, skip_ayl_callbacks
    from ayl.notifications import on_bury, on_failure, on_unreachable
    from ayl.options import Options
    from ayl.registry import task
    from ayl.running import Running, current
    from ayl.sendable import Sendable, model
    from ayl.sending import asend, ayl_send, ayl_send_opts, opts, send, send_many
    from ayl.settings import configure
    from ayl.surroundings import middleware
    from ayl.treatments import rules
    from ayl.upgrades import Call, upgrade
    from ayl.values import value

__version__ = "0.1.0"

__all__ = [
    "AylError",
    "Bury",
    "Call",
    "Decay",
    "Handle",
    "Options",
    "Running",
    "Sendable",
    "State",
    "asend",
    "ayl_after_commit",
    "ayl_after_create",
    "ayl_after_save",
    "ayl_after_update",
    "ayl_send",
    "ayl_send_opts",
    "batch",
    "configure",
    "current",
    "middleware",
    "model",
    "on_bury",
    "on_failure",
    "on_unreachable",
    "opts",
    "rules",
    "send",
    "send_many",
    "skip_ayl_callbacks",
    "task",
    "upgrade",
    "value",
]

_HOMES = {
    "batches": ("batch",),
    "errors": ("AylError", "Bury", "Decay"),
    "handle": ("Handle", "State"),
    "hooks": ("ayl_after_commit", "ayl_after_create", "ayl_after_save", "ayl_after_update", "skip_ayl_callbacks"),
    "notifications": ("on_bury", "on_failure", "on_unreachable"),
    "options": ("Options",),
    "registry": ("task",),
    "running": ("Running", "current"),
    "sendable": ("Sendable", "model"),
    "sending": ("asend", "ayl_send", "ayl_send_opts", "opts", "send", "send_many"),
    "settings": ("configure",),
    "surroundings": ("middleware",),
    "treatments": ("rules",),
    "upgrades": ("Call", "upgrade"),
    "values": ("value",),
}
"""Modules and what is public of them: each is loaded when it is first used. So code that only declares classes and
functions starts quickly, and a process that keeps workers and makes no calls stays small.
"""

if not TYPE_CHECKING:  # to a type checker this would be a module that has every name

    def __getattr__(name: str) -> object:
        for home, names in _HOMES.items():
            if name in names:
                found = getattr(import_module(f"ayl.{home}"), name)
                setattr(sys.modules[__name__], name, found)  # from now on without a detour
                return found
        raise AttributeError(f"module 'ayl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*vars(sys.modules[__name__]), *__all__})
