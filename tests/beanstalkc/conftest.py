"""A server of each kind for all tests here, and connections to it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from ayl.beanstalkc import Connection
from tests.cli.servers import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.admin import Server

    Opener = Callable[..., Any]


@pytest.fixture(scope="package", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param.running() as started:
        yield started


@pytest.fixture
def tube() -> str:
    """One that no other test knows."""
    return f"tube-{uuid4().hex}"


@pytest.fixture
def opened(server: Server, tube: str) -> Iterator[Opener]:
    """Makes connections that use and watch the test's tube alone."""
    with ExitStack() as stack:

        def open_one(**options: Any) -> Connection[Any]:
            connection: Connection[Any] = stack.enter_context(Connection("127.0.0.1", server.port, **options))
            connection.use(tube)
            connection.watch(tube)
            connection.ignore("default")
            return connection

        yield open_one


@pytest.fixture
def beanstalk(opened: Opener) -> Connection[str]:
    connection: Connection[str] = opened()
    return connection
