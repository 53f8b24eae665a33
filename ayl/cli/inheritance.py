"""Options that may stand before or after the command."""

from __future__ import annotations

import functools

import click
from click.core import ParameterSource


def inherited(ctx: click.Context, option: click.Parameter, value: object) -> object:
    """What is not typed after the command is as it was before it."""
    name = option.name or ""
    if ctx.parent is None or ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        return value
    return ctx.parent.params[name]


option = functools.partial(click.Option, show_default=True, show_envvar=True, callback=inherited)
"""Such an option."""
