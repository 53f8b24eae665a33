"""D9: after a restart everything is as clients were told, and no file is thrown away that holds jobs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tests.crashes.servers import Place
from tests.crashes.wire import Wire, report

from .looks import ORIGINAL, Look, ours

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.processes.servers import Kind


def _put(wire: Wire, sizes: Iterable[int]) -> None:
    for size in sizes:
        wire.ask(b"put 10 0 9 %d\r\n%b\r\n" % (size, b"x" * size))


def _sizes(wire: Wire, jobs: Iterable[int]) -> list[int]:
    """Of the jobs that are there."""
    return [len(answer.body) for answer in wire.ask_all([b"peek %d\r\n" % job for job in jobs]) if answer.body]


def _after_restart(folder: Path, kind: Kind, sizes: list[int], *options: str) -> list[int]:
    place = Place(folder)
    with place.serving(kind=kind) as server, closing(Wire(server.dial())) as wire:
        _put(wire, sizes)
    with place.serving(*options, kind=kind) as server, closing(Wire(server.dial())) as wire:
        return _sizes(wire, range(1, 10))


@Look
def the_largest_job(folder: Path, kind: Kind) -> list[int]:
    return _after_restart(folder, kind, [1, 65535, 2])


@ours
def test_a_job_of_the_largest_size_is_there_after_a_restart_and_so_are_those_behind_it(kind: Kind) -> None:
    assert the_largest_job.at(kind) == [1, 65535, 2]


def test_the_original_loses_a_job_of_the_largest_size_and_those_behind_it() -> None:
    assert the_largest_job.at(ORIGINAL) == [1]


@Look
def a_lower_limit(folder: Path, kind: Kind) -> list[int]:
    return _after_restart(folder, kind, [1, 1000, 2], "-z", "100")


@ours
def test_jobs_that_would_be_too_large_today_are_still_there_after_a_restart(kind: Kind) -> None:
    assert a_lower_limit.at(kind) == [1, 1000, 2]


def test_the_original_loses_jobs_when_the_limit_of_their_size_is_lowered() -> None:
    assert a_lower_limit.at(ORIGINAL) == [1]


Facts = dict[str, str]


@Look
def a_life_twice_restarted(folder: Path, kind: Kind) -> dict[str, Facts]:
    """Jobs named by what was done to them, and the order of the buried ones."""
    place = Place(folder)
    with place.serving(kind=kind) as server, closing(Wire(server.dial())) as wire:
        _put(wire, [1] * 6)
        for job in (3, 1, 2):
            list(wire.ask_all([b"reserve-job %d\r\n" % job, b"bury %d 5\r\n" % job]))
        list(wire.ask_all([b"reserve-job 4\r\n", b"release 4 1 0\r\n"]))
        list(wire.ask_all([b"reserve-job 5\r\n", b"bury 5 5\r\n", b"reserve-job 5\r\n", b"release 5 5 0\r\n"]))
        list(wire.ask_all([b"reserve-job 6\r\n", b"release 6 5 99\r\n", b"reserve-job 6\r\n", b"release 6 5 0\r\n"]))
    with place.serving(kind=kind):
        pass
    with place.serving(kind=kind) as server, closing(Wire(server.dial())) as wire:
        names = {"buried": 1, "released": 4, "taken from the buried": 5, "taken from the delayed": 6}
        seen = {name: report(wire.ask(b"stats-job %d\r\n" % job)) for name, job in names.items()}
        seen["first"] = report(wire.ask(b"stats-job %d\r\n" % wire.ask(b"peek-buried\r\n").number))
        return seen


@ours
def test_priority_order_state_and_counts_survive_restarts(kind: Kind) -> None:
    seen = a_life_twice_restarted.at(kind)
    assert seen["released"]["pri"] == "1"
    assert seen["released"]["releases"] == "1"
    assert seen["buried"]["buries"] == "1"
    assert seen["first"]["id"] == "3"
    assert seen["taken from the buried"]["state"] == "ready"
    assert seen["taken from the delayed"]["state"] == "ready"


def test_the_original_forgets_a_release_without_a_delay() -> None:
    released = a_life_twice_restarted.at(ORIGINAL)["released"]
    assert (released["pri"], released["releases"]) == ("10", "0")


def test_the_original_counts_a_burial_twice_and_changes_the_order() -> None:
    seen = a_life_twice_restarted.at(ORIGINAL)
    assert seen["buried"]["buries"] == "2"
    assert seen["first"]["id"] == "1"


def test_the_original_puts_released_jobs_back_among_the_buried_and_the_delayed() -> None:
    seen = a_life_twice_restarted.at(ORIGINAL)
    assert seen["taken from the buried"]["state"] == "buried"
    assert seen["taken from the delayed"]["state"] == "delayed"


@Look
def ids_of_an_empty_server(folder: Path, kind: Kind) -> list[int]:
    """Before and after two restarts without a job; the first still finds the record of the delete."""
    place = Place(folder)
    ids = []
    for put in (True, False, True):
        with place.serving(kind=kind) as server, closing(Wire(server.dial())) as wire:
            if put:
                ids.append(wire.ask(b"put 0 0 9 0\r\n\r\n").number)
                wire.ask(b"delete %d\r\n" % ids[-1])
    return ids


@ours
def test_an_id_is_never_used_again(kind: Kind) -> None:
    first, second = ids_of_an_empty_server.at(kind)
    assert second > first


def test_the_original_gives_ids_again() -> None:
    assert ids_of_an_empty_server.at(ORIGINAL) == [1, 1]
