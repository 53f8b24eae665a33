"""Which server is tested: the sources as they are or, with AYL_TEST_COMPILED=1, compiled; and common fixtures."""

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ayl_server import compiled
from tests.postgres import Postgres, running

settings.register_profile("ayl", deadline=None)  # how long one example takes says only how busy the machine is
settings.load_profile("ayl")

COMPILED = os.environ.get("AYL_TEST_COMPILED") == "1"

# Before any test module imports the server; the processes that the tests start are told by the environment.
if COMPILED:
    os.environ.pop("AYL_SERVER_PURE", None)
    if not compiled.use():
        pytest.exit("AYL_TEST_COMPILED=1, but nothing is built: .venv/bin/python -m ayl_server.compiled", returncode=4)
else:
    os.environ["AYL_SERVER_PURE"] = "1"


def examples(number: int) -> int:
    """Of a test with so many for the sources. Compiled they are the same code: a third shows as much."""
    return number // 3 if COMPILED else number


def pytest_report_header() -> str:
    from ayl_server import broker

    return f"server: {'compiled' if COMPILED else 'pure'} ({broker.__file__})"


@pytest.fixture
def free_port() -> int:
    """A TCP port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of this run; each takes a fresh database of it."""
    with running() as server:
        yield server
