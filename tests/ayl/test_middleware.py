"""Middleware: what surrounds the calls that a worker makes, here in this process with real servers."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import frameworks, settings, surroundings
from ayl.engines import source_for, watch_for
from ayl.worker.execution import execute
from tests.ayl.slots import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.engines.base import Source
    from tests.ayl.conftest import Server

SAID: list[str] = []

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="none")


@ayl.task("surrounded.speak")
def speak(word: str) -> None:
    SAID.append(f"{word} in {LANGUAGE.get()}")


@ayl.task("surrounded.speak_later")
async def speak_later(word: str) -> None:
    SAID.append(f"{word} in {LANGUAGE.get()}")


@ayl.task("surrounded.fail")
def fail() -> None:
    raise LookupError("no such thing")


@ayl.model("surrounded.House")
class House:
    id = 3

    @classmethod
    def find(cls, key: int) -> House:
        return cls()

    def build(self, floors: int) -> None: ...


@pytest.fixture(autouse=True)
def _no_middleware() -> Iterator[None]:
    SAID.clear()
    yield
    surroundings.clear()


@pytest.fixture
def work(tube: str) -> Iterator[Callable[[], None]]:
    """A worker's next job."""
    reader, writer = socket.socketpair()
    with reader, writer:
        source: Source = source_for(settings.current(), watch_for([tube]), reader.fileno())

        def work() -> None:
            lease = source.take()
            assert lease is not None
            execute(lease, settings.current(), slot())

        yield work
        source.close()


def named(name: str) -> Callable[[ayl.Running], Iterator[None]]:
    """Says when it begins and how it ends."""

    def surround(_call: ayl.Running) -> Iterator[None]:
        SAID.append(f"{name} begins")
        try:
            yield
        except BaseException as error:
            SAID.append(f"{name} ends with {error!r}")
            raise
        SAID.append(f"{name} ends")

    return surround


def buried(server: Server, tube: str) -> int:
    with server.client(tube) as client:
        return client.stats_tube(tube)["current-jobs-buried"]


def test_the_first_that_is_registered_is_the_outermost(work: Callable[[], None]) -> None:
    ayl.middleware(named("one"))
    ayl.middleware(named("two"))
    ayl.send(speak, "well")
    work()
    assert SAID == ["one begins", "two begins", "well in none", "two ends", "one ends"]


@pytest.mark.parametrize("task", [speak, speak_later], ids=["a function", "a coroutine function"])
def test_a_call_runs_in_the_context_that_was_made_for_it(work: Callable[[], None], task: Callable[[str], Any]) -> None:
    @ayl.middleware
    def in_welsh(_call: ayl.Running) -> Iterator[None]:
        token = LANGUAGE.set("Welsh")
        yield
        LANGUAGE.reset(token)

    ayl.send(task, "well")
    work()
    assert (SAID, LANGUAGE.get()) == (["well in Welsh"], "none")


def test_it_sees_what_the_call_is(work: Callable[[], None], tube: str) -> None:
    seen: list[tuple[object, ...]] = []

    @ayl.middleware
    def look(call: ayl.Running) -> Iterator[None]:
        assert call is ayl.current()
        seen.append((call.id, call.name, call.text, call.tube, call.options))
        yield

    options = {"time_to_run": 30, "failed_job_handler": "bury", "failed_job_count": 7, "failed_job_delay": 5}
    limits = {"keep_alive": True, "time_limit": 600}
    building = ayl.opts(**options, **limits).send(House().build, 2)
    speaking = ayl.send(speak, "well")
    work()
    work()
    text = "surrounded.House.find(3).build(2)"
    assert seen[0] == (building.id, "surrounded.House.build", text, tube, options | limits)
    assert seen[1][:4] == (speaking.id, "surrounded.speak", "surrounded.speak('well')", tube)
    assert seen[1][4] == {
        "time_to_run": 120, "failed_job_handler": "decay", "failed_job_count": 3, "failed_job_delay": 60,
        "keep_alive": False, "time_limit": 0,
    }  # fmt: skip


def test_it_sees_what_the_call_has_raised_and_that_is_still_its_failure(
    work: Callable[[], None], server: Server, tube: str
) -> None:
    ayl.middleware(named("one"))
    ayl.opts(failed_job_handler="bury").send(fail)
    work()
    assert SAID == ["one begins", "one ends with LookupError('no such thing')"]
    assert buried(server, tube) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_it_raises_is_the_failure_of_the_call(
    work: Callable[[], None], server: Server, tube: str, when: str
) -> None:
    @ayl.middleware
    def refuse(_call: ayl.Running) -> Iterator[None]:
        if when == "after":
            yield
        raise PermissionError("not today")

    ayl.opts(failed_job_handler="bury").send(speak, "well")
    work()
    assert (["well in none"] if when == "after" else []) == SAID
    assert buried(server, tube) == 1


def test_what_it_catches_is_no_failure(work: Callable[[], None], server: Server, tube: str) -> None:
    @ayl.middleware
    def forgive(_call: ayl.Running) -> Iterator[None]:
        with suppress(LookupError):
            yield

    ayl.send(fail)
    work()
    with server.client(tube) as client:
        assert client.stats_tube(tube)["cmd-delete"] == 1


def test_it_may_say_itself_what_becomes_of_the_job(work: Callable[[], None], server: Server, tube: str) -> None:
    @ayl.middleware
    def refuse(call: ayl.Running) -> Iterator[None]:
        if call.attempts == 1:
            raise ayl.Bury(f"no {call.name} today")
        yield

    ayl.send(speak, "well")
    work()
    assert (SAID, buried(server, tube)) == ([], 1)


def test_a_call_in_place_is_within_what_surrounds_its_sender_only() -> None:
    ayl.configure(app="shop", version="1", engine="synchronous")
    ayl.middleware(named("one"))
    ayl.send(speak, "well")
    assert SAID == ["well in none"]


def test_without_any_and_without_frameworks_nothing_is_opened_around_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "AROUND_JOBS", [])
    assert frameworks.around_job() is frameworks.around_job()
    ayl.middleware(named("one"))
    assert frameworks.around_job() is not frameworks.around_job()


def test_a_module_that_is_loaded_again_replaces_its_own(work: Callable[[], None]) -> None:
    for name in ("old", "new"):
        surround = named(name)
        surround.__qualname__ = "surround"  # as at the top of a module
        ayl.middleware(surround)
    ayl.send(speak, "well")
    work()
    assert SAID == ["new begins", "well in none", "new ends"]


async def later(_call: ayl.Running) -> Any:
    yield


async def coroutine(_call: ayl.Running) -> None: ...


@contextmanager
def wrapped(_call: ayl.Running) -> Iterator[None]:
    yield


def unknowing() -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (later, "later is async, but has to surround plain functions, too: make it `def`"),
        (coroutine, "generator functions with one `yield`, not for coroutine"),
        (wrapped, "generator functions with one `yield` without @contextmanager, not for wrapped"),
        (speak, "generator functions with one `yield`, not for speak"),
        (3, "not for 3"),
        (unknowing, "unknowing is called with one argument, the call: too many positional arguments"),
    ],
    ids=repr,
)
def test_what_cannot_surround_a_call_is_refused_with_the_cure(function: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        ayl.middleware(function)
    assert not surroundings.is_there()
