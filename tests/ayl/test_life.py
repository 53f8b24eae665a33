"""What a job remembers: written beside the call without touching it, and read as strictly as what may be forged."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl import life as lives
from ayl import message as messages
from ayl.errors import NotTrusted, Undecodable
from ayl.life import MOST_WHY, NEW, Life, Past, Standing, past
from ayl.message import Message, encode
from ayl.options import MAX_U32
from ayl.signing import Key, KeyRing
from tests.ayl.conftest import written

RING = KeyRing([Key("a", b"the secret of the app")])
CALL = b'{"type":"ayl","v":1,"id":"i","app":"shop","ver":"1","do":"shop.restock","args":["}{\\"life\\":{}"]}'

COUNTS = st.integers(0, MAX_U32)
NASTY = st.sampled_from(
    ['"', "\\", "{", "}", '"},"do":"os.system', "\\u007d", '\\"}', "{}", "ü", "\x00\n\x1b", "\ud800"]
)
REASONS = st.lists(st.text(max_size=5) | NASTY, max_size=8).map("".join)
LIVES = st.builds(Life, COUNTS, COUNTS, REASONS, st.booleans())
CALLS = st.builds(
    lambda args, do: encode(written(args=args, do=do)),
    st.lists(st.text(st.characters(exclude_categories=["Cs"])) | NASTY.filter(str.isprintable), max_size=3),
    st.sampled_from(["ship", "}", '{"life":{}', "life"]),
)
BODIES = CALLS | CALLS.map(lambda call: RING.sign("shop", call, 1.0))


def kept(life: Life) -> Life:
    """As it is read again: its reason is one printable line."""
    return Life(life.tries, life.kills, messages.one_line(life.why), life.alone)


# Writing


@given(BODIES, st.lists(LIVES, min_size=1, max_size=3))
def test_whatever_is_remembered_changes_no_byte_of_what_was_sent(body: bytes, several: list[Life]) -> None:
    noted = body
    for life in several:
        noted = lives.write(noted, life)
        assert lives.without(noted) == body
        assert noted.endswith(body[1:])
    assert lives.read(noted) == kept(several[-1])


@given(CALLS, LIVES)
def test_a_signed_message_stays_valid_and_is_the_same_message(call: bytes, life: Life) -> None:
    noted = lives.write(RING.sign("shop", call, 1.0), life)
    RING.verify("shop", noted, 2.0)
    assert messages.decode(noted) == messages.decode(call)
    assert isinstance(messages.decode(noted), Message)


@given(BODIES, LIVES)
def test_to_json_it_is_one_object_with_a_life(body: bytes, life: Life) -> None:
    read: dict[str, Any] = json.loads(lives.write(body, life))
    remembered = read.pop("life")
    assert read == json.loads(body)
    assert Life(**remembered) == kept(life)


def test_it_stands_before_the_rest_and_says_only_what_there_is_to_say() -> None:
    assert lives.write(CALL, Life(2, 0, "ValueError: no {x}")) == (
        b'{"life":{"tries":2,"why":"ValueError: no \\u007bx\\u007d"},' + CALL[1:]
    )
    assert lives.write(CALL, NEW) == b'{"life":{},' + CALL[1:]


def test_blanks_before_the_message_are_no_hindrance() -> None:
    noted = lives.write(b" \r\n\t" + CALL, Life(1))
    assert (lives.read(b"\n " + noted), lives.without(b"\n " + noted)) == (Life(1), CALL)


# Reading


@given(st.binary(max_size=200) | BODIES)
def test_a_body_without_a_life_is_of_a_new_job(body: bytes) -> None:
    if b'"life":{' not in body[:16]:
        assert lives.read(body) == NEW


@pytest.mark.parametrize(
    "life",
    [
        b'"tries":-1', b'"tries":4294967296', b'"tries":"3"', b'"tries":1.5', b'"tries":true', b'"tries":null',
        b'"tries":[1]', b'"kills":-1', b'"kills":1e99', b'"why":1', b'"why":null', b'"tries":1,', b'"why":"', b"x",
        b'"why":"\xff"', b'"why":"\\ud800"', b'"alone":1', b'"alone":null', b'"alone":"true"',
        b'"why":"' + b"x" * (MOST_WHY + 1) + b'"', b'"tries":' + b"9" * 5000,
    ],
)  # fmt: skip
def test_a_life_that_none_of_us_has_written_is_refused(life: bytes) -> None:
    for body in (CALL, RING.sign("shop", CALL, 1.0)):
        with pytest.raises(Undecodable, match="a message whose life cannot be understood: ") as caught:
            lives.read(b'{"life":{%b},%b' % (life, body[1:]))
        assert len(str(caught.value)) < 200


def test_keys_that_a_later_version_has_written_are_no_hindrance() -> None:
    assert lives.read(b'{"life":{"tries":1,"seen":"x"},' + CALL[1:]) == Life(1)


@pytest.mark.parametrize(
    "start", [b'{"life":[],', b'{"life":null,', b'{"life":{"a":{}},', b'{"life":{}', b'{"life" :{},']
)
def test_what_looks_like_a_life_but_is_none_is_left_alone(start: bytes) -> None:
    assert lives.read(start + CALL[1:]) == NEW
    assert lives.read(lives.write(start + CALL[1:], Life(1))) == Life(1), "the one in front counts"


def test_a_second_life_behind_the_first_is_not_believed() -> None:
    forged = CALL[:-1] + b',"life":{"tries":0}}'
    assert lives.read(lives.write(forged, Life(2))) == Life(2)


@given(BODIES, LIVES, st.integers(0, 400), st.binary(max_size=5))
def test_a_life_that_is_damaged_is_read_or_refused(body: bytes, life: Life, place: int, part: bytes) -> None:
    noted = lives.write(body, life)
    damaged = noted[:place] + part + noted[place + 1 :]
    with suppress(Undecodable):
        assert isinstance(lives.read(damaged), Life)


@given(st.binary(max_size=60), LIVES)
def test_no_life_lets_another_call_pass_for_the_one_that_was_signed(part: bytes, life: Life) -> None:
    signed = RING.sign("shop", CALL, 1.0)
    forged = b'{"life":{' + part + b"}," + signed[1:]
    with suppress(NotTrusted, Undecodable):
        RING.verify("shop", forged, 2.0)
        assert messages.decode(forged) == messages.decode(CALL)


# What the server has counted since


def standing(**counts: int) -> Standing:
    return Standing("shop/1", 512, 120, 7, **({"reserves": 1, "timeouts": 0, "releases": 0, "buries": 0} | counts))


KILLS: dict[str, tuple[Life, dict[str, int], int, int]] = {
    "a new job": (NEW, {}, 0, 0),
    "one that was given back": (NEW, {"reserves": 2, "releases": 1}, 0, 0),
    "one that was given back by an operator, who had looked at it": (NEW, {"reserves": 3, "releases": 2}, 0, 0),
    "one whose time was over": (NEW, {"reserves": 2, "timeouts": 1}, 0, 1),
    "one that was buried and kicked": (NEW, {"reserves": 2, "buries": 1}, 0, 0),
    "one whose worker died": (NEW, {"reserves": 2}, 0, 0),
    "one whose workers died, three of them": (NEW, {"reserves": 4}, 0, 0),
    "one that was about to be made alone": (Life(0, 2, alone=True), {}, 2, 0),
    "one that was made alone, and whose worker died": (Life(alone=True), {"reserves": 2}, 2, 0),
    "the same once more": (Life(0, 2, alone=True), {"reserves": 2}, 3, 0),
    "one that was made alone, and whose next workers died, too": (Life(0, 2, alone=True), {"reserves": 4}, 3, 0),
    "one that was made alone, and was given back": (Life(0, 2, alone=True), {"reserves": 2, "releases": 1}, 2, 0),
    "one that has killed the process of its slot, and whose worker died": (Life(0, 1), {"reserves": 2}, 1, 0),
    "one with all of it": (Life(2, 1, alone=True), {"reserves": 7, "timeouts": 1, "releases": 2, "buries": 1}, 2, 3),
    "one of which a server has forgotten how often it was reserved": (Life(1, 1), {"reserves": 1, "releases": 5}, 1, 1),
}


@pytest.mark.parametrize("name", KILLS)
def test_kills_are_the_hang_ups_of_what_was_to_be_made_alone(name: str) -> None:
    life, counts, kills, tries = KILLS[name]
    found = past(life, standing(**counts))
    assert (found.kills, found.tries) == (kills, tries)


@given(LIVES, *[st.integers(0, 50)] * 4)
def test_each_reservation_is_one_thing_only(
    life: Life, hangups: int, timeouts: int, releases: int, buries: int
) -> None:
    reserves = 1 + hangups + timeouts + releases + buries
    counts = standing(reserves=reserves, timeouts=timeouts, releases=releases, buries=buries)
    found = past(life, counts)
    assert (found.tries, found.returns, found.buries) == (life.tries + timeouts, releases, buries)
    assert (found.hangups, found.age) == (hangups, 7)
    assert found.again == (reserves > 1 or life != NEW)
    assert found.has_chance == (life.alone and hangups == 0)
    assert found.kills - life.kills == (0 if not life.alone or not hangups else 1 if life.kills else 2)


@given(COUNTS, st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_no_number_of_hang_ups_blames_who_was_not_made_alone(kills: int, counted: list[int]) -> None:
    _, timeouts, releases, buries = counted
    counts = standing(reserves=1 + sum(counted), timeouts=timeouts, releases=releases, buries=buries)
    assert past(Life(0, kills), counts).kills == kills


def test_of_several_in_hand_none_is_blamed_but_each_is_suspected_and_made_alone_at_last() -> None:
    crashed, again = past(NEW, standing(reserves=2)), past(NEW, standing(reserves=3))
    survived = past(Life(1, 0, "ValueError"), standing())
    assert [each.is_suspect for each in (crashed, again, survived)] == [True, True, False]
    for apart in (True, False):
        assert [each.must_be_alone(apart=apart) for each in (crashed, again, survived)] == [False, True, False]
        assert past(Life(alone=True), standing()).must_be_alone(apart=apart)


def test_who_has_killed_the_process_of_a_slot_is_alone_there_anyway() -> None:
    killed = past(Life(0, 2), standing())
    assert killed.is_suspect
    assert (killed.must_be_alone(apart=True), killed.must_be_alone(apart=False)) == (False, True)


def test_a_job_that_is_gone_has_the_past_that_its_message_tells() -> None:
    assert past(Life(2, 1), None) == Past(2, 1, again=True)
