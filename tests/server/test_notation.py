"""The transcripts are only worth something if a wrong one fails: each way to be wrong is tried here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .inbox import Mismatch
from .notation import expand, split_comment, value_matches
from .reader import BadTranscript, load, parse
from .targets import TARGETS, Target
from .transcript import At, Hear, Scenario, Send, Wait

HERE = Path(__file__).parent

TARGET = {target.name: target for target in TARGETS}

BOTH_KINDS = pytest.mark.parametrize("target", [TARGET["memory"], TARGET["beanstalkd"]], ids=lambda target: target.name)


def read(text: str) -> Scenario:
    """One scenario from its lines; the first of them is line 2."""
    (scenario,) = parse(Path("example.txt"), ["== example", *text.splitlines()])
    return scenario


def why_not(target: Target, text: str) -> str:
    """What a target has against a scenario."""
    with pytest.raises(Mismatch) as caught:
        target.replay(read(text))
    return str(caught.value)


# Reading


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", b"plain"),
        (r"a\r\n\t\0\s\\", b"a\r\n\t\0 \\"),
        (r"\xff\x00", b"\xff\0"),
        ("{ab*3}c", b"abababc"),
        (r"{\0*4}", b"\0\0\0\0"),
        ('{"a": 1}', b'{"a": 1}'),
    ],
)
def test_what_is_written_becomes_what_is_meant(written: str, meant: bytes) -> None:
    """Escapes and repetitions are expanded, braces without a count are braces."""
    assert expand(written) == meant


def test_an_unknown_escape_is_refused() -> None:
    """A slip of the pen is no byte."""
    with pytest.raises(ValueError, match="unknown escape"):
        expand(r"\q")


def test_a_comment_starts_behind_two_blanks() -> None:
    """A single blank may belong to what is sent."""
    assert split_comment("a< x   # why") == ("a< x", "why")
    assert split_comment("a> x # y") == ("a> x # y", "")


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("9", "9", True),
        ("9", "90", False),
        ("8..10", "10", True),
        ("8..10", "11", False),
        ("8..10", "-9", False),
        ("/[0-9]+/", "123", True),
        ("/[0-9]+/", "123x", False),
        ("<pid>", "42", True),
        ("<pid>", "43", False),
        ('"<os>"', '"#1 (x)"', True),
        ('/"?<os>"?/', "#1 (x)", True),
        ("/", "/", True),
    ],
)
def test_values_are_literal_ranges_patterns_or_facts(expected: str, got: str, same: bool) -> None:
    """Each kind of value accepts what it should and nothing else."""
    assert value_matches(expected, got, {"pid": "42", "os": "#1 (x)"}) is same


def test_a_line_keeps_its_place() -> None:
    """Errors name the line in the file."""
    scenario = read("a> stats\n\na< OK")
    assert [step.line for step in scenario.steps] == [2, 4]


def test_neighbouring_sends_of_one_client_are_one_packet() -> None:
    """What is written without a break arrives without one."""
    first, second, third = read("a> x\na>> y\nb> z\nb< w").packets(frozenset())
    assert isinstance(first, Send)
    assert first.data == b"x\r\ny"
    assert isinstance(second, Send)
    assert second.who == "b"
    assert isinstance(third, Hear)


def test_a_wait_separates_packets() -> None:
    """So half a line can be sent alone."""
    kinds = [type(step) for step in read("a>> x\nwait 0.1\na>> y\na< z").packets(frozenset())]
    assert kinds == [Send, Wait, Send, Hear]


def test_lines_for_other_targets_are_left_out() -> None:
    """A tagged line is for the targets that carry the tag."""
    scenario = read("a<[ayl] x   # because\na<[beanstalkd] y")
    assert [step.text for step in scenario.packets(frozenset({"ayl"}))] == ["a<[ayl] x"]


def test_the_time_a_scenario_takes_is_known() -> None:
    """The longest are started first."""
    assert read("a> x\nat 1\na< y\nat 2\na< z\nwait 0.5").seconds == pytest.approx(2.5)
    assert isinstance(read("a> x\nat 1\na< y").steps[1], At)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a says hello", "not a step"),
        ("wait for it", "not a step"),
        ("a> x", "expects nothing"),
        ("a<[ayl] x", "gives no reason"),
        ("a<[ayl] x\na> y\na< z", "gives no reason"),
        ("a<[other] x  # why", "unknown target"),
        ("only ayl\na< x", "needs a reason"),
        ("a< x\n    state: ready", "not a field"),
        ("a< OK report\n    state ready", "not a field"),
        ("a< OK report\n    state[ayl]: ready", "gives no reason"),
    ],
)
def test_a_transcript_that_is_wrong_in_itself_is_refused(text: str, complaint: str) -> None:
    """A slip must not turn into a scenario that tests nothing."""
    with pytest.raises(BadTranscript, match=complaint):
        read(text)


def test_two_scenarios_of_one_name_are_refused() -> None:
    """Otherwise one result would stand for both."""
    lines = ["== same name", "a< x", "== Same, name!", "a< y"]
    with pytest.raises(BadTranscript, match="a second scenario"):
        list(parse(Path("example.txt"), lines))


def test_every_transcript_is_found() -> None:
    """An empty directory would pass everything."""
    parts = {scenario.part for scenario in load(HERE / "transcripts")}
    assert parts == {path.stem for path in (HERE / "transcripts").iterdir()}
    assert len(parts) > 10


# Failing


@BOTH_KINDS
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a> use x\na< USING y", "expected b'USING y"),
        ("a> use x\na< USING", "expected b'USING"),
        ("a> use x\na< using x", "expected b'using x"),
        ("a> use x\na<< USING y\\r\\n", "expected b'USING y"),
        ("a> use x\na hears nothing", "a heard b'USING x"),
        ("a> use x\na> use y\na< USING x", "a heard b'USING y"),
        ("a> quit\na< USING x", "the server closed the connection"),
        ("a> use x\na> quit\na sees the end", "before closing, the server said b'USING x"),
        ("a> list-tubes\na< OK list default x", "expected b'---"),
        ("a> list-tube-used\na< OK report", "expected OK <n>"),
        ("a> list-tubes\na< OK report", "not a line of a report"),
        ("a> stats-tube default\na< OK report\n    total-jobs: 1", "line 4: total-jobs: expected 1; got 0"),
        ("a> stats-tube default\na< OK report\n    total-job: 0", "the report has no total-job"),
        ("a> stats-tube default\na< OK whole report\n    total-jobs: 0", "fields: expected total-jobs; got name"),
        ("a> reserve-with-timeout 2\nat 1\na< TIMED_OUT", "late|no such reply"),
        ("a> reserve-with-timeout 1\nat 1.5\na< TIMED_OUT", "at 1.5\n    a heard b'TIMED_OUT"),
    ],
)
def test_a_wrong_expectation_fails(target: Target, text: str, complaint: str) -> None:
    """Whatever a transcript says wrongly, it is noticed, in memory as with processes."""
    assert re.search(complaint, why_not(target, text))


@BOTH_KINDS
def test_a_failure_names_the_file_the_line_and_the_text(target: Target) -> None:
    """Whoever breaks something finds the place at once."""
    assert why_not(target, "a> use x\na< USING y").startswith("example.txt:3: a< USING y\n")


def test_a_reply_that_never_comes_fails() -> None:
    """Nobody waits for ever."""
    assert "no such reply came; so far there is b''" in why_not(TARGET["memory"], "a> reserve\na< TIMED_OUT")


def test_an_end_that_never_comes_fails() -> None:
    """A server that keeps a connection open is noticed."""
    text = "a> use x\na< USING x\na sees the end"
    assert "the connection is still open" in why_not(TARGET["memory"], text)


def test_a_missing_beanstalkd_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never skipped: then nothing would show that the transcripts tell the truth."""
    monkeypatch.setattr("shutil.which", lambda *_args, **_options: None)
    with pytest.raises(AssertionError, match="apt install beanstalkd"):
        TARGET["beanstalkd"].replay(read("a> use x\na< USING x"))


# The page that explains it all


@BOTH_KINDS
def test_the_example_on_the_page_is_true(target: Target) -> None:
    """README.md cannot drift."""
    page = (HERE / "README.md").read_text()
    lines = [line.removeprefix("    ") for line in page.splitlines() if line.startswith("    ")]
    (scenario,) = parse(HERE / "README.md", lines)
    target.replay(scenario)
