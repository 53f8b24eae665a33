"""Tubes are named after the app, its version and the lane; the ids of messages sort by time."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl.errors import InvalidOption
from ayl.identifiers import RANDOM_BYTES, uuid7_beginning, uuid7_rests
from ayl.settings import Settings
from ayl.tubes import MAX_TUBE_NAME, check_part, lane_tubes, lane_watchable, matching, stem, tube_name, watchable

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox, Server

LEGAL = string.ascii_letters + string.digits + "-+;.$_()"


def test_a_tube_is_named_after_app_version_and_lane() -> None:
    assert tube_name("shop", "1.4.2") == "shop/1.4.2"
    assert tube_name("shop", "1.4.2", "slow") == "shop/1.4.2/slow"


def test_the_lane_named_default_is_the_apps_own_tube(outbox: Outbox) -> None:
    assert tube_name("shop", "1.4.2", "default") == "shop/1.4.2"
    ayl.opts(lane="default").send([1].copy)
    ayl.opts(queue_name="default").send([1].copy)
    assert [submission.tube for write in outbox.writes for submission in write] == ["shop/1.4.2"] * 2


@pytest.mark.parametrize(
    ("lanes", "tubes"),
    [
        (["default"], ["shop/1"]),
        (["mail", "default", "pdf"], ["shop/1/mail", "shop/1", "shop/1/pdf"]),
        (["*"], ["shop/1", "shop/1/*"]),
        (["urgent", "*"], ["shop/1/urgent", "shop/1", "shop/1/*"]),
        (["*", "default"], ["shop/1/*", "shop/1"]),
        (["customer-*"], ["shop/1/customer-*"]),
        (["*lt"], ["shop/1", "shop/1/*lt"]),
        (["*", "d*"], ["shop/1", "shop/1/*", "shop/1/d*"]),
    ],
)
def test_lanes_are_tubes_of_the_app_and_an_asterisk_is_any_of_their_names(lanes: list[str], tubes: list[str]) -> None:
    assert lane_tubes("shop/1", lanes) == (*tubes,)
    assert Settings(app="shop", version="1").tubes(lanes) == (*tubes,)


def test_without_lanes_it_is_the_apps_own_tube() -> None:
    assert Settings(app="shop", version="1").tubes(()) == ("shop/1",)


def test_a_lane_that_makes_the_name_too_long_is_refused_to_workers_too() -> None:
    assert lane_tubes("shop/1", ["*" + "x" * (200 - len("shop/1/"))])
    with pytest.raises(InvalidOption, match=r"has 201 bytes; the protocol allows 200"):
        lane_tubes("shop/1", ["x" * (201 - len("shop/1/"))])


@pytest.mark.parametrize("name", ["mail", "*", "customer-*", "*-x", "1", "default", "a*b*"])
def test_a_worker_may_be_given_the_name_of_any_lane(name: str) -> None:
    assert lane_watchable(name)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "läden", "a\n", "a=1", "mail,pdf"])
def test_other_names_are_no_lanes(name: str) -> None:
    assert not lane_watchable(name)


def test_the_server_takes_every_name_that_is_legal_here(server: Server) -> None:
    for name in (tube_name("+" + LEGAL, ";" + LEGAL), tube_name("a", "b", "c" * (MAX_TUBE_NAME - 4))):
        with server.client(name) as client:
            assert client.using() == name


@given(st.text(max_size=20) | st.text(LEGAL, max_size=20))
def test_a_part_is_legal_if_the_protocol_allows_it_and_it_has_no_slash(text: str) -> None:
    if text and set(text) <= set(LEGAL) and not text.startswith("-"):
        assert check_part("app", text) == text
    else:
        with pytest.raises(InvalidOption, match=r"^app "):
            check_part("app", text)


def test_a_lane_that_makes_the_name_too_long_is_refused_where_it_is_sent(outbox: Outbox) -> None:
    with pytest.raises(InvalidOption, match=r"has 201 bytes; the protocol allows 200"):
        ayl.opts(lane="x" * (201 - len("shop/1.4.2/"))).send([1].copy)
    assert not outbox.writes


# Identifiers

MOMENTS = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(MOMENTS, RANDOM, st.integers(0, 255))
def test_an_id_is_a_version_7_uuid_that_tells_its_moment(moment: int, randomness: bytes, number: int) -> None:
    made = uuid7_beginning(moment) + uuid7_rests(randomness)[number]
    assert str(UUID(made)) == made
    assert (UUID(made).version, UUID(made).variant) == (7, RFC_4122)
    assert UUID(made).int >> 80 == moment


@given(MOMENTS, RANDOM, RANDOM)
def test_ids_sort_by_the_time_of_their_making(moment: int, one: bytes, other: bytes) -> None:
    if moment < 2**48 - 1:
        assert uuid7_beginning(moment) + uuid7_rests(one)[0] < uuid7_beginning(moment + 1) + uuid7_rests(other)[-1]


@given(MOMENTS, RANDOM)
def test_ids_of_one_moment_differ_and_sort_by_the_order_of_their_making(moment: int, randomness: bytes) -> None:
    made = [uuid7_beginning(moment) + rest for rest in reversed(uuid7_rests(randomness))]
    assert made == sorted({*made})


@given(MOMENTS, RANDOM, RANDOM)
def test_ids_of_other_randomness_differ(moment: int, one: bytes, other: bytes) -> None:
    free = 0b1111_0011 << 64 | (1 << 64) - 16  # two bits of each id are fixed, and four of what is given are left over
    if (int.from_bytes(one) ^ int.from_bytes(other)) & free:
        assert {*uuid7_rests(one)}.isdisjoint(uuid7_rests(other))


def test_no_two_sends_share_an_id(outbox: Outbox) -> None:
    handles = [ayl.ayl_send([1], "copy") for _ in range(1000)]
    assert len({handle.id for handle in handles}) == 1000
    assert [message.id for message in outbox.messages] == [handle.id for handle in handles]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", handle.id) for handle in handles)


def test_a_star_stands_for_any_text_and_nothing_else_for_more_than_itself() -> None:
    tubes = ["shop/1.4.2", "shop/1.4.2/mail", "shop/1.4.2/mail/slow", "shop/1x4.2/mail", "shop/1.4.20/mail", "default"]
    assert matching(["shop/1.4.2/*"], tubes) == ["shop/1.4.2/mail", "shop/1.4.2/mail/slow"]
    assert matching(["shop/*/mail"], tubes) == ["shop/1.4.2/mail", "shop/1.4.20/mail", "shop/1x4.2/mail"]
    assert matching(["shop/1.4.2/*", "def*t"], tubes) == ["default", "shop/1.4.2/mail", "shop/1.4.2/mail/slow"]


@given(st.text(LEGAL + "/*", min_size=1, max_size=20))
def test_what_a_worker_may_be_given_matches_its_stem(name: str) -> None:
    if watchable(name):
        assert matching([name], [stem(name)]) == [stem(name)]


def test_a_worker_cannot_be_given_all_tubes_of_all_apps() -> None:
    assert not watchable("*")
    assert not watchable("*/mail")
