"""From the spool to a server: in order, once, and nothing keeps the rest waiting."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ayl.engines.addresses import parse_url
from ayl.engines.beanstalk import BeanstalkEngine
from ayl.engines.spool import draining, store
from ayl.engines.spool.draining import Drain
from ayl.engines.spool.segments import ASIDE
from ayl.engines.spool.store import Spool
from ayl.engines.submissions import Receipt
from ayl.errors import RefusedForNow, SpoolUnusable, Unreachable
from ayl.handle import State

from .samples import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ayl.engines.spool.records import Record
    from ayl.engines.submissions import Submission
    from tests.ayl.conftest import Server

ENGINE = "beanstalk://a"
TUBE = "shop/1"


def bodies(server: Server) -> list[bytes]:
    """What is in the tube, in the order in which a worker gets it."""
    found = []
    with server.client(TUBE) as client:
        while client.stats_tube(TUBE)["current-jobs-ready"]:
            job = client.reserve(timeout=0)
            found.append(job.body)
            client.delete(job)
    return found


@pytest.fixture
def through(own_server: Server) -> Iterator[BeanstalkEngine]:
    with closing(BeanstalkEngine(parse_url(own_server.url), 5, 0.001)) as engine:
        yield engine


def waiting(spool: Spool) -> list[str]:
    return [call.id for file in spool.look() for call in file.waiting]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if not path.name.endswith("lock"))


def test_all_comes_out_in_the_order_in_which_it_came_in_and_leaves_no_file(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SEGMENT_BYTES", 20_000)
    records = [record(number, number) for number in range(1000)]
    for start in range(0, 1000, 50):
        Spool(str(directory), 10**9).append(records[start : start + 50])
    assert len(names(directory)) > 10
    told: list[int] = []
    done = Drain(spool, ENGINE, through.submit).run(60, told.append)
    assert done == (1000, 0, False, None)
    assert told == sorted(told)
    assert told[-1] == 1000
    assert bodies(own_server) == [each.body for each in records]
    assert names(directory) == []


def test_priority_time_to_run_and_what_is_left_of_the_delay_come_with_it(
    spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    spool.append(
        [
            replace(record(1), priority=7, time_to_run=33, due=time.time() + 100),
            replace(record(2), due=time.time() - 100),
        ]
    )
    Drain(spool, ENGINE, through.submit).run(60)
    with own_server.client(TUBE) as client:
        job = client.peek_delayed()
        stats = client.stats_job(job)
        assert (stats["pri"], stats["ttr"]) == (7, 33)
        assert 95 <= stats["delay"] <= 100
        assert client.peek_ready().body == record(2).body


def test_a_clock_that_was_set_back_makes_no_delay_longer(
    spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    tomorrow = time.time() + 86_400
    spool.append([replace(record(1), spooled=tomorrow, due=tomorrow + 100)])
    Drain(spool, ENGINE, through.submit).run(60)
    with own_server.client(TUBE) as client:
        assert client.stats_job(client.peek_delayed())["delay"] == 100


def test_calls_for_another_server_stay(spool: Spool, own_server: Server, through: BeanstalkEngine) -> None:
    spool.append([record(1)])
    spool.append([record(2, engine="beanstalk://b")])
    spool.append([record(3)])
    Drain(spool, ENGINE, through.submit).run(60)
    assert bodies(own_server) == [record(1).body, record(3).body]
    assert waiting(spool) == ["id2"]


def test_what_the_server_will_never_take_is_set_aside_with_its_reason_and_can_be_tried_again(
    directory: Path, spool: Spool, small_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    spool.append([record(1), record(2, 1000), record(3)])
    with closing(BeanstalkEngine(parse_url(small_server.url), 5, 0.001)) as engine:
        assert Drain(spool, ENGINE, engine.submit).run(60) == (2, 1, False, None)
        assert bodies(small_server) == [record(1).body, record(3).body]
        (file,) = spool.look()
        assert file.segment.kind == ASIDE
        assert file.waiting == [replace(record(2, 1000), reason=file.waiting[0].reason)]
        assert file.waiting[0].reason == "the message is larger than the server allows (its option -z)"
        assert "the call id2 to shop/1 is set aside in" in caplog.text
        # Tried again, it is refused again and stays.
        assert Drain(spool, ENGINE, engine.submit, ASIDE).run(60) == (0, 1, False, None)
        assert waiting(spool) == ["id2"]
    small_server.stop()
    small_server.start()
    with closing(BeanstalkEngine(parse_url(small_server.url), 5, 0.001)) as engine:
        assert Drain(spool, ENGINE, engine.submit, ASIDE).run(60) == (1, 0, False, None)
    assert bodies(small_server) == [record(2, 1000).body]
    assert names(directory) == []


def test_setting_aside_is_not_kept_from_by_the_limit(directory: Path, small_server: Server) -> None:
    spool = Spool(str(directory), 1500)
    spool.append([record(1, 1000)])
    with closing(BeanstalkEngine(parse_url(small_server.url), 5, 0.001)) as engine:
        assert Drain(spool, ENGINE, engine.submit).run(60) == (0, 1, False, None)
    assert waiting(spool) == ["id1"]


def test_a_server_that_drains_takes_nothing_and_nothing_is_lost(
    spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    spool.append([record(number) for number in range(5)])
    own_server.drain()
    done = Drain(spool, ENGINE, through.submit).run(60)
    assert (done.delivered, done.rest, type(done.trouble)) == (0, True, RefusedForNow)
    assert waiting(spool) == [f"id{number}" for number in range(5)]


def test_the_same_message_twice_in_the_spool_is_put_once(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "PORTION", (2, 10**6))
    monkeypatch.setattr(store, "SEGMENT_BYTES", 400)
    for number in (1, 1, 2, 3, 4, 5, 1, 1, 1, 1, 3, 6):
        spool.append([record(number)])
    assert Drain(spool, ENGINE, through.submit).run(60) == (6, 0, False, None)
    assert bodies(own_server) == [record(number).body for number in range(1, 7)]
    assert names(directory) == []


def test_a_sender_that_died_after_a_put_leaves_the_same_message_to_be_put_again(
    spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    spool.append([record(1), record(2)])

    class Died(BaseException): ...

    def die(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        through.submit(submissions[:1])
        raise Died

    with pytest.raises(Died):
        Drain(spool, ENGINE, die).run(60)
    assert Drain(spool, ENGINE, through.submit).run(60).delivered == 2
    assert bodies(own_server) == [record(1).body, record(1).body, record(2).body]


def test_a_server_that_is_not_known_to_take_them_is_put_one_call_only(spool: Spool) -> None:
    """It may be frozen, and do later what it was asked, time and again."""
    spool.append([record(number) for number in range(50)])
    put: list[int] = []

    def frozen(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        put.append(len(submissions))
        return [Unreachable("no answer")] * len(submissions)

    def answering(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        put.append(len(submissions))
        return [Receipt(State.SUBMITTED, 1)] * len(submissions)

    drain = Drain(spool, ENGINE, lambda submissions: answer(submissions))  # noqa: PLW0108 - it changes
    answer = frozen
    for _ in range(2):
        assert drain.run(60).delivered == 0
    answer = answering
    assert drain.run(60).delivered == 50
    assert put == [1, 1, 1, 49]
    answer = frozen
    spool.append([record(number) for number in range(100, 110)])
    for _ in range(2):
        assert drain.run(60).delivered == 0
    assert put == [1, 1, 1, 49, 1, 1]


def test_another_process_goes_on_where_one_had_to_end(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    spool.append([record(number) for number in range(5)])

    def take_two(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        return [*through.submit(submissions[:2]), *[Unreachable("gone")] * (len(submissions) - 2)]

    assert Drain(spool, ENGINE, take_two).run(60)[:3] == (3, 0, True)
    assert Drain(Spool(str(directory), 1), ENGINE, through.submit).run(60).delivered == 2
    assert bodies(own_server) == [record(number).body for number in range(5)]


def test_only_one_delivers_at_a_time_and_the_other_does_not_wait(directory: Path, spool: Spool) -> None:
    spool.append([record(1)])
    begun, go_on = threading.Event(), threading.Event()

    def slow(submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        begun.set()
        assert go_on.wait(20)
        return [Unreachable("gone")] * len(submissions)

    thread = threading.Thread(target=lambda: Drain(spool, ENGINE, slow).run(60))
    thread.start()
    try:
        assert begun.wait(20)
        other = Spool(str(directory), 10**6)
        before = time.monotonic()
        assert Drain(other, ENGINE, slow).run(60) == (0, 0, True, None)
        other.append([record(2)])  # and meanwhile calls can be spooled
        assert time.monotonic() - before < 2
    finally:
        go_on.set()
        thread.join()


# What cannot be read


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 255
    path.write_bytes(content)


def places(spool: Spool, directory: Path, records: list[Record]) -> tuple[Path, list[int]]:
    found = [str(place).rpartition(":") for place in spool.append(records)]
    return directory / found[0][0], [int(place[2]) for place in found]


def test_damage_costs_only_what_it_hit_and_the_file_is_kept_and_told_of(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine, caplog: pytest.LogCaptureFixture
) -> None:
    path, offsets = places(spool, directory, [record(number) for number in range(4)])
    flip(path, offsets[1] + 3)
    flip(path, 5)  # the header
    before = path.read_bytes()
    assert Drain(spool, ENGINE, through.submit).run(60).delivered == 3
    assert bodies(own_server) == [record(number).body for number in (0, 2, 3)]
    kept = path.with_name(path.name + ".damaged")
    assert names(directory) == [kept.name]
    assert kept.read_bytes()[offsets[1] : offsets[2]] == before[offsets[1] : offsets[2]]
    assert f"{path} cannot be read at the bytes 0-20, {offsets[1]}-{offsets[2]}; it is kept as" in caplog.text
    spool.append([record(9)])  # another file
    assert Drain(spool, ENGINE, through.submit).run(60).delivered == 1


def test_a_torn_tail_is_cut_off_and_told_by_the_next_sender(
    directory: Path, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path, offsets = places(spool, directory, [record(1), record(2)])
    os.truncate(path, path.stat().st_size - 3)
    (place,) = Spool(str(directory), 10**6).append([record(3)])
    assert place == f"{path.name}:{offsets[1]}"
    assert waiting(spool) == ["id1", "id3"]
    assert f"{path}: cut off at byte {offsets[1]}, where a process died in the middle of a write" in caplog.text


def test_a_file_of_a_later_release_is_left_to_that_one(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr("ayl.engines.spool.records.VERSION", 2)
        path, _ = places(spool, directory, [record(1)])
    before = path.read_bytes()
    fresh = Spool(str(directory), 10**6)
    fresh.append([record(2)])
    assert Drain(fresh, ENGINE, through.submit).run(60).delivered == 1
    assert bodies(own_server) == [record(2).body]
    assert path.read_bytes() == before
    assert [file.readable for file in fresh.look()] == [False]


# Withdrawn


def test_a_withdrawn_call_is_never_delivered_though_another_process_looks(
    directory: Path, spool: Spool, own_server: Server, through: BeanstalkEngine
) -> None:
    first, second = spool.append([record(1), record(2)])
    assert spool.withdraw(str(first), "id1")
    assert not spool.withdraw(str(first), "id1")
    assert not spool.withdraw(str(second), "another id")
    assert waiting(Spool(str(directory), 10**6)) == ["id2"]
    assert Drain(Spool(str(directory), 10**6), ENGINE, through.submit).run(60).delivered == 1
    assert bodies(own_server) == [record(2).body]
    assert not spool.withdraw(str(second), "id2")


def test_a_call_can_be_withdrawn_though_the_header_of_its_file_is_damaged(directory: Path, spool: Spool) -> None:
    _, place = spool.append([record(1), record(2)])
    path = directory / names(directory)[0]
    path.write_bytes(b"?" + path.read_bytes()[1:])
    assert spool.withdraw(str(place), "id2")
    assert waiting(spool) == ["id1"]


@pytest.mark.parametrize("place", ["", "nonsense", "lock:0", "../../etc/passwd:0"])
def test_a_place_that_is_none_is_no_file(spool: Spool, place: str) -> None:
    spool.append([record(1)])
    assert not spool.withdraw(place, "id1")


# Disks that fail


def test_a_call_is_accepted_only_when_its_file_and_every_new_directory_have_been_synced(
    directory: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}

    def recorded(original: Callable[[int], None]) -> Callable[[int], None]:
        def sync(file: int) -> None:
            original(file)
            status = os.fstat(file)
            synced[status.st_ino] = status.st_size

        return sync

    monkeypatch.setattr(os, "fsync", recorded(os.fsync))
    monkeypatch.setattr(os, "fdatasync", recorded(os.fdatasync))
    for number in range(2):
        path, _ = places(spool, directory, [record(number)])
        assert synced[path.stat().st_ino] == path.stat().st_size
    for new in (directory, directory.parent, directory.parent.parent):
        assert new.stat().st_ino in synced
    (place,) = spool.append([record(3)])
    synced.clear()
    assert spool.withdraw(str(place), "id3")
    assert path.stat().st_ino in synced


def test_after_a_failed_sync_nobody_appends_to_that_file_again(
    directory: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = places(spool, directory, [record(1)])
    before = path.read_bytes()
    with monkeypatch.context() as failing:
        failing.setattr(os, "fdatasync", _fail)
        with pytest.raises(SpoolUnusable, match="Input/output error; look after that disk"):
            spool.append([record(2)])
    for sender in (Spool(str(directory), 10**6), spool):
        sender.append([record(3)])
    assert path.read_bytes() == before
    assert waiting(spool) == ["id1", "id3", "id3"]


def test_nor_where_no_other_file_could_be_begun_at_once(
    directory: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = places(spool, directory, [record(1)])
    before = path.read_bytes()
    with monkeypatch.context() as failing:
        failing.setattr(os, "fdatasync", _fail)
        failing.setattr(os, "fsync", _fail)
        with pytest.raises(SpoolUnusable):
            spool.append([record(2)])
    spool.append([record(3)])
    assert path.read_bytes() == before
    assert waiting(spool) == ["id1", "id3"]


def _fail(_: int) -> None:
    raise OSError(5, "Input/output error")


def test_what_cannot_be_set_aside_stays_and_keeps_nothing_waiting(
    spool: Spool, small_server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool.append([record(1, 1000), record(2)])
    with closing(BeanstalkEngine(parse_url(small_server.url), 5, 0.001)) as engine, monkeypatch.context() as failing:
        original = spool.append

        def append(records: Sequence[Record], kind: str = "spool") -> list[str | Exception]:
            with monkeypatch.context() as disk:
                disk.setattr(os, "fdatasync", _fail)
                return [*original(records, kind)]

        failing.setattr(spool, "append", append)
        with caplog.at_level(logging.ERROR):
            assert Drain(spool, ENGINE, engine.submit).run(60).delivered == 1
    assert bodies(small_server) == [record(2).body]
    assert waiting(spool) == ["id1"]
    assert "Input/output error" in caplog.text
