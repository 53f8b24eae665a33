"""Spans of a test in which sends go elsewhere, and the assertions on the innermost of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, ParamSpec

from ayl import settings as configuration
from ayl.commits import unwatched
from ayl.delivery import stand_in
from ayl.engines import engine_for
from ayl.engines.recording import OF_THE_PROCESS, RecordingEngine
from ayl.testing.calls import SentCall
from ayl.testing.recordings import LIMIT, Recording

P = ParamSpec("P")

APP = "test"
"""The app of tests that configure none."""

_open: list[Recording] = []


@contextmanager
def recording() -> Iterator[Recording]:
    """Within this span whatever the process sends, from any thread, is kept and goes nowhere."""
    with _recording(RecordingEngine()) as sent:
        yield sent


@contextmanager
def inline() -> Iterator[Recording]:
    """Within this span calls are made where they are sent, through their bytes; what they raise comes out of the send.

    They are recorded too. Calls that wait for a commit, or in a batch, are made when that ends.
    """
    synchronous = engine_for(replace(configuration.current(), engine="synchronous"))
    with _recording(RecordingEngine(synchronous)) as sent:
        yield sent


@contextmanager
def at_once() -> Iterator[None]:
    """Within this span sends wait for no commit: for tests in a transaction that is rolled back in the end.

    A rollback drops nothing then, and model hooks that are sent once for each transaction are sent at each save.
    """
    with unwatched():
        yield


@contextmanager
def _recording(engine: RecordingEngine) -> Iterator[Recording]:
    sent = Recording(engine)
    with ExitStack() as stack:
        if not _open:
            # An app that the code under test configures, in this span or before it, is left as it is.
            configuration.assume(app=APP)
            stack.callback(configuration.assume)
        stack.enter_context(stand_in(engine))
        _open.append(sent)
        stack.callback(_open.remove, sent)
        yield sent


def _innermost() -> Recording:
    if _open:
        return _open[-1]
    if configuration.current().engine.partition(":")[0] == "recording":
        return Recording(OF_THE_PROCESS)
    raise RuntimeError(
        "nothing is recorded here: use the fixture ayl_sent, `with ayl.testing.recording() as sent:`, or "
        'ayl.configure(engine="recording")'
    )


def sent() -> list[SentCall]:
    """`Recording.sent` of the innermost span, or of the engine `recording`; RuntimeError if neither is there."""
    return _innermost().sent()


def assert_sent(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> SentCall:
    """As `Recording.assert_sent`."""
    __tracebackhide__ = True
    return _innermost().assert_sent(function, *args, **kwargs)


def assert_sent_times(times: int, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """As `Recording.assert_sent_times`."""
    __tracebackhide__ = True
    _innermost().assert_sent_times(times, function, *args, **kwargs)


def assert_not_sent(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """As `Recording.assert_not_sent`."""
    __tracebackhide__ = True
    _innermost().assert_not_sent(function, *args, **kwargs)


def assert_nothing_sent() -> None:
    """As `Recording.assert_nothing_sent`."""
    __tracebackhide__ = True
    _innermost().assert_nothing_sent()


def run_sent(*, limit: int = LIMIT) -> int:
    """As `Recording.run_sent`."""
    return _innermost().run_sent(limit=limit)


def clear() -> None:
    """As `Recording.clear`."""
    _innermost().clear()
