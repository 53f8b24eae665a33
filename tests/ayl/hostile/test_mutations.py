"""Whatever bytes a worker gets, it runs, buries or retries them as it should, reaches nothing else, and lives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .corpus import CORPUS, NAMES, NO_METHODS, PRIVATE, SAFE, VALID
from .handling import Handled, handle

if TYPE_CHECKING:
    from ayl.settings import Settings

MONEY = {"$t": ["value", "hostile.Money", {"amount": 1, "run": None}]}
ARGUMENTS: list[Any] = [
    1, 1.5, "ups", None, True, [1, ["a"]], {"a": {"b": 1}}, SAFE, MONEY, {"$ref": ["hostile.Safe"]},
    {"$t": ["int", "0xffffffffffffffffff"]}, {"$t": ["float", "nan"]}, {"$t": ["Decimal", "1.5"]},
    {"$t": ["UUID", "01a1fde6-715e-769e-abbb-17acefa051be"]}, {"$t": ["bytes", "AAE="]}, {"$t": ["date", "2026-01-01"]},
    {"$t": ["datetime", "2026-01-01T00:00:00", "Europe/Berlin"]}, {"$t": ["timedelta", 1, 2, 3]},
    {"$t": ["tuple", [1, "a"]]}, {"$t": ["set", [1, 2]]}, {"$t": ["dict", [[1, "a"]]]}, {"$t": ["range", 0, 9, 1]},
    {"$t": ["enum", "hostile.Word", "HI"]}, {"$t": ["flag", "hostile.Rights", 1]}, {"$t": ["Path", "/tmp/x"]},  # noqa: S108 - a value
]  # fmt: skip
SEEDS: list[dict[str, Any]] = [
    *(VALID | {"args": [argument]} for argument in ARGUMENTS),
    VALID | {"kwargs": {"a": 1, "b": SAFE}},
    VALID | {"on": SAFE, "do": "ship", "args": ["ups"], "failed_job_handler": "delete", "sent": 1.5},
    VALID | {"on": SAFE, "do": "keep", "kwargs": {"$t": ["dict", [["$a", 2]]]}},
    VALID | {"on": {"$ref": ["hostile.Safe"]}, "do": "take", "kwargs": {"a": 1}},
    VALID | {"on": "a b", "do": "split"},
    VALID | {"on": [1], "do": "append", "args": [2]},
    VALID | {"type": "ayl-control", "do": "exit"},
]
WORDS = [*NAMES, *PRIVATE, *NO_METHODS, "ship", "hostile.Safe", "hostile.Money", "hostile.Word", "$t", "$ref", "tuple"]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
    | st.sampled_from([-1, 0, 2**31, 2**63, 2**64, 10**400, 1e308])
)  # fmt: skip
JSON = st.recursive(
    LEAVES | st.sampled_from(ARGUMENTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner),
    max_leaves=8,
)

REACHABLE = {"ship", "take", "keep", "task", "open", "Safe(…)"}
"""What a message may reach of the app. (`find` makes objects.)"""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """A copy with what stands at the place replaced, or taken out where the change is `...`."""
    if not path:
        return None if change is ... else change
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else [*value]
    if rest or change is not ...:
        copy[key] = changed(copy[key], tuple(rest), change)
    else:
        del copy[key]
    return copy


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid message with one to three places changed."""
    message: Any = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        message = changed(message, draw(st.sampled_from(places(message))), draw(st.just(...) | JSON))
    return json.dumps(message).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes of a message, valid or hostile, some of them overwritten, lost or doubled."""
    body = draw(
        st.sampled_from([json.dumps(seed).encode() for seed in SEEDS] + [CORPUS[name] for name in sorted(CORPUS)])
    )
    start, size = draw(st.integers(0, len(body))), draw(st.integers(0, 4))
    return body[:start] + draw(st.binary(max_size=4) | st.just(body[start : start + 20] * 2)) + body[start + size :]


def assert_harmless(handled: Handled) -> None:
    assert handled.events == []
    assert set(handled.reached) <= REACHABLE
    assert handled.settled in (["deleted"], ["buried"], ["delayed"])
    for line in handled.said:
        assert line.isprintable()
    if handled.settled == ["buried"]:
        assert any("buried: " in line for line in handled.said)


ENOUGH = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ENOUGH
@given(body=mutated())
def test_a_message_with_changed_parts_does_no_harm(body: bytes, worker: Settings) -> None:
    assert_harmless(handle(body, worker))


@ENOUGH
@given(body=damaged() | st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_damaged_bytes_and_garbage_do_no_harm(body: bytes, worker: Settings) -> None:
    assert_harmless(handle(body, worker))


def test_the_seeds_themselves_are_run(worker: Settings) -> None:
    for seed in SEEDS:
        handled = handle(json.dumps(seed).encode(), worker)
        assert handled.settled == ["deleted"], (seed, handled)
        assert_harmless(handled)
