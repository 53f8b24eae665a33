"""ayl ("At Your Leisure"): any object's method call, made later by a worker.

resident.ayl_send("clear_stay", 3, stay)

The public names are those below; everything else may change.
"""

from ayl.errors import AylError, Bury, Decay
from ayl.options import Options
from ayl.registry import task
from ayl.sendable import Sendable, model
from ayl.sending import Handle, ayl_send, ayl_send_opts, batch, opts, send
from ayl.settings import configure
from ayl.values import value

__version__ = "0.1.0"

__all__ = [
    "AylError",
    "Bury",
    "Decay",
    "Handle",
    "Options",
    "Sendable",
    "ayl_send",
    "ayl_send_opts",
    "batch",
    "configure",
    "model",
    "opts",
    "send",
    "task",
    "value",
]
