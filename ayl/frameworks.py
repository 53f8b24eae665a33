"""The ORMs that ayl knows, and when our modules for them are loaded: once the ORM itself is, and never before."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from importlib import import_module

from ayl import surroundings

MODULES = {
    "sqlalchemy.orm": "ayl.contrib.sqlalchemy",
    "sqlmodel.main": "ayl.contrib.sqlalchemy.sqlmodel",
    "django.db": "ayl.contrib.django",
    "peewee": "ayl.contrib.peewee",
}
"""A framework's module -> ours for it. Importing ours adds its watcher (`ayl.commits`) and lets the model hooks
(`ayl.hooks`) hear of its saves.
"""

AROUND_JOBS: list[Callable[[], AbstractContextManager[object]]] = []
"""Spans that ours add: a worker makes each call within them. They raise nothing of their own."""

AROUND_COROUTINES: list[Callable[[], AbstractAsyncContextManager[object]]] = []
"""The same for calls that are made on an event loop, beside others, whose connections these spans let alone."""

_missing = MODULES  # every send reads it, perhaps while another thread replaces it
_modules = sys.modules.keys()


def load() -> None:
    """Import ours for each framework that this process has imported."""
    global _missing
    if _missing.keys().isdisjoint(_modules):
        return
    for framework, ours in _missing.items():
        if framework in sys.modules:
            # Until it is imported it stays missing: another thread that sends has to wait for its watcher, and if it
            # cannot be imported, no send may pass as if there were no transactions.
            import_module(ours)
            _missing = {name: module for name, module in _missing.items() if name != framework}


def around_job() -> AbstractContextManager[None]:
    """The span within which a worker makes one call."""
    load()
    return _all_of_them() if AROUND_JOBS or surroundings.is_there() else _NOTHING


_NOTHING = nullcontext()


@contextmanager
def _all_of_them() -> Iterator[None]:
    with ExitStack() as stack:
        for span in AROUND_JOBS:
            stack.enter_context(span())
        surroundings.surround(stack)  # within ours: it may ask a database, too
        yield


@asynccontextmanager
async def around_coroutine() -> AsyncIterator[None]:
    """Within this span a worker makes one call on an event loop."""
    load()
    async with AsyncExitStack() as stack:
        for span in AROUND_COROUTINES:
            await stack.enter_async_context(span())
        surroundings.surround(stack)
        yield
