"""The servers that the options mean, or else the environment."""

from __future__ import annotations

import os

from ayl import admin

ENGINE = "AYL_ENGINE"
"""The app's own setting: who looks on with it set means the app's server."""


def servers_meant(host: str | None, port: int | None, timeout: float) -> tuple[admin.Server, ...]:
    """Those that the options name. NotConfigured or ValueError if none can be there."""
    return admin.servers_meant(host, port, timeout, os.environ.get(ENGINE, ""))
