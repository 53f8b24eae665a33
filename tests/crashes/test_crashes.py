"""Kills of the server: what it acknowledged is there afterwards, exactly as it was acknowledged."""

from __future__ import annotations

import signal
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually
from tests.processes.servers import AYL_SERVER, ON_ASYNCIO

from .aside import aside
from .campaign import SMALL_FILES, TORN, Campaign
from .servers import Place
from .wire import Gone, Wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind


@aside({"seed 1": 1})
def test_a_server_killed_at_random_moments_loses_nothing_doubles_nothing_and_revives_nothing(
    folder: Path, seed: int
) -> None:
    campaign = Campaign(Place(folder), seed, most_commands=1500, most_calls=300)
    for _ in range(3):
        campaign.live(campaign.kill)
        campaign.die_in_a_call()
    campaign.live(campaign.stop)
    campaign.regime = ("-f", "0", *SMALL_FILES)
    campaign.live(campaign.kill_while_compacting)
    campaign.die_while_starting()
    campaign.judge()
    figures = campaign.figures
    assert figures.migrated, f"no compaction was hit: {figures}"
    assert figures.files > 20, f"hardly a rotation was hit: {figures}"
    assert figures.commands > 2000, figures


@aside({kind.name: kind for kind in (AYL_SERVER, ON_ASYNCIO)})
def test_a_kill_in_the_middle_of_a_write_is_told_and_costs_nothing_that_was_acknowledged(
    folder: Path, kind: Kind
) -> None:
    place = Place(folder)
    place.fault("die", "pwrite 100")
    acknowledged = []
    with place.serving("-f", "0", kind=kind, faulty=True) as server, closing(Wire(server.dial())) as wire:
        with suppress(Gone):
            while True:
                acknowledged.append(wire.ask(b"put 0 0 9 500\r\n%b\r\n" % (b"x" * 500)).number)
        assert server.wait() == -signal.SIGKILL
    assert place.troubles() == []
    with place.serving("-f", "0", kind=kind) as server:
        assert [line.event for line in place.troubles()] == [TORN]
        with server.client() as client:
            assert client.stats()["current-jobs-ready"] == len(acknowledged)
            assert [client.reserve(timeout=0).id for _ in acknowledged] == acknowledged


@aside({"smallest files": ("-s", "4096", "-z", "1000")})
def test_ids_are_not_used_again_though_every_job_is_gone_and_every_file_that_told_of_the_last(
    folder: Path, options: tuple[str, ...]
) -> None:
    place = Place(folder)
    with place.serving(*options) as server, closing(Wire(server.dial())) as wire:
        ids = [answer.number for answer in wire.ask_all([b"put 0 0 9 0\r\n\r\n"] * 2000)]
        first, *rest = ids
        assert {answer.word for answer in wire.ask_all([b"delete %d\r\n" % job for job in reversed(rest)])} == {
            b"DELETED"
        }
        for _ in range(300):  # of one old job there is enough to tell to fill many files
            wire.ask(b"reserve-job %d\r\n" % first)
            wire.ask(b"release %d 0 0\r\n" % first)
        wire.ask(b"delete %d\r\n" % first)

        def only_one_is_left() -> bool:
            """Files are let go of a few at a time, whenever something is written."""
            ids.append(wire.ask(b"put 0 0 9 0\r\n\r\n").number)
            wire.ask(b"delete %d\r\n" % ids[-1])
            return sum(name.startswith("ayl-binlog.") for name in place.names()) == 1

        eventually(only_one_is_left, place.names)
        server.kill()
    with place.serving() as server, server.client() as client:
        assert client.put(b"") > max(ids)
    with place.serving() as server, server.client() as client:
        assert client.put(b"") > max(ids) + 1


@aside({kind.name: kind for kind in (AYL_SERVER, ON_ASYNCIO)})
def test_a_server_that_was_stopped_well_says_nothing_when_it_starts_again(folder: Path, kind: Kind) -> None:
    place = Place(folder)
    with place.serving(kind=kind) as server, closing(Wire(server.dial())) as wire:
        wire.ask(b"list-tube-used\r\n")  # whoever is in gets its replies
        wire.send(b"put 0 0 9 1000\r\n%b\r\n" % (b"x" * 1000) * 50)
        server.gets(signal.SIGTERM)
        answers = 0
        with suppress(Gone):
            while wire.answer():
                answers += 1
        assert server.wait() == 0
    with place.serving(kind=kind) as server, server.client() as client:
        # What was read is done, and what is done was answered.
        assert client.stats()["current-jobs-ready"] == answers
        while client.stats()["current-jobs-ready"]:
            client.delete(client.reserve(timeout=0))
        server.gets(signal.SIGTERM)
        assert server.wait() == 0
    with place.serving(kind=kind):
        assert place.troubles() == []
