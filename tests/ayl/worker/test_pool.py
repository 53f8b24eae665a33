"""Connections that many slots share: one waits, the others hold leases, and what is done is settled at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import settings
from ayl.engines import orders_for, source_for, watch_for
from ayl.engines.order import WARY
from ayl.worker.alone import Alone
from ayl.worker.pool import FEW, GATHER_SECONDS, SPARE, Pool
from ayl.worker.slots import Bell
from tests.ayl.conftest import Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.worker.pool import PooledLease


@ayl.task("pooled.note")
def note(number: int) -> None: ...


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    yield bell
    bell.close()


@pytest.fixture
def pool(tube: str, bell: Bell) -> Iterator[Pool]:
    pool = Pool(lambda: source_for(settings.current(), watch_for([tube]), bell.fileno()), Alone())
    yield pool
    pool.close()


def send(number: int) -> None:
    ayl.send_many((note, each) for each in range(number))


def taken(pool: Pool, most: int) -> list[PooledLease]:
    return [lease for leases in pool.take(most) for lease in leases]


def finish(pool: Pool, leases: list[PooledLease]) -> None:
    for lease in leases:
        assert lease.delete()
        pool.settle(lease)


def reserved(server: Server, tube: str) -> int:
    with server.client(tube) as client:
        return client.stats_tube(tube)["current-jobs-reserved"]


def test_what_is_ready_is_taken_by_one_connection_and_no_more_than_there_is_room_for(
    server: Server, tube: str, pool: Pool
) -> None:
    send(200)
    leases = taken(pool, 150)
    assert len(leases) == 150
    assert len({lease.member for lease in leases}) == 1
    assert reserved(server, tube) == 150
    finish(pool, leases)
    rest = taken(pool, 150)
    assert len(rest) == 50
    finish(pool, rest)
    wait_until(lambda: reserved(server, tube) == 0)


def test_a_connection_that_holds_leases_does_not_wait_and_what_it_holds_is_settled(
    server: Server, tube: str, pool: Pool
) -> None:
    send(1)
    first = taken(pool, 10)
    send(1)
    second = taken(pool, 10)
    assert first[0].member is not second[0].member
    finish(pool, first)
    wait_until(lambda: reserved(server, tube) == 1)
    wait_until(lambda: first[0].member.held == 0)
    send(1)
    third = taken(pool, 10)
    assert third[0].member is first[0].member
    finish(pool, second + third)
    wait_until(lambda: reserved(server, tube) == 0)


def test_a_bell_ends_the_wait(server: Server, tube: str, pool: Pool, bell: Bell) -> None:
    bell.ring()
    assert taken(pool, 10) == []


def test_what_is_given_back_is_not_deleted(server: Server, tube: str, pool: Pool) -> None:
    send(1)
    (lease,) = taken(pool, 10)
    assert lease.release(0)
    pool.settle(lease)
    (again,) = taken(pool, 10)
    assert again.job_id == lease.job_id
    finish(pool, [again])


def test_who_holds_by_many_connections_hesitates_and_lets_go_of_most(server: Server, tube: str, pool: Pool) -> None:
    leases = []
    for _ in range(FEW + 5):
        assert pool.hesitation <= 5 * GATHER_SECONDS
        send(1)
        leases += taken(pool, 10)
    assert pool.hesitation == 5 * GATHER_SECONDS
    finish(pool, leases)
    wait_until(lambda: pool.hesitation == 0)
    with server.client(tube) as client:
        wait_until(lambda: client.stats_tube(tube)["current-watching"] <= SPARE + 1)  # with this one


def test_jobs_of_a_new_connection_are_not_looked_at_again_if_those_before_were(
    server: Server, tube: str, bell: Bell
) -> None:
    connect = partial(source_for, settings.current(), watch_for([tube]), bell.fileno())
    pool = Pool(partial(connect, orders=orders_for(10)), Alone())
    send(WARY)
    finish(pool, [lease for _ in range(4) for lease in taken(pool, WARY // 4)])
    leases = []
    for _ in range(3):  # each by a connection of its own, as the last one holds its job
        send(1)
        leases += taken(pool, 10)
    assert [lease.is_new for lease in leases] == [True] * 3
    assert len({lease.member for lease in leases}) == 3
    finish(pool, leases)
    pool.close()
