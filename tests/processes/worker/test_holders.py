"""An operator asks why a job does not run: a worker of this machine makes its call, and is found."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import ayl
from ayl.admin.circumstances import circumstances
from tests.processes.deadline import eventually
from tests.processes.servers import command, environment

from .app import chores

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
    holder = found(workshop, held.job_id).holder
    assert holder is not None
    assert (holder.pid, holder.told) == (pid, True)
    said = subprocess.run(
        [command("ayl_beanstalk"), "-p", str(workshop.server.port), "why", str(held.job_id)],
        capture_output=True, text=True, env=environment(), check=True,
    ).stdout  # fmt: skip
    assert f"it is reserved by the worker process {pid} of this machine, which has been at it for " in said
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
