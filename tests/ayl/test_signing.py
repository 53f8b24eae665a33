"""Signatures: which messages are accepted and which are refused."""

from __future__ import annotations

import hmac
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl import message as messages
from ayl.errors import NotConfigured, NotTrusted, Undecodable
from ayl.signing import Key, KeyRing

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox

OLD = Key("2025", b"the secret of last year")
NEW = Key("2026a", b"the secret of this year")
STRANGE = Key("2026a", b"a secret of another app")
NOW = 1793000000.0
CALL = b'{"type":"ayl","v":1,"id":"i","app":"shop","ver":"1","do":"signing.restock","args":[3]}'
SIGNED = KeyRing([NEW]).sign("shop", CALL, NOW)


@ayl.task("signing.restock")
def restock(number: int) -> None: ...


def refused(body: bytes, ring: KeyRing | None = None, app: str = "shop", now: float = NOW) -> str:
    with pytest.raises(NotTrusted) as caught:
        (ring or KeyRing([NEW])).verify(app, body, now)
    return str(caught.value)


def test_a_signature_stands_before_the_call_and_changes_none_of_its_bytes() -> None:
    mac = hmac.digest(NEW.secret, b"shop\n" + CALL, "sha256").hex()
    assert b'{"sig":"2026a.%b",%b' % (mac.encode(), CALL[1:]) == SIGNED
    KeyRing([NEW]).verify("shop", SIGNED, NOW)
    assert messages.decode(SIGNED) == messages.decode(CALL)


def test_what_is_sent_is_signed_when_there_are_secrets(outbox: Outbox) -> None:
    ayl.send(restock, 1)
    ayl.configure(secrets="2026a:the secret of this year".replace(" ", "_"))
    ayl.send(restock, 2)
    with ayl.batch():
        ayl.opts(priority=1).send(restock, 3)
    unsigned, *signed = [submission.body for submission in outbox.submissions]
    ring = KeyRing([Key("2026a", b"the_secret_of_this_year")])
    assert "not signed" in refused(unsigned, ring)
    for body in signed:
        ring.verify("shop", body, NOW)
    assert [message.args for message in outbox.messages] == [[1], [2], [3]]


# Rotation


def test_the_first_key_signs_and_all_are_accepted() -> None:
    both = KeyRing([NEW, OLD])
    assert both.sign("shop", CALL, NOW) == SIGNED
    both.verify("shop", KeyRing([OLD]).sign("shop", CALL, NOW), NOW)
    both.verify("shop", SIGNED, NOW)


def test_a_rotation_in_three_steps_refuses_nothing_on_the_way() -> None:
    steps = [KeyRing([OLD]), KeyRing([OLD, NEW]), KeyRing([NEW, OLD]), KeyRing([NEW])]
    for before, after in pairwise(steps):
        # Some processes have taken the step, others not yet.
        before.verify("shop", after.sign("shop", CALL, NOW), NOW)
        after.verify("shop", before.sign("shop", CALL, NOW), NOW)
    assert "the key 2025, which this worker does not have" in refused(steps[0].sign("shop", CALL, NOW), steps[-1])


@pytest.mark.parametrize(
    ("now", "signs", "accepted"),
    [(99.0, "a", "a"), (100.0, "a", "ab"), (199.0, "a", "ab"), (200.0, "b", "b"), (1e12, "b", "b")],
)
def test_keys_with_times_follow_each_other(now: float, signs: str, accepted: str) -> None:
    keys = {"a": Key("a", b"a" * 16, until=200.0), "b": Key("b", b"b" * 16, since=100.0)}
    ring = KeyRing([*keys.values()])
    assert ring.sign("shop", CALL, now).startswith(b'{"sig":"%b.' % signs.encode())
    for name, key in keys.items():
        body = KeyRing([Key(name, key.secret)]).sign("shop", CALL, now)
        if name in accepted:
            ring.verify("shop", body, now)
        else:
            assert f"the key {name}, which is not valid now" in refused(body, ring, now=now)


def test_without_a_valid_key_nothing_is_sent(outbox: Outbox) -> None:
    ayl.configure(secrets=[Key("2020", b"an old secret's bytes", until=1.0)])
    with pytest.raises(NotConfigured, match="nothing can be signed: of the keys in secrets, 2020, none is valid now"):
        ayl.send(restock, 1)
    assert outbox.writes == []


# Forgeries


def test_no_byte_of_a_signed_message_can_be_another() -> None:
    ring = KeyRing([NEW, OLD])
    for place, byte in enumerate(SIGNED):
        for other in range(256):
            if other != byte:
                refused(SIGNED[:place] + bytes([other]) + SIGNED[place + 1 :], ring)


def test_no_byte_can_be_left_out_or_put_in() -> None:
    for place in range(len(SIGNED) + 1):
        for added in (b" ", b"0", b'"', b"}", b"\0", b"{"):
            refused(SIGNED[:place] + added + SIGNED[place:])
        if place < len(SIGNED):
            refused(SIGNED[:place] + SIGNED[place + 1 :])


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
def test_no_part_can_be_exchanged(part: bytes, start: int, size: int) -> None:
    forged = SIGNED[:start] + part + SIGNED[start + size :]
    if forged != SIGNED:
        refused(forged)


MAC = SIGNED[len(b'{"sig":"2026a.') :][:64]

FORGED: dict[str, tuple[bytes, str]] = {
    "no signature": (CALL, "not signed"),
    "an empty body": (b"", "not signed"),
    "a signature that is taken out": (b"{" + SIGNED[SIGNED.index(b',"type"') + 1 :], "not signed"),
    "an empty signature": (b'{"sig":"",' + CALL[1:], "not signed"),
    "a signature that is null": (b'{"sig":null,' + CALL[1:], "not signed"),
    "a signature at the end": (CALL[:-1] + b',"sig":"2026a.%b"}' % MAC, "not signed"),
    "a signature with blanks": (SIGNED.replace(b'"sig":', b'"sig": '), "not signed"),
    "a signature in capitals": (SIGNED.replace(MAC, MAC.upper()), "not signed"),
    "a signature that is cut off": (SIGNED.replace(MAC, MAC[:32]), "not signed"),
    "a signature of another call": (KeyRing([NEW]).sign("shop", CALL.replace(b"[3]", b"[4]"), NOW)[:80] + CALL[1:], ""),
    "another app's key of that id": (KeyRing([STRANGE]).sign("shop", CALL, NOW), "with the key 2026a is wrong"),
    "another app's message": (KeyRing([NEW]).sign("bank", CALL, NOW), "with the key 2026a is wrong"),
    "a key that is unknown": (KeyRing([Key("9", b"9" * 16)]).sign("shop", CALL, NOW), "the key 9, which this worker"),
    "a key's id without end": (b'{"sig":"%b.%b",%b' % (b"a" * 60_000, MAC, CALL[1:]), "not signed"),
    "a key's id of bytes": (b'{"sig":"\xff\xfe.%b",%b' % (MAC, CALL[1:]), "not signed"),
    "two signatures": (b'{"sig":"2026a.%b",%b' % (b"0" * 64, SIGNED[1:]), "is wrong"),
    "a second call behind the first": (SIGNED + CALL, "is wrong"),
    "the same key twice": (SIGNED[:-1] + b',"do":"os.system"}', "is wrong"),
    "the same key twice, before": (SIGNED.replace(b',"type"', b',"do":"os.system","type"', 1), "is wrong"),
    "garbage": (bytes(range(256)) * 200, "not signed"),
    "braces without end": (b"{" * 65_000, "not signed"),
    "a life without end": (b'{"life":{' + b" " * 65_000, "not signed"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forgery_is_refused_with_a_short_reason(name: str) -> None:
    body, reason = FORGED[name]
    said = refused(body)
    assert reason in said
    assert len(said) < 200
    assert said.isprintable()


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    monkeypatch.setattr("hmac.compare_digest", lambda one, other: compared.append((len(one), len(other))))
    refused(SIGNED)
    assert compared == [(64, 64)]


# What workers note down


def test_what_workers_note_down_is_changed_without_a_new_signature() -> None:
    for life in (b"{}", b'{"tries":2,"why":"KeyError"}', '{"why":"größer"}'.encode()):
        noted = b'{"life":%b,%b' % (life, SIGNED[1:])
        KeyRing([NEW]).verify("shop", noted, NOW)
        assert messages.decode(noted) == messages.decode(CALL)


SMUGGLED = {
    "a call of its own": b'{"life":{},"do":"os.system",%b' % SIGNED[1:],
    "a call behind the signature": b'{"life":{},%b' % SIGNED[1:].replace(b',"type"', b',"do":"os.system","type"', 1),
    "a life in a life": b'{"life":{"a":{}},%b' % SIGNED[1:],
    "a second life": b'{"life":{},"life":{},%b' % SIGNED[1:],
    "a life that is a list": b'{"life":[],%b' % SIGNED[1:],
    "a life behind the signature": SIGNED.replace(b',"type"', b',"life":{},"type"', 1),
    "text that closes the life": b'{"life":{"a":"}","do":"os.system","b":{"},%b' % SIGNED[1:],
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled_in_beside_what_workers_note_down(name: str) -> None:
    assert "not signed" in (said := refused(SMUGGLED[name])) or "is wrong" in said


OPEN_TEXT = [b'"a":"', b'"a":"\\', b'"a":"\\\\', b'"', b'"a":"b","', b'"a":1,"do":"', b"", b"\xff", b'"a":"\\u00']


@pytest.mark.parametrize("start", OPEN_TEXT)
def test_text_that_swallows_the_signature_is_no_message(start: bytes) -> None:
    # For the pattern of a signature this is one; JSON's text would go on, and end before the letters `sig`.
    body = b'{"life":{%b},%b' % (start, SIGNED[1:])
    KeyRing([NEW]).verify("shop", body, NOW)
    if start:
        with pytest.raises(Undecodable):
            messages.decode(body)
