"""Secrets: where they come from, which make no sense, and that they are never told."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import settings as configuration
from ayl.errors import NotConfigured
from ayl.signing import Key, KeyRing, key_ring

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Outbox


@ayl.task("secrets.restock")
def restock(number: int) -> None: ...


SECRET = "correct-horse-battery"  # noqa: S105 - of the tests


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"a:{SECRET}", ["a"]),
        (f"  a:{SECRET}\n b:{SECRET}2 ", ["a", "b"]),
        ([f"a:{SECRET}", {"id": "b", "secret": SECRET}, Key("c", b"x" * 16)], ["a", "b", "c"]),
        ([{"id": "b", "secret": SECRET.encode()}], ["b"]),
    ],
)
def test_secrets_are_given_as_text_or_tables(text: Any, ids: list[str]) -> None:
    assert repr(key_ring(text)) == f"KeyRing({', '.join(ids)})"


def test_a_secret_may_hold_any_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_SECRETS", "a:" + "\udcff" * 16)  # as Python gives what is no UTF-8
    assert configuration.current().secrets == KeyRing([Key("a", b"\xff" * 16)])


def test_secrets_come_from_tables_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ayl.toml").write_text(
        f'app = "shop"\n[[secrets]]\nid = "a"\nsecret = "{SECRET}"\nuntil = 2027-01-01T00:00:00Z\n'
        f'[[secrets]]\nid = "b"\nsecret = "{SECRET}2"\nsince = 2026-12-01T00:00:00Z\n'
    )
    (tmp_path / "ayl.toml").chmod(0o600)
    until = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    since = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    expected = KeyRing([Key("a", SECRET.encode(), until=until), Key("b", f"{SECRET}2".encode(), since=since)])
    assert configuration.current().secrets == expected
    monkeypatch.setenv("AYL_SECRETS", f"c:{SECRET}")
    configuration.reset()
    assert repr(configuration.current().secrets) == "KeyRing(c)"
    assert repr(ayl.configure(secrets=[f"d:{SECRET}"]).secrets) == "KeyRing(d)"


NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)

WRONG: list[Any] = [
    "", " ", SECRET, f"a b:{SECRET}", ":", f":{SECRET}", f"{SECRET}!:x", f"a:{SECRET[:9]}", f"a:{SECRET} a:{SECRET}",
    f"{SECRET}{SECRET}{SECRET}{SECRET}:{SECRET}", [], [SECRET], [{"id": SECRET}], [{"id": "a", "secret": SECRET[:9]}],
    [{"id": "a", "secret": SECRET, "until": SECRET}], [{"id": "a", "secret": SECRET, "since": 3}],
    [{"id": "a", "secret": SECRET, "since": datetime(2026, 1, 1)}],  # noqa: DTZ001 - no moment
    [{"id": "a", "secret": SECRET, "extra": SECRET}], [{"id": 3, "secret": SECRET}], [{"id": "a", "secret": 3}],
    {"id": "a", "secret": SECRET}, SECRET.encode(), 3, [[SECRET]], [None], "a:" + SECRET + "\ud800",
    [{"id": "a", "secret": SECRET, "since": LATER, "until": NOW}],
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: ascii(wrong)[:40])
def test_secrets_that_make_no_sense_are_refused_and_never_repeated(
    wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotConfigured) as caught:
        ayl.configure(secrets=wrong)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.args)
    assert SECRET[:9] not in told
    assert "a secret has at least 16 bytes" in str(caught.value)
    assert ayl.configure(app="shop").secrets is None


@pytest.mark.parametrize("wrong", [one for one in WRONG if isinstance(one, str) and one.isascii()], ids=ascii)
def test_a_wrong_variable_is_refused_and_never_repeated(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_SECRETS", wrong)
    with pytest.raises(NotConfigured) as caught:
        configuration.current()
    assert SECRET[:9] not in "".join(traceback.format_exception(caught.value))
    assert str(caught.value).endswith("(from the environment)")


def test_a_variable_that_is_empty_does_not_turn_signatures_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_SECRETS", "")
    with pytest.raises(NotConfigured, match="secrets hold no key; leave them unset to work without signatures"):
        configuration.current()


def test_secrets_are_in_no_repr_and_no_log(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = ayl.configure(secrets=f"a:{SECRET}")
    handle = ayl.send(restock, 1)
    ring = settings.secrets
    assert ring is not None
    shown = f"{settings!r} {settings} {handle!r} {ring!r} {[*ring._keys.values()]} {caplog.text}"
    assert SECRET not in shown
    assert "KeyRing(a)" in repr(settings)
    assert SECRET not in outbox.submissions[0].body.decode()
    assert json.loads(outbox.submissions[0].body)["sig"].startswith("a.")


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_with_secrets_that_every_user_can_read_is_warned_of(
    mode: int, warns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ayl.toml"
    path.write_text(f'app = "shop"\nsecrets = "a:{SECRET}"\n')
    path.chmod(mode)
    assert ayl.configure(version="1").secrets is not None
    ayl.configure(version="2")
    said = [record.getMessage() for record in caplog.records]
    assert said == (["ayl.toml holds secrets and every user can read it: chmod o-r ayl.toml"] if warns else [])


def test_a_file_without_secrets_may_be_read_by_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ayl.toml").write_text('app = "shop"\n')
    configuration.current()
    assert caplog.records == []
