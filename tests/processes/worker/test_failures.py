"""What becomes of a job whose call does not end well: what the call asked for, or what its options say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.life import NEW

from .aftermath import GONE, Aftermath
from .app import chores
from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.processes.servers import Server

    from .aftermath import Ending


@dataclass(frozen=True)
class Case:
    """A call that fails, and where its job must come to rest."""

    trouble: str
    """One of `chores.TROUBLES`."""
    options: dict[str, Any]
    state: str
    tries: int
    log: str
    """A pattern for the worker's last line on it."""
    delay: int = 0
    chore: Callable[[Path, str, str], None] = field(default=chores.fail)


TWICE = {"failed_job_handler": "decay", "failed_job_count": 2, "failed_job_delay": 0}

CASES = {
    "delete drops a failed job": Case(
        "ValueError", {"failed_job_handler": "delete"}, GONE, 1, r"dropped: ValueError: the till is empty$"
    ),
    "bury puts a failed job aside": Case(
        "ValueError", {"failed_job_handler": "bury"}, "buried", 1, r"buried: ValueError: the till is empty$"
    ),
    "decay tries as often as failed_job_count says and buries then": Case(
        "ValueError", {"failed_job_count": 4, "failed_job_delay": 0}, "buried", 4, r"buried: ValueError: the till"
    ),
    "decay with a failed_job_count of 1 buries at once": Case(
        "ValueError", {"failed_job_count": 1, "failed_job_delay": 0}, "buried", 1, r"buried: ValueError: the till"
    ),
    "decay waits failed_job_delay seconds before the next try": Case(
        "ValueError",
        {"failed_job_delay": 42},
        "delayed",
        1,
        r"\(try 1 of 3, now job \d+\) comes back in \d\d s: ValueError: the till",
        delay=42,
    ),
    "without options a failed job is tried again after a minute": Case(
        "ValueError", {}, "delayed", 1, r"comes back in (6|7)\d s: ValueError: the till is empty$", delay=60
    ),
    "a job that was tried again and went well is done": Case(
        "ValueError", TWICE, GONE, 2, r"comes back in 0 s: ValueError", chore=chores.fail_once
    ),
    "a call that exits has failed like any other": Case("SystemExit", TWICE, "buried", 2, r"buried: SystemExit: 3$"),
    "a call that exits with 0 has failed, too": Case(
        "SystemExit-0", {"failed_job_handler": "bury"}, "buried", 1, r"buried: SystemExit: 0$"
    ),
    "a call that raises KeyboardInterrupt has failed like any other": Case(
        "KeyboardInterrupt", TWICE, "buried", 2, r"buried: KeyboardInterrupt$"
    ),
    "a call that raises what is no Exception has failed like any other": Case(
        "BaseException", TWICE, "buried", 2, r"buried: Storm: thunder$"
    ),
    "a call that raises GeneratorExit has failed like any other": Case(
        "GeneratorExit", TWICE, "buried", 2, r"buried: GeneratorExit$"
    ),
    "a call that was cancelled has failed like any other": Case(
        "CancelledError", TWICE, "buried", 2, r"buried: CancelledError$"
    ),
    "a call that recurses without end has failed like any other": Case(
        "RecursionError", TWICE, "buried", 2, r"buried: RecursionError: maximum recursion"
    ),
    "a call whose error has no text has failed like any other": Case("Mute", TWICE, "buried", 2, r"buried: Mute"),
    "a call that asks to be buried is, whatever its handler": Case(
        "Bury", {"failed_job_handler": "delete"}, "buried", 1, r"buried: the address is wrong$"
    ),
    "a call that asks to decay does, whatever its handler": Case(
        "Decay-60", {"failed_job_handler": "delete"}, "delayed", 1, r"comes back in 60 s: the shop is closed$", delay=60
    ),
    "a call that asks to decay without a delay waits failed_job_delay seconds": Case(
        "Decay", {"failed_job_delay": 33, "failed_job_handler": "bury"}, "delayed", 1, r"back in 33 s", delay=33
    ),
    "a call that asks to decay for longer than a job can has failed": Case(
        "Decay-2**32", {"failed_job_handler": "bury"}, "buried", 1, r"buried: InvalidOption: Decay\(delay\)"
    ),
    "a call that asks to decay by 0 is made again at once": Case(
        "Decay-0", {"failed_job_handler": "delete"}, GONE, 2, r"comes back in 0 s", chore=chores.fail_once
    ),
}


@pytest.fixture(scope="module")
def aftermath(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """All cases, each with a priority of its own in the order above, drained by one supervisor of one worker."""
    workshop = Workshop(server, tmp_path_factory.mktemp("failures"))
    try:
        tries = {}
        for number, case in enumerate(CASES.values()):
            prepared = ayl.opts(priority=100 + number, **case.options)
            handle = prepared.send(case.chore, workshop.folder, f"case-{number}", case.trouble)
            assert handle.job_id
            tries[handle.job_id] = case.tries
        supervisor = workshop.workers()
        drained = Aftermath(workshop, supervisor, tries)
        drained.await_rest()
        yield drained
    finally:
        workshop.close()


def ending(aftermath: Aftermath, number: int) -> Ending:
    return aftermath.ending([*aftermath.tries][number], f"case-{number}")


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES.values())), ids=CASES)
def test_a_failed_job_comes_to_rest_where_it_must(aftermath: Aftermath, number: int, case: Case) -> None:
    end = ending(aftermath, number)
    assert (end.state, len(end.runs)) == (case.state, case.tries)
    assert re.search(case.log, end.log[-1])
    if end.state != GONE:
        assert end.job["pri"] == 100 + number
        counted = not case.trouble.startswith("Decay-6") and case.trouble != "Decay"
        if end.state == "delayed":
            assert case.delay <= int(str(end.job["delay"])) <= case.delay * (1.25 if counted else 1)
        assert (end.life.tries, end.life.kills) == (case.tries * counted, 0)
        assert end.life.why == (re.split(r"buried: |comes back in \d+ s: ", end.log[-1])[1] if counted else "")
        assert (end.job["timeouts"], end.job["buries"]) == (0, case.state == "buried")


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES.values())), ids=CASES)
def test_the_worker_outlives_the_failure_of_a_call(aftermath: Aftermath, number: int, case: Case) -> None:
    assert len({run.pid for run in ending(aftermath, number).runs}) == 1, case.trouble


def test_a_failure_is_logged_with_its_traceback(aftermath: Aftermath) -> None:
    log = aftermath.supervisor.log()
    assert "Traceback (most recent call last):" in log
    assert "raise error\nValueError: the till\nis empty\n" in log


def test_what_a_call_asks_for_is_no_failure_and_has_no_traceback(aftermath: Aftermath) -> None:
    log = aftermath.supervisor.log()
    assert "ayl.errors.Bury" not in log
    assert "ayl.errors.Decay" not in log


def test_an_object_whose_store_does_not_answer_is_asked_for_again_whatever_the_handler(workshop: Workshop) -> None:
    shelf = chores.Shelf("closed/shelf")
    sent = ayl.opts(failed_job_handler="delete", failed_job_delay=7).send(shelf.label, "never")
    assert sent.job_id
    drained = Aftermath(workshop, workshop.workers(), {sent.job_id: 1})
    drained.await_rest()
    end = drained.ending(sent.job_id, "never")
    assert (end.state, end.life) == ("delayed", NEW)
    assert end.job["delay"] in (7, 8), "a quarter more at most"
    assert "the store is closed" in end.log[-1]
