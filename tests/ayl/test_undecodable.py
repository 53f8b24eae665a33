"""What is taken for a message and what is not: lenient about unknown keys, strict about everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ayl.errors import Undecodable
from ayl.message import Control, Message, decode, encode

SENT = {
    "type": "ayl",
    "v": 1,
    "id": "01a1fde6-715e-769e-abbb-17acefa051be",
    "app": "shop",
    "ver": "1.4.2",
    "on": {"$ref": ["message.Order", 42]},
    "do": "ship",
    "args": ["ups"],
    "kwargs": {"insured": True},
    "failed_job_handler": "decay",
    "failed_job_count": 3,
    "failed_job_delay": 60,
    "time_to_run": 120,
    "sent": 1793000000.125,
}


def body(**changes: Any) -> bytes:
    return json.dumps(SENT | changes).encode()


def without(*keys: str) -> bytes:
    return json.dumps({key: value for key, value in SENT.items() if key not in keys}).encode()


def test_what_is_written_is_read_again() -> None:
    message = decode(body())
    assert isinstance(message, Message)
    assert decode(encode(message)) == message
    assert json.loads(encode(message)) == SENT


# Lenient where that does no harm


@pytest.mark.parametrize("key", ["x", "sig", "life", "$ref", "", "Type"])
@pytest.mark.parametrize("value", [None, 1, "text", [1, [2]], {"a": {"b": 1}}], ids=repr)
def test_unknown_keys_are_let_pass(key: str, value: Any) -> None:
    assert decode(body(**{key: value})) == decode(body())


def test_what_a_sender_may_leave_out_has_rubys_defaults() -> None:
    message = decode(without("on", "args", "kwargs", "failed_job_handler", "failed_job_count", "failed_job_delay"))
    assert isinstance(message, Message)
    assert (message.on, message.args, message.kwargs) == (None, [], {})
    assert (message.failed_job_handler, message.failed_job_count, message.failed_job_delay) == ("decay", 3, 60)


@pytest.mark.parametrize("space", [b" ", b"\n", b"\r\n\t "])
def test_space_around_a_message_is_let_pass(space: bytes) -> None:
    assert decode(space + body() + space) == decode(body())


# Strict about the rest


@pytest.mark.parametrize("key", ["id", "app", "ver", "do"])
def test_a_message_without_what_it_needs_is_refused_with_what_is_missing(key: str) -> None:
    with pytest.raises(Undecodable, match=f"a message that cannot be understood: .*`{key}`"):
        decode(without(key))


@pytest.mark.parametrize("key", ["type", "v"])
def test_a_body_that_does_not_say_it_is_a_message_is_none(key: str) -> None:
    with pytest.raises(Undecodable):
        decode(without(key))


NOT_TEXT: list[Any] = [None, 1, True, ["a"], {"a": 1}]
NOT_WHOLE: list[Any] = [None, "1", 1.5, True, [1], {"a": 1}]
WRONG_TYPES: list[tuple[str, list[Any]]] = [
    ("id", NOT_TEXT),
    ("app", NOT_TEXT),
    ("ver", NOT_TEXT),
    ("do", NOT_TEXT),
    ("args", [None, 1, "text", {"a": 1}]),
    ("kwargs", [None, 1, "text", ["a"]]),
    ("failed_job_handler", NOT_TEXT),
    ("failed_job_count", NOT_WHOLE),
    ("failed_job_delay", NOT_WHOLE),
    ("sent", [None, "now", True, []]),
]


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG_TYPES for value in values])
def test_a_wrong_type_is_refused_with_its_key(key: str, value: Any) -> None:
    with pytest.raises(Undecodable, match=rf"^a message that cannot be understood: .*\$\.{key}"):
        decode(body(**{key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("failed_job_delay", -1),
        ("failed_job_delay", 2**32),
        ("failed_job_count", 0),
        ("failed_job_count", -1),
        ("failed_job_count", 2**32),
    ],
)
def test_a_number_that_no_server_would_take_is_refused(key: str, value: int) -> None:
    with pytest.raises(Undecodable, match=key):
        decode(body(**{key: value}))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (b"", "not a message of ayl: "),
        (b"hello", "not a message of ayl: "),
        (b"\xff\xfe\x00", "not a message of ayl: "),
        (b"[]", "not a message of ayl: "),
        (b'"ayl"', "not a message of ayl: "),
        (b"null", "not a message of ayl: "),
        (b"{}", "not a message of ayl: its type is None"),
        (b'{"type":"mail"}', "not a message of ayl: its type is 'mail'"),
        (body(type="mail"), "not a message of ayl: its type is 'mail'"),
        (body(type=["ayl"]), "not a message of ayl: its type is ['ayl']"),
        (body()[:-1], "not a message of ayl: "),
        (body() + b"x", "not a message of ayl: "),
        (body() * 2, "not a message of ayl: "),
        (body().replace(b"ups", b"\xff"), ""),
        (body(v=2), "a message of version 2; this ayl reads version 1"),
        (body(v="1"), "a message of version '1'; this ayl reads version 1"),
        (body(do=""), "a message that cannot be understood: it says not what to do"),
        (b'{"type":"ayl","code":"Order.find(42).ship"}', "a message of Ruby ayl: its `code` is Ruby text, which is"),
        (b'{"type":"ayl","failed_job_handler":"delete","code":"exit"}', "a message of Ruby ayl"),
        (b'{"type":"ayl-control"}', "a control message that cannot be understood: "),
        (b'{"type":"ayl-control","do":1}', "a control message that cannot be understood: "),
        (b'{"type":"ayl-control","do":"\xff"}', ""),
        (b'{"type":"ayl","args":' + b"[" * 60_000, "not a message of ayl: "),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(found: bytes, reason: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(found)
    assert str(caught.value).startswith(reason)


def test_the_reason_is_short_however_long_the_body() -> None:
    for long in (body(type="x" * 60_000), body(type=["x"] * 10_000), body(v="x" * 60_000)):
        with pytest.raises(Undecodable) as caught:
            decode(long)
        assert len(str(caught.value)) < 500


def test_an_order_to_a_worker_is_no_call() -> None:
    assert decode(b'{"type":"ayl-control","do":"exit","by":"operator"}') == Control("ayl-control", "exit")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = st.sampled_from([*SENT, "code", "type", "v"]) | st.text(max_size=3)
NEAR_MISSES = st.dictionaries(KEYS, JSON | st.sampled_from([*map(str, SENT.values()), "ayl-control", 1])).map(
    lambda changes: json.dumps(SENT | changes).encode()
)
DAMAGED = st.tuples(st.integers(0, len(body()) - 1), st.binary(max_size=3)).map(
    lambda damage: body()[: damage[0]] + damage[1] + body()[damage[0] + 1 :]
)


@given(st.binary() | JSON.map(lambda data: json.dumps(data).encode()) | NEAR_MISSES | DAMAGED)
@settings(max_examples=400)
def test_any_bytes_are_a_message_or_refused_with_one_line(found: bytes) -> None:
    said = ""
    try:
        assert isinstance(decode(found), Message | Control)
    except Undecodable as error:
        said = str(error)
    assert said.isprintable()
