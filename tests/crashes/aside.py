"""Tests whose cases need nothing of each other are done aside: at the same time, from the first test of a session on.

Most of such a case is waiting, for processes to start and for the disk. A test then only waits for its case, and says
what that said.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import WRAPPER_ASSIGNMENTS
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

C = TypeVar("C")
T = TypeVar("T")


class Aside(Generic[C, T]):
    """A function that is called with a folder of its own for each of some cases."""

    def __init__(self, body: Callable[[Path, C], T], cases: Mapping[str, C]) -> None:
        self.body = body
        self.cases = cases
        self._done: dict[str, Future[T]] = {}

    def wanted(self, item: pytest.Function) -> Iterable[str]:
        """The names of the cases that a test waits for."""
        return [str(item.callspec.params["case"])] if getattr(item.function, "aside", None) is self else []

    def begin(self, pool: ThreadPoolExecutor, name: str, folder: Path) -> None:
        if name not in self._done:
            self._done[name] = pool.submit(self.body, folder, self.cases[name])

    def result(self, name: str) -> T:
        return self._done[name].result()


ALL: list[Aside[Any, Any]] = []
"""Of this package."""


def aside(cases: Mapping[str, C]) -> Callable[[Callable[[Path, C], None]], Callable[[str], None]]:
    """Make a test of a function that is given a folder and one of these cases."""

    def decorate(body: Callable[[Path, C], None]) -> Callable[[str], None]:
        work = Aside(body, cases)
        ALL.append(work)

        @pytest.mark.parametrize("case", list(cases))
        def test(case: str) -> None:
            work.result(case)

        for name in WRAPPER_ASSIGNMENTS[:4]:
            setattr(test, name, getattr(body, name))
        test.aside = work  # type: ignore[attr-defined]
        return test

    return decorate


@contextmanager
def begun(
    works: Iterable[Aside[Any, Any]], session: pytest.Session, folders: pytest.TempPathFactory, at_once: int
) -> Iterator[None]:
    """Do in the background what the collected tests wait for, so much of it at the same time."""
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="aside")
    items = [item for item in session.items if isinstance(item, pytest.Function)]
    for work in works:
        names = dict.fromkeys(name for item in items for name in work.wanted(item))
        for name in names:
            work.begin(pool, name, folders.mktemp(work.body.__name__[:40]))
    yield
    pool.shutdown(cancel_futures=True)
