"""Whatever clients send, in whatever pieces: no exception, well-formed replies, right books, bounded memory."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .choices import Drawn
from .plays import judge
from .sessions import Script, any_bytes, mutated_sessions

quick = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
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
