"""What the shell offers: commands, choices, the tubes and jobs of the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ayl.cli.beanstalk import ayl_beanstalk
from ayl.cli.completion import PATIENCE

from .servers import KINDS, Kind, client, free_port, knows, peer, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.admin import Server

SHIP = b'{"type":"ayl","v":1,"app":"shop","ver":"1","do":"ship","id":"","on":{"$ref":["shop.Order",42]},"args":["ups"]}'


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def started(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as running, client(running) as producer:
        for tube in ("mail/1", "shop/1", "shop/2", "shop/2;reboot", "shop/2$(x)"):
            producer.use(tube)
            producer.put(SHIP)
        yield running


@pytest.fixture
def server(started: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """One that answers in time, however busy this machine is."""
    monkeypatch.setattr("ayl.cli.completion.PATIENCE", 20.0)
    return started


def offered(line: str, server: Server | None = None, *, form: str = "bash") -> list[str]:
    """What the completion prints when Tab is pressed at the end of this line."""
    words = line.split(" ")
    place = words[-1] if form == "fish" else str(len(words) - 1)
    port = "1" if server is None else str(server.port)
    variables = {"COMP_WORDS": line, "COMP_CWORD": place, "AYL_BEANSTALK_PORT": port}
    variables["_AYL_BEANSTALK_COMPLETE"] = f"{form}_complete"
    done = CliRunner(env=variables).invoke(ayl_beanstalk, [], prog_name="ayl_beanstalk")
    assert (done.stderr, done.exit_code) == ("", 0)
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", ["tube_statistics -t sh", "-t sh", "list_tubes --tube sh"])
def test_tubes_are_offered_wherever_one_is_to_be_named(server: Server, line: str) -> None:
    assert offered(f"ayl_beanstalk {line}", server) == ["plain,shop/1", "plain,shop/2"]


def test_each_shell_is_told_in_its_own_form(server: Server) -> None:
    assert offered("ayl_beanstalk -t mail", server, form="bash") == ["plain,mail/1"]
    assert offered("ayl_beanstalk -t mail", server, form="zsh") == ["plain", "mail/1", "_"]
    assert offered("ayl_beanstalk -t mail", server, form="fish") == ["plain,mail/1"]


def test_names_that_a_shell_would_not_take_as_they_are_are_not_offered(server: Server) -> None:
    assert not [line for line in offered("ayl_beanstalk -t ", server) if set(line) & set("$();")]


def test_jobs_that_peek_can_reach_are_offered_with_their_calls_where_a_shell_shows_them(server: Server) -> None:
    (job,) = offered("ayl_beanstalk why -t shop/1 ", server)
    number = job.removeprefix("plain,")
    assert number.isdigit()
    assert offered("ayl_beanstalk -t shop/1 delete ", server) == [job]
    kind, key, said = offered("ayl_beanstalk -t shop/1 peek_job ", server, form="zsh")
    assert (kind, key) == ("plain", number)
    assert said.endswith("shop.Order.find(42).ship('ups')")
    assert offered("ayl_beanstalk -t shop/1 delete ", server, form="fish") == [f"{job}\t{said}"]


def test_the_server_is_the_one_that_is_named_on_the_line(server: Server) -> None:
    for line in (f"-p {server.port} -t mai", f"-h 127.0.0.1:{server.port} tube_statistics -t mai"):
        assert offered(f"ayl_beanstalk {line}") == ["plain,mail/1"]


@pytest.mark.parametrize("line", ["-t ", "delete ", "-h nowhere.invalid -t ", "-h : -t ", "-p x -t ", "delete -t 'a* "])
@pytest.mark.parametrize("form", ["bash", "zsh", "fish"])
def test_without_a_server_it_is_silent(form: str, line: str) -> None:
    assert not "".join(offered(f"ayl_beanstalk -p {free_port()} {line}", form=form))


@pytest.mark.parametrize("line", ["-p x -t ", "-p x tube_statistics -t ", "tube_statistics -p x -t "])
def test_where_the_port_is_wrong_no_other_server_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("ayl.admin.server.DEFAULT_PORT", server.port)
    assert not "".join(offered(f"ayl_beanstalk {line}"))


def test_a_server_that_does_not_answer_is_not_waited_for_long() -> None:
    with peer(silent) as stopped:
        began = time.monotonic()
        assert not "".join(offered("ayl_beanstalk -t ", stopped))
        assert time.monotonic() - began < PATIENCE + 1


def test_what_is_no_tube_s_name_is_not_offered() -> None:
    with peer(knows({b"list-tubes": b"---\n- \x1b[31mred\n- good\n"})) as hostile:
        assert offered("ayl_beanstalk -t ", hostile) == ["plain,good"]


def test_choices_and_commands_are_offered() -> None:
    assert offered("ayl_beanstalk watch -s b") == ["plain,buried"]
    assert offered("ayl_beanstalk eat_all_jobs b") == ["plain,buried"]
    assert offered("ayl_beanstalk doc") == ["plain,doctor"]
