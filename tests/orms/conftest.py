"""A clean configuration and an engine that keeps what it is given, as for the other tests of the framework."""

from tests.ayl.conftest import _clean, inline, outbox  # noqa: F401 - fixtures
