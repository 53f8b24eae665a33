"""`ayl.current()`: what a call can know of itself."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

TEN = ayl.opts(time_to_run=10, failed_job_count=1)


def expected(workshop: Workshop, word: str, handle: ayl.Handle, attempts: int = 1) -> str:
    return "|".join([word, handle.id, str(handle.job_id), workshop.tube, str(attempts), "in-time", "False"])


def test_a_call_knows_itself_and_a_thread_of_its_own_knows_none(our_workshop: Workshop) -> None:
    worker = our_workshop.workers()
    sent = TEN.send(chores.look_around, our_workshop.folder, "here")
    worker.awaits("ValueError: that is all")
    assert our_workshop.words() == [expected(our_workshop, "here", sent), "thread-outside"]


def test_so_does_a_coroutine_with_its_tasks(our_workshop: Workshop) -> None:
    our_workshop.workers()
    sent = TEN.send(chores.look_around_async, our_workshop.folder, "here")
    our_workshop.read(expected(our_workshop, "here", sent))


def test_a_call_hears_of_a_stop_and_may_end_early(our_workshop: Workshop) -> None:
    worker = our_workshop.workers()
    ayl.send(chores.heed, our_workshop.folder, "long")
    our_workshop.read("long-begins")
    worker.gets(signal.SIGTERM)
    assert worker.wait() == 0
    assert our_workshop.words() == ["long-begins", "long-stops"]
    our_workshop.await_empty()


def test_it_hears_of_it_too_when_another_slot_is_ordered_to_retire(our_workshop: Workshop) -> None:
    worker = our_workshop.workers("--threads", "2")
    ayl.send(chores.heed, our_workshop.folder, "long")
    our_workshop.read("long-begins")
    our_workshop.put(b'{"type":"ayl-control","do":"exit"}')
    assert worker.wait() == 0
    assert our_workshop.words() == ["long-begins", "long-stops"]


def test_outside_of_a_worker_there_is_none() -> None:
    assert ayl.current() is None
