"""`daemons.yml` into a `Configuration`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl.daemons.spec.model import Configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.machine import Machine


def read(path: str, machine: Machine, variables: Mapping[str, str]) -> Configuration:
    """What the file and the fragments of `conf.d` beside it say; BadConfiguration, with all that is wrong."""
    return Configuration(path, ())
