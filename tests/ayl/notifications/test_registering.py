"""Functions are registered by decorators, and what they do harms nobody."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.listeners import BURIALS, FAILURES, OUTAGES, Hooks
from ayl.notifications import BuryEvent, FailureEvent, UnreachableEvent

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: list[tuple[Callable[[Any], Any], Hooks[Any]]] = [
    (ayl.on_failure, FAILURES),
    (ayl.on_bury, BURIALS),
    (ayl.on_unreachable, OUTAGES),
]

EVENT = FailureEvent(
    call="shop.Order.find(42).ship('ups')", reason="ValueError: lost", job_id=7, tries=2, fate="retried", retry_in=60
)


@pytest.mark.parametrize(("decorator", "hooks"), KINDS)
def test_a_hook_is_called_with_the_event_and_stays_a_function(
    decorator: Callable[[Any], Any], hooks: Hooks[Any]
) -> None:
    heard = []

    @decorator
    def listen(event: object) -> str:
        heard.append(event)
        return "heard"

    hooks.notify(EVENT)
    assert heard == [EVENT]
    assert listen("once more") == "heard"


def test_hooks_are_called_in_the_order_in_which_they_were_registered() -> None:
    heard = []

    def listener(number: int) -> Callable[[object], None]:
        return lambda _event: heard.append(number)

    for number in range(3):
        ayl.on_failure(listener(number))
    FAILURES.notify(EVENT)
    assert heard == [0, 1, 2]


def test_a_hook_that_is_registered_twice_hears_once() -> None:
    heard: list[object] = []
    ayl.on_failure(heard.append)
    ayl.on_failure(heard.append)
    FAILURES.notify(EVENT)
    assert heard == [EVENT]


def test_a_local_function_that_is_registered_twice_hears_once() -> None:
    heard: list[object] = []

    def listen(event: object) -> None:
        heard.append(event)

    ayl.on_failure(listen)
    ayl.on_failure(listen)
    FAILURES.notify(EVENT)
    assert heard == [EVENT]


def test_the_same_method_of_two_objects_is_two_hooks() -> None:
    first: list[object] = []
    second: list[object] = []
    ayl.on_failure(first.append)
    ayl.on_failure(second.append)
    FAILURES.notify(EVENT)
    assert (first, second) == ([EVENT], [EVENT])


def test_a_module_that_is_loaded_again_replaces_its_hooks() -> None:
    heard = []
    for number in (1, 2):

        def listen(_event: object, number: int = number) -> None:
            heard.append(number)

        listen.__qualname__ = "listen"  # as at the top of a module
        ayl.on_bury(listen)
    BURIALS.notify(BuryEvent())
    assert heard == [2]


class Awaited:
    async def __call__(self, event: object) -> None: ...


async def listen_later(event: object) -> None: ...


@pytest.mark.parametrize("hook", [listen_later, Awaited(), functools.partial(listen_later)], ids=repr)
@pytest.mark.parametrize(("decorator", "hooks"), KINDS)
def test_a_coroutine_function_is_refused_with_the_cure(
    decorator: Callable[[Any], Any], hooks: Hooks[Any], hook: Any
) -> None:
    with pytest.raises(TypeError, match=r"takes no coroutine function.*asyncio\.run"):
        decorator(hook)
    assert not hooks


@pytest.mark.parametrize("hook", [None, 3, "listen", BuryEvent])
def test_what_is_no_function_is_refused(hook: Any) -> None:
    with pytest.raises(TypeError, match=r"@ayl\.on_bury is for functions that take the event"):
        ayl.on_bury(hook)


@pytest.mark.parametrize("error", [ValueError("no mail"), SystemExit(3), ayl.Bury("me")], ids=repr)
def test_what_a_hook_raises_is_logged_and_the_next_is_called(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[object] = []

    @ayl.on_failure
    def fails(_event: object) -> None:
        raise error

    ayl.on_failure(heard.append)
    FAILURES.notify(EVENT)
    assert heard == [EVENT]
    (record,) = caplog.records
    assert (record.levelno, record.exc_info and record.exc_info[1]) == (logging.ERROR, error)
    assert "the @ayl.on_failure hook" in record.getMessage()
    assert "fails" in record.getMessage()
    assert "shop.Order.find(42).ship('ups') failed" in record.getMessage()


def test_ctrl_c_in_a_hook_is_not_swallowed() -> None:
    @ayl.on_unreachable
    def interrupted(_event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OUTAGES.notify(UnreachableEvent(server="s"))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (EVENT, "shop.Order.find(42).ship('ups') failed (try 2, job 7), is tried again in 60 s: ValueError: lost"),
        (FailureEvent(job_id=7, tries=3, fate="buried", reason="r"), "job 7 failed (try 3, job 7), was buried: r"),
        (FailureEvent(call="c()", job_id=7, tries=1, fate="dropped"), "c() failed (try 1, job 7), was dropped: "),
        (
            FailureEvent(call="c()", job_id=7, tries=1, fate="lost", reason="r"),
            "c() failed (try 1, job 7), and was no longer this worker's: r",
        ),
        (
            BuryEvent(call="c()", job_id=7, tries=3, tube="shop/1", reason="r"),
            "c() was buried (after 3 tries, job 7 in shop/1): r",
        ),
        (BuryEvent(job_id=7, tries=1, tube="shop/1", reason="r"), "job 7 was buried (job 7 in shop/1): r"),
        (
            UnreachableEvent(server="s", reason="no server answers", calls=3, policy="spool", tube="shop/1"),
            "no server answers (3 calls for shop/1, unreachable='spool')",
        ),
    ],
    ids=str,
)
def test_an_event_as_text_is_a_line_for_an_operator(event: object, line: str) -> None:
    assert str(event) == line


def test_events_cannot_be_changed_by_a_hook() -> None:
    with pytest.raises(AttributeError):
        EVENT.reason = "another"  # type: ignore[misc]


def test_importing_ayl_does_not_load_what_only_a_failing_hook_needs() -> None:
    script = "import sys, ayl; print({'logging', 'smtplib', 'socketserver'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
