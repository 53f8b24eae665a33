"""`--burst`: make the calls that are ready, and those that they send, and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl
from tests.processes.servers import AYL_SERVER, free_port, serving

from .app import chores
from .ways import each_way

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Workshop

WORDS = {
    "workers": ("--workers", "2"),
    "processes": ("--processes", "2"),
    "threads": ("--threads", "3"),
    "coroutines": ("--coroutines", "3"),
    "both": ("--threads", "1", "--coroutines", "3"),
}
SLOTS = each_way("words", WORDS)


@SLOTS
def test_all_that_is_ready_is_done_and_the_worker_ends_well(workshop: Workshop, words: tuple[str, ...]) -> None:
    expected = [f"call-{number}" for number in range(200)]
    for word in expected:
        ayl.send(chores.note, workshop.folder, word)
    delayed = ayl.opts(delay=60).send(chores.note, workshop.folder, "delayed")
    supervisor = workshop.workers("--burst", *words, await_start=False)
    assert supervisor.wait() == 0
    assert sorted(workshop.words()) == sorted(expected)
    workshop.await_jobs("ready", 0)
    assert workshop.job(delayed.job_id)["state"] == "delayed"
    assert supervisor.logs("found nothing more to do")
    assert supervisor.left_behind() == []


def test_where_nothing_is_ready_it_ends_at_once(workshop: Workshop) -> None:
    assert workshop.workers("--burst", await_start=False).wait() == 0


@SLOTS
def test_what_calls_send_is_done_too(workshop: Workshop, words: tuple[str, ...]) -> None:
    for number in range(5):
        ayl.send(chores.pass_on, workshop.folder, f"passed-{number}")
    assert workshop.workers("--burst", *words, await_start=False).wait() == 0
    assert sorted(workshop.words()) == [f"passed-{number}" for number in range(5)]


def test_a_call_that_fails_comes_back_later_and_is_not_waited_for(workshop: Workshop) -> None:
    failing = ayl.opts(failed_job_delay=60).send(chores.fail, workshop.folder, "failed", "ValueError")
    assert workshop.workers("--burst", await_start=False).wait() == 0
    assert workshop.words() == ["failed"]
    workshop.await_jobs("delayed", 1)
    assert failing.job_id


def test_a_worker_that_dies_in_a_burst_is_replaced_and_its_call_made(workshop: Workshop) -> None:
    ayl.send(chores.leave, workshop.folder, "left", 3)
    assert workshop.workers("--burst", await_start=False).wait() == 0
    assert workshop.words() == ["left", "left"]
    workshop.await_empty()


def test_all_servers_that_can_be_reached_are_emptied(our_workshop: Workshop, tmp_path: Path) -> None:
    workshop = our_workshop
    with serving(AYL_SERVER, tmp_path) as other:
        for url in (workshop.server.url, other.url):
            ayl.configure(engine=url)
            for number in range(20):
                ayl.send(chores.note, workshop.folder, f"call-{number}")
        both = f"{workshop.server.url},127.0.0.1:{other.port},127.0.0.1:{free_port()}"
        assert workshop.workers("--burst", await_start=False, AYL_ENGINE=both).wait() == 0
    assert len(workshop.words()) == 40
