"""Every name, parameter and default of the library is there, and every error has its place."""

from __future__ import annotations

import inspect
import pickle
import socket
from typing import Any

import pytest

from ayl import beanstalkc
from ayl.beanstalkc import BeanstalkcException, CommandFailed, Connection, DeadlineSoon, Job, UnexpectedResponse
from tests.test_imports import loaded

REQUIRED = inspect.Parameter.empty
PRIORITY = 2**31

CONSTANTS = {"DEFAULT_HOST": "localhost", "DEFAULT_PORT": 11300, "DEFAULT_PRIORITY": 2147483648, "DEFAULT_TTR": 120}

BASES = {
    "BeanstalkcException": Exception,
    "UnexpectedResponse": BeanstalkcException,
    "CommandFailed": BeanstalkcException,
    "DeadlineSoon": BeanstalkcException,
    "SocketError": BeanstalkcException,
}

METHODS: dict[str, dict[str, object]] = {
    "__init__": {
        "host": "localhost",
        "port": 11300,
        "parse_yaml": True,
        "connect_timeout": socket.getdefaulttimeout(),
        # Those that the library has not:
        "encoding": "utf-8",
        "reply_timeout": None,
    },
    "connect": {},
    "close": {},
    "reconnect": {},
    "put": {"body": REQUIRED, "priority": PRIORITY, "delay": 0, "ttr": 120},
    "reserve": {"timeout": None},
    "reserve_job": {"jid": REQUIRED},
    "kick": {"bound": 1},
    "kick_job": {"jid": REQUIRED},
    "peek": {"jid": REQUIRED},
    "peek_ready": {},
    "peek_delayed": {},
    "peek_buried": {},
    "tubes": {},
    "using": {},
    "use": {"name": REQUIRED},
    "watching": {},
    "watch": {"name": REQUIRED},
    "ignore": {"name": REQUIRED},
    "stats": {},
    "stats_tube": {"name": REQUIRED},
    "stats_job": {"jid": REQUIRED},
    "pause_tube": {"name": REQUIRED, "delay": REQUIRED},
    "delete": {"jid": REQUIRED},
    "release": {"jid": REQUIRED, "priority": PRIORITY, "delay": 0},
    "bury": {"jid": REQUIRED, "priority": PRIORITY},
    "touch": {"jid": REQUIRED},
}

JOB_METHODS: dict[str, dict[str, object]] = {
    "__init__": {"conn": REQUIRED, "jid": REQUIRED, "body": REQUIRED, "reserved": True},
    "delete": {},
    "release": {"priority": None, "delay": 0},
    "bury": {"priority": None},
    "kick": {},
    "touch": {},
    "stats": {},
}


def parameters(function: Any) -> dict[str, object]:
    own = [*inspect.signature(function).parameters.values()][1:]
    return {parameter.name: parameter.default for parameter in own}


@pytest.mark.parametrize(("name", "value"), CONSTANTS.items())
def test_the_constants_are_the_librarys(name: str, value: object) -> None:
    assert getattr(beanstalkc, name) == value


@pytest.mark.parametrize(("name", "expected"), METHODS.items())
def test_a_connections_methods_take_what_the_librarys_take(name: str, expected: dict[str, object]) -> None:
    assert parameters(getattr(Connection, name)) == expected


@pytest.mark.parametrize(("name", "expected"), JOB_METHODS.items())
def test_a_jobs_methods_take_what_the_librarys_take(name: str, expected: dict[str, object]) -> None:
    assert parameters(getattr(Job, name)) == expected


def test_only_what_is_new_must_be_named() -> None:
    kinds = {name: parameter.kind for name, parameter in inspect.signature(Connection.__init__).parameters.items()}
    named = [name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY]
    assert named == ["encoding", "reply_timeout"]


@pytest.mark.parametrize(("name", "base"), BASES.items())
def test_an_error_has_the_librarys_base_and_is_named_as_programs_import_it(name: str, base: type) -> None:
    error = getattr(beanstalkc, name)
    assert error.__mro__[1:].index(base) <= 1
    assert (error.__module__, error.__qualname__) == ("ayl.beanstalkc", name)


def test_the_package_exports_all_that_and_nothing_else() -> None:
    assert {*beanstalkc.__all__} == {*CONSTANTS, *BASES, "Connection", "Job"}


@pytest.mark.parametrize("kind", [CommandFailed, UnexpectedResponse])
def test_an_answer_that_is_an_error_is_a_tuple_of_three(kind: type[CommandFailed | UnexpectedResponse]) -> None:
    error = kind("stats-job", "NOT_FOUND", [])
    assert str(error) == "('stats-job', 'NOT_FOUND', [])"
    command, status, results = error.args
    assert (error.command, error.status, error.results) == (command, status, results)
    assert pickle.loads(pickle.dumps(error)).args == error.args  # noqa: S301 - our own


def test_deadline_soon_is_no_failed_command() -> None:
    assert not issubclass(DeadlineSoon, CommandFailed)


def test_importing_it_loads_neither_pyyaml_nor_what_reads_messages() -> None:
    assert not loaded("import ayl.beanstalkc") & {"yaml", "msgspec", "click", "asyncio", "ssl"}
