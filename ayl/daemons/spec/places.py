"""Where `daemons.yml` is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PATH = "/etc/ayl/daemons.yml"
VARIABLE = "AYL_DAEMONS"

RUN = "/run/ayl"
"""The directory of pid files and sockets, where the file names no other."""


def configured_path(option: str | None, variables: Mapping[str, str]) -> str:
    """The file that is meant: what `--config` says, else what AYL_DAEMONS says, else that of the machine."""
    return option or variables.get(VARIABLE) or DEFAULT_PATH
