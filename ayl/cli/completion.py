"""What the shell offers where a tube or a job of the server is to be named. Without a server it offers nothing.

All is imported where it is needed: the commands know this module, and few of them are run for the shell.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ayl.errors import AylError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click
    from click.shell_completion import CompletionItem

    from ayl.admin import Server

PATIENCE = 0.3
"""Seconds for all servers together: somebody waits for the key to do something."""

_harmless = re.compile(r"[A-Za-z0-9+/._-]+").fullmatch
"""What else a tube's name may have (`$ ; ( )`) means something to a shell, and bash takes words as they are."""


def tubes(ctx: click.Context, _param: click.Parameter, beginning: str) -> list[CompletionItem[str]]:
    """The tubes whose names begin like this."""
    from click.shell_completion import CompletionItem

    from ayl.admin.conversation import conversation

    def ask(server: Server) -> Iterable[CompletionItem[str]]:
        with conversation(server) as client:
            return [CompletionItem(name) for name in sorted(client.tubes()) if _harmless(name)]

    return _begun(_asked(ctx, ask), beginning)


def jobs(ctx: click.Context, _param: click.Parameter, beginning: str) -> list[CompletionItem[str]]:
    """The ids that peek can reach in the tube given with -t, with their calls for shells that show such things."""
    from click.shell_completion import CompletionItem

    # What reads calls takes half as long to load as a server may take to answer, and is not the server's fault.
    from ayl import life, message  # noqa: F401 - see above
    from ayl.admin.onlooker import heads
    from ayl.cli.described import line

    def ask(server: Server) -> Iterable[CompletionItem[str]]:
        return [CompletionItem(str(job.id), help=line(job)) for job in heads(server, ctx.params["tube"] or "default")]

    return _begun(_asked(ctx, ask), beginning)


def _begun(items: Iterable[CompletionItem[str]], beginning: str) -> list[CompletionItem[str]]:
    return [*{item.value: item for item in items if item.value.startswith(beginning)}.values()]


def _asked(ctx: click.Context, ask: Callable[[Server], Iterable[CompletionItem[str]]]) -> list[CompletionItem[str]]:
    """What the servers say that the options name, as far as they say it in time."""
    from ayl.cli.meant import servers_meant

    found: list[CompletionItem[str]] = []
    if _misread(ctx, "host") or _misread(ctx, "port"):
        return found

    def run() -> None:
        # What is wrong with the options is said when the command is run.
        with suppress(AylError, ValueError, KeyError, TypeError):
            for server in servers_meant(ctx.params["host"], ctx.params["port"], PATIENCE):
                with suppress(AylError):
                    found.extend(ask(server))

    # Not all that takes time takes a timeout; a daemon does not keep the process.
    asking = threading.Thread(target=run, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return [*found]


def _misread(ctx: click.Context | None, option: str) -> bool:
    """Whether it was given, on either side of the command, and is no value for it: another server is not meant."""
    from click.core import ParameterSource

    if ctx is None:
        return False
    given = ctx.get_parameter_source(option) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    return (given and ctx.params.get(option) is None) or _misread(ctx.parent, option)
