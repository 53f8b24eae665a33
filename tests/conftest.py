"""Fixtures that every test may use."""

import socket

import pytest


@pytest.fixture
def free_port() -> int:
    """A TCP port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
