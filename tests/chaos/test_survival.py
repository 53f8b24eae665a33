"""What the network does to a worker, one thing after the other: it notices, and takes jobs again."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.worker.farewell import REMINDER_SECONDS
from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import AYL_SERVER, HOST, serving
from tests.processes.worker.app import chores

from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.processes.servers import Server
    from tests.processes.worker.workshop import Supervisor, Workshop

PATIENCE = 0.5
"""Seconds of the workers for an answer."""

RENEWAL = 4 * PATIENCE
"""Seconds until a reserve is asked for anew."""

SLOW_MACHINE = 3.0
"""Seconds that everything may take longer because this machine does other things too."""

NOTICED = r"(no server answers at|the server at|what answers at) .*; trying again every 1 s"

TROUBLES: dict[str, Callable[[Proxy], None]] = {
    "a cut": lambda proxy: proxy.cut(),
    "the end of the server's stream": lambda proxy: proxy.half_close("worker"),
    "the end of the worker's stream": lambda proxy: proxy.half_close("server"),
    "a black hole": lambda proxy: proxy.black_hole(),
}

OURS = pytest.mark.parametrize("kind", [AYL_SERVER], ids=lambda kind: kind.name, indirect=True, scope="session")
"""Where the server makes no difference."""

EACH = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())


def worker(workshop: Workshop, proxy: Proxy, workers: int = 1) -> Supervisor:
    """Behind the proxy, waiting."""
    supervisor = workshop.workers(AYL_ENGINE=proxy.url, AYL_TIMEOUT=str(PATIENCE), workers=workers)
    workshop.await_waiting(workers)
    return supervisor


def works(workshop: Workshop, word: str) -> None:
    """Whether a call is made, and once only."""
    sent = ayl.send(chores.note, workshop.folder, word)
    workshop.await_gone(sent.job_id)
    workshop.read(word)  # a job that was cut off is made alone, by another number: that one is gone before
    assert workshop.words().count(word) == 1


def survived(supervisor: Supervisor, workers: int = 1) -> None:
    """Without the help of its supervisor, and without stumbling."""
    assert len(supervisor.started()) == workers
    assert "Traceback" not in supervisor.log()


@EACH
def test_a_worker_that_waits_notices_trouble_within_its_patience_and_takes_jobs_again(
    workshop: Workshop, proxy: Proxy, trouble: Callable[[Proxy], None]
) -> None:
    supervisor = worker(workshop, proxy)
    begun = time.monotonic()
    trouble(proxy)
    supervisor.awaits(NOTICED)
    assert time.monotonic() - begun < RENEWAL + PATIENCE + SLOW_MACHINE
    proxy.heal()
    works(workshop, "afterwards")
    supervisor.awaits("the server answers again")
    survived(supervisor)


@EACH
def test_a_call_whose_lease_is_lost_goes_on_and_is_made_again(
    workshop: Workshop, proxy: Proxy, trouble: Callable[[Proxy], None]
) -> None:
    supervisor = worker(workshop, proxy)
    held = ayl.send(chores.hold_first, workshop.folder, "held")
    workshop.read("held-begins")
    trouble(proxy)
    for_a_while(0.1, lambda: None)
    assert workshop.words() == ["held-begins"], "nothing has ended it"
    workshop.let_go("held")
    supervisor.awaits(NOTICED)
    proxy.heal()
    workshop.await_gone(held.job_id)
    # Unless it could be settled all the same: half of a connection is enough for that.
    assert workshop.words() in (["held-begins", "held-ends", "held-again"], ["held-begins", "held-ends"])
    works(workshop, "afterwards")
    survived(supervisor)


@OURS
def test_a_call_whose_lease_is_lost_by_a_cut_is_made_by_another_worker_meanwhile(
    workshop: Workshop, proxy: Proxy
) -> None:
    supervisor = worker(workshop, proxy, workers=2)
    held = ayl.send(chores.hold_first, workshop.folder, "held")
    first = workshop.read("held-begins").pid
    proxy.cut()
    assert workshop.read("held-again").pid != first
    workshop.await_gone(held.job_id)
    workshop.let_go("held")
    supervisor.awaits(NOTICED, 2)
    workshop.await_waiting(2)
    survived(supervisor, 2)


def test_answers_later_than_its_patience_cost_a_worker_its_connection_and_nothing_else(
    workshop: Workshop, proxy: Proxy
) -> None:
    supervisor = worker(workshop, proxy)
    held = ayl.send(chores.hold, workshop.folder, "held")
    workshop.read("held-begins")
    proxy.delay(2 * PATIENCE)
    workshop.let_go("held")
    supervisor.awaits(f"the server at {HOST}:{proxy.port} does not answer in time.*; trying again")
    workshop.await_gone(held.job_id)  # that it was to be deleted, has come through
    proxy.heal()
    works(workshop, "afterwards")
    assert workshop.words() == ["held-begins", "held-ends", "afterwards"]
    survived(supervisor)


@OURS
def test_answers_within_its_patience_cost_nothing(workshop: Workshop, proxy: Proxy) -> None:
    supervisor = worker(workshop, proxy)
    proxy.delay(PATIENCE / 10)
    for number in range(3):
        works(workshop, f"late-{number}")
    assert not supervisor.logs(NOTICED)
    survived(supervisor)


@OURS
@pytest.mark.parametrize("size", [0, 3, 11, 40])
def test_a_job_that_is_cut_off_in_the_middle_is_handed_over_again(workshop: Workshop, proxy: Proxy, size: int) -> None:
    supervisor = worker(workshop, proxy)
    proxy.cut_after(size)
    works(workshop, "whole")
    supervisor.awaits(NOTICED)
    survived(supervisor)


@OURS
def test_an_idle_worker_proves_its_connection_again_and_again_and_says_nothing_of_it(
    workshop: Workshop, proxy: Proxy
) -> None:
    supervisor = worker(workshop, proxy)
    before = workshop.client.stats()["cmd-reserve-with-timeout"]
    for_a_while(2.5 * RENEWAL, lambda: None)
    workshop.await_waiting(1)
    assert 2 <= workshop.client.stats()["cmd-reserve-with-timeout"] - before <= 9, "and does not hurry"
    works(workshop, "afterwards")
    assert not supervisor.logs(NOTICED)
    survived(supervisor)


@OURS
def test_a_stop_ends_a_worker_at_once_whose_network_is_a_black_hole(workshop: Workshop, proxy: Proxy) -> None:
    supervisor = worker(workshop, proxy)
    proxy.black_hole()
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


@OURS
def test_a_stop_ends_a_worker_that_waits_for_an_answer_out_of_a_black_hole(workshop: Workshop, proxy: Proxy) -> None:
    """Though its supervisor has reminded it before its patience is over."""
    patience = 3 * REMINDER_SECONDS
    supervisor = workshop.workers(AYL_ENGINE=proxy.url, AYL_TIMEOUT=str(patience))
    ayl.send(chores.hold, workshop.folder, "held")
    workshop.read("held-begins")
    proxy.black_hole()
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("stopping")
    workshop.let_go("held")
    begun = time.monotonic()
    assert supervisor.wait() == 0
    assert time.monotonic() - begun < 4 * patience
    assert supervisor.left_behind() == []


@OURS
def test_a_worker_that_finds_a_black_hole_when_it_starts_takes_jobs_later(workshop: Workshop, proxy: Proxy) -> None:
    proxy.black_hole()
    supervisor = workshop.workers(AYL_ENGINE=proxy.url, AYL_TIMEOUT=str(PATIENCE))
    supervisor.awaits(NOTICED)
    proxy.heal()
    works(workshop, "afterwards")
    survived(supervisor)


@OURS
@EACH
def test_of_several_servers_the_others_go_on(
    server: Server, workshop: Workshop, tmp_path: Path, trouble: Callable[[Proxy], None]
) -> None:
    with serving(AYL_SERVER, tmp_path) as far, closing(Proxy(far.port)) as proxy:
        supervisor = workshop.workers(AYL_ENGINE=f"{proxy.url},{HOST}:{server.port}", AYL_TIMEOUT=str(PATIENCE))
        with far.client() as client:
            eventually(lambda: client.stats()["current-waiting"] == 1)
        trouble(proxy)
        supervisor.awaits(f"{proxy.port}.*; the others go on; trying again every 1 s")
        works(workshop, "meanwhile")
        proxy.heal()
        supervisor.awaits(f"the server at {HOST}:{proxy.port} answers again")
        ayl.configure(engine=far.url)
        ayl.send(chores.note, workshop.folder, "from-afar")
        workshop.read("from-afar")
        survived(supervisor)
