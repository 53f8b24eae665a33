"""Files of variables, in the form that systemd reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl.daemons.spec.environment_files import MOST_BYTES, BadLine, parsed

from .machines import SHOP, Imagined, problems

FILES = {
    b"": {},
    b"A=1": {"A": "1"},
    b"A=1\n\nB=2\n": {"A": "1", "B": "2"},
    b"A=1\r\nB='2'\r\n": {"A": "1", "B": "2"},
    b"# a=b\n; c=d\n  # e\nA=1\n": {"A": "1"},
    b"# goes on \\\nA=1\nB=2\n": {"B": "2"},
    b"  A = 1  \n": {"A": "1"},
    b"A=\nB=\n": {"A": "", "B": ""},
    b"A=a b # c\n": {"A": "a b # c"},
    b"A='a # b'\n": {"A": "a # b"},
    b'A="a\\"b\\\\c\\$d\\e"\n': {"A": 'a"b\\c$d\\e'},
    b"A='a\\nb'\n": {"A": "a\\nb"},
    b"A='two\nlines'\nB=1\n": {"A": "two\nlines", "B": "1"},
    b'A="two\\\nlines"\nB=1\n': {"A": "twolines", "B": "1"},
    b"A=two\\\nlines\nB=1\n": {"A": "twolines", "B": "1"},
    b'A=it\'s "so"\n': {"A": 'it\'s "so"'},
    b"A=a=b\n": {"A": "a=b"},
    b"A=$HOME/${X}\n": {"A": "$HOME/${X}"},
    b"A=1\nA=2\n": {"A": "2"},
    "A=größe\n".encode(): {"A": "größe"},
}


@pytest.mark.parametrize("data", FILES)
def test_a_file_is_read_as_systemd_reads_it(data: bytes) -> None:
    assert parsed(data) == FILES[data]


NO_LINE = "is no variable; expected NAME=VALUE, a comment, or nothing"
NO_VALUE = "is no value; expected closing quotes at the end of the line, and nothing behind them"

BAD = {
    b"A=1\nhello\n": f"2:1: {NO_LINE}",
    b"1A=1\n": f"1:1: {NO_LINE}",
    b"A-B=1\n": f"1:1: {NO_LINE}",
    b"export A=1\n": "1:1: is no variable (no shell reads this: leave export away); "
    "expected NAME=VALUE, a comment, or nothing",
    b"B=1\nA='x\n": f"2:3: {NO_VALUE}",
    b'A="x\n': f"1:3: {NO_VALUE}",
    b"A='x' y\n": f"1:3: {NO_VALUE}",
    b"A=1\nB=caf\xe9\n": "2:6: byte 0xe9 is no UTF-8; expected UTF-8",
    b"\xef\xbb\xbfA=1\n": "1:1: begins with a byte order mark; expected UTF-8 without one",
    b"A=x\0y\n": "1:4: has a NUL; expected text",
}


@pytest.mark.parametrize("data", BAD)
def test_a_bad_line_is_told_with_the_place_in_that_file(data: bytes) -> None:
    machine = Imagined({"/srv/shop/a.env": data})
    key = "applications.shop.environment_files[0]"
    place, text = BAD[data].split(": ", 1)
    assert problems(f"{SHOP}    environment_files: [a.env]\n", machine) == [f"/srv/shop/a.env:{place}: {key}: {text}"]


def test_a_huge_file_is_refused() -> None:
    machine = Imagined({"/srv/shop/a.env": b"#" * (MOST_BYTES + 1)})
    told = "/srv/shop/a.env: applications.shop.environment_files[0]: is larger than 1 MiB; expected less"
    assert problems(f"{SHOP}    environment_files: [a.env]\n", machine) == [told]


def test_a_file_that_may_not_be_read_is_told() -> None:
    machine = Imagined({"/srv/shop/a.env": b"A=1"}, unreadable={"/srv/shop/a.env"})
    told = "/srv/shop/a.env cannot be read (Permission denied); expected a file of variables"
    assert problems(f"{SHOP}    environment_files: [a.env]\n", machine) == [
        f"8:25: applications.shop.environment_files[0]: {told}"
    ]


@given(
    st.dictionaries(
        st.from_regex("[A-Z_][A-Z0-9_]*", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    )
)
def test_whatever_is_quoted_is_read_back(variables: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        for char in '\\"`$':
            text = text.replace(char, f"\\{char}")
        return f'"{text}"'

    text = "".join(f"{name}={quoted(value)}\n" for name, value in variables.items())
    assert parsed(text.encode()) == variables


@given(st.binary(max_size=60) | st.text("A=1 '\"\\\n#;\t\r", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    found: dict[str, str] = {}
    line = 0
    try:
        found = parsed(data)
    except BadLine as bad:
        line = bad.line
    assert not any("\0" in value for value in found.values())
    assert line <= data.count(b"\n") + 1
