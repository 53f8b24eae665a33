"""ayl ("At Your Leisure"): any object's method call, made later by a worker.

resident.ayl_send("clear_stay", 3, stay)

The public names are those below; everything else may change.
"""

import sys
from typing import TYPE_CHECKING

from ayl import forks  # noqa: F401 - watches over the imports that follow
from ayl.batches import batch
from ayl.errors import AylError, Bury, Decay
from ayl.handle import Handle, State
from ayl.hooks import ayl_after_commit, ayl_after_create, ayl_after_save, ayl_after_update, skip_ayl_callbacks
from ayl.notifications import on_bury, on_failure, on_unreachable
from ayl.options import Options
from ayl.registry import task
from ayl.sendable import Sendable, model
from ayl.settings import configure
from ayl.surroundings import middleware
from ayl.treatments import rules

if TYPE_CHECKING:
    from ayl.running import Running, current
    from ayl.sending import asend, ayl_send, ayl_send_opts, opts, send, send_many
    from ayl.values import value

__version__ = "0.1.0"

__all__ = [
    "AylError",
    "Bury",
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
    "value",
]

_SENDING = frozenset({"asend", "ayl_send", "ayl_send_opts", "opts", "send", "send_many"})

if not TYPE_CHECKING:  # to a type checker this would be a module that has every name

    def __getattr__(name: str) -> object:
        """What is loaded when it is first used, so that whatever only declares classes and functions starts quickly."""
        if name in _SENDING:
            from ayl import sending as home
        elif name in ("Running", "current"):
            from ayl import running as home
        elif name == "value":
            from ayl import values as home
        else:
            raise AttributeError(f"module 'ayl' has no attribute {name!r}")
        found = getattr(home, name)
        setattr(sys.modules[__name__], name, found)  # from now on without a detour
        return found


def __dir__() -> list[str]:
    return sorted({*vars(sys.modules[__name__]), *__all__})
