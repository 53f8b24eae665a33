"""Bodies are text in and out, whatever their bytes; bytes when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ayl.beanstalkc import CommandFailed, Connection

if TYPE_CHECKING:
    from tests.beanstalkc.conftest import Opener

EVERY_BYTE = bytes(range(256))
EVERY_CHARACTER = "".join(map(chr, range(256)))
LARGEST = 65_535
"""Bytes that both servers take by default."""


def put_and_reserved(beanstalk: Connection[Any], body: Any) -> Any:
    beanstalk.put(body)
    job = beanstalk.reserve(0)
    assert job is not None
    job.delete()
    return job.body


@pytest.mark.parametrize("body", ["", "hey!", "\r\n", "reserve\r\n", EVERY_CHARACTER, "Größe 7 €", "🐇" * 100, "\0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_text_comes_back_as_it_went(encoding: str, body: str, opened: Opener) -> None:
    assert put_and_reserved(opened(encoding=encoding), body) == body


def test_text_is_utf_8_for_everybody_else(opened: Opener) -> None:
    opened().put("Größe 7 €")
    job = opened(encoding=None).reserve(0)
    assert job.body == "Größe 7 €".encode()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_bytes_of_others_are_text_and_can_be_put_again_unchanged(encoding: str, opened: Opener) -> None:
    plain, beanstalk = opened(encoding=None), opened(encoding=encoding)
    plain.put(EVERY_BYTE)
    text = beanstalk.reserve(0).body
    assert isinstance(text, str)
    beanstalk.put(text)
    assert plain.reserve(0).body == EVERY_BYTE


def test_in_latin_1_a_character_is_the_byte_it_was_in_python_2(opened: Opener) -> None:
    old = opened(encoding="latin-1")
    old.put(EVERY_CHARACTER)
    assert opened(encoding=None).reserve(0).body == EVERY_BYTE
    with pytest.raises(UnicodeEncodeError):
        old.put("€")
    assert old.peek_ready() is None


def test_bytes_are_bytes_when_asked_for(opened: Opener) -> None:
    body = put_and_reserved(opened(encoding=None), EVERY_BYTE)
    assert body == EVERY_BYTE


def test_bytes_may_be_put_beside_text_as_programs_do_that_encode_it_themselves(beanstalk: Connection[str]) -> None:
    assert put_and_reserved(beanstalk, "Größe".encode()) == "Größe"


@pytest.mark.parametrize("body", [42, None, ["hey!"], bytearray(b"hey!")])
@pytest.mark.parametrize(("encoding", "kind"), [("utf-8", "str"), (None, "bytes")])
def test_what_is_no_body_is_refused(encoding: str | None, kind: str, body: object, opened: Opener) -> None:
    beanstalk = opened(encoding=encoding)
    with pytest.raises(AssertionError, match=f"^Job body must be a {kind} instance$"):
        beanstalk.put(body)
    assert beanstalk.peek_ready() is None


def test_text_is_refused_where_bodies_are_bytes(opened: Opener) -> None:
    with pytest.raises(AssertionError, match="must be a bytes instance"):
        opened(encoding=None).put("hey!")


def test_a_character_that_no_encoding_has_is_refused_before_anything_is_sent(beanstalk: Connection[str]) -> None:
    with pytest.raises(UnicodeEncodeError):
        beanstalk.put("\ud800")
    assert beanstalk.peek_ready() is None


def test_an_encoding_that_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(LookupError, match="utf-9"):
        Connection(port=1, encoding="utf-9")


@pytest.mark.parametrize("body", ["x" * LARGEST, "é" * (LARGEST // 2)])
def test_a_body_may_be_as_large_as_the_server_allows(body: str, beanstalk: Connection[str]) -> None:
    assert put_and_reserved(beanstalk, body) == body


@pytest.mark.parametrize("body", ["x" * (LARGEST + 1), "é" * (LARGEST // 2 + 1), "x" * 1_000_000])
def test_a_larger_one_is_a_failed_command_and_the_connection_goes_on(body: str, beanstalk: Connection[str]) -> None:
    with pytest.raises(CommandFailed) as failed:
        beanstalk.put(body)
    assert failed.value.args == ("put", "JOB_TOO_BIG", [])
    assert put_and_reserved(beanstalk, "small") == "small"
