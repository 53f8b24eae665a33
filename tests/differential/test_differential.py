"""Our server and Debian's answer the same to whatever clients say: README.md says how that is tried."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from ayl_server.commands import COMMANDS
from tests.conftest import COMPILED
from tests.server.notation import expand
from tests.server.reader import parse
from tests.server.targets import JUDGE as EDITION
from tests.server.targets import judge_version

from .commands import JOB, Command
from .generator import VOCABULARY, Generator
from .report import complaint
from .runs import replay, run
from .servers import started
from .settings import JUDGE, OURS, Contestant, settings
from .steps import Connect, Send
from .telling import shown, told
from .view import View

RUNS = 8

SEEDS = range(RUNS, 2 * RUNS) if COMPILED else range(RUNS)
"""The server compiled is told others than its sources are: they are the same code."""
STEPS = 200


def test_the_judge_is_the_one_whose_quirks_are_avoided() -> None:
    assert judge_version() == EDITION


@pytest.mark.parametrize("seed", SEEDS)
def test_both_servers_say_the_same(seed: int) -> None:
    outcome = run(settings(seed), seed, STEPS)
    if not outcome.fair:
        pytest.fail(complaint(seed, STEPS, outcome), pytrace=False)


@pytest.mark.parametrize("contestant", [JUDGE, *OURS], ids=lambda contestant: contestant.name)
def test_a_server_at_rest_has_answered(contestant: Contestant) -> None:
    """The barrier that everything rests upon: never is a reply still on its way."""
    with started([contestant]) as (peer,):
        peer.connect("a")
        for _ in range(500):
            peer.send("a", b"list-tube-used\r\nstats\r\nput 0 0 1000 5\r\nhello\r\n")
            assert len(peer.settle()["a"].replies) == 3


def test_a_difference_is_found_and_told_in_a_few_lines() -> None:
    """Ours takes smaller bodies here: the difference that a defect would make."""
    planted = replace(settings(0), ours=Contestant(OURS[0].kind, ("-z", "7")), max_body=1000)
    outcome = run(planted, 0, STEPS)
    assert not outcome.fair
    said = complaint(0, STEPS, outcome)
    assert "--seed 0 --steps 200" in said
    assert len(said.splitlines()) < 12


def test_a_run_can_be_replayed_step_by_step() -> None:
    chosen = settings(3)
    outcome = run(chosen, 3, 100)
    again = replay(chosen, outcome.steps)
    assert again.fair
    assert [entry.sent for entry in again.entries] == [entry.sent for entry in outcome.entries]


def _generator() -> Generator:
    chance = random.Random(1)  # noqa: S311 - the same commands each time
    return Generator(chance, settings(1), View(), drain_at=None)


def test_every_command_of_the_protocol_is_said() -> None:
    generator = _generator()
    said = {make(generator, "a").text.split(b"\r\n")[0] for make in VOCABULARY for _ in range(20)}
    prefixes = {*COMMANDS, b"put ", b"quit"}
    assert not {prefix for prefix in prefixes if not any(line.startswith(prefix) for line in said)}


def test_no_command_but_those_about_jobs_holds_the_byte_that_stands_for_one() -> None:
    generator = _generator()
    for make in VOCABULARY:
        command = make(generator, "a")
        assert (JOB in command.text.split(b"\r\n")[0]) == command.refers


def test_what_was_said_can_be_pasted_into_a_transcript() -> None:
    chosen = settings(4)
    commands = (Command(b"put 0 0 1000 3\r\n\xff\0#\r\n", "put", job=1), Command(b"peek 1\r\n"), Command(b"stats\r\n"))
    text = told(replay(chosen, (Connect("a"), Send("a", commands))))
    (scenario,) = parse(Path(__file__), ["== a scenario", *text.splitlines()])
    assert [step.text for step in scenario.steps] == text.splitlines()[2:]


@pytest.mark.parametrize("data", [b"x" * 300, b"\xff\0\t\\ a\r\n", b"", b"abc" * 20, bytes(range(256))])
def test_bytes_are_told_in_the_notation_of_the_transcripts(data: bytes) -> None:
    assert expand(shown(data)) == data
