"""The small notation inside a transcript's lines: escapes, repetition, comments, values of a report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "s": b" ", "\\": b"\\"}

_TOKEN = re.compile(r"\{(?P<text>[^{}]+)\*(?P<times>\d+)\}|\\x(?P<hex>[0-9a-f]{2})|\\(?P<escape>.)|(?P<plain>.)")
_COMMENT = re.compile(r"\s{2,}#\s+(?P<reason>.*)$")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_FACT = re.compile(r"<(\w+)>")


def expand(text: str) -> bytes:
    r"""Turn written text into bytes: ``\r \n \t \0 \s \\ \xNN`` and ``{text*times}``.

    ``\s`` is a blank that would otherwise be invisible at the end of a line.
    """
    return b"".join(_expand_token(token, text) for token in _TOKEN.finditer(text))


def _expand_token(token: re.Match[str], text: str) -> bytes:
    if token["text"]:
        return expand(token["text"]) * int(token["times"])
    if token["hex"]:
        return bytes.fromhex(token["hex"])
    if token["escape"]:
        if token["escape"] not in ESCAPES:
            raise ValueError(f"unknown escape \\{token['escape']} in {text!r}")
        return ESCAPES[token["escape"]]
    return token["plain"].encode()


def split_comment(line: str) -> tuple[str, str]:
    """Return the line without its trailing ``  # reason``, and that reason.

    Two blanks are asked for, because a single one may belong to what is sent.
    """
    found = _COMMENT.search(line)
    if found is None:
        return line.rstrip(), ""
    return line[: found.start()].rstrip(), found["reason"].strip()


def value_matches(expected: str, got: str, facts: Mapping[str, str]) -> bool:
    """Compare one value of a report: literal text, ``8..10``, ``/regular expression/``; ``<pid>`` is a fact."""
    if bounds := _RANGE.fullmatch(expected):
        return got.isdecimal() and int(bounds[1]) <= int(got) <= int(bounds[2])
    if len(expected) > 1 and expected.startswith("/") and expected.endswith("/"):
        pattern = _FACT.sub(lambda fact: re.escape(facts[fact[1]]), expected[1:-1])
        return re.fullmatch(pattern, got) is not None
    return _FACT.sub(lambda fact: facts[fact[1]], expected) == got
