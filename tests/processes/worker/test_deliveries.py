"""Workers deliver what waits on their machine, when they start and every so often."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import ayl
from ayl import State, delivery
from ayl.spooled import contents
from tests.processes.deadline import eventually
from tests.processes.servers import AYL_SERVER, Kind, Server, serving

from .app import chores
from .workshop import IMPATIENT, Workshop

if TYPE_CHECKING:
    from pathlib import Path


def spooled(spool: Path, folder: Path, *words: str) -> None:
    """As senders do that are gone before the server is back."""
    ayl.configure(spool=str(spool), unreachable="spool")
    for word in words:
        assert ayl.send(chores.note, folder, word).state is State.SPOOLED
    delivery.close()


def test_what_was_spooled_is_delivered_by_a_worker_that_starts_and_by_one_that_waits(
    kind: Kind, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with serving(kind, tmp_path) as server, closing(Workshop(server, tmp_path)) as workshop:
        server.kill()
        spooled(spool, tmp_path, "one", "two")
        again = Server(kind, tmp_path, port=server.port)
        try:
            assert again.await_start()
            supervisor = workshop.workers(*IMPATIENT, AYL_SPOOL=str(spool))
            workshop.read("two")
            supervisor.awaits(r"delivered 2 calls that had waited in the spool")
            again.kill()
            spooled(spool, tmp_path, "three")
            again = Server(kind, tmp_path, port=server.port)
            assert again.await_start()
            workshop.read("three")  # nobody sends any more
            assert workshop.words() == ["one", "two", "three"]
            eventually(lambda: not contents(str(spool)).calls, workshop.told)
        finally:
            again.kill()


def test_a_spool_that_cannot_be_used_is_told_once_and_keeps_no_worker_from_its_work(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o777)
    spool.chmod(0o777)
    with serving(AYL_SERVER, tmp_path) as server, closing(Workshop(server, tmp_path)) as workshop:
        supervisor = workshop.workers(AYL_SPOOL=str(spool))
        supervisor.awaits("can be written by other users; take that away: chmod go-w")
        ayl.send(chores.note, tmp_path, "one")
        workshop.read("one")
        assert len(supervisor.logs("can be written by other users")) == 1
