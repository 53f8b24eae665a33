"""Whatever clients send, in whatever pieces: no exception, well-formed replies, right books, bounded memory."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples

from .choices import Drawn
from .plays import judge, told
from .sessions import MAX_JOB_SIZE, Say, Script, any_bytes, mutated_sessions

quick = settings(
    max_examples=examples(100), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)  # the same examples each time: the long run (python -m tests.fuzz) is where chance has its place


@st.composite
def noises(draw: st.DrawFn) -> Script:
    return any_bytes(Drawn(draw))


@st.composite
def sessions(draw: st.DrawFn) -> Script:
    return mutated_sessions(Drawn(draw))


@quick
@given(noises())
def test_any_bytes_are_answered_in_the_protocol_s_words_and_do_no_harm(script: Script) -> None:
    judge(script)


@quick
@given(sessions())
def test_mutated_sessions_are_answered_in_the_protocol_s_words_and_do_no_harm(script: Script) -> None:
    judge(script)


def alone(*pieces: bytes) -> Script:
    """One client says this, piece by piece."""
    return Script(MAX_JOB_SIZE, None, 1, [Say(0, piece) for piece in pieces])


def test_lines_of_every_length_around_the_limit_are_told_apart_however_they_come() -> None:
    for length in range(215, 235):
        for beginning in (b"", b"use ", b"delete ", b"quit\0", b"put 0 0 1 2 "):
            line = beginning.ljust(length, b"x") + b"\r\n"
            script = alone(line + b"list-tube-used\r\n")
            judge(script)
            first, second = told(script)[0]
            assert second == b"USING default\r\n"
            if length > 222:
                assert first == b"BAD_FORMAT\r\n"


SESSION = b"".join(
    (
        b"use a\r\nput 1 0 9 7\r\n\r\nstats\r\n",
        b"put 1 0 9 3\r\nxxxxx\r\n",
        b"put 0 0 9 301\r\n%b\r\n" % (b"y" * 301),
        b"watch a\r\n\r\nreserve\r\n",
        b"z" * 300 + b"\r\nrelease 1 2 0\r\nreserve-with-timeout 0 x\r\n",
        b"put 0 0 0 0\r\n\r\nlist-tubes\r\nquit\r\nuse b\r\n",
    )
)
"""A bit of everything: what is too long, what is too large, what is not ended, what is nothing at all."""


def test_a_session_cut_in_two_at_any_place_is_answered_as_if_it_came_whole() -> None:
    whole = told(alone(SESSION))
    assert len(whole[0]) > 10
    for place in range(len(SESSION)):
        assert told(alone(SESSION[:place], SESSION[place:])) == whole
