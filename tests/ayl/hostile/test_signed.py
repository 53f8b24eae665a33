"""A worker that has secrets: what nobody signed is buried before any of it is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ayl
from ayl.signing import Key, KeyRing
from ayl.worker.execution import counts

from .corpus import CORPUS, SAFE, VALID
from .handling import handle

if TYPE_CHECKING:
    from ayl.settings import Settings

RING = KeyRing([Key("a", b"the secret of the app")])
STRANGE = KeyRing([Key("a", b"the secret of another")])
CALL = json.dumps(VALID | {"on": SAFE, "do": "ship", "args": ["ups"]}, separators=(",", ":")).encode()
SIGNED = RING.sign("shop", CALL, 1.0)


@pytest.fixture
def guarded(worker: Settings) -> Settings:
    """The settings of a worker that has secrets."""
    return ayl.configure(secrets=RING)


@pytest.mark.parametrize("name", CORPUS)
def test_nothing_of_an_unsigned_body_is_read(name: str, guarded: Settings) -> None:
    before = counts.untrusted
    handled = handle(CORPUS[name], guarded)
    assert (handled.settled, handled.reached, handled.events) == (["buried"], [], [])
    assert counts.untrusted == before + 1
    reason = "it is not signed, and this worker has secrets"
    assert handled.said == [f"job 7 buried: {reason} (untrusted jobs so far: {before + 1})"]


@pytest.mark.parametrize("name", [name for name, body in CORPUS.items() if body[:1] == b"{"])
def test_what_was_signed_may_be_no_more_than_what_was_not(name: str, guarded: Settings) -> None:
    before = counts.untrusted
    body = CORPUS[name]
    handled = handle(RING.sign("shop", body, 1.0), guarded)
    assert (handled.settled, handled.reached, handled.events) == (["buried"], [], [])
    assert counts.untrusted == before


@pytest.mark.parametrize(
    ("body", "settled"),
    [
        (SIGNED, "deleted"),
        (b'{"life":{"tries":1},' + SIGNED[1:], "deleted"),
        (CALL, "buried"),
        (STRANGE.sign("shop", CALL, 1.0), "buried"),
        (RING.sign("bank", CALL, 1.0), "buried"),
        (b'{"life":{},"do":"keep",' + SIGNED[1:], "buried"),
        (SIGNED.replace(b"ups", b"dhl"), "buried"),
        (SIGNED[:-1] + b',"do":"keep"}', "buried"),
        (b'{"type":"ayl-control","do":"exit"}', "buried"),
        (RING.sign("shop", b'{"type":"ayl-control","do":"exit"}', 1.0), "deleted"),
    ],
)
def test_only_what_is_rightly_signed_is_run(body: bytes, settled: str, guarded: Settings) -> None:
    handled = handle(body, guarded)
    assert handled.settled == [settled]
    assert handled.reached == (["ship"] if settled == "deleted" and b"ups" in body else [])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(SIGNED)), size=st.integers(0, 20), part=st.binary(max_size=20))
def test_a_signed_body_that_was_touched_is_not_run(start: int, size: int, part: bytes, guarded: Settings) -> None:
    body = SIGNED[:start] + part + SIGNED[start + size :]
    handled = handle(body, guarded)
    assert handled.settled == (["deleted"] if body == SIGNED else ["buried"])
    assert handled.reached == (["ship"] if body == SIGNED else [])
