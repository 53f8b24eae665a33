"""What is watched: which tube is of which lane, and how often somebody looks for new ones."""

from __future__ import annotations

import threading

import pytest

from ayl.engines import watching
from ayl.engines.addresses import Address
from ayl.engines.lanes import Strict
from ayl.engines.watching import LOOK_PART, LOOK_SECONDS, Attention, Watch

HERE, THERE = Address("here", 11300), Address("there", 11300)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present moment, in its only place."""
    now = [1000.0]
    monkeypatch.setattr(watching, "monotonic", lambda: now[0])
    return now


def test_a_tube_is_of_the_lane_that_names_it_or_else_of_the_first_that_matches() -> None:
    watch = Watch(["shop/1/p*", "shop/1/*", "shop/1/pdf", "other"])
    assert watch.lanes(["shop/1/pdf", "shop/1/post", "shop/1/mail", "else"]) == [
        {"shop/1/p", "shop/1/post"}, {"shop/1/", "shop/1/mail"}, {"shop/1/pdf"}, {"other"},
    ]  # fmt: skip


def test_all_connections_to_a_server_look_as_often_as_one(clock: list[float]) -> None:
    watch, looks = Watch(["shop/1/*"]), []

    def look(address: Address, *tubes: str) -> None:
        def asked() -> list[str]:
            looks.append(address)
            return [*tubes]

        watch.sightings(address).look(asked)

    for _ in range(3):
        look(HERE, "shop/1/a", "else")
        look(THERE, "shop/1/b")
    assert looks == [HERE, THERE]
    assert watch.sightings(HERE).tubes == {"shop/1/a"}
    assert watch.sightings(THERE).tubes == {"shop/1/b"}
    clock[0] += LOOK_SECONDS
    look(HERE, "shop/1/c")
    assert watch.sightings(HERE).tubes == {"shop/1/a", "shop/1/c"}


def test_who_needs_the_first_look_waits_for_it(clock: list[float]) -> None:
    sightings, begun, go_on = Watch(["shop/1/*"]).sightings(HERE), threading.Event(), threading.Event()

    def slowly() -> list[str]:
        begun.set()
        go_on.wait(10)
        return ["shop/1/a"]

    first = threading.Thread(target=sightings.look, args=(slowly,))
    first.start()
    begun.wait(10)
    seen: list[object] = []

    def look() -> None:
        sightings.look(list)
        seen.append(sightings.tubes)

    second = threading.Thread(target=look)
    second.start()
    go_on.set()
    for thread in (first, second):
        thread.join(10)
    assert seen == [{"shop/1/a"}]


def test_where_a_look_takes_long_looks_are_rarer(clock: list[float]) -> None:
    watch = Watch(["shop/1/*"])

    def slowly() -> list[str]:
        clock[0] += 1.0
        return []

    watch.sightings(HERE).look(slowly)
    assert watch.sightings(HERE).interval == 1.0 / LOOK_PART
    assert Attention(watch, watch.sightings(HERE)).longest_wait == 100


def test_a_look_that_fails_is_made_again(clock: list[float]) -> None:
    sightings = Watch(["shop/1/*"]).sightings(HERE)

    def fails() -> list[str]:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        sightings.look(fails)
    sightings.look(lambda: ["shop/1/a"])
    assert sightings.tubes == {"shop/1/a"}


def test_a_connection_turns_to_a_lane_and_back_to_all() -> None:
    watch = Watch(["high", "low*"], Strict(2))
    attention = Attention(watch, watch.sightings(HERE))
    assert attention.turn_to(None) == [b"watch high\r\n", b"watch low\r\n", b"ignore default\r\n"]
    assert attention.turn_to(0) == [b"ignore low\r\n"]
    assert attention.turn_to(0) == []
    watch.sightings(HERE).look(lambda: ["low", "lower", "high"])
    assert attention.turn_to(1) == [b"watch low\r\n", b"watch lower\r\n", b"ignore high\r\n"]
    assert attention.turn_to(None) == [b"watch high\r\n"]


def test_a_lane_whose_only_tube_is_another_lane_s_has_none() -> None:
    watch = Watch(["shop", "shop*"], Strict(2))
    attention = Attention(watch, watch.sightings(HERE))
    assert attention.turn_to(1) is None


def test_nobody_looks_for_tubes_that_are_named() -> None:
    watch = Watch(["shop/1"])
    watch.sightings(HERE).look(lambda: pytest.fail("asked"))
    assert Attention(watch, watch.sightings(HERE)).longest_wait is None
