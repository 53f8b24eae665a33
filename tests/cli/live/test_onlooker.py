"""Looks at a real server, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ayl import admin
from ayl.admin.onlooker import Onlooker, heads
from tests.cli.servers import KINDS, Kind, client, free_port

if TYPE_CHECKING:
    from ayl.admin import Server


def test_a_change_is_what_happened_since_the_look_before(server: Server, app: str) -> None:
    tube = f"{app}/1"
    onlooker = Onlooker(server, f"{app}/*")
    with client(server, use=tube, watch=tube) as worker:
        for _ in range(6):
            worker.put(b"")
        (first,) = onlooker.look(100.0, 0.0).tubes
        worker.bury(worker.reserve())
        worker.delete(worker.reserve())
        worker.put(b"", delay=60)
        worker.reserve()
        with client(server, watch=tube):
            (second,) = onlooker.look(104.0, 0.0).tubes
    assert (first.tube.name, first.change) == (tube, None)
    assert second.change is not None
    found = second.change
    assert (found.ready, found.reserved, found.delayed, found.buried, found.workers) == (-3, 1, 1, 1, 1)
    assert (found.seconds, found.put, found.done) == (4.0, 0.2, 0.2)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_after_an_outage_there_is_nothing_to_compare_with(kind: Kind) -> None:
    port = free_port()
    onlooker = Onlooker(admin.Server(port=port))
    with kind.running(port=port):
        assert [look.change is None for now in (1.0, 2.0) for look in onlooker.look(now, 0.0).tubes] == [True, False]
    away = onlooker.look(3.0, 0.0)
    assert away.trouble == f"no server at 127.0.0.1:{port} (connection refused)"
    assert (away.tubes, away.statistics) == ([], None)
    with kind.running(port=port):
        (again,) = onlooker.look(4.0, 0.0).tubes
    assert again.change is None


def test_to_look_for_the_next_jobs_of_a_tube_that_is_gone_does_not_make_it(server: Server, app: str) -> None:
    before = admin.statistics(server).reported["cmd-use"]
    assert heads(server, f"{app}/gone") == []
    assert admin.statistics(server).reported["cmd-use"] == before
