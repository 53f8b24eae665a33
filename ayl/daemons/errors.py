"""What can go wrong with daemons.

AylError
  └─ DaemonError
       ├─ CannotStart      no keeper could be started
       ├─ NotPermitted     another user may do it
       └─ NoSuchDaemon     the configuration names none like that
"""

from __future__ import annotations

from ayl.errors import AylError


class DaemonError(AylError):
    """Something about one daemon."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class CannotStart(DaemonError):
    """No keeper could be started for it."""


class NotPermitted(DaemonError):
    """Another user may do it, as a rule root."""


class NoSuchDaemon(DaemonError):
    """No daemon and no application has this name."""
