"""The thread engine: calls run behind the sender's back, in order, and none vanishes without a word."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import delivery
from ayl.errors import Unavailable
from ayl.handle import State
from tests.ayl.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG: list[Any] = []
GATE = threading.Event()


@ayl.task("thread.note")
def note(number: int) -> None:
    LOG.append(number)


@ayl.task("thread.where")
def where() -> None:
    LOG.append(threading.current_thread())


@ayl.task("thread.hold")
def hold(name: str) -> None:
    LOG.append(f"{name} begins")
    GATE.wait(10)
    LOG.append(f"{name} ends")


@ayl.task("thread.send_on")
def send_on(number: int) -> None:
    LOG.append(number)
    if number:
        ayl.send(send_on, number - 1)


@ayl.task("thread.fail")
def fail(kind: str, times: int) -> None:
    LOG.append(kind)
    if LOG.count(kind) <= times:
        raise {"ValueError": ValueError, "Bury": ayl.Bury, "Unavailable": Unavailable, "SystemExit": SystemExit}[kind]


@ayl.task("thread.spin")
def spin() -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    LOG.clear()
    GATE.clear()
    ayl.configure(app="shop", version="1.4.2", engine="thread")
    yield
    GATE.set()
    delivery.close()
    wait_until(lambda: "ayl" not in {thread.name for thread in threading.enumerate()})


def test_a_call_runs_in_another_thread_and_the_sender_goes_on() -> None:
    handle = ayl.send(hold, "one")
    assert handle.state is State.STARTED
    assert handle.job_id is None
    assert handle.job_state() is None
    ayl.send(where)
    GATE.set()
    wait_until(lambda: len(LOG) == 3)
    assert LOG[:2] == ["one begins", "one ends"]
    assert LOG[2] is not threading.current_thread()


def test_with_one_thread_a_senders_calls_run_in_order() -> None:
    for number in range(50):
        ayl.send(note, number)
    with ayl.batch():
        for number in range(50, 100):
            ayl.send(note, number)
    delivery.close()
    assert [*range(100)] == LOG


def test_the_urgent_overtake_what_waits() -> None:
    ayl.send(hold, "one")
    wait_until(lambda: LOG == ["one begins"])
    ayl.send(note, 2)
    ayl.opts(priority=0).send(note, 1)
    GATE.set()
    delivery.close()
    assert LOG[2:] == [1, 2]


def test_so_many_run_at_the_same_time_and_no_more() -> None:
    ayl.configure(engine="thread?threads=3")
    for name in "abcd":
        ayl.send(hold, name)
    wait_until(lambda: len(LOG) == 3)
    time.sleep(0.05)
    assert sorted(LOG) == ["a begins", "b begins", "c begins"]
    GATE.set()
    delivery.close()
    assert len(LOG) == 8


def test_threads_are_started_only_when_they_are_needed() -> None:
    ayl.configure(engine="thread?threads=5")
    before = threading.active_count()
    ayl.send(note, 1)
    wait_until(lambda: LOG == [1])
    assert threading.active_count() - before <= 2, "one, and the watchdog of all"


def test_a_delay_is_waited_for() -> None:
    began = time.monotonic()
    ayl.opts(delay=1).send(note, 1)
    ayl.send(note, 2)
    wait_until(lambda: len(LOG) == 2)
    assert LOG == [2, 1]
    assert time.monotonic() - began >= 1


def test_what_has_not_begun_can_be_cancelled() -> None:
    running = ayl.send(hold, "one")
    wait_until(lambda: LOG == ["one begins"])
    waiting, delayed = ayl.send(note, 1), ayl.opts(delay=3600).send(note, 2)
    assert [handle.cancel() for handle in (running, waiting, delayed)] == [False, True, True]
    GATE.set()
    delivery.close()
    assert LOG == ["one begins", "one ends"]


def test_calls_may_send_calls_and_closing_waits_for_all() -> None:
    ayl.send(send_on, 20)
    wait_until(lambda: len(LOG) == 21)
    delivery.close()
    assert [*range(20, -1, -1)] == LOG


# Failures


def test_a_failed_call_is_tried_again_as_a_worker_does(caplog: pytest.LogCaptureFixture) -> None:
    ayl.opts(failed_job_delay=0).send(fail, "ValueError", 2)
    delivery.close()
    assert LOG == ["ValueError"] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4
    assert "thread.fail('ValueError', 2) failed" in caplog.text
    assert "is tried again in 0 s: ValueError" in caplog.text


def test_a_database_that_is_away_costs_a_call_none_of_its_tries() -> None:
    ayl.opts(failed_job_delay=0, failed_job_count=1).send(fail, "Unavailable", 1)
    delivery.close()
    assert LOG == ["Unavailable"] * 2


@pytest.mark.parametrize("kind", ["ValueError", "Bury", "SystemExit"])
def test_a_call_that_a_worker_would_bury_is_lost_and_logged_with_its_reason(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    ayl.opts(failed_job_handler="bury").send(fail, kind, 9)
    ayl.send(note, 1)
    delivery.close()
    assert [kind, 1] == LOG
    lost = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lost) == 1
    assert f"thread.fail('{kind}', 9) (try 1 of 3) is lost, there being no server to keep it: " in lost[0].getMessage()


def test_the_time_to_run_holds(caplog: pytest.LogCaptureFixture) -> None:
    ayl.opts(time_to_run=1, failed_job_handler="delete").send(spin)
    delivery.close()
    assert "is dropped: TimeToRunExceeded: the call took longer than 1 s" in caplog.text


# The end


def test_what_cannot_be_finished_in_time_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ayl.configure(engine="thread?finish=0.2")
    handles = [ayl.send(hold, "one"), ayl.send(note, 1), ayl.opts(delay=3600).send(note, 2)]
    wait_until(lambda: LOG == ["one begins"])
    began = time.monotonic()
    delivery.close()
    assert time.monotonic() - began < 5
    said = {record.getMessage() for record in caplog.records}
    assert said == {
        f"message {handles[0].id} thread.hold('one') still runs when the process ends: it may not come to its end",
        f"message {handles[1].id} thread.note(1) is lost: the process ends before it is due, or was run",
        f"message {handles[2].id} thread.note(2) is lost: the process ends before it is due, or was run",
    }


def test_closing_does_not_wait_for_what_is_due_much_later() -> None:
    ayl.opts(delay=3600).send(note, 1)
    ayl.send(note, 2)
    began = time.monotonic()
    delivery.close()
    assert LOG == [2]
    assert time.monotonic() - began < 5


def test_after_close_calls_are_taken_again() -> None:
    for number in range(3):
        ayl.send(note, number)
        delivery.close()
    assert LOG == [0, 1, 2]


def run(script: str) -> tuple[int, list[str], str]:
    head = """
        import os, sys, threading, time
        import ayl
        ayl.configure(app="shop", engine="thread?finish=2")
        def say(text): os.write(1, f"{text}\\n".encode())
        @ayl.task("t.note")
        def note(number, seconds=0):
            time.sleep(seconds)
            say(f"{number} in {'child' if os.getpid() != parent else 'parent'}")
        @ayl.task("t.fork")
        def fork():
            child = os.fork()
            if child:
                os.waitpid(child, 0)
        parent = os.getpid()
    """
    source = textwrap.dedent(head) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_the_end_of_the_program_waits_for_its_calls() -> None:
    assert run("for n in range(5): ayl.send(note, n, 0.05)") == (0, [f"{n} in parent" for n in range(5)], "")


def test_a_call_for_which_no_thread_can_be_started_is_refused_not_forgotten() -> None:
    script = """
        ayl.configure(engine="thread?threads=2&finish=2")
        threading.stack_size(1 << 46)  # no system has room for that
        try:
            ayl.send(note, 1)
        except ayl.errors.Refused as error:
            say(error)
        threading.stack_size(0)
        ayl.send(note, 2, 0.4)
        time.sleep(0.2)
        threading.stack_size(1 << 46)
        ayl.send(note, 3)  # the thread that there is will do
    """
    said = ["no thread can be started for the call: can't start new thread", "2 in parent", "3 in parent"]
    assert run(script) == (0, said, "")


def test_the_end_of_the_program_waits_no_longer_than_was_said() -> None:
    began = time.monotonic()
    code, said, errors = run("ayl.send(note, 1, 60); ayl.send(note, 2); time.sleep(0.2)")
    assert time.monotonic() - began < 10
    assert (code, said) == (0, [])
    assert "t.note(1, 60) still runs when the process ends" in errors
    assert "t.note(2) is lost: the process ends before it is due, or was run" in errors


def test_a_program_that_fails_finishes_its_calls_too() -> None:
    code, said, _ = run("ayl.send(note, 1, 0.1); raise SystemExit(3)")
    assert (code, said) == (3, ["1 in parent"])


def test_a_forked_child_runs_its_own_calls_and_none_of_its_parents() -> None:
    script = """
        ayl.send(note, 1, 0.3)
        ayl.send(note, 2)
        child = os.fork()
        if child == 0:
            ayl.send(note, 3)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    code, said, errors = run(script)
    assert (code, sorted(said), errors) == (0, ["1 in parent", "2 in parent", "3 in child"], "")


def test_a_call_that_forks_leaves_the_rest_to_the_parent() -> None:
    code, said, errors = run("ayl.send(fork); ayl.send(note, 1)")
    assert (code, said, errors) == (0, ["1 in parent"], "")


def test_what_is_sent_when_the_process_has_ended_is_refused_not_forgotten() -> None:
    script = """
        import atexit
        def late():
            try: ayl.send(note, 1)
            except ayl.AylError as error: say(error)
        atexit.register(late)  # runs after the engine's own end, which the first send brings
        ayl.send(note, 0)
    """
    code, said, _ = run(script)
    assert (code, said) == (0, ["0 in parent", "the process ends: its threads take no more calls"])
