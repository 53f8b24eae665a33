"""Process slots whose server goes away, and those with several."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import ayl
from tests.processes.deadline import for_a_while
from tests.processes.servers import serving

from .app import chores
from .children import children, held, lives
from .test_lost_server import UNREACHABLE, restarted
from .workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.processes.servers import Kind

SOON = ayl.opts(failed_job_delay=0)


def test_a_call_whose_lease_is_lost_ends_even_if_it_holds_the_interpreter_lock(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers("--processes", "2")
            opts = ayl.opts(time_to_run=1, keep_alive=True)
            opts.send(chores.clutch, tmp_path, "gripping", 60)
            opts.send(chores.hold, tmp_path, "holding")
            pid = workshop.read("gripping-begins").pid
            other = workshop.read("holding-begins").pid
            server.kill()
            supervisor.awaits("TimeToRunExceeded: its lease is lost")
            supervisor.awaits(rf"process {pid} of a slot was killed by SIG(ABRT|KILL)")
            assert sorted(workshop.words()) == ["gripping-begins", "holding-begins"]
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                workshop.await_waiting(2)
                seen = {True}
                for_a_while(2.5, lambda: seen.add(lives(other)))
                assert seen == {True}, supervisor.log()
        finally:
            workshop.close()


def test_slots_find_a_server_again_that_was_restarted(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers("--processes", "2")
            held(workshop, "orphan")
            workshop.await_waiting(1)
            server.kill()
            supervisor.awaits(UNREACHABLE)
            workshop.let_go("orphan")
            supervisor.awaits(UNREACHABLE, 2)
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                workshop.await_waiting(2)
                held(workshop, "one")
                workshop.let_go("one")
                workshop.await_empty()
                supervisor.gets(signal.SIGTERM)
                assert supervisor.wait() == 0
                assert len(children(supervisor)) == 2
        finally:
            workshop.close()


def test_several_servers_serve_all_slots(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> None:
    homes = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    with serving(kind, homes[0]) as here, serving(kind, homes[1]) as there:
        workshops = [Workshop(here, homes[0]), Workshop(there, homes[1])]
        both = f"{here.url},{there.url.removeprefix('beanstalk://')}"
        try:
            tubes = [word for workshop in workshops for word in ("--tube", workshop.tube)]
            workers = workshops[0].workers("--processes", "2", *tubes, AYL_ENGINE=both)
            for workshop in workshops:
                ayl.configure(version=workshop.version, engine=workshop.server.url)
                held(workshop, "one")
                SOON.send(chores.leave, workshop.folder, "left", 3)
                ayl.send_many((chores.note, workshop.folder, f"note-{number}") for number in range(50))
            for workshop in workshops:
                workshop.let_go("one")
                workshop.read("left", 2)
                workshop.await_empty()
                assert len(workshop.words()) == 2 + 2 + 50
            workers.gets(signal.SIGTERM)
            assert workers.wait() == 0
        finally:
            for workshop in workshops:
                workshop.close()
