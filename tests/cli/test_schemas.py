"""The JSON of every command about a server, and what every one of them does where there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ayl import admin
from ayl.cli import ExitCode

from .operators import Operator
from .schemas import COMMANDS, JOB, ON_SERVERS, ON_TUBES, TUBE, Schema, fault
from .servers import free_port

if TYPE_CHECKING:
    import greenstalk

EVERY = pytest.mark.parametrize("name", COMMANDS)


def words(name: str, app: greenstalk.Client[bytes]) -> list[str]:
    """The command, with jobs in all states for it to be about."""
    app.put(b"buried")
    buried = app.reserve(timeout=0)
    app.bury(buried)
    app.put(b"reserved")
    app.reserve(timeout=0)
    app.put(b"delayed", delay=900)
    job = app.put(b"ready")
    return [name, *(word.format(job=job, buried=buried.id) for word in COMMANDS[name][1])]


@EVERY
def test_json_is_as_the_schema_has_it(name: str, operator: Operator, app: greenstalk.Client[bytes]) -> None:
    assert fault(operator.gets(*words(name, app)), COMMANDS[name][0]) == ""


@pytest.mark.parametrize("name", ON_TUBES)
def test_a_pattern_is_answered_with_a_list_of_the_same(
    name: str, operator: Operator, app: greenstalk.Client[bytes]
) -> None:
    found = operator.gets(*words(name, app), tube=f"{operator.tube}*")
    assert len(found) == 1
    assert fault(found, [COMMANDS[name][0]]) == ""


@pytest.mark.parametrize("name", ON_SERVERS)
def test_several_servers_are_answered_with_a_list_that_names_them(
    name: str, operator: Operator, app: greenstalk.Client[bytes]
) -> None:
    nowhere = admin.Server(port=free_port())
    done = Operator(operator.server, operator.tube).types(
        *words(name, app), "--json", "-h", f"{nowhere},{operator.server}"
    )
    assert fault(json.loads(done.stdout), [{"server": str, "answer": COMMANDS[name][0]}]) == ""
    assert done.stderr.startswith(f"ayl_beanstalk: no server at {nowhere} ")
    assert done.exit_code == ExitCode.UNAVAILABLE


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ON_SERVERS])
def test_the_others_ask_which_one_is_meant(name: str) -> None:
    given = [word.format(job=1, buried=1) for word in COMMANDS[name][1]]
    said = Operator(admin.Server(), "a").is_told(name, *given, "-h", "a,b", code=ExitCode.USAGE)
    assert f"{name} is about one server, and a:11300 and b:11300 were named: say which one, with -h" in said


@EVERY
def test_no_server_is_told_in_a_line(name: str) -> None:
    nowhere = admin.Server(port=free_port())
    given = [word.format(job=1, buried=1) for word in COMMANDS[name][1]]
    done = Operator(nowhere, "a").types(name, *given)
    assert (done.stdout, done.exit_code) == ("", ExitCode.UNAVAILABLE)
    assert done.stderr == (
        f"ayl_beanstalk: no server at {nowhere} (connection refused); "
        "start one with `ayl_server`, or say where it is with -h and -p\n"
    )


@pytest.mark.parametrize("tube", ["a b", "a\r\ndelete 1", "\x1b[31m", "é", "x" * 201, "-a"], ids=ascii)
@pytest.mark.parametrize("name", [*ON_TUBES, "put_job", "put_sleep_job", "eat_job", "list_tubes"])
def test_a_name_that_no_tube_can_have_never_goes_out(name: str, tube: str) -> None:
    given = [word.format(job=1, buried=1) for word in COMMANDS[name][1]]
    said = Operator(admin.Server(port=free_port()), tube).is_told(name, *given)
    assert "no tube can be named " in said
    assert said[:-1].isprintable()


@EVERY
def test_its_help_teaches_with_an_example(name: str) -> None:
    text = Operator(admin.Server(), "a").reads(name, "--help")
    assert "Example" in text
    assert f"\n    ayl_beanstalk {name}" in text


@pytest.mark.parametrize(
    ("found", "schema", "told"),
    [
        ({"a": 1}, {"a": int}, ""),
        ({"a": True}, {"a": int}, "it.a is a bool, no int"),
        ({"a": 1, "b": 2}, {"a": int}, "it has ['a', 'b'], not ['a']"),
        ([1, "x"], [int], "it[1] is a str, no int"),
        (None, (JOB, type(None)), ""),
        ({}, TUBE, f"it has [], not {sorted(TUBE)}"),
        ([{}], {}, "it is a list, no dict"),
    ],
    ids=str,
)
def test_a_schema_tells_what_is_otherwise(found: object, schema: Schema, told: str) -> None:
    assert fault(found, schema) == told
