"""What counts as the same, and what does not."""

from __future__ import annotations

import pytest

from .comparison import RULES, difference
from .replies import Reply, Stream


def _document(*lines: str) -> Reply:
    body = "".join(f"{line}\n" for line in ("---", *lines)).encode()
    return Reply(b"OK %d" % len(body), body + b"\r\n")


def test_the_same_bytes_agree() -> None:
    assert not difference(Reply(b"INSERTED 1"), Reply(b"INSERTED 1"), 0)


@pytest.mark.parametrize(("theirs", "ours"), [("BURIED", "RELEASED"), ("BURIED", "BURIED 1"), ("OK 5", "BURIED")])
def test_other_words_differ(theirs: str, ours: str) -> None:
    assert difference(Reply(theirs.encode()), Reply(ours.encode()), 0)


def test_other_bodies_differ() -> None:
    assert difference(Reply(b"FOUND 1 1", b"a\r\n"), Reply(b"FOUND 1 1", b"b\r\n"), 0)


def test_the_order_of_a_list_does_not_matter() -> None:
    assert not difference(_document("- a", "- b", "- c"), _document("- a", "- c", "- b"), 0)


def test_a_name_that_is_listed_twice_differs() -> None:
    assert difference(_document("- a", "- b"), _document("- a", "- b", "- b"), 0)


def test_another_name_in_a_list_differs() -> None:
    assert difference(_document("- a"), _document("- b"), 0)


def test_a_name_may_be_quoted() -> None:
    assert not difference(_document("name: true"), _document('name: "true"'), 0)


def test_another_name_differs() -> None:
    assert difference(_document("name: a"), _document('name: "b"'), 0)


def test_a_count_must_be_the_same() -> None:
    assert difference(_document("cmd-put: 1"), _document("cmd-put: 2"), 0)


def test_the_order_of_fields_must_be_the_same() -> None:
    assert difference(_document("ttr: 1", "pri: 1"), _document("pri: 1", "ttr: 1"), 0)


def test_a_missing_field_differs() -> None:
    assert difference(_document("ttr: 1", "pri: 1"), _document("ttr: 1"), 0)


@pytest.mark.parametrize(("ours", "agrees"), [("10", True), ("13", True), ("7", True), ("14", False), ("-1", False)])
def test_an_age_may_differ_by_the_time_between_the_servers_and_a_second(ours: str, *, agrees: bool) -> None:
    assert (not difference(_document("age: 10"), _document(f"age: {ours}"), 2.0)) == agrees


@pytest.mark.parametrize("field", RULES)
def test_no_rule_lets_a_field_be_empty(field: str) -> None:
    assert difference(_document(f"{field}: 1"), _document(f"{field}: "), 0)


def test_a_document_must_end_where_it_says() -> None:
    assert difference(_document("age: 1"), Reply(b"OK 11", b"---\nage: 1 "), 0)


@pytest.mark.parametrize("step", [1, 2, 1000])
def test_replies_are_cut_out_of_a_stream_however_it_comes(step: int) -> None:
    sent = b"INSERTED 1\r\nRESERVED 1 4\r\n\r\n\r\n\r\nOK 0\r\n\r\nFOUND 2 0\r\n\r\nBURIED\r\n"
    stream = Stream()
    found = [reply for start in range(0, len(sent), step) for reply in stream.feed(sent[start : start + step])]
    assert [reply.line for reply in found] == [b"INSERTED 1", b"RESERVED 1 4", b"OK 0", b"FOUND 2 0", b"BURIED"]
    assert [reply.body for reply in found] == [None, b"\r\n\r\n\r\n", b"\r\n", b"\r\n", None]
    assert stream.bytes == b""
