"""An operator asks why a job does not run: a worker of this machine makes its call, and is found."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import ayl
from ayl.admin.circumstances import circumstances
from ayl.admin.why import reasons
from tests.processes.deadline import eventually
from tests.processes.servers import command, environment

from .app import chores
from .workshop import message

if TYPE_CHECKING:
    from ayl.admin.holders import LocalWorkers

    from .workshop import Workshop


def found(workshop: Workshop, job: int | None) -> LocalWorkers:
    workers = circumstances(workshop.address, job or 0).workers
    assert workers is not None
    return workers


def test_by_the_status_that_it_tells(workshop: Workshop) -> None:
    workshop.workers("--status", "status.socket", workers=2)
    held = ayl.send(chores.hold, workshop.folder, "held")
    pid = workshop.read("held-begins").pid

    def said() -> str:
        words = [str(command("ayl_beanstalk")), "-p", str(workshop.server.port), "why", str(held.job_id)]
        return str(subprocess.run(words, capture_output=True, text=True, env=environment(), check=True).stdout)

    # Who takes too long to answer has told nothing.
    eventually(lambda: (holder := found(workshop, held.job_id).holder) and (holder.pid, holder.told) == (pid, True))
    by = f"it is reserved by the worker process {pid} of this machine, which has been at it for "
    eventually(lambda: by in said(), workshop.told)
    workshop.let_go("held")


def test_by_its_title_where_it_tells_nothing(our_workshop: Workshop) -> None:
    our_workshop.workers()
    held = ayl.send(chores.hold, our_workshop.folder, "held")
    pid = our_workshop.read("held-begins").pid
    eventually(lambda: found(our_workshop, held.job_id).holder is not None, our_workshop.told)
    holder = found(our_workshop, held.job_id).holder
    assert holder is not None
    assert (holder.pid, holder.told) == (pid, False)
    our_workshop.let_go("held")


def test_who_is_asked_and_does_not_make_the_call_is_not_its_holder(our_workshop: Workshop) -> None:
    job = our_workshop.put(message())
    our_workshop.client.reserve_job(job)
    our_workshop.workers("--status", "status.socket")

    def sentences() -> list[str]:
        return [finding.sentence for finding in reasons(circumstances(our_workshop.address, job))]

    by = "it is reserved by another machine or client: no worker of this one that answers makes its call"
    eventually(lambda: any(sentence.startswith(by) for sentence in sentences()), our_workshop.told)
